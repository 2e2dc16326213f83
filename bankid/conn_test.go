package bankid

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/secret"
)

// mouth is a BankID that says what a test wants, byte by byte. It counts connections and requests.
type mouth struct {
	api *API

	mu    sync.Mutex
	conns int
	paths []string // of the requests, in their order
}

// newMouth starts one. Each connection is given to talk, with its number from 1 on, and closed after it; hear reads one request.
func newMouth(t *testing.T, talk func(number int, hear func() bool, conn *tls.Conn), adjust ...func(*tls.Config, *Options)) *mouth {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	config := &tls.Config{
		Certificates: []tls.Certificate{serverRoot().issue(x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    bankRoot().pool(),
	}
	o := blankOptions(relyingParty())
	o.BaseURL = "https://" + l.Addr().String() + "/rp/v6.0"
	for _, f := range adjust {
		f(config, &o)
	}
	m := &mouth{api: newAPI(t, o)}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { m.serve(tls.Server(conn, config), talk) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		m.api.Close()
		work.Wait()
	})
	return m
}

func (m *mouth) serve(conn *tls.Conn, talk func(int, func() bool, *tls.Conn)) {
	defer conn.Close()
	m.mu.Lock()
	m.conns++
	number := m.conns
	m.mu.Unlock()
	in := bufio.NewReader(conn)
	talk(number, func() bool {
		r, err := http.ReadRequest(in)
		if err != nil {
			return false
		}
		_, err = io.Copy(io.Discard, r.Body)
		m.mu.Lock()
		m.paths = append(m.paths, strings.TrimPrefix(r.URL.Path, "/rp/v6.0/"))
		m.mu.Unlock()
		return err == nil
	}, conn)
}

// seen returns how many connections were made, and the paths of all requests.
func (m *mouth) seen() (conns int, paths string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.conns, strings.Join(m.paths, " ")
}

const (
	pendingBody   = `{"orderRef":"` + testRef + `","status":"pending","hintCode":"userSign"}`
	pendingAnswer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 92\r\n\r\n" + pendingBody
	foreignAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n" + `{"orderRef":"somebody's","status":"failed"}`
)

// say answers every request of a connection with text.
func say(text string) func(int, func() bool, *tls.Conn) {
	return func(_ int, hear func() bool, conn *tls.Conn) {
		for hear() {
			io.WriteString(conn, text)
		}
	}
}

// sayOnce answers one request and closes the connection.
func sayOnce(text string) func(int, func() bool, *tls.Conn) {
	return func(_ int, hear func() bool, conn *tls.Conn) {
		if hear() {
			io.WriteString(conn, text)
		}
	}
}

func (m *mouth) collect(t *testing.T) error {
	t.Helper()
	c, err := m.api.Collect(t.Context(), secret.New(testRef))
	if err == nil && c.HintCode != HintUserSign {
		t.Errorf("got %+v", c)
	}
	return err
}

const canary = "191212121212"

// TestAnswers says each text twice, as the answers to two collects, and sees what becomes of them and whether the connection is kept.
func TestAnswers(t *testing.T) {
	length := func(head string) string { return head + "Content-Length: 92\r\n\r\n" + pendingBody }
	for name, tt := range map[string]struct {
		talk  func(int, func() bool, *tls.Conn)
		want  error
		conns int
	}{
		"with a length":            {say(pendingAnswer), nil, 1},
		"lines that end in LF":     {say(strings.ReplaceAll(pendingAnswer, "\r", "")), nil, 1},
		"the same length twice":    {say(length("HTTP/1.1 200 OK\r\nContent-Length: 92\r\n")), nil, 1},
		"in chunks":                {say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\n" + pendingBody[:80] + "\r\nc\r\n" + pendingBody[80:] + "\r\n0\r\n\r\n"), nil, 1},
		"in chunks with a trailer": {say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5c\r\n" + pendingBody + "\r\n0\r\nX: y\r\n\r\n"), nil, 1},
		"after 100":                {say("HTTP/1.1 100 Continue\r\n\r\n" + pendingAnswer), nil, 1},
		"after hints":              {say("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + pendingAnswer), nil, 1},
		"connection: close":        {say(length("HTTP/1.1 200 OK\r\nConnection: close\r\n")), nil, 2},
		"HTTP/1.0":                 {say(length("HTTP/1.0 200 OK\r\n")), nil, 2},
		"up to the end":            {sayOnce("HTTP/1.1 200 OK\r\n\r\n" + pendingBody), nil, 2},
		"an error with no body":    {say("HTTP/1.1 503 \r\nContent-Length: 0\r\n\r\n"), ErrMaintenance, 1},
		"an error in HTML":         {say("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"), ErrUnavailable, 1},
		"an error that breaks off": {sayOnce("HTTP/1.1 401 No\r\nContent-Length: 6\r\n\r\n<ht"), ErrCertificateRefused, 2},

		"two lengths":                 {say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + length("")), ErrBadResponse, 2},
		"a length below zero":         {say("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + pendingBody), ErrBadResponse, 2},
		"a length in words":           {say("HTTP/1.1 200 OK\r\nContent-Length: " + canary + "x\r\n\r\n" + pendingBody), ErrBadResponse, 2},
		"another transfer encoding":   {say("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + canary + "\r\n\r\n" + pendingBody), ErrBadResponse, 2},
		"chunks without a size":       {say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + canary + "z\r\n" + pendingBody + "\r\n0\r\n\r\n"), ErrBadResponse, 2},
		"gzip, which we do not ask":   {say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"), ErrBadResponse, 1},
		"another protocol":            {say("SSH-2.0-" + canary + "\r\n"), ErrBadResponse, 2},
		"a status that is none":       {say("HTTP/1.1 " + canary + " OK\r\n\r\n"), ErrBadResponse, 2},
		"a header without a colon":    {say("HTTP/1.1 200 OK\r\n" + canary + "\r\n\r\n"), ErrBadResponse, 2},
		"switching protocols":         {say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), ErrBadResponse, 2},
		"nothing but hints":           {say(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 8)), ErrBadResponse, 2},
		"a header without an end":     {say("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+canary+"\r\n", 8<<10)), errTooLong, 2},
		"a line without an end":       {say("HTTP/1.1 200 " + strings.Repeat(canary, 8<<10)), errTooLong, 2},
		"a header line without end":   {say("HTTP/1.1 200 OK\r\nX: " + strings.Repeat(canary, 8<<10)), errTooLong, 2},
		"a body longer than any":      {say("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + strings.Repeat(" ", 2<<20)), errTooLong, 2},
		"a chunk longer than any":     {say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n" + strings.Repeat(" ", 2<<20)), errTooLong, 2},
		"chunks of nothing but names": {say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("x", 3000)+"\r\n \r\n", 3000)), ErrBadResponse, 2},

		"nothing":            {sayOnce(""), ErrUnavailable, 2},
		"half a status":      {sayOnce("HTTP/1.1 20"), ErrUnavailable, 2},
		"half a header":      {sayOnce("HTTP/1.1 200 OK\r\nContent-Le"), ErrUnavailable, 2},
		"half a body":        {sayOnce(pendingAnswer[:120]), ErrUnavailable, 2},
		"half a chunk":       {sayOnce("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5c\r\n" + pendingBody[:10]), ErrUnavailable, 2},
		"chunks without end": {sayOnce("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5c\r\n" + pendingBody + "\r\n"), ErrUnavailable, 2},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMouth(t, tt.talk)
			for range 2 {
				err := m.collect(t)
				unusable := tt.want == ErrBadResponse || tt.want == errTooLong
				if !errors.Is(err, tt.want) || errors.Is(err, ErrBadResponse) != unusable || unusable && errors.Is(err, ErrUnavailable) {
					t.Errorf("got error %v, want %v", err, tt.want)
				}
				if err != nil && strings.Contains(err.Error(), canary) {
					t.Errorf("the error quotes what came: %v", err)
				}
			}
			if conns, paths := m.seen(); conns != tt.conns || paths != "collect collect" {
				t.Errorf("%d connections, want %d; requests %s", conns, tt.conns, paths)
			}
		})
	}
}

// TestNoAnswerBeforeItsQuestion sends another answer behind the right one, which the next call on that connection would take for its
// own: in the same record of TLS, in the next one, and where it lies in the memory of TLS and in no other buffer.
func TestNoAnswerBeforeItsQuestion(t *testing.T) {
	const buffered = 4096
	exact := strings.Replace(pendingAnswer, "\r\n\r\n", "\r\nX: "+strings.Repeat("x", buffered-len(pendingAnswer)-len("\r\nX: "))+"\r\n\r\n", 1)
	if len(exact) != buffered {
		t.Fatal(len(exact))
	}
	for name, parts := range map[string][]string{
		"in the same record":               {pendingAnswer + foreignAnswer},
		"in the next record":               {pendingAnswer, foreignAnswer},
		"where a buffer ends":              {exact + foreignAnswer},
		"where a buffer ends, in a record": {exact, foreignAnswer},
		"a line break alone":               {pendingAnswer + "\r\n"},
	} {
		for version, number := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
			t.Run(name+", "+version, func(t *testing.T) {
				said := make(chan struct{}, 2)
				m := newMouth(t, func(_ int, hear func() bool, conn *tls.Conn) {
					for hear() {
						for _, part := range parts {
							io.WriteString(conn, part)
						}
						said <- struct{}{}
					}
				}, func(c *tls.Config, _ *Options) { c.MaxVersion, c.DynamicRecordSizingDisabled = number, true })
				for range 2 {
					if err := m.collect(t); err != nil {
						t.Error(err)
					}
					<-said
				}
				if conns, paths := m.seen(); conns != 2 || paths != "collect collect" {
					t.Errorf("%d connections, requests %s", conns, paths)
				}
			})
		}
	}
}

// ends are ways in which a connection that waits for a call ends.
var ends = map[string]func(*tls.Conn){
	"with a goodbye": func(conn *tls.Conn) { conn.Close() },
	"without":        func(conn *tls.Conn) { conn.NetConn().Close() },
	"with a reset":   func(conn *tls.Conn) { conn.NetConn().(*net.TCPConn).SetLinger(0); conn.NetConn().Close() },
	"with an alert": func(conn *tls.Conn) {
		conn.NetConn().Write([]byte("\x15\x03\x03\x00\x02\x02\x50"))
		conn.NetConn().Close()
	},
	"with a 408":       func(conn *tls.Conn) { io.WriteString(conn, "HTTP/1.1 408 \r\nContent-Length: 0\r\n\r\n"); conn.Close() },
	"with half a word": func(conn *tls.Conn) { io.WriteString(conn, "HTTP"); conn.Close() },
}

const startedAnswer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + startedBody

// TestClosedWhileIdle closes a connection that has served: an order is then started over another, without anybody noticing.
func TestClosedWhileIdle(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			closed := make(chan struct{})
			m := newMouth(t, func(number int, hear func() bool, conn *tls.Conn) {
				if !hear() {
					return
				}
				if number > 1 {
					io.WriteString(conn, startedAnswer)
					return
				}
				io.WriteString(conn, pendingAnswer)
				end(conn)
				close(closed)
			})
			if err := m.collect(t); err != nil {
				t.Fatal(err)
			}
			<-closed
			if _, err := m.api.Auth(t.Context(), AuthRequest{EndUserIP: endUser}); err != nil {
				t.Error(err)
			}
			if conns, paths := m.seen(); conns != 2 || paths != "collect auth" {
				t.Errorf("%d connections, requests %s", conns, paths)
			}
		})
	}
}

// spare makes a connection that waits for its first call, as one does whose caller was served by another meanwhile.
func (m *mouth) spare(t *testing.T) {
	t.Helper()
	m.api.conns.put(must(m.api.conns.dial(t.Context())))
}

// TestClosedBeforeItServed closes a connection that has never served. net/http's servers do so ten seconds after the handshake where
// they have a time limit for headers.
func TestClosedBeforeItServed(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			closed := make(chan struct{})
			m := newMouth(t, func(number int, hear func() bool, conn *tls.Conn) {
				if number == 1 {
					conn.Handshake()
					end(conn)
					close(closed)
				} else if hear() {
					io.WriteString(conn, startedAnswer)
				}
			})
			m.spare(t)
			<-closed
			if _, err := m.api.Auth(t.Context(), AuthRequest{EndUserIP: endUser}); err != nil {
				t.Error(err)
			}
			if conns, paths := m.seen(); conns != 2 || paths != "auth" {
				t.Errorf("%d connections, requests %s", conns, paths)
			}
		})
	}
}

// TestSpareConnectionServes: one that waits for its first call serves it.
func TestSpareConnectionServes(t *testing.T) {
	shaken := make(chan struct{})
	m := newMouth(t, func(number int, hear func() bool, conn *tls.Conn) {
		conn.Handshake()
		if number == 1 {
			close(shaken)
		}
		if hear() {
			io.WriteString(conn, startedAnswer)
		}
	})
	m.spare(t)
	<-shaken
	if _, err := m.api.Auth(t.Context(), AuthRequest{EndUserIP: endUser}); err != nil {
		t.Error(err)
	}
	if conns, _ := m.seen(); conns != 1 {
		t.Errorf("%d connections", conns)
	}
}

// TestOnlyQuestionsAreRepeated closes a kept connection when the next request has been read.
func TestOnlyQuestionsAreRepeated(t *testing.T) {
	calls := map[string]struct {
		call func(*API) error
		want error
		sent string
	}{
		"probe":   {func(a *API) error { return a.Probe(t.Context()) }, nil, "collect auth auth"},
		"collect": {func(a *API) error { _, err := a.Collect(t.Context(), secret.New(testRef)); return err }, ErrUnavailable, "collect collect"},
		"cancel":  {func(a *API) error { return a.Cancel(t.Context(), secret.New(testRef)) }, ErrUnavailable, "collect cancel"},
		"auth":    {func(a *API) error { _, err := a.Auth(t.Context(), AuthRequest{EndUserIP: endUser}); return err }, ErrUnavailable, "collect auth"},
	}
	for name, tt := range calls {
		t.Run(name, func(t *testing.T) {
			m := newMouth(t, func(number int, hear func() bool, conn *tls.Conn) {
				if number > 1 {
					sayOnce("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")(number, hear, conn)
				} else if hear() {
					io.WriteString(conn, pendingAnswer)
					hear()
				}
			})
			if err := m.collect(t); err != nil {
				t.Fatal(err)
			}
			if err := tt.call(m.api); !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			if _, paths := m.seen(); paths != tt.sent {
				t.Errorf("requests %s, want %s", paths, tt.sent)
			}
		})
	}
}

// TestWhatIsLost looks at calls that failed: once their time is over, another try would only cost a connection.
func TestWhatIsLost(t *testing.T) {
	get, post := httpRequest{method: http.MethodGet}, httpRequest{method: http.MethodPost}
	for name, tt := range map[string]struct {
		conn conn
		r    httpRequest
		err  error
		want bool
	}{
		"not sent":               {conn{}, post, io.ErrClosedPipe, true},
		"not sent in time":       {conn{}, post, os.ErrDeadlineExceeded, false},
		"a question":             {conn{sent: true}, get, io.ErrUnexpectedEOF, true},
		"a question, half heard": {conn{sent: true, answered: true}, get, io.ErrUnexpectedEOF, false},
		"a question, no answer":  {conn{sent: true}, get, os.ErrDeadlineExceeded, false},
		"an order":               {conn{sent: true}, post, io.ErrUnexpectedEOF, false},
	} {
		if got := tt.conn.lost(tt.r, tt.err); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestQuestionsAreRepeatedOnce has a BankID that serves each connection once and then closes it over the next request.
func TestQuestionsAreRepeatedOnce(t *testing.T) {
	m := newMouth(t, func(_ int, hear func() bool, conn *tls.Conn) {
		if hear() {
			io.WriteString(conn, "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")
			hear()
		}
	})
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() { m.api.Probe(t.Context()) })
	}
	calls.Wait()
	_, before := m.seen()
	m.api.Probe(t.Context())
	_, after := m.seen()
	if sent := strings.Count(after, "auth") - strings.Count(before, "auth"); sent > 2 {
		t.Errorf("sent %d times", sent)
	}
}

// refuseEarly answers a long request that it does not read, and closes the connection.
func refuseEarly(_ int, _ func() bool, conn *tls.Conn) {
	io.ReadFull(conn, make([]byte, 1000))
	io.WriteString(conn, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
	conn.CloseWrite()
	io.Copy(io.Discard, conn)
}

func TestEarlyRefusal(t *testing.T) {
	m := newMouth(t, refuseEarly)
	_, err := m.api.Sign(t.Context(), SignRequest{EndUserIP: endUser, UserVisibleData: "Hej", UserNonVisibleData: make([]byte, 140_000)})
	if !errors.Is(err, ErrCertificateRefused) {
		t.Errorf("got error %v", err)
	}
}

// breaking is a connection that takes one more write.
type breaking struct {
	net.Conn
	written bool
}

func (b *breaking) Write(p []byte) (int, error) {
	if b.written {
		return 0, io.ErrClosedPipe
	}
	b.written = true
	return b.Conn.Write(p)
}

// TestRefusalBreaksTheRequest has the sending of a request fail over its refusal, which says more.
func TestRefusalBreaksTheRequest(t *testing.T) {
	m := newMouth(t, refuseEarly)
	c := must(m.api.conns.dial(t.Context()))
	defer c.drop()
	c.below.Conn = &breaking{Conn: c.below.Conn}
	r := httpRequest{method: http.MethodPost, path: "/rp/v6.0/sign", head: "Host: x\r\n", body: make([]byte, 40_000)}
	if !c.ready(time.Now().Add(time.Minute)) {
		t.Fatal("a new connection is not ready")
	}
	resp, err := c.exchange(t.Context(), r, new(bytes.Buffer))
	if err != nil || resp.status != http.StatusForbidden || c.reusable || !c.sent {
		t.Errorf("%+v, error %v, reusable %v, sent %v", resp, err, c.reusable, c.sent)
	}
}

// TestSlowAnswers trickles until the call's time is over.
func TestSlowAnswers(t *testing.T) {
	for name, text := range map[string]string{"status": "HTTP/1.1 200 OOOOOO", "header": "HTTP/1.1 200 OK\r\nX: ", "body": pendingAnswer[:100]} {
		t.Run(name, func(t *testing.T) {
			m := newMouth(t, func(_ int, hear func() bool, conn *tls.Conn) {
				if !hear() {
					return
				}
				io.WriteString(conn, text)
				for {
					if _, err := io.WriteString(conn, " "); err != nil {
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
			}, func(_ *tls.Config, o *Options) { o.Timeout = 200 * time.Millisecond })
			if err := m.collect(t); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got error %v", err)
			}
		})
	}
}

// TestGivenUpCallsEndAtBankID sees that BankID learns of it when a caller gives up, and that the connection serves nobody else.
func TestGivenUpCallsEndAtBankID(t *testing.T) {
	heard, ended := make(chan struct{}), make(chan struct{})
	m := newMouth(t, func(number int, hear func() bool, conn *tls.Conn) {
		if number > 1 {
			say(pendingAnswer)(number, hear, conn)
			return
		}
		hear()
		close(heard)
		hear() // until the connection ends
		close(ended)
	}, func(_ *tls.Config, o *Options) { o.Timeout = time.Hour })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-heard
		cancel()
	}()
	if _, err := m.api.Collect(ctx, secret.New(testRef)); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
	<-ended
	if _, err := m.api.Collect(ctx, secret.New(testRef)); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was given up before: %v", err)
	}
	if err := m.collect(t); err != nil {
		t.Error(err)
	}
	for range 50 {
		m.api.Collect(ctx, secret.New(testRef)) // over the connection that is kept, if over any
	}
	if err := m.collect(t); err != nil {
		t.Error(err)
	}
	if conns, paths := m.seen(); conns != 2 && conns != 3 || paths != "collect collect collect" {
		t.Errorf("%d connections, requests %s", conns, paths)
	}
}

// TestGivenUpAtTheEnd gives calls up while their answers come: whichever was first, the next call is not disturbed.
func TestGivenUpAtTheEnd(t *testing.T) {
	answered := make(chan struct{})
	m := newMouth(t, func(_ int, hear func() bool, conn *tls.Conn) {
		for hear() {
			io.WriteString(conn, pendingAnswer)
			select {
			case answered <- struct{}{}:
			case <-t.Context().Done():
			}
		}
	}, func(_ *tls.Config, o *Options) { o.Timeout = time.Hour })
	for range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() {
			<-answered
			cancel()
		})
		if _, err := m.api.Collect(ctx, secret.New(testRef)); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		work.Go(func() { <-answered })
		if err := m.collect(t); err != nil {
			t.Fatalf("the call after it: %v", err)
		}
		work.Wait()
	}
}

// TestRequestBytes looks at a whole request, as far as it is always the same.
func TestRequestBytes(t *testing.T) {
	got := make(chan string, 1)
	p := newPeer(t, answer(200, pendingBody), func(s *httptest.Server) {
		s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var b bytes.Buffer
			r.Write(&b) // as it came, with the names of headers in their order
			got <- b.String()
			answer(200, pendingBody)(w, r)
		})
	})
	o := p.options()
	o.BaseURL += "//"
	if _, err := newAPI(t, o).Collect(t.Context(), secret.New(testRef)); err != nil {
		t.Fatal(err)
	}
	want := "POST /rp/v6.0/collect HTTP/1.1\r\nHost: " + strings.TrimPrefix(p.URL, "https://") + "\r\nUser-Agent: brygga\r\n" +
		"Content-Length: 51\r\nAccept: application/json\r\nContent-Type: application/json\r\n\r\n" + `{"orderRef":"` + testRef + `"}`
	if text := <-got; text != want {
		t.Errorf("sent\n%s\nwant\n%s", text, want)
	}
}

// FuzzReceive reads what may be answers. A connection is kept only when all that came belongs to the answer, whose body is then whole.
func FuzzReceive(f *testing.F) {
	for _, text := range []string{
		pendingAnswer, pendingAnswer + foreignAnswer, "HTTP/1.1 100 Continue\r\n\r\n" + pendingAnswer, "HTTP/1.1 204 \r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, body := &conn{in: bufio.NewReader(bytes.NewReader(text))}, new(bytes.Buffer)
		resp, err := c.receive(body)
		if err != nil && err != errNotHTTP {
			t.Errorf("got error %v", err)
		}
		left, _ := io.Copy(io.Discard, c.in)
		if c.reusable && (err != nil || left > 0 || resp.broken != nil || resp.status < 200) {
			t.Errorf("kept: %+v, error %v, %d bytes left", resp, err, left)
		}
		if body.Len() > maxResponse+1 {
			t.Errorf("a body of %d bytes", body.Len())
		}
	})
}

// TestNoWordStaysInBuffers looks into the memory that is kept for the next call.
func TestNoWordStaysInBuffers(t *testing.T) {
	m := newMouth(t, say(pendingAnswer))
	if err := m.collect(t); err != nil {
		t.Fatal(err)
	}
	body := new(bytes.Buffer)
	body.WriteString(pendingBody)
	m.api.recycle(body)
	out := m.api.conns.idle[0].out
	for name, memory := range map[string][]byte{"request": out[:cap(out)], "body": body.AvailableBuffer()[:body.Available()]} {
		if len(memory) < 64 || len(bytes.Trim(memory, "\x00")) > 0 {
			t.Errorf("%s: %q", name, memory)
		}
	}
}
