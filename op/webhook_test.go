package op

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/audit"
	"brygga/outbound"
	"brygga/storage"
	"brygga/storage/bolt"
)

// hooked is an app whose webhook notes what it is told, and answers as it is told to.
type hooked struct {
	*httptest.Server
	mu     sync.Mutex
	got    []string // the ID of each message and its body
	status int
	held   chan struct{} // nil answers at once
}

func newHooked(t *testing.T) *hooked {
	in := &hooked{status: http.StatusOK}
	in.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		in.mu.Lock()
		in.got = append(in.got, r.Header.Get("Webhook-Id")+" "+string(body))
		status, held := in.status, in.held
		in.mu.Unlock()
		if held != nil {
			<-held
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(in.Close)
	return in
}

func (in *hooked) told() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.got)
}

// hookedHarness is a provider of a client that is told at in.
func hookedHarness(t *testing.T, in *hooked, change func(*Options)) *harness {
	h := newHarness(t, func(o *Options) {
		o.Outbound = outbound.New(outbound.Options{Allow: loopback, Roots: in.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
		o.Webhook = func(_ context.Context, client *storage.Client, notice *storage.Notice) (http.Header, []byte, error) {
			return http.Header{"Webhook-Id": {notice.ID}}, []byte(client.ID + " " + notice.Order.LoginID), nil
		}
		if change != nil {
			change(o)
		}
	})
	h.change("web", func(c *storage.Client) { c.WebhookURI = in.URL + "/hook" })
	return h
}

// restart opens the store again under another provider, as after a crash.
func (h *harness) restart() {
	h.t.Helper()
	h.store.Close()
	var err error
	if h.store, err = bolt.Open(h.file, h.sealer, bolt.Options{}); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { h.store.Close() })
	h.options.Store = h.store
	if h.Provider, err = New(h.options); err != nil {
		h.t.Fatal(err)
	}
}

// endOrder has an order of a program of the client that ends, and tells Run of it.
func (h *harness) endOrder(client, id string) {
	h.t.Helper()
	ctx, now := h.t.Context(), h.now()
	login := storage.Login{ID: id, State: storage.LoginOpen, Revision: 1, Created: now, Expires: now.Add(time.Hour), Request: &storage.AuthRequest{
		ClientID: client, Program: &storage.Program{Owner: "key:k", Expires: now.Add(5 * time.Minute), Told: true},
	}}
	err := h.store.CreateLogin(ctx, login)
	if err == nil {
		_, err = h.store.BeginOrder(ctx, id, storage.Claim{ID: "c", At: now, WindowEnds: now.Add(time.Minute)})
	}
	if err == nil {
		_, err = h.store.PutOrder(ctx, id, "c", storage.Order{ID: "o", Method: "bankid", Started: now})
	}
	var ended *storage.Login
	if err == nil {
		ended, err = h.store.FailOrder(ctx, id, "o", storage.Failure{Reason: "userCancel", At: now}, now)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.Notify(ended)
}

// TestWebhookAnswers: what the receiver answers decides whether it is told again, with the same ID.
func TestWebhookAnswers(t *testing.T) {
	for status, tc := range map[int]struct {
		outcome string
		ends    audit.Type
	}{
		200: {"ok", audit.OrderTold}, 202: {"ok", audit.OrderTold}, 204: {"ok", audit.OrderTold}, 410: {"refused", audit.OrderUntold},
		302: {"bad_status", ""}, 400: {"bad_status", ""}, 404: {"bad_status", ""}, 429: {"bad_status", ""}, 500: {"bad_status", ""}, 503: {"bad_status", ""},
	} {
		in := newHooked(t)
		h := hookedHarness(t, in, nil)
		in.status = status
		h.endOrder("web", "l1")
		if len(h.notices) != 1 {
			t.Error("nobody wakes Run")
		}
		h.deliver()
		if got := in.told(); count(h.observed, EndpointWebhooks+" "+tc.outcome) != 1 || len(got) != 1 || !strings.HasSuffix(got[0], " web l1") {
			t.Errorf("%d: observed %v, told %v", status, h.observed, got)
		}
		lost := 0
		if tc.ends == audit.OrderUntold {
			lost = 1
		}
		if n := count(h.observed, EndpointWebhooksLost+" "+tc.outcome); n != lost {
			t.Errorf("%d: %d messages are lost, want %d", status, n, lost)
		}
		if tc.ends != "" {
			if events := h.audited(tc.ends); len(h.waiting()) != 0 || len(events) != 1 || events[0].Fields["OBJECT"] != "l1" || events[0].Fields["CLIENT_ID"] != "web" {
				t.Errorf("%d: waiting %v, audited %v", status, h.waiting(), events)
			}
			continue
		}
		in.status = http.StatusOK
		h.move(noticeRetry * 2)
		h.deliver()
		if got := in.told(); len(got) != 2 || got[0] != got[1] || len(h.waiting()) != 0 {
			t.Errorf("%d, then 200: told %v, waiting %v", status, got, h.waiting())
		}
	}
}

// TestWebhookIsGivenUp: a receiver that cannot be reached is tried for a day, and the log says why it was not told.
func TestWebhookIsGivenUp(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(*hooked, *Options)
		outcome string
	}{
		"nobody there": {func(in *hooked, _ *Options) { in.Server.Close() }, "unreachable"},
		"our network":  {func(_ *hooked, o *Options) { o.Outbound = outbound.New(outbound.Options{}) }, "forbidden_address"},
		"too slow": {func(in *hooked, o *Options) {
			in.held = make(chan struct{})
			t.Cleanup(func() { close(in.held) })
			o.Outbound = outbound.New(outbound.Options{Allow: loopback, Roots: in.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, Timeout: 200 * time.Millisecond})
		}, "timeout"},
		"no key": {func(_ *hooked, o *Options) {
			o.Webhook = func(context.Context, *storage.Client, *storage.Notice) (http.Header, []byte, error) {
				return nil, nil, io.ErrUnexpectedEOF
			}
		}, "server_error"},
	} {
		in := newHooked(t)
		h := hookedHarness(t, in, func(o *Options) { tc.change(in, o) })
		h.endOrder("web", "l1")
		h.deliver()
		if count(h.observed, EndpointWebhooks+" "+tc.outcome) != 1 || len(h.audited(audit.OrderUntold)) != 0 {
			t.Errorf("%s: observed %v", name, h.observed)
		}
		h.move(storage.NoticeLife - time.Minute)
		for range 2 {
			h.deliver()
			h.move(45 * time.Second)
		}
		if failed := h.audited(audit.OrderUntold); len(failed) != 1 || failed[0].Fields["MESSAGE"] != tc.outcome || len(h.waiting()) != 0 || count(h.observed, EndpointWebhooksLost+" "+tc.outcome) != 1 {
			t.Errorf("%s: at its end: audited %v, observed %v", name, failed, h.observed)
		}
	}
}

// TestWebhookAfterRestart: what ended before a crash is told after it, and what was told just before it is told again under the same ID.
func TestWebhookAfterRestart(t *testing.T) {
	in := newHooked(t)
	h := hookedHarness(t, in, nil)
	h.endOrder("web", "l1")
	claimed, err := h.store.ClaimNotices(t.Context(), h.now(), 1, retryNotice) // and the process dies
	if err != nil || len(claimed) != 1 {
		t.Fatal(claimed, err)
	}
	in.got = []string{claimed[0].ID + " web l1"} // it was told
	h.restart()
	h.deliver()
	h.move(noticeRetry * 2)
	h.deliver()
	if got := in.told(); len(got) != 2 || got[0] != got[1] {
		t.Errorf("told %q", got)
	}
}

// TestWebhookOfAnother: nobody but the client whose order it was is told, nor who has its ID now.
func TestWebhookOfAnother(t *testing.T) {
	in := newHooked(t)
	h := hookedHarness(t, in, nil)
	h.endOrder("post", "l1") // has none
	h.endOrder("web", "l2")
	web, err := h.store.Client(t.Context(), "web")
	if err == nil {
		err = h.store.RemoveClient(t.Context(), "web", h.now())
	}
	if err == nil {
		h.move(time.Second)
		successor := *web
		successor.Created, successor.Revision = h.now(), 1
		err = h.store.CreateClient(t.Context(), successor)
	}
	if err != nil {
		t.Fatal(err)
	}
	h.deliver()
	if got := in.told(); len(got) != 0 || len(h.waiting()) != 0 || count(h.observed, EndpointWebhooks+" dropped") != 2 || len(h.audited(audit.OrderUntold)) != 2 {
		t.Errorf("told %v, observed %v", got, h.observed)
	}
}
