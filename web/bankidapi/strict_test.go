package bankidapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const jsonAPI = "application/vnd.api+json"

var asJSONAPI = map[string]string{"Content-Type": jsonAPI, "Accept": jsonAPI}

func resourceText(kind, attributes string) string {
	return fmt.Sprintf(`{"data":{"type":%q,"attributes":%s}}`, kind, attributes)
}

// TestJSONAPI walks an order through JSON:API: made at an address of its own, collected there and by name, ended, and ended once.
func TestJSONAPI(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	got := h.ok(h.ask(asking{key: key, path: "/sign", header: asJSONAPI, body: resourceText("bankIdSign", `{"endUserIp":"`+endUserIP+`","userVisibleData":"# Avtal","userVisibleDataFormat":"simpleMarkdownV1"}`)}), http.StatusCreated)
	ref := got.word("data", "id")
	self := "https://id.example.se/api/bankid/v1/orders/" + ref
	if got.header.Get("Content-Type") != jsonAPI || got.header.Get("Location") != self || got.word("data", "links", "self") != self || got.word("jsonapi", "version") != "1.1" || got.word("data", "type") != "bankIdSign" {
		t.Errorf("made: %v %s", got.header, got.text)
	}
	shown := h.ok(h.ask(asking{key: key, method: "GET", path: "/orders/" + ref, header: map[string]string{"Accept": jsonAPI}}), http.StatusOK)
	if shown.word("data", "type") != "bankIdSign" || shown.word("data", "id") != ref || shown.word("data", "attributes", "status") != "pending" || shown.at("meta", "pollInterval") != 2.0 {
		t.Errorf("shown: %s", shown.text)
	}
	h.approve(ref, person)
	h.ended(key, ref)
	for _, body := range []string{resourceText("bankIdCollect", `{"orderRef":"`+ref+`"}`), `{"data":{"type":"bankIdCollect","id":"` + ref + `"}}`} {
		done := h.ok(h.ask(asking{key: key, path: "/collect", header: asJSONAPI, body: body}), http.StatusOK)
		if done.word("data", "type") != "bankIdCollect" || done.word("data", "attributes", "completionData", "user", "name") == "" || done.at("meta") != nil {
			t.Errorf("collected: %s", done.text)
		}
	}
	late := h.ok(h.ask(asking{key: key, method: "DELETE", path: "/orders/" + ref, header: map[string]string{"Accept": jsonAPI}}), http.StatusConflict)
	if late.word("errors", 0, "code") != "already_finished" {
		t.Errorf("ended once more: %s", late.text)
	}
	if still := h.ask(asking{key: key, method: "GET", path: "/orders/" + ref}); still.word("data", "attributes", "status") != "complete" {
		t.Errorf("its result was taken back: %s", still.text)
	}
	other := h.ok(h.ask(asking{key: key, path: "/auth", header: asJSONAPI, body: resourceText("bankIdAuth", `{"endUserIp":"2001:db8::7"}`)}), http.StatusCreated).word("data", "id")
	if ended := h.ok(h.ask(asking{key: key, path: "/cancel", header: asJSONAPI, body: resourceText("bankIdCancel", `{"orderRef":"`+other+`"}`)}), http.StatusNoContent); ended.text != "" || ended.header.Get("Content-Type") != "" {
		t.Errorf("ended with %v %q", ended.header, ended.text)
	}
}

// TestNegotiation: who asks in which dialect, and accepts what, is answered how (JSON:API 1.1 §5, RFC 9110 §12.5.1).
func TestNegotiation(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	flat, wrapped := `{"endUserIp":"`+endUserIP+`"}`, resourceText("bankIdAuth", `{"endUserIp":"`+endUserIP+`"}`)
	for _, one := range []struct {
		sent, accept, body string
		status             int
		kind               string
	}{
		{"application/json", "", flat, 200, "application/json"},
		{"application/json; charset=utf-8", "application/json", flat, 200, "application/json"},
		{"application/json", "*/*", flat, 200, "application/json"},
		{"application/json", jsonAPI, flat, 201, jsonAPI},
		{"application/json", "application/json;q=0.5, " + jsonAPI, flat, 201, jsonAPI},
		{"application/json", "application/*;q=0.1, application/json;q=0.9", flat, 200, "application/json"},
		{jsonAPI, "", wrapped, 201, jsonAPI},
		{jsonAPI, "*/*", wrapped, 201, jsonAPI},
		{jsonAPI, "application/json", wrapped, 200, "application/json"},
		{jsonAPI + `; profile="https://example.com/p"`, jsonAPI + `; profile="https://example.com/p"`, wrapped, 201, jsonAPI},
		{jsonAPI, jsonAPI + "; charset=utf-8, " + jsonAPI, wrapped, 201, jsonAPI},
		{jsonAPI, jsonAPI + "; charset=utf-8", wrapped, 406, jsonAPI},
		{jsonAPI, jsonAPI + "; charset=utf-8, */*", wrapped, 406, jsonAPI},
		{jsonAPI, jsonAPI + `; ext="https://example.com/e"`, wrapped, 406, jsonAPI},
		{"application/json", "text/html", flat, 406, "application/json"},
		{"application/json", "application/json;q=0", flat, 406, "application/json"},
		{jsonAPI + "; charset=utf-8", jsonAPI, wrapped, 415, jsonAPI},
		{jsonAPI + `; ext="https://example.com/e"`, jsonAPI, wrapped, 415, jsonAPI},
		{"application/json; charset=iso-8859-1", "", flat, 415, "application/json"},
		{"text/plain", "", flat, 415, "application/json"},
		{"application/x-www-form-urlencoded", "", "endUserIp=203.0.113.7", 415, "application/json"},
		{jsonAPI, jsonAPI, flat, 400, jsonAPI},
		{"application/json", "", wrapped, 400, "application/json"},
	} {
		got := h.ask(asking{key: key, path: "/auth", body: one.body, header: map[string]string{"Content-Type": one.sent, "Accept": one.accept}})
		if got.status != one.status || got.header.Get("Content-Type") != one.kind {
			t.Errorf("%s, accepts %q: %d as %s: %s", one.sent, one.accept, got.status, got.header.Get("Content-Type"), got.text)
		}
		if got.status >= 400 && (got.at("data") != nil || got.word("errors", 0, "id") != "TRACE-ID" || got.word("errors", 0, "status") != fmt.Sprint(got.status)) {
			t.Errorf("%s, accepts %q: %s", one.sent, one.accept, got.text)
		}
	}
}

// TestCatalogue asks for each error that does not come from BankID, and looks where it says that the fault is.
func TestCatalogue(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	long := strings.Repeat("a", 30_001)
	with := func(more string) string { return `{"endUserIp":"` + endUserIP + `"` + more + `}` }
	for _, one := range []struct {
		name   string
		a      asking
		status int
		code   string
		source string // the last of where
	}{
		{"no key", asking{path: "/auth", body: with("")}, 401, "missing_api_key", "x-api-key"},
		{"no such key", asking{path: "/auth", body: with(""), header: map[string]string{"x-api-key": "brygga_x_y"}}, 401, "invalid_api_key", "x-api-key"},
		{"no such path", asking{key: key, path: "/pay", body: with("")}, 404, "not_found", ""},
		{"no such path and no key", asking{path: "/pay"}, 401, "missing_api_key", "x-api-key"},
		{"another method", asking{key: key, method: "PUT", path: "/auth", body: with("")}, 405, "method_not_allowed", ""},
		{"a parameter", asking{key: key, path: "/auth?include=user", body: with("")}, 400, "invalid_parameter", "include"},
		{"no JSON", asking{key: key, path: "/auth", body: "{"}, 400, "invalid_request", ""},
		{"a list", asking{key: key, path: "/auth", body: "[]"}, 400, "invalid_request", ""},
		{"two bodies", asking{key: key, path: "/auth", body: with("") + "{}"}, 400, "invalid_request", ""},
		{"a member twice", asking{key: key, path: "/auth", body: with(`,"endUserIp":"203.0.113.8"`)}, 400, "invalid_request", ""},
		{"half a character", asking{key: key, path: "/sign", body: with(`,"userVisibleData":"\ud800"`)}, 400, "invalid_request", ""},
		{"an unknown attribute", asking{key: key, path: "/auth", body: with(`,"user/agent":"x"`)}, 400, "invalid_request", "/user~1agent"},
		{"no text", asking{key: key, path: "/auth", body: with(`,"personalNumber":198502039822`)}, 400, "invalid_request", "/personalNumber"},
		{"no address", asking{key: key, path: "/auth", body: `{}`}, 422, "invalid_end_user_ip", "/endUserIp"},
		{"an address of nobody", asking{key: key, path: "/auth", body: `{"endUserIp":"0.0.0.0"}`}, 422, "invalid_end_user_ip", "/endUserIp"},
		{"an address with a zone", asking{key: key, path: "/auth", body: `{"endUserIp":"fe80::1%eth0"}`}, 422, "invalid_end_user_ip", "/endUserIp"},
		{"a number of ten digits", asking{key: key, path: "/auth", body: with(`,"personalNumber":"8502039822"`)}, 422, "invalid_personal_number", "/personalNumber"},
		{"a number that is wrong", asking{key: key, path: "/auth", body: with(`,"personalNumber":"198502039823"`)}, 422, "invalid_personal_number", "/personalNumber"},
		{"nothing to sign", asking{key: key, path: "/sign", body: with("")}, 422, "invalid_user_visible_data", "/userVisibleData"},
		{"blanks to sign", asking{key: key, path: "/sign", body: with(`,"userVisibleData":" \n"`)}, 422, "invalid_user_visible_data", "/userVisibleData"},
		{"too much to sign", asking{key: key, path: "/sign", body: with(`,"userVisibleData":"` + long + `"`)}, 422, "invalid_user_visible_data", "/userVisibleData"},
		{"too much to show", asking{key: key, path: "/auth", body: with(`,"userVisibleData":"` + long[:1126] + `"`)}, 422, "invalid_user_visible_data", "/userVisibleData"},
		{"a control character", asking{key: key, path: "/sign", body: with(`,"userVisibleData":"a\u0007b"`)}, 422, "invalid_user_visible_data", "/userVisibleData"},
		{"text that turns", asking{key: key, path: "/sign", body: with(`,"userVisibleData":"a\u202eb"`)}, 422, "invalid_user_visible_data", "/userVisibleData"},
		{"an emoji in Markdown", asking{key: key, path: "/sign", body: with(`,"userVisibleData":"\ud83d\ude00","userVisibleDataFormat":"simpleMarkdownV1"`)}, 422, "invalid_user_visible_data", "/userVisibleData"},
		{"an unknown format", asking{key: key, path: "/sign", body: with(`,"userVisibleData":"a","userVisibleDataFormat":"html"`)}, 422, "invalid_user_visible_data", "/userVisibleDataFormat"},
		{"data that is no base64", asking{key: key, path: "/sign", body: with(`,"userVisibleData":"a","userNonVisibleData":"å"`)}, 422, "invalid_user_non_visible_data", "/userNonVisibleData"},
		{"data in an identification", asking{key: key, path: "/auth", body: with(`,"userNonVisibleData":"YQ=="`)}, 400, "invalid_request", "/userNonVisibleData"},
		{"a call by nobody", asking{key: key, path: "/phone/auth", body: `{"personalNumber":"` + person + `","callInitiator":"rp"}`}, 422, "invalid_call_initiator", "/callInitiator"},
		{"a call with nobody", asking{key: key, path: "/phone/auth", body: `{"callInitiator":"RP"}`}, 422, "invalid_personal_number", "/personalNumber"},
		{"no order named", asking{key: key, path: "/collect", body: `{}`}, 422, "invalid_order_ref", "/orderRef"},
		{"no such order", asking{key: key, path: "/collect", body: `{"orderRef":"131daac9-16c6-4618-beb0-365768f37288"}`}, 404, "order_not_found", ""},
		{"no order at all", asking{key: key, method: "GET", path: "/orders/x"}, 404, "order_not_found", ""},
		{"no document", asking{key: key, path: "/auth", header: asJSONAPI, body: with("")}, 400, "invalid_request", "/data"},
		{"no type", asking{key: key, path: "/auth", header: asJSONAPI, body: `{"data":{"attributes":{}}}`}, 400, "invalid_request", "/data/type"},
		{"another type", asking{key: key, path: "/auth", header: asJSONAPI, body: resourceText("bankIdSign", with(""))}, 409, "type_conflict", "/data/type"},
		{"an ID of its own", asking{key: key, path: "/auth", header: asJSONAPI, body: `{"data":{"type":"bankIdAuth","id":"1","attributes":` + with("") + `}}`}, 403, "client_generated_id", "/data/id"},
		{"attributes in another spelling", asking{key: key, path: "/auth", header: asJSONAPI, body: `{"data":{"type":"bankIdAuth","Attributes":` + with("") + `}}`}, 422, "invalid_end_user_ip", "/data/attributes/endUserIp"},
		{"a type in another spelling", asking{key: key, path: "/auth", header: asJSONAPI, body: `{"data":{"Type":"bankIdAuth","attributes":` + with("") + `}}`}, 400, "invalid_request", "/data/type"},
		{"a fault in a resource", asking{key: key, path: "/auth", header: asJSONAPI, body: resourceText("bankIdAuth", `{"endUserIp":"x"}`)}, 422, "invalid_end_user_ip", "/data/attributes/endUserIp"},
		{"too long", asking{key: key, path: "/sign", body: `{"userVisibleData":"` + strings.Repeat("a", 600<<10) + `"}`}, 413, "too_large", ""},
		{"a bad idempotency key", asking{key: key, path: "/auth", body: with(""), header: map[string]string{"Idempotency-Key": "a b"}}, 400, "invalid_idempotency_key", "Idempotency-Key"},
		{"a page", asking{key: key, path: "/auth", body: with(""), header: map[string]string{"Origin": "https://id.example.se"}}, 403, "browser_refused", ""},
		{"a page of our own", asking{key: key, path: "/auth", body: with(""), header: map[string]string{"Sec-Fetch-Site": "same-origin"}}, 403, "browser_refused", ""},
		{"a page that asks ahead", asking{method: "OPTIONS", path: "/auth", header: map[string]string{"Origin": "https://x.example", "Access-Control-Request-Method": "POST"}}, 403, "browser_refused", ""},
	} {
		got := h.ask(one.a)
		where := got.word("errors", 0, "source", "pointer") + got.word("errors", 0, "source", "parameter") + got.word("errors", 0, "source", "header")
		if got.status != one.status || got.word("errors", 0, "code") != one.code || where != one.source {
			t.Errorf("%s: %d %s", one.name, got.status, got.text)
		}
		if got.header.Get("Access-Control-Allow-Origin") != "" || got.status == 401 && got.header.Get("WWW-Authenticate") == "" || got.status == 405 && got.header.Get("Allow") != "POST" {
			t.Errorf("%s: %v", one.name, got.header)
		}
	}
	if n, err := h.store.PendingOrders(t.Context()); n != 0 || err != nil {
		t.Errorf("%d orders were made, %v", n, err)
	}
	if strings.Contains(h.log.String(), person) {
		t.Error("a personal number stands in the log")
	}
}
