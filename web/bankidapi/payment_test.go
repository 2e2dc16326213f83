package bankidapi_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"brygga/bankid/bankidsim"
	"brygga/evidence"
	"brygga/storage"
)

const cardText = `{"transactionType":"card","recipient":{"name":"Cykelboden"},"money":{"amount":"4999,50","currency":"SEK"}}`

// paymentText is a payment of that transaction, with more members behind.
func paymentText(transaction string, more ...string) string {
	return resourceText("bankIdPayment", `{"endUserIp":"`+endUserIP+`","userVisibleTransaction":`+transaction+strings.Join(more, "")+`}`)
}

// TestPayment walks a payment through JSON:API: the app shows it and nothing of ours, its code comes as that of any order, what came of it is told in both
// dialects, and what is kept says what was approved.
func TestPayment(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", storage.ScopeOrderPayment, storage.ScopeOrderEvidence)
	none := `{"transactionType":"npa","recipient":{"name":"Banken"},"riskWarning":"Ring oss först","money":null}`
	for _, one := range []struct {
		name, transaction, more string
		want                    storage.Payment
		shown                   string
	}{
		{"card", cardText, "", storage.Payment{Type: "card", Recipient: "Cykelboden", Amount: "4999,50", Currency: "SEK"}, ""},
		{"no payment", none, `,"riskFlags":["newCustomer","other"],"userVisibleData":"Lägg till kort"`,
			storage.Payment{Type: "npa", Recipient: "Banken", RiskWarning: "Ring oss först", RiskFlags: []string{"newCustomer", "other"}}, "Lägg till kort"},
	} {
		got := h.ok(h.ask(asking{key: key, path: "/payment", header: asJSONAPI, body: paymentText(one.transaction, one.more)}), http.StatusCreated)
		ref := got.word("data", "id")
		if got.word("data", "type") != "bankIdPayment" || !strings.HasSuffix(got.header.Get("Location"), "/orders/"+ref) || got.word("data", "attributes", "autoStartToken") == "" ||
			!strings.HasPrefix(got.word("data", "attributes", "qrData"), "bankid.") {
			t.Errorf("%s: made %v %s", one.name, got.header, got.text)
		}
		shown := h.ok(h.ask(asking{key: key, method: "GET", path: "/orders/" + ref, header: map[string]string{"Accept": jsonAPI}}), http.StatusOK)
		if shown.word("data", "type") != "bankIdPayment" || shown.word("data", "attributes", "status") != "pending" {
			t.Errorf("%s: shown as %s", one.name, shown.text)
		}
		order, err := h.sim.Order(h.orderOf(ref))
		must(t, err)
		if order.Kind != bankidsim.KindPayment || one.shown != "" && order.VisibleText != one.shown || strings.Contains(order.VisibleText, "Logga in") {
			t.Errorf("%s: the app has %+v", one.name, order)
		}
		h.approve(ref, person)
		done := h.ended(key, ref)
		if done.word("data", "status") != "complete" || done.word("data", "completionData", "user", "personalNumber") != person {
			t.Errorf("%s: in the older form it ended as %s", one.name, done.text)
		}
		done = h.ok(h.ask(asking{key: key, path: "/collect", header: asJSONAPI, body: resourceText("bankIdCollect", `{"orderRef":"`+ref+`"}`)}), http.StatusOK)
		signature, err := base64.StdEncoding.DecodeString(done.word("data", "attributes", "completionData", "signature"))
		if err != nil || !strings.Contains(string(signature), "Identification") || done.word("data", "attributes", "completionData", "risk") != "low" {
			t.Errorf("%s: ended as %s, %v", one.name, done.text, err)
		}
		l, err := h.engine.Login(t.Context(), loginID(t, ref))
		must(t, err)
		kept, err := h.store.Evidence(t.Context(), l.EvidenceID, h.now())
		must(t, err)
		record, err := evidence.ReadRecord(kept.Line)
		must(t, err)
		if kept.Kind != storage.KindPayment || fmt.Sprint(*record.Payment) != fmt.Sprint(one.want) {
			t.Errorf("%s: kept is %+v", one.name, record.Payment)
		}
	}
}

// TestPaymentsAreNewer: the older contract has no payments, and JSON:API alone makes them.
func TestPaymentsAreNewer(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	flat := `{"endUserIp":"` + endUserIP + `","userVisibleTransaction":` + cardText + `}`
	for _, one := range []struct {
		sent, accept, body string
		status             int
	}{
		{jsonAPI, "", paymentText(cardText), 201},
		{jsonAPI, "*/*", paymentText(cardText), 201},
		{jsonAPI, "application/json;q=0.9, " + jsonAPI + ";q=0.1", paymentText(cardText), 201},
		{jsonAPI, "application/json", paymentText(cardText), 406},
		{"application/json", "", flat, 415},
		{"application/json", jsonAPI, flat, 415},
		{"application/json", "application/json", flat, 406},
	} {
		got := h.ask(asking{key: key, path: "/payment", body: one.body, header: map[string]string{"Content-Type": one.sent, "Accept": one.accept}})
		if got.status != one.status {
			t.Errorf("%s, accepts %q: %d %s", one.sent, one.accept, got.status, got.text)
		}
	}
}

// TestCatalogueOfPayments: what is wrong with a payment is told by the member, before BankID is asked.
func TestCatalogueOfPayments(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	const in = "/data/attributes/userVisibleTransaction"
	card := func(old, new string) string { return paymentText(strings.Replace(cardText, old, new, 1)) }
	long := strings.Repeat("a", 257)
	for _, one := range []struct {
		name, body string
		status     int
		code       string
		pointer    string
	}{
		{"no transaction", resourceText("bankIdPayment", `{"endUserIp":"`+endUserIP+`"}`), 422, "invalid_user_visible_transaction", in},
		{"null for one", paymentText("null"), 422, "invalid_user_visible_transaction", in},
		{"a text for one", paymentText(`"card"`), 400, "invalid_request", in},
		{"no type", paymentText(`{"recipient":{"name":"a"}}`), 422, "invalid_user_visible_transaction", in + "/transactionType"},
		{"another type", card(`"card"`, `"cash"`), 422, "invalid_user_visible_transaction", in + "/transactionType"},
		{"a type that is none", card(`"card"`, `7`), 400, "invalid_request", in + "/transactionType"},
		{"no recipient", paymentText(`{"transactionType":"npa"}`), 422, "invalid_user_visible_transaction", in + "/recipient/name"},
		{"a recipient without a name", paymentText(`{"transactionType":"npa","recipient":{}}`), 422, "invalid_user_visible_transaction", in + "/recipient/name"},
		{"a long name", card("Cykelboden", long), 422, "invalid_user_visible_transaction", in + "/recipient/name"},
		{"a name that turns", card("Cykelboden", `a\u202eb`), 422, "invalid_user_visible_transaction", in + "/recipient/name"},
		{"a name of two lines", card("Cykelboden", `a\nb`), 422, "invalid_user_visible_transaction", in + "/recipient/name"},
		{"a name that separates lines", card("Cykelboden", `a\u2028b`), 422, "invalid_user_visible_transaction", in + "/recipient/name"},
		{"a blank name", card("Cykelboden", ` `), 422, "invalid_user_visible_transaction", in + "/recipient/name"},
		{"more of the recipient", card(`"Cykelboden"`, `"a","account":"1"`), 400, "invalid_request", in + "/recipient/account"},
		{"a recipient in another spelling", card(`"name"`, `"Name"`), 400, "invalid_request", in + "/recipient/Name"},
		{"a card without money", card(`,"money":{"amount":"4999,50","currency":"SEK"}`, ""), 422, "invalid_user_visible_transaction", in + "/money"},
		{"money without a card", card(`"card"`, `"npa"`), 422, "invalid_user_visible_transaction", in + "/money"},
		{"money that says nothing", paymentText(`{"transactionType":"npa","recipient":{"name":"a"},"money":{}}`), 422, "invalid_user_visible_transaction", in + "/money/amount"},
		{"money in a number", card(`"4999,50"`, `4999.5`), 400, "invalid_request", in + "/money/amount"},
		{"a point", card("4999,50", "4999.50"), 422, "invalid_user_visible_transaction", in + "/money/amount"},
		{"no currency", card(`,"currency":"SEK"`, ""), 422, "invalid_user_visible_transaction", in + "/money/currency"},
		{"kronor", card("SEK", "kr"), 422, "invalid_user_visible_transaction", in + "/money/currency"},
		{"a warning of two lines", card(`"card"`, `"card","riskWarning":"a\nb"`), 422, "invalid_user_visible_transaction", in + "/riskWarning"},
		{"a long warning", card(`"card"`, `"card","riskWarning":"`+long+`"`), 422, "invalid_user_visible_transaction", in + "/riskWarning"},
		{"more of the transaction", card(`"card"`, `"card","time":"now"`), 400, "invalid_request", in + "/time"},
		{"an unknown flag", paymentText(cardText, `,"riskFlags":["old"]`), 422, "invalid_risk_flags", "/data/attributes/riskFlags"},
		{"a flag twice", paymentText(cardText, `,"riskFlags":["other","other"]`), 422, "invalid_risk_flags", "/data/attributes/riskFlags"},
		{"a flag for a list", paymentText(cardText, `,"riskFlags":"other"`), 400, "invalid_request", "/data/attributes/riskFlags"},
		{"no address", resourceText("bankIdPayment", `{"userVisibleTransaction":`+cardText+`}`), 422, "invalid_end_user_ip", "/data/attributes/endUserIp"},
		{"data to sign along", paymentText(cardText, `,"userNonVisibleData":"YQ=="`), 400, "invalid_request", "/data/attributes/userNonVisibleData"},
		{"too much to show", paymentText(cardText, `,"userVisibleData":"`+strings.Repeat("a", 1126)+`"`), 422, "invalid_user_visible_data", "/data/attributes/userVisibleData"},
		{"a person that is none", paymentText(cardText, `,"personalNumber":"198502039823"`), 422, "invalid_personal_number", "/data/attributes/personalNumber"},
		{"another type of resource", resourceText("bankIdAuth", "{}"), 409, "type_conflict", "/data/type"},
	} {
		got := h.ask(asking{key: key, path: "/payment", header: asJSONAPI, body: one.body})
		if got.status != one.status || got.word("errors", 0, "code") != one.code || got.word("errors", 0, "source", "pointer") != one.pointer {
			t.Errorf("%s: %d %s", one.name, got.status, got.text)
		}
	}
	for _, path := range []string{"/auth", "/sign"} {
		got := h.ask(asking{key: key, path: path, body: `{"endUserIp":"` + endUserIP + `","userVisibleData":"a","userVisibleTransaction":` + cardText + `}`})
		if got.status != 400 || got.word("errors", 0, "source", "pointer") != "/userVisibleTransaction" {
			t.Errorf("a payment at %s: %d %s", path, got.status, got.text)
		}
	}
	if n, err := h.store.PendingOrders(t.Context()); n != 0 || err != nil {
		t.Errorf("%d orders were made, %v", n, err)
	}
}

// TestRightToPayments: a key for payments makes no other order.
func TestRightToPayments(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", storage.ScopeOrderPayment)
	h.ok(h.ask(asking{key: key, path: "/payment", header: asJSONAPI, body: paymentText(cardText)}), http.StatusCreated)
	for path, body := range map[string]string{"/auth": authBody, "/sign": `{"endUserIp":"` + endUserIP + `","userVisibleData":"t"}`} {
		if got := h.ask(asking{key: key, path: path, body: body}); got.status != http.StatusForbidden || got.word("errors", 0, "code") != "forbidden_operation" {
			t.Errorf("%s: %d %s", path, got.status, got.text)
		}
	}
	rest := h.key("app", storage.ScopeOrderAuth, storage.ScopeOrderSign, storage.ScopeOrderPhone, storage.ScopeOrderEvidence)
	if got := h.ask(asking{key: rest, path: "/payment", header: asJSONAPI, body: paymentText(cardText)}); got.status != http.StatusForbidden {
		t.Errorf("with all other rights: %d %s", got.status, got.text)
	}
}

// TestRepeatedPayment: a payment that is asked for twice by one idempotency key is one, and another under that key is none.
func TestRepeatedPayment(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	pay := func(body string) answered {
		header := map[string]string{"Idempotency-Key": "purchase-7"}
		for name, value := range asJSONAPI {
			header[name] = value
		}
		return h.ask(asking{key: key, path: "/payment", header: header, body: body})
	}
	whole := paymentText(strings.Replace(cardText, `"card"`, `"card","riskWarning":"Se upp"`, 1), `,"riskFlags":["other"]`)
	first := h.ok(pay(whole), http.StatusCreated)
	if again := h.ok(pay(whole), http.StatusCreated); again.word("data", "id") != first.word("data", "id") {
		t.Error("there are two payments")
	}
	for _, change := range [][2]string{{"4999,50", "49,50"}, {"SEK", "NOK"}, {"Cykelboden", "Bilboden"}, {"Se upp", "Se"}, {`["other"]`, `[]`}, {`["other"]`, `["newCard"]`}} {
		if got := pay(strings.Replace(whole, change[0], change[1], 1)); got.status != 422 || got.word("errors", 0, "code") != "idempotency_key_reused" {
			t.Errorf("with %s: %d %s", change[1], got.status, got.text)
		}
	}
	if n, err := h.store.PendingOrders(t.Context()); n != 1 || err != nil {
		t.Errorf("%d orders, %v", n, err)
	}
}
