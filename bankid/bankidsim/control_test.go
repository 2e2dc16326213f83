package bankidsim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func readInto(w io.Writer, resp *http.Response) (int64, error) { return io.Copy(w, resp.Body) }

// control calls the control API without a network.
func (r *rig) control(method, path, body string, into any) int {
	r.t.Helper()
	rec := newRecorder()
	r.Phone().ServeHTTP(rec, httptest.NewRequest(method, path, strings.NewReader(body)))
	if into != nil {
		if err := json.Unmarshal(rec.Body.Bytes(), into); err != nil {
			r.t.Fatalf("%s %s: %v in %q", method, path, err, rec.Body)
		}
	}
	return rec.Code
}

func TestControlRunsALogin(t *testing.T) {
	r := newRig(t, Options{})
	o := r.start("auth", `{"endUserIp":"192.0.2.1","userVisibleData":"SGVqIMOlw6TDtg==","returnUrl":"https://id.example.se/back"}`)
	var list []Order
	r.control("GET", "/api/orders?state=pending", "", &list)
	if len(list) != 1 || list[0].OrderRef != o.OrderRef || list[0].AutoStartToken != o.AutoStartToken || list[0].VisibleText != "Hej åäö" || list[0].SecondsLeft != 30 {
		t.Fatalf("orders %+v", list)
	}
	var v Order
	if code := r.control("POST", "/api/open", `{"url":"bankid:///?autostarttoken=`+o.AutoStartToken+`&redirect=null","personalNumber":"`+asa+`"}`, &v); code != 200 || v.Step != "approve" || v.SecondsLeft != 180 {
		t.Fatalf("open: %d %+v", code, v)
	}
	path := "/api/orders/" + o.OrderRef
	if code := r.control("POST", path+"/sign", "", &v); code != 200 || v.ReturnURL == nil || *v.ReturnURL != "https://id.example.se/back" {
		t.Fatalf("sign: %d %+v", code, v)
	}
	if r.control("GET", path, "", &v); v.State != StateComplete {
		t.Errorf("order is %s", v.State)
	}
	r.wantOutcome(o.OrderRef, "complete/")
}

func TestControlRefusals(t *testing.T) {
	r := newRig(t, Options{})
	o := r.auth()
	path := "/api/orders/" + o.OrderRef
	for _, tt := range []struct {
		name, method, path, body string
		want                     int
		code                     string
	}{
		{"unknown call", "GET", "/api/nothing", "", 404, "notFound"},
		{"wrong method", "DELETE", path, "", 404, "notFound"},
		{"unknown order", "POST", "/api/orders/x/sign", "", 404, "unknownOrder"},
		{"not picked up", "POST", path + "/sign", "", 409, "notPickedUp"},
		{"unknown person", "POST", "/api/open", `{"autoStartToken":"` + o.AutoStartToken + `","personalNumber":"1"}`, 404, "unknownPerson"},
		{"no token", "POST", "/api/open", `{"personalNumber":"` + asa + `"}`, 404, "unknownOrder"},
		{"no frame", "POST", "/api/scan", `{"personalNumber":"` + asa + `"}`, 400, "qrMalformed"},
		{"unknown member", "POST", "/api/open", `{"autostarttoken":"x","hello":1}`, 400, "badRequest"},
		{"broken", "POST", "/api/scan", `{`, 400, "badRequest"},
		{"two values", "POST", "/api/scan", `{}{}`, 400, "badRequest"},
		{"too large", "POST", "/api/scan", `{"qr":"` + strings.Repeat("q", maxControlBody) + `"}`, 400, "badRequest"},
		{"no hint", "POST", path + "/fail", `{}`, 400, "badRequest"},
		{"state", "GET", "/api/orders?state=open", "", 400, "badRequest"},
		{"clock back", "POST", "/api/clock", `{"advance":"-1s"}`, 400, "badRequest"},
		{"clock", "POST", "/api/clock", `{"advance":"soon"}`, 400, "badRequest"},
		{"risk", "POST", path + "/sign", `{"risk":"huge"}`, 400, "badRequest"},
		{"address", "POST", path + "/sign", `{"ipAddress":"here"}`, 400, "badRequest"},
		{"chaos member", "POST", "/api/chaos", `{"hello":1}`, 400, "badRequest"},
		{"chaos attack", "POST", "/api/chaos", `{"attacks":["hello"]}`, 400, "invalidChaos"},
		{"chaos delay", "POST", "/api/chaos", `{"latencyMs":-1}`, 400, "invalidChaos"},
		{"chaos endpoint", "POST", "/api/chaos", `{"endpoint":"pay"}`, 400, "invalidChaos"},
		{"chaos status", "POST", "/api/chaos", `{"errorStatus":200}`, 400, "invalidChaos"},
		{"chaos counter", "POST", "/api/chaos", `{"errors":-2}`, 400, "invalidChaos"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got Refusal
			if code := r.control(tt.method, tt.path, tt.body, &got); code != tt.want || got.Code != tt.code || got.Message == "" {
				t.Errorf("got %d %+v, want %d %s", code, got, tt.want, tt.code)
			}
		})
	}
	if c := r.Chaos(); c.LatencyMS != 0 || c.Errors != 0 || c.Endpoint != "" {
		t.Errorf("a refused change left its mark: %+v", c)
	}
}

func TestControlClockPeopleMisuse(t *testing.T) {
	r := newRig(t, Options{})
	o := r.auth()
	var clock clockBody
	r.control("POST", "/api/clock", `{"advance":"28s"}`, &clock)
	if !clock.Now.Equal(startOfTests.Add(28 * time.Second)) {
		t.Errorf("clock %v", clock.Now)
	}
	r.control("POST", "/api/clock", `{"advance":"2s"}`, nil)
	r.wantOutcome(o.OrderRef, "failed/startFailed")
	var people []Person
	r.control("GET", "/api/people", "", &people)
	if len(people) != len(testPeople()) {
		t.Errorf("%d people", len(people))
	}
	var misuse MisuseReport
	r.control("GET", "/api/misuse", "", &misuse)
	if misuse.Counts[MisuseCollectTooOften] != 0 || len(misuse.Entries) != 0 {
		t.Errorf("misuse %+v", misuse)
	}
}

func TestPhoneRefusesForeignPages(t *testing.T) {
	r := newRig(t, Options{})
	o := r.auth()
	req := httptest.NewRequest("POST", "http://localhost:8082/api/orders/"+o.OrderRef+"/fail", strings.NewReader(`{"hintCode":"x"}`))
	req.Header.Set("Origin", "https://evil.example")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	rec := newRecorder()
	r.Phone().ServeHTTP(rec, req)
	if rec.Code != http.StatusForbidden {
		t.Errorf("status %d", rec.Code)
	}
	r.wantOutcome(o.OrderRef, "pending/outstandingTransaction")
}

func TestPhonePage(t *testing.T) {
	r := newRig(t, Options{})
	for path, contentType := range map[string]string{
		"/": "text/html; charset=utf-8", "/?autostarttoken=x": "text/html; charset=utf-8", "/assets/phone.css": "text/css; charset=utf-8",
		"/assets/phone.js": "text/javascript; charset=utf-8", "/assets/scan.js": "text/javascript; charset=utf-8", "/assets/text.js": "text/javascript; charset=utf-8", "/assets/icon.svg": "image/svg+xml",
		"/certificates/server-root.pem": "application/x-pem-file", "/certificates/signature-root.pem": "application/x-pem-file",
		"/certificates/client.pem": "application/x-pem-file", "/certificates/client-key.pem": "application/x-pem-file",
	} {
		rec := newRecorder()
		r.Phone().ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != 200 || rec.Header().Get("Content-Type") != contentType || rec.Body.Len() == 0 {
			t.Errorf("%s: %d %q", path, rec.Code, rec.Header().Get("Content-Type"))
		}
		if got := rec.Header().Get("Content-Security-Policy"); got != phonePolicy || strings.Contains(got, "unsafe") {
			t.Errorf("%s: policy %q", path, got)
		}
		if rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached", path)
		}
	}
	if n := len(r.Orders("")); n != 0 {
		t.Errorf("looking at the page made %d orders", n)
	}
	page, err := assets.ReadFile("assets/phone.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, forbidden := range []string{"style=", "onclick=", "onload=", "http://", "https://", "<style"} {
		if strings.Contains(string(page), forbidden) {
			t.Errorf("the page has %q, which its policy blocks", forbidden)
		}
	}
}
