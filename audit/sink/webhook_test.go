package sink

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"brygga/outbound"
	"brygga/secret"
	"brygga/webhook"
)

const webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func webhookKey(t *testing.T) []byte {
	t.Helper()
	keys, err := webhook.ParseSecret(secret.New(webhookSecret))
	if err != nil {
		t.Fatal(err)
	}
	return keys[0]
}

// TestWebhook: a receiver that fails at first gets the same message again under the same ID, and then what follows.
func TestWebhook(t *testing.T) {
	f := newFixture(t)
	key := webhookKey(t)
	status := http.StatusServiceUnavailable
	var got, ids []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		id, at := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
		seconds, err := strconv.ParseInt(at, 10, 64)
		if want := webhook.Header([][]byte{key}, strings.TrimPrefix(id, "msg_"), time.Unix(seconds, 0), body); err != nil || r.Header.Get("webhook-signature") != want.Get("webhook-signature") || at != "1772366410" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("the header is %v", r.Header)
		}
		var m message
		if err := json.Unmarshal(body, &m); err != nil || m.Type != "audit.events" {
			t.Errorf("%v: %s", err, body)
		}
		if ids = append(ids, id); status == http.StatusNoContent {
			for _, e := range m.Data.Events {
				if int64(len(got)) != e.Index {
					t.Errorf("event %d came as number %d", e.Index, len(got))
				}
				var event struct{ ID string }
				if err := json.Unmarshal(e.Event, &event); err != nil {
					t.Error(err)
				}
				got = append(got, event.ID)
			}
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	calls := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, InsecureHTTP: true})
	defer calls.Close()
	s := f.sink("a", &Webhook{URL: server.URL, Outbound: calls, Keys: [][]byte{key}, Now: func() time.Time { return f.now }}, true)
	f.happen(300)
	for _, status = range []int{http.StatusServiceUnavailable, http.StatusFound, http.StatusBadRequest} {
		if _, err := s.step(t.Context()); err == nil {
			t.Errorf("an answer of %d: delivered", status)
		}
	}
	status = http.StatusNoContent
	f.drain(s)
	f.want(got, 1, 300)
	if len(ids) != 5 || ids[0] != ids[3] || ids[3] == ids[4] {
		t.Errorf("the messages have the IDs %q", ids)
	}
}

// TestWebhookRefusals: no answer but 2xx takes a message, a redirect leads nowhere, one that is gone is tried again as any other, and one that keeps its
// answer to itself holds a delivery up for as long as deliveries may take.
func TestWebhookRefusals(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer elsewhere.Close()
	for _, status := range []int{0, 301, 302, 307, 308, 400, 404, 410, 429, 500, 503} {
		asked, end := 0, make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked++; asked > 1 {
				return
			}
			if status == 0 {
				io.Copy(io.Discard, r.Body)
				<-end
				return
			}
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(status)
		}))
		f := newFixture(t)
		calls := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, InsecureHTTP: true})
		s := f.sink("a", &Webhook{URL: server.URL, Outbound: calls, Keys: [][]byte{webhookKey(t)}, Now: time.Now}, true)
		f.happen(1)
		ctx, cancel := context.WithCancel(t.Context())
		if status == 0 {
			time.AfterFunc(100*time.Millisecond, cancel)
		}
		if _, err := s.step(ctx); err == nil || s.Behind() != 1 {
			t.Errorf("%d: %v, %d behind", status, err, s.Behind())
		}
		cancel()
		close(end)
		if _, err := s.step(t.Context()); err != nil || s.Behind() != 0 || asked != 2 {
			t.Errorf("%d, and then 200: %v, %d behind, asked %d times", status, err, s.Behind(), asked)
		}
		calls.Close()
		server.Close()
	}
}

// TestWebhookInOurNetwork: a webhook does not lead into our own network unless that is allowed.
func TestWebhookInOurNetwork(t *testing.T) {
	f := newFixture(t)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("called") }))
	defer server.Close()
	calls := outbound.New(outbound.Options{InsecureHTTP: true})
	defer calls.Close()
	f.happen(1)
	_, err := f.sink("a", &Webhook{URL: server.URL, Outbound: calls, Keys: [][]byte{webhookKey(t)}, Now: time.Now}, true).step(t.Context())
	if !errors.Is(err, outbound.ErrForbiddenAddress) {
		t.Errorf("a webhook on loopback: %v", err)
	}
}
