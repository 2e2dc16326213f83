package bankidsim

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// raw posts to auth and returns status and body as they come.
func (r *rig) raw() (int, string, error) {
	r.t.Helper()
	req := r.request("POST", "/rp/v6.0/auth", "application/json", `{"endUserIp":"192.0.2.1"}`)
	resp, err := r.rp.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func testChaosSpoilsSoManyCalls(t *testing.T) {
	for _, tt := range []struct {
		name, chaos string
		check       func(status int, body string, err error) bool
		orders      int // made in the spoiled call
	}{
		{"maintenance", `{"maintenance":1}`, func(s int, b string, _ error) bool { return s == 503 && strings.Contains(b, `"maintenance"`) }, 0},
		{"error", `{"errors":1}`, func(s int, b string, _ error) bool { return s == 500 && strings.Contains(b, `"internalError"`) }, 0},
		{"given error", `{"errors":1,"errorStatus":400,"errorCode":"somethingNew"}`, func(s int, b string, _ error) bool { return s == 400 && strings.Contains(b, `"somethingNew"`) }, 0},
		{"too many", `{"errors":1,"errorStatus":429,"endpoint":"auth"}`, func(s int, b string, _ error) bool { return s == 429 && strings.Contains(b, `"tooManyRequests"`) }, 0},
		{"odd status", `{"errors":1,"errorStatus":599}`, func(s int, b string, _ error) bool { return s == 599 && strings.Contains(b, `"simulatorError"`) }, 0},
		{"empty", `{"empty":1}`, func(s int, b string, _ error) bool { return s == 200 && b == "" }, 1},
		{"garbage", `{"garbage":1}`, func(s int, b string, _ error) bool { return s == 200 && strings.HasSuffix(b, "{{") }, 1},
		{"html", `{"html":1}`, func(s int, b string, _ error) bool { return s == 200 && strings.HasPrefix(b, "<!doctype") }, 1},
		{"slow", `{"slowBody":1,"slowBodyMs":40}`, func(s int, b string, e error) bool { return s == 200 && e == nil && strings.HasSuffix(b, "}") }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Options{})
			if code := r.control("POST", "/api/chaos", tt.chaos, nil); code != 200 {
				t.Fatalf("chaos: %d", code)
			}
			if status, body, err := r.raw(); !tt.check(status, body, err) {
				t.Errorf("spoiled: %d %q %v", status, body, err)
			}
			if n := len(r.Orders("")); n != tt.orders {
				t.Errorf("%d orders, want %d", n, tt.orders)
			}
			if status, body, err := r.raw(); err != nil || status != 200 || !strings.Contains(body, `"orderRef"`) {
				t.Errorf("afterwards: %d %q %v", status, body, err)
			}
		})
	}
}

func testLostAnswer(t *testing.T) {
	r := newRig(t, Options{})
	if err := r.SetChaos(Chaos{DropAnswer: 1}); err != nil {
		t.Fatal(err)
	}
	if status, _, err := r.raw(); err == nil {
		t.Errorf("an answer came: %d", status)
	}
	if n := len(r.Orders("")); n != 1 {
		t.Errorf("%d orders, want the one whose answer was lost", n)
	}
}

func testChaosSwitches(t *testing.T) {
	r := newRig(t, Options{})
	r.control("POST", "/api/chaos", `{"maintenance":-1}`, nil)
	for range 3 {
		if status, _, _ := r.raw(); status != 503 {
			t.Errorf("maintenance ended by itself: %d", status)
		}
	}
	var c Chaos
	r.control("POST", "/api/chaos", `{"maintenance":0,"rejectCertificate":true}`, &c)
	if c.Maintenance != 0 || !c.RejectCertificate {
		t.Errorf("chaos %+v", c)
	}
	if status, body, _ := r.raw(); status != 403 || !strings.Contains(body, `"unauthorized"`) {
		t.Errorf("certificate: %d %s", status, body)
	}
	r.control("POST", "/api/chaos", `{"reset":true,"endpoint":"collect","errors":1}`, &c)
	if c.RejectCertificate || c.Errors != 1 {
		t.Errorf("chaos after reset %+v", c)
	}
	o := r.auth() // the error is for collect
	if got := r.outcome(o.OrderRef); got != "Internal Server Error internalError" {
		t.Errorf("collect: %s", got)
	}
	r.wantOutcome(o.OrderRef, "pending/outstandingTransaction")
}

func testMildChaos(t *testing.T) {
	r := newRig(t, Options{Chaos: &Chaos{UnknownHints: true, ExtraMembers: true}})
	status, m := r.call("auth", `{"endUserIp":"192.0.2.1"}`)
	if status != 200 || m["simulatorExtra"] == nil {
		t.Fatalf("auth: %d %v", status, m)
	}
	ref := m["orderRef"].(string)
	r.wantOutcome(ref, "pending/outstandingTransaction")
	r.wantOutcome(ref, "pending/outstandingTransaction") // a hint may not hide a QR code that is still needed
	must(t)(r.Scan(Pickup{OrderRef: ref, PersonalNumber: asa}))
	r.wantOutcome(ref, "pending/userSign")
	r.wantOutcome(ref, "pending/"+unknownPendingHint)
	if status, m := r.call("cancel", `{"orderRef":"`+ref+`"}`); status != 200 || m["simulatorExtra"] == nil {
		t.Errorf("cancel: %d %v", status, m)
	}
	if err := MildChaos().check(); err != nil {
		t.Error(err)
	}
	if _, err := New(Options{Chaos: &Chaos{LatencyMS: -1}}); err == nil {
		t.Error("New took chaos that cannot be")
	}
}

func testEmptyErrors(t *testing.T) {
	r := newRig(t, Options{Chaos: &Chaos{EmptyErrors: true}})
	resp, err := r.rp.Do(r.request(http.MethodGet, "/rp/v6.0/auth", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 405 || len(body) != 0 {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
}

// TestManyAtOnce is for the race detector: everything at the same time, and each order with one end.
func TestManyAtOnce(t *testing.T) {
	r := newRig(t, Options{Now: time.Now, Chaos: &Chaos{ExtraMembers: true}})
	people := r.People()
	done := make(chan string)
	for i := range 24 {
		go func() {
			o := r.auth()
			number := people[i%len(people)].PersonalNumber
			_, _ = r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: number})
			_, _ = r.Sign(o.OrderRef, Approval{})
			r.Orders("")
			r.Misuse()
			got := r.outcome(o.OrderRef)
			done <- got
		}()
	}
	for range 24 {
		if got := <-done; got != "complete/" && got != "failed/cancelled" {
			t.Errorf("an order ended as %s", got)
		}
	}
}
