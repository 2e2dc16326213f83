package bankidapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"brygga/admin"
	"brygga/bankid/bankidsim"
	"brygga/clients"
	"brygga/secret"
	"brygga/storage"
	"brygga/web/bankidapi"
	"brygga/webhook"
)

// hooked lets the client be told at an address, and returns the secret of that.
func (h *house) hooked(client string) secret.String {
	h.t.Helper()
	done, err := h.admin.UpdateClient(h.t.Context(), admin.Command("test"), client, admin.Demand{}, func(c *storage.Client) error {
		c.RedirectURIs, c.WebhookURI = []string{"https://app.example.se/cb"}, "https://app.example.se/hook"
		return nil
	})
	must(h.t, err)
	return done.WebhookSecret
}

// told returns the notices in the store that are due.
func (h *house) told() []storage.Notice {
	h.t.Helper()
	notices, err := h.store.ClaimNotices(h.t.Context(), h.now(), 100, func(int) time.Duration { return time.Hour })
	must(h.t, err)
	return notices
}

// verified lets the library of Standard Webhooks for Node.js judge a notice as it is posted, and returns what it has read.
func (h *house) verified(notice *storage.Notice, value secret.String) map[string]any {
	h.t.Helper()
	client, err := h.store.Client(h.t.Context(), notice.ClientID)
	must(h.t, err)
	keys, err := clients.WebhookKeys(h.t.Context(), h.store, client, h.now())
	must(h.t, err)
	body, err := bankidapi.Ended(notice.Order)
	must(h.t, err)
	headers := map[string]string{}
	for name, values := range webhook.Header(keys, notice.ID, h.now(), body) {
		headers[name] = values[0]
	}
	in, err := json.Marshal(map[string]any{"headers": headers, "body": string(body)})
	must(h.t, err)
	const dir = "../../audit/sink/testdata/standardwebhooks"
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "standardwebhooks", "package.json")); err != nil {
		h.t.Fatal("the library of Standard Webhooks is not installed: make needs")
	}
	cmd := exec.CommandContext(h.t.Context(), "node", filepath.Join(dir, "verify.mjs"), value.Reveal())
	cmd.Stdin, cmd.Stderr = bytes.NewReader(append(in, '\n')), os.Stderr
	out, err := cmd.Output()
	must(h.t, err)
	var read map[string]any
	if err := json.Unmarshal(out, &read); err != nil {
		h.t.Fatalf("the library says %s: %v", out, err)
	}
	return read
}

// TestWebhook: each end of an order is told to the client that wants it, in words that a library of others believes, and to no other.
func TestWebhook(t *testing.T) {
	h := newHouse(t, nil)
	value := h.hooked("app")
	key, other := h.key("app", everything...), h.key("other", everything...)
	for name, order := range map[string]struct {
		key         secret.String
		path, body  string
		header      map[string]string
		end         func(ref string)
		kind, state string // empty for one that nobody is told of
	}{
		"identified": {key, "/auth", authBody, nil, func(ref string) { h.approve(ref, person) }, "bankIdAuth", "complete"},
		"signed":     {key, "/sign", `{"endUserIp":"` + endUserIP + `","userVisibleData":"Ja"}`, nil, func(ref string) { h.approve(ref, person) }, "bankIdSign", "complete"},
		"paid":       {key, "/payment", paymentText(cardText), asJSONAPI, func(ref string) { h.approve(ref, person) }, "bankIdPayment", "complete"},
		"cancelled": {key, "/auth", authBody, nil, func(ref string) {
			h.ok(h.ask(asking{key: key, path: "/cancel", body: `{"orderRef":"` + ref + `"}`}), http.StatusOK)
		}, "bankIdAuth", "failed"},
		"by telephone": {key, "/phone/auth", `{"personalNumber":"` + person + `","callInitiator":"RP"}`, nil, func(ref string) {
			h.ok(h.ask(asking{key: key, path: "/cancel", body: `{"orderRef":"` + ref + `"}`}), http.StatusOK)
		}, "bankIdAuth", "failed"},
		"another client's": {other, "/auth", authBody, nil, func(ref string) { h.approve(ref, person) }, "", ""},
	} {
		ref := h.ask(asking{key: order.key, path: order.path, body: order.body, header: order.header}).word("data", "id")
		h.orderOf(ref)
		order.end(ref)
		h.ended(order.key, ref)
		notices := h.told()
		if order.state == "" {
			if len(notices) != 0 {
				t.Errorf("%s: told of %v", name, notices)
			}
			continue
		}
		if len(notices) != 1 {
			t.Fatalf("%s: told of %v", name, notices)
		}
		message := h.verified(&notices[0], value)
		data, _ := message["data"].(map[string]any)
		if len(message) != 3 || message["type"] != bankidapi.TypeEnded || len(data) != 3 || data["type"] != order.kind || data["orderRef"] != ref || data["status"] != order.state {
			t.Errorf("%s: told %v", name, message)
		}
		if at, err := time.Parse(time.RFC3339, message["timestamp"].(string)); err != nil || h.now().Sub(at).Abs() > time.Minute {
			t.Errorf("%s: at %v", name, message["timestamp"])
		}
	}
}

// TestWebhookOfNoOrder: a start that made no order is answered so, and nobody is told of it once more.
func TestWebhookOfNoOrder(t *testing.T) {
	h := newHouse(t, nil)
	h.hooked("app")
	must(t, h.sim.SetChaos(bankidsim.Chaos{Errors: 1}))
	if got := h.ask(asking{key: h.key("app", everything...), path: "/auth", body: authBody}); got.status < 500 {
		t.Fatalf("%d %s", got.status, got.text)
	}
	if told := h.told(); len(told) != 0 {
		t.Errorf("told of %v", told)
	}
}
