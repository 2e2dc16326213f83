package web_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"brygga/eid"
	"brygga/secret"
	"brygga/storage"
)

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// running returns how many goroutines of this process are in all of the functions.
func running(functions ...string) (n int) {
	stacks := make([]byte, 16<<20)
	for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if !slices.ContainsFunc(functions, func(f string) bool { return !strings.Contains(stack, f+"(") }) {
			n++
		}
	}
	return n
}

// No goroutine waits for a stream on a connection of its own; where a connection carries other requests too, that of the request does.
func TestStreamsTakeNoGoroutine(t *testing.T) {
	b := newHouse(t, ownPeer(t), nil).browser(windowsPC)
	path := b.begin("app")
	b.post(path+"/start", "device", "other")
	for range 3 {
		b.listen(path).until("qr-wait")
	}
	eventually(t, "the handler of a stream has not returned", func() bool { return running("web.(*Site).events") == 0 })
	if n := b.Streams(); n != 3 {
		t.Errorf("%d streams are open", n)
	}
}

// A stream of HTTP/2 tells what one of HTTP/1.1 does, and so does one of HTTP/1.0.
func TestEventsOfOtherVersions(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	path := b.begin("app")
	b.post(path+"/start", "device", "other")
	second := httptest.NewUnstartedServer(b.Handler())
	second.EnableHTTP2 = true
	second.StartTLS()
	t.Cleanup(second.Close)
	r, err := http.NewRequestWithContext(t.Context(), "GET", second.URL+path+"/events", nil)
	must(t, err)
	for _, cookie := range b.http.Jar.Cookies(mustURL(t, b.url)) {
		r.AddCookie(cookie)
	}
	answer, err := second.Client().Do(r)
	must(t, err)
	t.Cleanup(func() { answer.Body.Close() })
	if answer.ProtoMajor != 2 {
		t.Fatalf("the server speaks HTTP/%d", answer.ProtoMajor)
	}
	events := &listener{t, answer, bufio.NewScanner(answer.Body)}
	events.until("qr-wait")
	conn := b.dial()
	_, err = io.WriteString(conn, "GET "+path+"/events HTTP/1.0\r\nHost: "+strings.TrimPrefix(b.url, "http://")+"\r\nCookie: "+r.Header.Get("Cookie")+"\r\n\r\n")
	must(t, err)
	old, err := http.ReadResponse(bufio.NewReader(conn), r)
	must(t, err)
	(&listener{t, old, bufio.NewScanner(old.Body)}).until("qr-wait")
	b.post(path + "/cancel")
	events.until("failed-stopped")
}

// dial opens a bare connection to the house.
func (b *browser) dial() net.Conn {
	b.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	must(b.t, err)
	b.t.Cleanup(func() { conn.Close() })
	return conn
}

// Who has gone makes room at once for who comes, such as a person who loads the page again and again.
func TestGoneStreamsMakeRoom(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	path := b.begin("app")
	for i := range 12 {
		events := b.listen(path)
		if events.StatusCode != http.StatusOK {
			t.Fatalf("stream %d = %d", i+1, events.StatusCode)
		}
		events.until("choose") // where nobody would notice for some seconds
		events.Body.Close()
	}
}

// A stream is logged and counted when it ends, with what it has sent and how long it took, as any other request.
func TestStreamsAreToldOfInTheEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, nil)
	b := h.browser(windowsPC)
	path := b.begin("app")
	b.post(path+"/start", "device", "other")
	events := b.listen(path)
	events.until("qr-wait")
	if strings.Contains(h.log.String(), `"route":"GET /login/{id}/events"`) {
		t.Error("the stream is logged before it ends")
	}
	events.next()
	b.post(path + "/leave")
	events.until("already-done")
	events.end()
	var line string
	eventually(t, "the stream is not logged", func() bool {
		for text := range strings.Lines(h.log.String()) {
			if strings.Contains(text, `"msg":"request"`) && strings.Contains(text, `/events"`) {
				line = text
			}
		}
		return line != ""
	})
	for _, part := range []string{`"status":200`, `"request_id":"`, `"login":"` + strings.TrimPrefix(path, "/login/") + `"`} {
		if !strings.Contains(line, part) {
			t.Errorf("no %s in %s", part, line)
		}
	}
	if strings.Contains(line, `"bytes":0,`) || strings.Contains(line, `"took_ms":0.`) {
		t.Errorf("the stream sent nothing, or took no time: %s", line)
	}
	if n := h.Streams(); n != 0 {
		t.Errorf("%d streams are open", n)
	}
}

// broken is a method whose frames panic once they are told to.
type broken struct {
	eid.Method
	now *atomic.Bool
}

func (b broken) QR(order *storage.Order, elapsed time.Duration) secret.String {
	if b.now.Load() {
		panic("marked")
	}
	return b.Method.QR(order, elapsed)
}

// A panic ends the stream in which it happens, and nothing else.
func TestPanicOfAStream(t *testing.T) {
	t.Parallel()
	var now atomic.Bool
	var panics atomic.Int32
	h := newHouse(t, shared, func(s *settings) {
		s.engine.Methods = []eid.Method{broken{s.engine.Methods[0], &now}}
		s.web.Panicked = func() { panics.Add(1) }
	})
	b := h.browser(windowsPC)
	path := b.begin("app")
	b.post(path+"/start", "device", "other")
	events := b.listen(path)
	events.until("qr-wait")
	now.Store(true)
	for {
		if _, err := events.next(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	now.Store(false)
	if panics.Load() != 1 || !strings.Contains(h.log.String(), `"msg":"panic"`) || strings.Contains(h.log.String(), "marked") {
		t.Errorf("%d panics are told of", panics.Load())
	}
	b.listen(path).until("qr-wait")
}

// Who does not read holds up nobody else, nor the end of the server.
func TestStreamsThatAreNotRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, nil)
	b := h.browser(windowsPC)
	path := b.begin("app")
	b.post(path+"/start", "device", "other")
	b.listen(path).until("qr-wait")
	b.flood(path)
	other := h.browser(windowsPC)
	otherPath := other.begin("app")
	other.post(otherPath+"/start", "device", "other")
	events := other.listen(otherPath)
	events.until("qr-wait")
	for range 3 {
		if u, err := events.next(); err != nil || u.View != "qr-wait" {
			t.Fatalf("beside a stream that is not read came %+v, %v", u, err)
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); h.Close() }()
	select {
	case <-done:
	case <-time.After(8 * time.Second): // writes have ten seconds otherwise
		t.Error("a stream that is not read keeps the server from ending")
	}
}

// flood opens a stream that is not read, by way of small buffers, and changes its view until a write to it is stuck.
func (b *browser) flood(path string) {
	b.t.Helper()
	narrow := httptest.NewUnstartedServer(b.Handler())
	narrow.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		must(b.t, conn.(*net.TCPConn).SetWriteBuffer(1))
		return ctx
	}
	narrow.Start()
	b.t.Cleanup(narrow.Close)
	stuck, err := net.Dial("tcp", narrow.Listener.Addr().String())
	must(b.t, err)
	b.t.Cleanup(func() { stuck.Close() })
	must(b.t, stuck.(*net.TCPConn).SetReadBuffer(1))
	r, err := http.NewRequestWithContext(b.t.Context(), "GET", b.url+path+"/events", nil)
	must(b.t, err)
	for _, cookie := range b.http.Jar.Cookies(mustURL(b.t, b.url)) {
		r.AddCookie(cookie)
	}
	must(b.t, r.Write(stuck))
	eventually(b.t, "no write is stuck", func() bool {
		b.post(path + "/cancel")
		b.post(path+"/start", "device", "other")
		return running("web.(*detached).send", "waitWrite") > 0
	})
}
