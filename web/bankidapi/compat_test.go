package bankidapi_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// loginID is the ID of the login that callers know by the reference.
func loginID(t *testing.T, ref string) string {
	t.Helper()
	raw, err := hex.DecodeString(strings.ReplaceAll(ref, "-", ""))
	must(t, err)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// everything are all scopes.
var everything = storage.OrderScopes

// sameShape fails the test unless got has the members of the example, and no others but those that are allowed, each of the same type.
func sameShape(t *testing.T, at string, example, got any, more ...string) {
	t.Helper()
	want, isObject := example.(map[string]any)
	if !isObject {
		if fmt.Sprintf("%T", example) != fmt.Sprintf("%T", got) {
			t.Errorf("%s is a %T, want a %T", at, got, example)
		}
		return
	}
	have, _ := got.(map[string]any)
	for name := range want {
		if _, there := have[name]; !there {
			t.Errorf("%s/%s is missing", at, name)
			continue
		}
		sameShape(t, at+"/"+name, want[name], have[name], more...)
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if _, there := want[name]; !there && !slices.Contains(more, at+"/"+name) {
			t.Errorf("%s/%s is more than was promised", at, name)
		}
	}
}

// TestOlderContract walks through the examples of the older contract, as its readers have them: what is asked, and the form of each answer. An order has an ID
// beside, a pending one says how often to ask, and a result what the client has a right to.
func TestOlderContract(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	text, err := os.ReadFile("testdata/older-contract.json")
	must(t, err)
	var examples map[string]struct{ Request, Response map[string]any }
	must(t, json.Unmarshal(text, &examples))
	body := func(name, ref string) string {
		request := maps.Clone(examples[name].Request)
		for member := range request {
			switch member {
			case "personalNumber":
				request[member] = person
			case "endUserIp":
				request[member] = endUserIP
			case "orderRef":
				request[member] = ref
			}
		}
		text, err := json.Marshal(request)
		must(t, err)
		return string(text)
	}
	ask := func(name, path, ref string) answered {
		t.Helper()
		got := h.ok(h.ask(asking{key: key, path: path, body: body(name, ref)}), http.StatusOK)
		if kind := got.header.Get("Content-Type"); kind != "application/json" || got.header.Get("Vary") != "Accept" || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", name, got.header)
		}
		sameShape(t, "", map[string]any(examples[name].Response), map[string]any(got.json), "/data/id", "/meta", "/data/completionData/risk", "/data/completionData/bankIdIssueDate", "/data/completionData/stepUp")
		return got
	}
	for _, start := range []string{"auth", "sign"} {
		got := ask(start, "/"+start, "")
		ref := got.word("data", "attributes", "orderRef")
		if got.word("data", "id") != ref || got.word("jsonapi", "version") != "1.0" {
			t.Errorf("%s: %s", start, got.text)
		}
		if ask("pending", "/collect", ref).word("data", "attributes", "status") != "pending" {
			t.Errorf("%s is not pending", start)
		}
		h.approve(ref, person)
		h.ended(key, ref)
		done := ask("complete", "/collect", ref)
		if done.word("data", "status") != "complete" || done.word("data", "completionData", "user", "personalNumber") != person {
			t.Errorf("%s: %s", start, done.text)
		}
		if signature, err := base64.StdEncoding.DecodeString(done.word("data", "completionData", "signature")); err != nil || !strings.Contains(string(signature), "<Signature") {
			t.Errorf("%s: the signature is none: %v", start, err)
		}
		if again := ask("complete", "/collect", ref); again.text != done.text {
			t.Errorf("%s: collected twice, it has another end", start)
		}
		if got := ask("cancel", "/cancel", ref); strings.TrimSpace(got.text) != "{}" {
			t.Errorf("cancel of a finished order: %s", got.text)
		}
		if still := ask("complete", "/collect", ref); still.text != done.text {
			t.Errorf("cancelled after its end, it stands as %s", still.text)
		}
	}
}

// TestResultsAsResources: a client that wishes so gets a complete order in the form of a pending one, in the older dialect too.
func TestResultsAsResources(t *testing.T) {
	h := newHouse(t, nil)
	must(t, h.store.CreateClient(t.Context(), storage.Client{ID: "reader", Name: "Läsaren", PersonalNumber: true, ResultsAsResources: true}))
	key := h.key("reader", storage.ScopeOrderAuth)
	ref := h.ok(h.ask(asking{key: key, path: "/auth", body: `{"endUserIp":"` + endUserIP + `"}`}), http.StatusOK).word("data", "attributes", "orderRef")
	h.approve(ref, person)
	h.ended(key, ref)
	done := h.ok(h.ask(asking{key: key, path: "/collect", body: `{"orderRef":"` + ref + `"}`}), http.StatusOK)
	if done.word("data", "type") != "bankIdCollect" || done.word("data", "id") != ref || done.word("data", "attributes", "status") != "complete" ||
		done.word("data", "attributes", "completionData", "user", "personalNumber") != person || done.word("data", "status") != "" {
		t.Errorf("complete: %s", done.text)
	}
}

// TestSignedExactly: what is signed is the text that was asked for, byte for byte, and its evidence is kept.
func TestSignedExactly(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", storage.ScopeOrderSign, storage.ScopeOrderEvidence)
	const signed = "Köp av 3 kort & 1 kuvert <till> \"Åsa\"\n\nSumma: 45 kr"
	body, _ := json.Marshal(map[string]string{"endUserIp": endUserIP, "userVisibleData": signed})
	got := h.ok(h.ask(asking{key: key, path: "/sign", body: string(body)}), http.StatusOK)
	ref := got.word("data", "id")
	h.approve(ref, person)
	done := h.ended(key, ref)
	signature, err := base64.StdEncoding.DecodeString(done.word("data", "completionData", "signature"))
	must(t, err)
	if !strings.Contains(string(signature), ">"+base64.StdEncoding.EncodeToString([]byte(signed))+"<") {
		t.Error("the signature is not of the text")
	}
	l, err := h.engine.Login(t.Context(), loginID(t, ref))
	must(t, err)
	if record, err := h.store.Evidence(t.Context(), l.EvidenceID, h.now()); err != nil || record.ClientID != "app" || record.Kind != storage.KindSign {
		t.Errorf("the evidence is %+v, %v", record, err)
	}
}

// TestRightsOfKeys: a key does and is told what it has scopes for, and a client gets no more than it has a right to.
func TestRightsOfKeys(t *testing.T) {
	h := newHouse(t, nil)
	must(t, h.store.CreateClient(t.Context(), storage.Client{ID: "nameless", Name: "Utan rätt"}))
	must(t, h.store.CreateClient(t.Context(), storage.Client{ID: "named", Name: "Bara namn", Scopes: []string{storage.ScopeProfile}}))
	for _, one := range []struct {
		client          string
		scopes          []string
		attributes, has string
	}{
		{"app", []string{storage.ScopeOrderAuth}, "autoStartToken orderRef qrData qrStartToken", "bankIdIssueDate risk stepUp user"},
		{"app", []string{storage.ScopeOrderAuth, storage.ScopeOrderSecret, storage.ScopeOrderDevice}, "autoStartToken orderRef qrStartSecret qrStartToken", "bankIdIssueDate device risk stepUp user"},
		{"app", []string{storage.ScopeOrderAuth, storage.ScopeOrderEvidence}, "autoStartToken orderRef qrData qrStartToken", "bankIdIssueDate cert ocspResponse risk signature stepUp user"},
		{"nameless", []string{storage.ScopeOrderAuth, storage.ScopeOrderEvidence}, "autoStartToken orderRef qrData qrStartToken", "user"},
		{"named", []string{storage.ScopeOrderAuth, storage.ScopeOrderEvidence}, "autoStartToken orderRef qrData qrStartToken", "cert user"},
	} {
		key := h.key(one.client, one.scopes...)
		got := h.ok(h.ask(asking{key: key, path: "/auth", body: `{"endUserIp":"` + endUserIP + `"}`}), http.StatusOK)
		members := func(v any) string { m, _ := v.(map[string]any); return strings.Join(slices.Sorted(maps.Keys(m)), " ") }
		if names := members(got.at("data", "attributes")); names != one.attributes {
			t.Errorf("%v: started with %s", one.scopes, names)
		}
		ref := got.word("data", "id")
		h.approve(ref, person)
		done := h.ended(key, ref)
		if names := members(done.at("data", "completionData")); names != one.has {
			t.Errorf("%v: ended with %s", one.scopes, names)
		}
		if user := members(done.at("data", "completionData", "user")); (user == "") != (one.client == "nameless") {
			t.Errorf("%s is told %q of the person", one.client, user)
		}
		for path, body := range map[string]string{
			"/sign":       `{"endUserIp":"` + endUserIP + `","userVisibleData":"t"}`,
			"/phone/auth": `{"personalNumber":"` + person + `","callInitiator":"RP"}`,
			"/payment":    paymentText(cardText),
		} {
			a := asking{key: key, path: path, body: body}
			if path == "/payment" {
				a.header = asJSONAPI
			}
			got := h.ask(a)
			if got.status != http.StatusForbidden || got.word("errors", 0, "code") != "forbidden_operation" {
				t.Errorf("%s: %d %s", path, got.status, got.text)
			}
		}
	}
}

// TestOrdersAreTheKeysOwn: an order of another key, of another client and none are one and the same to whoever asks.
func TestOrdersAreTheKeysOwn(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	ref := h.ok(h.ask(asking{key: key, path: "/auth", body: `{"endUserIp":"` + endUserIP + `"}`}), http.StatusOK).word("data", "id")
	none := ref[:35] + map[bool]string{true: "1", false: "0"}[ref[35] == '0']
	for name, stranger := range map[string]secret.String{"another key": h.key("app", everything...), "another client": h.key("other", everything...)} {
		for _, a := range []asking{
			{path: "/collect", body: `{"orderRef":"REF"}`}, {path: "/cancel", body: `{"orderRef":"REF"}`}, {method: "GET", path: "/orders/REF"},
			{method: "DELETE", path: "/orders/REF"}, {method: "GET", path: "/orders/REF/qr"},
		} {
			a.key = stranger
			with := func(ref string) asking {
				b := a
				b.path, b.body = strings.ReplaceAll(a.path, "REF", ref), strings.ReplaceAll(a.body, "REF", ref)
				return b
			}
			foreign, unknown := h.ask(with(ref)), h.ask(with(none))
			if foreign.status != http.StatusNotFound || foreign.text != unknown.text || foreign.word("errors", 0, "code") != "order_not_found" {
				t.Errorf("%s, %s %s: %d %s, of none %d %s", name, a.method, a.path, foreign.status, foreign.text, unknown.status, unknown.text)
			}
		}
	}
	if got := h.ask(asking{key: key, path: "/collect", body: `{"orderRef":"` + ref + `"}`}); got.word("data", "attributes", "status") != "pending" {
		t.Errorf("the order went on as %s", got.text)
	}
}

// TestEndsAreToldForAWhile: how an order ended is told again and again, and no longer than configured.
func TestEndsAreToldForAWhile(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	start := func() string {
		return h.ok(h.ask(asking{key: key, path: "/auth", body: `{"endUserIp":"` + endUserIP + `"}`}), http.StatusOK).word("data", "id")
	}
	done, cancelled, failed := start(), start(), start()
	h.approve(done, person)
	h.ended(key, done)
	h.ok(h.ask(asking{key: key, path: "/cancel", body: `{"orderRef":"` + cancelled + `"}`}), http.StatusOK)
	_, err := h.sim.Fail(h.orderOf(failed), "userCancel")
	must(t, err)
	for ref, hint := range map[string]string{cancelled: "cancelled", failed: "userCancel"} {
		got := h.ended(key, ref)
		if got.word("data", "attributes", "status") != "failed" || got.word("data", "attributes", "hintCode") != hint || got.word("data", "type") != "bankIdCollect" {
			t.Errorf("ended as %s, want %s", got.text, hint)
		}
	}
	h.ahead.Add(int64(4*time.Minute + 50*time.Second))
	for _, ref := range []string{done, cancelled, failed} {
		h.ok(h.ask(asking{key: key, path: "/collect", body: `{"orderRef":"` + ref + `"}`}), http.StatusOK)
	}
	h.ahead.Add(int64(20 * time.Second))
	for _, ref := range []string{done, cancelled, failed} {
		h.ok(h.ask(asking{key: key, path: "/collect", body: `{"orderRef":"` + ref + `"}`}), http.StatusNotFound)
	}
}
