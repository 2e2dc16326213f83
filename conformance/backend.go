package conformance

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// BackEnd is what a back end has that makes orders of its own over a JSON:API.
type BackEnd struct {
	// URL is that of the API. Keys are two, of the same client and with a right to all orders, and to the proof but not the secret of codes.
	URL  string   `json:"url"`
	Keys []string `json:"keys"`
}

const (
	jsonAPIType     = "application/vnd.api+json"
	backEndSection  = "JSON:API 1.1"
	orderSection    = "BankID API: auth"
	backEndAddress  = "203.0.113.7"
	backEndDocument = `{"data":{"type":"bankIdAuth","attributes":{"endUserIp":"` + backEndAddress + `"}}}`
	backEndFlat     = `{"endUserIp":"` + backEndAddress + `"}`
	paymentSection  = "BankID API: payment"
	paymentAmount   = "4999,50"
)

// paymentDocument asks for a payment of that type, with that money; empty for none.
func paymentDocument(kind, money string) string {
	transaction := `{"transactionType":"` + kind + `","recipient":{"name":"Cykelboden"}`
	if money != "" {
		transaction += `,"money":` + money
	}
	return `{"data":{"type":"bankIdPayment","attributes":{"endUserIp":"` + backEndAddress + `","userVisibleTransaction":` + transaction + `}}}}`
}

// backEnd asks the API with the first key, in the form of the older contract.
func (c *Case) backEnd(method, path, body string, alters ...alter) *Answer {
	all := []alter{header("x-api-key", c.cfg.BackEnd.Keys[0])}
	if body != "" {
		all = append(all, header("Content-Type", "application/json"))
	}
	a := c.Do(method, c.cfg.BackEnd.URL+path, strings.NewReader(body), append(all, alters...)...)
	c.Want(a.JSON["data"] == nil || a.JSON["errors"] == nil, "%s %s: data and errors in one document", method, path)
	return a
}

// jsonAPI is a request in JSON:API.
func jsonAPI(r *http.Request) {
	r.Header.Set("Accept", jsonAPIType)
	if r.Header.Get("Content-Type") != "" {
		r.Header.Set("Content-Type", jsonAPIType)
	}
}

// member returns what stands at the path of members in a document.
func member(a *Answer, path ...string) any {
	var at any = a.JSON
	for _, name := range path {
		object, _ := at.(map[string]any)
		at = object[name]
	}
	return at
}

// backEndError holds an answer to an error of that status and code.
func (c *Case) backEndError(a *Answer, status int, code string) {
	errors, _ := a.JSON["errors"].([]any)
	c.Want(a.Status == status && len(errors) > 0, "%s, want %d with errors", a, status)
	first, _ := errors[0].(map[string]any)
	c.Want(first["code"] == code, "the code is %v, want %s", first["code"], code)
	c.Want(text(first["id"]) != "", "the error has no id to ask about")
}

// order makes an order and returns its reference.
func (c *Case) order(path, body string) string {
	a := c.backEnd(http.MethodPost, path, body)
	ref := text(member(a, "data", "attributes", "orderRef"))
	c.Want(a.Status == http.StatusOK && ref != "", "no order: %s", a)
	return ref
}

// collected returns how an order ends.
func (c *Case) collected(ref string) *Answer {
	for range 40 {
		a := c.backEnd(http.MethodPost, "/collect", `{"orderRef":"`+ref+`"}`)
		if member(a, "data", "attributes", "status") != "pending" {
			return a
		}
		time.Sleep(500 * time.Millisecond)
	}
	c.Fail("the order is pending still")
	return nil
}

// shownOrder is what the app shows of an order.
type shownOrder struct {
	OrderRef    string
	Transaction struct{ Type, Recipient, Amount, Currency string }
}

// approveOrder has a person scan the order's code and approve what the app shows, which it returns.
func (c *Case) approveOrder(ref string) shownOrder {
	code := c.backEnd(http.MethodGet, "/orders/"+ref+"/qr", "", header("Accept", "text/plain"))
	phone := &bankID{c.cfg.Login.Phone}
	var order shownOrder
	err := phone.call(c.ctx, "scan", "application/json", marshal(claimSet{"qr": string(code.Body), "personalNumber": c.Person().Name}), &order)
	if err == nil {
		err = phone.call(c.ctx, "orders/"+order.OrderRef+"/sign", "application/json", []byte("{}"), nil)
	}
	c.Want(err == nil, "nobody can approve: %v", err)
	return order
}

// backEnds are the rules of the API for back ends.
var backEnds = []Check{
	{"key-missing", "without a key nobody is answered", "RFC 9110 §11.6.1", "", func(c *Case) {
		a := c.Do(http.MethodPost, c.cfg.BackEnd.URL+"/auth", strings.NewReader(backEndFlat), header("Content-Type", "application/json"))
		c.backEndError(a, http.StatusUnauthorized, "missing_api_key")
		c.Want(a.Header.Get("WWW-Authenticate") != "", "WWW-Authenticate is missing")
	}},
	{"key-wrong", "a wrong key is refused", "RFC 9110 §11.6.1", "", func(c *Case) {
		c.backEndError(c.backEnd(http.MethodPost, "/auth", backEndFlat, header("x-api-key", c.cfg.BackEnd.Keys[0]+"x")), http.StatusUnauthorized, "invalid_api_key")
	}},
	{"browser", "pages are not answered, with whatever key, and no other origin is let in", "Fetch Metadata §2", "", func(c *Case) {
		for _, sent := range []alter{header("Origin", "https://www.example.se"), header("Sec-Fetch-Site", "same-origin")} {
			a := c.backEnd(http.MethodPost, "/auth", backEndFlat, sent)
			c.backEndError(a, http.StatusForbidden, "browser_refused")
			c.Want(a.Header.Get("Access-Control-Allow-Origin") == "", "another origin is let in")
		}
	}},
	{"older-start", "in the older contract an order is a document with tokens", orderSection, "", func(c *Case) {
		a := c.backEnd(http.MethodPost, "/auth", backEndFlat)
		c.Want(a.Status == http.StatusOK && a.MediaType() == "application/json" && member(a, "jsonapi", "version") == "1.0" && member(a, "data", "type") == "bankIdAuth", "%s", a)
		for _, name := range []string{"orderRef", "autoStartToken", "qrStartToken"} {
			c.Want(text(member(a, "data", "attributes", name)) != "", "%s is missing", name)
		}
	}},
	{"no-secret", "what codes are made from is for nobody without a right to it", "BankID API: QR code", "", func(c *Case) {
		a := c.backEnd(http.MethodPost, "/auth", backEndFlat)
		c.Want(!bytes.Contains(a.Body, []byte("qrStartSecret")), "it is in the answer")
		c.Want(strings.HasPrefix(text(member(a, "data", "attributes", "qrData")), "bankid."), "there is no code in its place")
	}},
	{"created", "in JSON:API an order is made with 201, Location and a link to itself", backEndSection + " §9.1", "", func(c *Case) {
		a := c.backEnd(http.MethodPost, "/auth", backEndDocument, jsonAPI)
		self := a.Header.Get("Location")
		c.Want(a.Status == http.StatusCreated && a.MediaType() == jsonAPIType && strings.HasSuffix(self, "/orders/"+text(member(a, "data", "id"))), "%s as %s at %q", a, a.MediaType(), self)
		c.Want(member(a, "data", "links", "self") == self, "the link leads to %v", member(a, "data", "links", "self"))
		shown := c.backEnd(http.MethodGet, "/orders/"+text(member(a, "data", "id")), "", jsonAPI)
		c.Want(shown.Status == http.StatusOK && member(shown, "data", "id") == member(a, "data", "id") && member(shown, "data", "type") == "bankIdAuth", "there it is %s", shown)
	}},
	{"media-type-sent", "the media type of JSON:API with other parameters is 415", backEndSection + " §5.1", "", func(c *Case) {
		for _, kind := range []string{jsonAPIType + "; charset=utf-8", jsonAPIType + `; ext="https://example.com/e"`, "text/plain"} {
			c.backEndError(c.backEnd(http.MethodPost, "/auth", backEndDocument, header("Content-Type", kind)), http.StatusUnsupportedMediaType, "unsupported_media_type")
		}
	}},
	{"media-type-accepted", "JSON:API accepted with other parameters alone is 406", backEndSection + " §5.2", "", func(c *Case) {
		for _, kind := range []string{jsonAPIType + "; charset=utf-8", jsonAPIType + `; ext="https://example.com/e"`, "text/html"} {
			c.backEndError(c.backEnd(http.MethodPost, "/auth", backEndFlat, header("Accept", kind)), http.StatusNotAcceptable, "not_acceptable")
		}
	}},
	{"vary", "answers differ by Accept, and say so", backEndSection + " §5.2", "", func(c *Case) {
		c.Want(strings.Contains(c.backEnd(http.MethodPost, "/auth", backEndFlat).Header.Get("Vary"), "Accept"), "Vary lacks Accept")
	}},
	{"resource-type", "a resource of another type is 409", backEndSection + " §9.1", "", func(c *Case) {
		c.backEndError(c.backEnd(http.MethodPost, "/sign", backEndDocument, jsonAPI), http.StatusConflict, "type_conflict")
	}},
	{"pointer", "an error leads to what is wrong", backEndSection + " §7.2", "", func(c *Case) {
		a := c.backEnd(http.MethodPost, "/auth", strings.Replace(backEndDocument, backEndAddress, "0.0.0.0", 1), jsonAPI)
		c.backEndError(a, http.StatusUnprocessableEntity, "invalid_end_user_ip")
		c.Want(bytes.Contains(a.Body, []byte(`"/data/attributes/endUserIp"`)), "it does not: %s", a.Body)
	}},
	{"parameter", "a parameter that means nothing is 400", backEndSection + " §3.7", "", func(c *Case) {
		c.backEndError(c.backEnd(http.MethodPost, "/auth?include=person", backEndFlat), http.StatusBadRequest, "invalid_parameter")
	}},
	{"personal-number", "a personal number with a wrong check digit is refused", "SKV 704", "", func(c *Case) {
		c.backEndError(c.backEnd(http.MethodPost, "/auth", `{"endUserIp":"`+backEndAddress+`","personalNumber":"191212121213"}`), http.StatusUnprocessableEntity, "invalid_personal_number")
	}},
	{"pending", "an order that nobody has come with is pending, and says how often to ask", "BankID API: collect", "", func(c *Case) {
		a := c.backEnd(http.MethodPost, "/collect", `{"orderRef":"`+c.order("/auth", backEndFlat)+`"}`)
		c.Want(member(a, "data", "attributes", "status") == "pending" && text(member(a, "data", "attributes", "hintCode")) != "", "it is %s", a.Body)
		every, _ := member(a, "meta", "pollInterval").(float64)
		c.Want(every >= 1, "every %v seconds", every)
	}},
	{"complete", "an order that a person approved is complete, whenever it is asked for", "BankID API: collect", "", func(c *Case) {
		ref := c.order("/auth", backEndFlat)
		c.approveOrder(ref)
		first := c.collected(ref)
		c.Want(member(first, "data", "status") == "complete" && member(first, "data", "completionData", "user", "personalNumber") == c.Person().Name, "it is %s", first)
		c.Want(bytes.Equal(first.Body, c.collected(ref).Body), "asked for again, it is another")
		shown := c.backEnd(http.MethodGet, "/orders/"+ref, "", jsonAPI)
		c.Want(member(shown, "data", "attributes", "completionData", "user", "personalNumber") == c.Person().Name, "in JSON:API it is %s", shown)
	}},
	{"signed", "what is signed is the text that was asked for", "BankID API: sign", "", func(c *Case) {
		ref := c.order("/sign", string(marshal(claimSet{"endUserIp": backEndAddress, "userVisibleData": signText})))
		c.approveOrder(ref)
		signature, err := base64.StdEncoding.DecodeString(text(member(c.collected(ref), "data", "completionData", "signature")))
		c.Want(err == nil && strings.Contains(string(signature), ">"+base64.StdEncoding.EncodeToString([]byte(signText))+"<"), "the signature is not of the text, %v", err)
	}},
	{"payment", "the app shows what is paid, and the signature names it by what is signed along", paymentSection, "", func(c *Case) {
		a := c.backEnd(http.MethodPost, "/payment", paymentDocument("card", `{"amount":"`+paymentAmount+`","currency":"SEK"}`), jsonAPI)
		ref := text(member(a, "data", "id"))
		c.Want(a.Status == http.StatusCreated && member(a, "data", "type") == "bankIdPayment" && ref != "", "no payment: %s", a)
		shown := c.approveOrder(ref)
		c.Want(shown.Transaction.Type == "card" && shown.Transaction.Recipient == "Cykelboden" && shown.Transaction.Amount == paymentAmount && shown.Transaction.Currency == "SEK", "the app shows %+v", shown)
		done := c.collected(ref)
		c.Want(member(done, "data", "status") == "complete" && member(done, "data", "completionData", "user", "personalNumber") == c.Person().Name, "it is %s", done)
		signature, err := base64.StdEncoding.DecodeString(text(member(done, "data", "completionData", "signature")))
		c.Want(err == nil && strings.Contains(string(signature), "<usrNonVisibleData>"), "nothing is signed along, %v", err)
	}},
	{"payment-money", "a payment by card has a sum, and what is no payment has none", paymentSection, "", func(c *Case) {
		for _, body := range []string{paymentDocument("card", ""), paymentDocument("npa", `{"amount":"100","currency":"SEK"}`)} {
			a := c.backEnd(http.MethodPost, "/payment", body, jsonAPI)
			c.backEndError(a, http.StatusUnprocessableEntity, "invalid_user_visible_transaction")
			c.Want(bytes.Contains(a.Body, []byte(`"/data/attributes/userVisibleTransaction/money"`)), "the error leads elsewhere: %s", a.Body)
		}
		a := c.backEnd(http.MethodPost, "/payment", paymentDocument("npa", ""), jsonAPI)
		c.Want(a.Status == http.StatusCreated, "what is no payment is refused: %s", a)
	}},
	{"payment-newer", "the older contract has no payments", paymentSection, "", func(c *Case) {
		flat := `{"endUserIp":"` + backEndAddress + `","userVisibleTransaction":{"transactionType":"npa","recipient":{"name":"Cykelboden"}}}`
		c.backEndError(c.backEnd(http.MethodPost, "/payment", flat), http.StatusUnsupportedMediaType, "unsupported_media_type")
	}},
	{"foreign", "an order of another key is as none", "BankID API: collect", "", func(c *Case) {
		ref := c.order("/auth", backEndFlat)
		other := header("x-api-key", c.cfg.BackEnd.Keys[1])
		for _, one := range [][3]string{{http.MethodPost, "/collect", `{"orderRef":"` + ref + `"}`}, {http.MethodPost, "/cancel", `{"orderRef":"` + ref + `"}`}, {http.MethodGet, "/orders/" + ref, ""}, {http.MethodDelete, "/orders/" + ref, ""}} {
			c.backEndError(c.backEnd(one[0], one[1], one[2], other), http.StatusNotFound, "order_not_found")
		}
		c.Want(member(c.backEnd(http.MethodGet, "/orders/"+ref, ""), "data", "attributes", "status") == "pending", "the order has ended")
	}},
	{"cancel", "an order that is cancelled has failed, and cannot be cancelled again", "BankID API: cancel", "", func(c *Case) {
		ref := c.order("/auth", backEndFlat)
		c.Want(c.backEnd(http.MethodDelete, "/orders/"+ref, "", jsonAPI).Status == http.StatusNoContent, "it is not cancelled")
		c.Want(member(c.collected(ref), "data", "attributes", "status") == "failed", "it has not failed")
		c.backEndError(c.backEnd(http.MethodDelete, "/orders/"+ref, "", jsonAPI), http.StatusConflict, "already_finished")
		c.Want(c.backEnd(http.MethodPost, "/cancel", `{"orderRef":"`+ref+`"}`).Status == http.StatusOK, "in the older contract that is harmless")
	}},
	{"idempotency", "the same start with the same key makes one order", "draft-ietf-httpapi-idempotency-key-header §2", "", func(c *Case) {
		named := header("Idempotency-Key", random())
		first, again := c.backEnd(http.MethodPost, "/auth", backEndFlat, named), c.backEnd(http.MethodPost, "/auth", backEndFlat, named)
		c.Want(member(first, "data", "id") != nil && member(first, "data", "id") == member(again, "data", "id"), "there are two")
		c.backEndError(c.backEnd(http.MethodPost, "/auth", `{"endUserIp":"203.0.113.8"}`, named), http.StatusUnprocessableEntity, "idempotency_key_reused")
	}},
	{"picture", "the code comes as a picture", "BankID API: QR code", "", func(c *Case) {
		ref := c.order("/auth", backEndFlat)
		for kind, begins := range map[string]string{"image/png": "\x89PNG", "image/svg+xml": "<svg "} {
			a := c.backEnd(http.MethodGet, "/orders/"+ref+"/qr", "", header("Accept", kind))
			c.Want(a.MediaType() == kind && bytes.HasPrefix(a.Body, []byte(begins)), "%s: %s as %s", kind, a, a.MediaType())
		}
	}},
	{"document", "an OpenAPI document describes it", "OpenAPI 3.1", "", func(c *Case) {
		a := c.Get(c.cfg.BackEnd.URL + "/openapi.json")
		paths, _ := a.JSON["paths"].(map[string]any)
		c.Want(strings.HasPrefix(a.Text("openapi"), "3.1") && len(paths) >= 8, "it is %s with %d paths", a.Text("openapi"), len(paths))
	}},
}
