package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"brygga/admin"
	"brygga/audit"
	"brygga/bankid/bankidsim"
	"brygga/storage"
)

// posted is a message as a webhook got it.
type posted struct {
	header http.Header
	body   []byte
}

// isSigned reports whether the message is one of Standard Webhooks that the secret has signed within five minutes ("Signature scheme").
func (p *posted) isSigned(value string, now time.Time) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(value, "whsec_"))
	at, errAt := strconv.ParseInt(p.header.Get("Webhook-Timestamp"), 10, 64)
	if err != nil || errAt != nil || now.Sub(time.Unix(at, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, key)
	io.WriteString(mac, p.header.Get("Webhook-Id")+"."+p.header.Get("Webhook-Timestamp")+".")
	mac.Write(p.body)
	return p.header.Get("Webhook-Signature") == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// backEnd is the webhook of an app, which answers with the status.
type backEnd struct {
	*httptest.Server
	messages chan posted
}

func newBackEnd(t *testing.T, status func() int) *backEnd {
	t.Helper()
	b := &backEnd{messages: make(chan posted, 10)}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/hook" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("the webhook gets %s %s: %v", r.Method, r.URL, err)
		}
		w.WriteHeader(status())
		b.messages <- posted{r.Header, body}
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *backEnd) next(t *testing.T) posted {
	t.Helper()
	select {
	case p := <-b.messages:
		return p
	case <-time.After(time.Minute):
		t.Fatal("the webhook gets nothing")
		return posted{}
	}
}

// TestWebhookAcrossARestart: a back end starts an order over the JSON:API, a person approves it, and the app's webhook, which is down, is told so again by the next
// process, in the same words with the same ID under a signature of then.
func TestWebhookAcrossARestart(t *testing.T) {
	t.Parallel()
	statuses := make(chan int, 10)
	statuses <- http.StatusServiceUnavailable
	hook := newBackEnd(t, func() int {
		select {
		case status := <-statuses:
			return status
		default:
			return http.StatusAccepted
		}
	})
	data := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	d, err := startDev(ctx, devOptions{data: data, log: discard, now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	operations, err := d.server.operator().administration(func(*admin.Options) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.server.store.CreateClient(t.Context(), storage.Client{
		ID: "backend", Name: "Tjänsten", AuthMethod: storage.AuthMethodNone, RedirectURIs: []string{"https://backend.example.se/cb"}, IDTokenAlg: storage.ES256,
		SubjectType: storage.SubjectPublic, PersonalNumber: true,
	}); err != nil {
		t.Fatal(err)
	}
	done, err := operations.UpdateClient(t.Context(), admin.Command("root"), "backend", admin.Demand{}, func(c *storage.Client) error {
		c.WebhookURI = hook.URL + "/hook"
		return nil
	})
	if err != nil || done.WebhookSecret.IsZero() {
		t.Fatalf("no webhook: %v", err)
	}
	_, key, err := operations.CreateAPIKey(t.Context(), admin.Command("root"), admin.NewAPIKey{Name: "back end", ClientID: "backend", Scopes: []string{storage.ScopeOrderAuth}})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.Issuer+"/api/bankid/v1/auth", strings.NewReader(`{"endUserIp":"198.51.100.7"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Api-Key", key.Reveal())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	var order struct{ Data struct{ ID string } }
	err = json.NewDecoder(response.Body).Decode(&order)
	if response.Body.Close(); err != nil || order.Data.ID == "" {
		t.Fatalf("the order is answered %d, %v", response.StatusCode, err)
	}
	own := d.sim.Orders(bankidsim.StatePending)[0].OrderRef
	if _, err := d.sim.Scan(bankidsim.Pickup{OrderRef: own, PersonalNumber: person}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.sim.Sign(own, bankidsim.Approval{}); err != nil {
		t.Fatal(err)
	}
	first := hook.next(t)
	stop()
	if err := d.wait(); err != nil {
		t.Fatal(err)
	}
	again := newDev(t, func(o *devOptions) { o.data = data })
	if _, err := again.sim.Advance(time.Minute); err != nil { // to when it is tried again
		t.Fatal(err)
	}
	second := hook.next(t)
	for name, p := range map[string]*posted{"first": &first, "second": &second} {
		var message struct {
			Type      string
			Timestamp time.Time
			Data      struct{ Type, OrderRef, Status string }
		}
		if err := json.Unmarshal(p.body, &message); err != nil || message.Type != "order.ended" || message.Data.OrderRef != order.Data.ID || message.Data.Status != "complete" || message.Data.Type != "bankIdAuth" {
			t.Errorf("the %s message is %s, %v", name, p.body, err)
		}
		if !p.isSigned(done.WebhookSecret.Reveal(), time.Now()) || p.isSigned("whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 32)), time.Now()) || strings.Contains(string(p.body), person) {
			t.Errorf("the %s message is not proven, or tells of the person: %v %s", name, p.header, p.body)
		}
	}
	if string(first.body) != string(second.body) || first.header.Get("Webhook-Id") != second.header.Get("Webhook-Id") || first.header.Get("Webhook-Timestamp") == second.header.Get("Webhook-Timestamp") {
		t.Errorf("told %v %s and %v %s", first.header, first.body, second.header, second.body)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		waiting, _, err := again.server.store.WaitingNotices(t.Context())
		events, errEvents := again.server.store.AuditEvents(t.Context(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour), 1000)
		told := 0
		for _, e := range events {
			if e.Type == string(audit.OrderTold) {
				told++
			}
		}
		if err == nil && errEvents == nil && waiting == 0 && told == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d wait, %d are told of in the audit log; %v, %v", waiting, told, err, errEvents)
		}
	}
}
