package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brygga/audit"
	"brygga/audit/tree"
	"brygga/secret"
	"brygga/storage"
	"brygga/webhook"
)

// posted is a message as a receiver gets it.
type posted struct {
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// outbox takes messages, and refuses those from the limit on when there is one.
type outbox struct {
	got   []posted
	limit int
}

func (o *outbox) Post(_ context.Context, _ string, header http.Header, body []byte) (int, error) {
	if o.limit > 0 && len(o.got) >= o.limit {
		return http.StatusServiceUnavailable, nil
	}
	headers := map[string]string{}
	for name := range header {
		headers[strings.ToLower(name)] = header.Get(name)
	}
	o.got = append(o.got, posted{headers, string(body)})
	return http.StatusNoContent, nil
}

// verify lets the library of Standard Webhooks for Node.js judge the messages and returns what it has read, "refused" in the place of what it
// does not believe.
func verify(t *testing.T, messages ...posted) (read []any) {
	t.Helper()
	const dir = "testdata/standardwebhooks"
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "standardwebhooks", "package.json")); err != nil {
		t.Fatal("the library of Standard Webhooks is not installed: make needs")
	}
	var in bytes.Buffer
	for _, m := range messages {
		if err := json.NewEncoder(&in).Encode(m); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(dir, "verify.mjs"), webhookSecret)
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		var one any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		read = append(read, one)
	}
	if len(read) != len(messages) {
		t.Fatalf("%d messages were judged, %d were posted", len(read), len(messages))
	}
	return read
}

// event returns one in its place in the tree.
func event(index int64, kind string, fields map[string]string) tree.Leaf {
	e := storage.AuditEvent{ID: fmt.Sprintf("e%06d", index), Time: epoch, Type: kind, Reference: "7QX42MKD", Fields: fields}
	return tree.Leaf{Index: index, Event: e, Text: []byte(`{"id":"` + e.ID + `"}`)}
}

// TestMessagesVerify: what is posted, by hooks and by the webhook, is believed by a library that others wrote, and nothing is once it was changed.
func TestMessagesVerify(t *testing.T) {
	box := &outbox{}
	to := Webhook{URL: "https://app.example.se/hook", Outbound: box, Keys: [][]byte{webhookKey(t)}, Now: time.Now}
	login := event(1, "WEB_100002", map[string]string{
		"CLIENT_ID": "portal", "TXN": "t1", "DEVICE": "other", "SECONDS": "4.2", "SOURCE_ADDRESS": "192.0.2.1", "SOURCE_USER_NAME": "pseudonym", "BROWSER": "Chrome",
	})
	for _, receiver := range []Receiver{&Hooks{Webhook: to, Traceparent: func(txn string) string { return "00-" + txn }}, &to} {
		if n, err := receiver.Deliver(t.Context(), []tree.Leaf{login}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	changed, old, another := box.got[0], box.got[0], box.got[0]
	changed.Body = strings.Replace(changed.Body, "portal", "portaL", 1)
	late := to
	late.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	if err := late.post(t.Context(), "e000001", []byte(old.Body)); err != nil {
		t.Fatal(err)
	}
	old = box.got[2]
	another.Headers = map[string]string{"webhook-id": "msg_another", "webhook-timestamp": old.Headers["webhook-timestamp"], "webhook-signature": box.got[0].Headers["webhook-signature"]}
	read := verify(t, box.got[0], box.got[1], changed, old, another)
	want := map[string]any{
		"id": "e000001", "event": "WEB_100002", "text": "BankID login completed", "time": "2026-03-01T12:00:00Z", "reference": "7QX42MKD", "client_id": "portal", "txn": "t1",
		"device": "other", "seconds": "4.2",
	}
	hook, ok := read[0].(map[string]any)
	if !ok || hook["type"] != "after_login" || hook["timestamp"] != "2026-03-01T12:00:00Z" || fmt.Sprint(hook["data"]) != fmt.Sprint(want) || box.got[0].Headers["webhook-id"] != "msg_e000001" {
		t.Errorf("the hook says %v under %v", read[0], box.got[0].Headers)
	}
	if box.got[0].Headers["traceparent"] != "00-t1" || box.got[1].Headers["traceparent"] != "" {
		t.Errorf("the traces are %q and %q", box.got[0].Headers["traceparent"], box.got[1].Headers["traceparent"])
	}
	if events, ok := read[1].(map[string]any); !ok || events["type"] != "audit.events" {
		t.Errorf("the webhook says %v", read[1])
	}
	for i, what := range []string{"that was changed", "of an hour ago", "under another ID"} {
		if read[2+i] != "refused" {
			t.Errorf("a message %s is believed: %v", what, read[2+i])
		}
	}
}

// TestSecretIsReplaced: while there are two secrets, a receiver that knows one of them believes what comes, whichever it is.
func TestSecretIsReplaced(t *testing.T) {
	const other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	box := &outbox{}
	for _, secrets := range []string{webhookSecret, other + "\n" + webhookSecret + "\n", other} {
		keys, err := webhook.ParseSecret(secret.New(secrets))
		if err != nil {
			t.Fatal(err)
		}
		to := &Webhook{URL: "https://app.example.se/hook", Outbound: box, Keys: keys, Now: time.Now}
		if n, err := to.Deliver(t.Context(), []tree.Leaf{event(1, "WEB_100002", nil)}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	for i, said := range verify(t, box.got...) {
		if believed := said != "refused"; believed != (i < 2) {
			t.Errorf("who knows the old secret alone reads %v as message %d", said, i)
		}
	}
	if signatures := strings.Fields(box.got[1].Headers["webhook-signature"]); len(signatures) != 2 || signatures[0] == signatures[1] {
		t.Errorf("signed %q", signatures)
	}
}

// TestHooksGoOn: those that were taken are not posted again after one that was not, and that one has the same ID.
func TestHooksGoOn(t *testing.T) {
	box := &outbox{limit: 2}
	hooks := &Hooks{Webhook: Webhook{URL: "https://app.example.se/hook", Outbound: box, Keys: [][]byte{webhookKey(t)}, Now: time.Now}}
	events := []tree.Leaf{event(1, "WEB_100002", nil), event(2, "OPR_500006", map[string]string{"OBJECT": "op1"}), event(3, "WEB_100003", map[string]string{"MESSAGE": "userCancel"})}
	n, err := hooks.Deliver(t.Context(), events)
	if n != 2 || err == nil {
		t.Errorf("%d were taken, %v, want 2 and an error", n, err)
	}
	box.limit = 0
	if n, err := hooks.Deliver(t.Context(), events[n:]); n != 1 || err != nil {
		t.Error(n, err)
	}
	for i, want := range []string{`"type":"after_login"`, `"operator":"op1"`, `"reason":"userCancel"`} {
		if m := box.got[i]; !strings.Contains(m.Body, want) || m.Headers["webhook-id"] != fmt.Sprintf("msg_e%06d", i+1) {
			t.Errorf("message %d is %+v, want %s", i, m, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if n, err := hooks.Deliver(ctx, events); n != 1 || err != nil {
		t.Errorf("%d without time, %v: want one, and the others later", n, err)
	}
}

// TestMessagesAreBounded: a message has as many events as fit, one at least, and none gets lost.
func TestMessagesAreBounded(t *testing.T) {
	box := &outbox{}
	to := &Webhook{URL: "https://app.example.se/hook", Outbound: box, Keys: [][]byte{webhookKey(t)}, Now: time.Now}
	var events []tree.Leaf
	for i, size := range []int{100, maxMessage - 200, 150, maxMessage + 1, 10, 10} {
		leaf := event(int64(i), "WEB_100001", nil)
		leaf.Text = []byte(`"` + strings.Repeat("x", size) + `"`)
		events = append(events, leaf)
	}
	var taken []int
	for len(events) > 0 {
		n, err := to.Deliver(t.Context(), events)
		if err != nil {
			t.Fatal(err)
		}
		taken, events = append(taken, n), events[n:]
	}
	if fmt.Sprint(taken) != "[2 1 1 2]" {
		t.Errorf("messages of %v events, want 2, 1, 1 and 2", taken)
	}
	for _, m := range box.got {
		if len(m.Body) > maxMessage+1024 {
			t.Errorf("a message has %d bytes", len(m.Body))
		}
	}
}

// TestHookIsRetried: a sink with hooks skips what is no hook's, waits while the receiver is down, and says each thing once in the end.
func TestHookIsRetried(t *testing.T) {
	f := newFixture(t)
	box := &outbox{limit: 3}
	s := f.sink("a", &Hooks{Webhook: Webhook{URL: "https://app.example.se/hook", Outbound: box, Keys: [][]byte{webhookKey(t)}, Now: time.Now}}, true)
	var events []storage.AuditEvent
	for i := range 10 {
		e := event(int64(i+1), []string{"WEB_100001", "WEB_100002"}[i%2], nil).Event
		e.Time, e.Expires = f.now.Add(time.Duration(i)*time.Millisecond), f.now.Add(time.Hour)
		events = append(events, e)
	}
	if err := f.store.AppendAudit(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(10 * time.Second)
	if _, err := f.tree.Grow(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Wants, _ = audit.Select([]string{"after_login"})
	if _, err := s.step(t.Context()); err == nil {
		t.Error("a receiver that answered 503 has taken everything")
	}
	box.limit = 0
	f.drain(s)
	var ids []string
	for _, m := range box.got {
		ids = append(ids, m.Headers["webhook-id"])
	}
	if got := strings.Join(ids, " "); got != "msg_e000002 msg_e000004 msg_e000006 msg_e000008 msg_e000010" || s.Behind() != 0 {
		t.Errorf("posted %s, %d behind", got, s.Behind())
	}
}
