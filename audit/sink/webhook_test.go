package sink

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"brygga/outbound"
	"brygga/secret"
)

const webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func webhookKey(t *testing.T) []byte {
	t.Helper()
	key, err := ParseWebhookSecret(secret.New(webhookSecret))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestSignature is the example that libraries of Standard Webhooks test themselves with.
func TestSignature(t *testing.T) {
	got := signature(webhookKey(t), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signed %s, want %s", got, want)
	}
}

func TestParseWebhookSecret(t *testing.T) {
	for _, text := range []string{"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==", "whsec_!", "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65))} {
		if _, err := ParseWebhookSecret(secret.New(text)); err == nil || len(text) > 8 && strings.Contains(err.Error(), text[6:]) {
			t.Errorf("%q: %v", text, err)
		}
	}
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
		if r.Header.Get("webhook-signature") != signature(key, id, at, body) || at != "1772366410" || r.Header.Get("Content-Type") != "application/json" {
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
	s := f.sink("a", &Webhook{URL: server.URL, Outbound: calls, Key: key, Now: func() time.Time { return f.now }}, true)
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

// TestWebhookInOurNetwork: a webhook does not lead into our own network unless that is allowed.
func TestWebhookInOurNetwork(t *testing.T) {
	f := newFixture(t)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("called") }))
	defer server.Close()
	calls := outbound.New(outbound.Options{InsecureHTTP: true})
	defer calls.Close()
	f.happen(1)
	_, err := f.sink("a", &Webhook{URL: server.URL, Outbound: calls, Key: webhookKey(t), Now: time.Now}, true).step(t.Context())
	if !errors.Is(err, outbound.ErrForbiddenAddress) {
		t.Errorf("a webhook on loopback: %v", err)
	}
}
