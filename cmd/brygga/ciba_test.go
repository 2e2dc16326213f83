package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"brygga/audit"
	"brygga/bankid/bankidsim"
	"brygga/op"
	"brygga/secret"
	"brygga/storage"
)

// nobody is a number that nobody in the simulator has.
const nobody = "200001019801"

// callAsked is what a client knows of a login by telephone that it asked for.
type callAsked struct {
	AuthReqID string  `json:"auth_req_id"`
	ExpiresIn float64 `json:"expires_in"`
	Interval  float64 `json:"interval"`
}

// ask has the demo app ask for a login of the person by telephone.
func (v *visitor) ask(number string, pairs ...string) callAsked {
	v.t.Helper()
	got := v.post(v.dev.Issuer+"/bc-authorize", append([]string{"client_id", "demo", "client_secret", "demo-secret", "scope", "openid profile", "login_hint", number}, pairs...)...)
	var answer callAsked
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.status != http.StatusOK {
		v.t.Fatalf("%d %s", got.status, got.body)
	}
	return answer
}

// poll asks for the tokens once.
func (v *visitor) poll(a callAsked) (answer map[string]any) {
	v.t.Helper()
	got := v.post(v.dev.Issuer+"/token", "client_id", "demo", "client_secret", "demo-secret", "grant_type", op.GrantCIBA, "auth_req_id", a.AuthReqID)
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
		v.t.Fatalf("%d %s", got.status, got.body)
	}
	return answer
}

// ended asks until the person has decided.
func (v *visitor) ended(a callAsked) map[string]any {
	v.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Duration(a.Interval) * time.Second) {
		answer := v.poll(a)
		if answer["error"] != "authorization_pending" && answer["error"] != "slow_down" {
			return answer
		}
		if time.Now().After(deadline) {
			v.t.Fatal("the login goes on and on")
		}
	}
}

// rings returns the person's pending order by telephone, once it is there.
func (v *visitor) rings(number string) bankidsim.Order {
	v.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, o := range v.dev.sim.Orders(bankidsim.StatePending) {
			if o.Kind == bankidsim.KindPhoneAuth && o.PersonalNumber == number {
				return o
			}
		}
	}
	v.t.Fatal("the person's app has no order")
	return bankidsim.Order{}
}

// TestLoginByTelephone: the app says who asks and what it belongs to, and the client gets the person who was on the telephone.
func TestLoginByTelephone(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	v := newVisitor(t, d, computerAgent)
	a := v.ask("19"+person[2:8]+"-"+person[8:], "binding_message", "Ärende 4711", "call_initiator", "user")
	if answer := v.poll(a); answer["error"] != "authorization_pending" {
		t.Errorf("before: %v", answer)
	}
	order := v.rings(person)
	if !strings.Contains(order.VisibleText, "Demoappen") || !strings.HasSuffix(order.VisibleText, "\n\nÄrende 4711") {
		t.Errorf("the app shows %q", order.VisibleText)
	}
	v.phone("open", map[string]string{"orderRef": order.OrderRef, "personalNumber": person})
	if _, err := d.sim.ConfirmCall(order.OrderRef, true); err != nil {
		t.Fatal(err)
	}
	v.phone("orders/"+order.OrderRef+"/sign", nil)
	got := v.ended(a)
	token, _ := got["id_token"].(string)
	if claims := tokenClaims(t, token); claims["personalNumber"] != person || claims["urn:openid:params:jwt:claim:auth_req_id"] != a.AuthReqID || claims["aud"] != "demo" {
		t.Errorf("%v %v", got, claims)
	}
	if again := v.poll(a); again["error"] != "invalid_grant" {
		t.Errorf("a second time: %v", again)
	}
	wantPerson(t, d, audit.LoginCompleted)
	for kind, n := range d.sim.Misuse().Counts {
		if n != 0 {
			t.Errorf("%d times BankID was misused: %s", n, kind)
		}
	}
}

// TestNobodyIsToldWho: that a person does not exist or is busy with another order looks the same to the client, in its time too, whose log has it. What
// the person has done is told at once, by the same words.
func TestNobodyIsToldWho(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	d := newDev(t, func(o *devOptions) {
		o.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	v := newVisitor(t, d, computerAgent)
	declined := v.ask(person)
	order := v.rings(person)
	v.phone("open", map[string]string{"orderRef": order.OrderRef, "personalNumber": person})
	busy, unknown := v.ask(person), v.ask(nobody)
	if len(busy.AuthReqID) != len(unknown.AuthReqID) || busy.ExpiresIn != unknown.ExpiresIn || busy.Interval != unknown.Interval {
		t.Errorf("the answers differ: %v, %v", busy, unknown)
	}
	v.opened(declined)
	if _, err := d.sim.ConfirmCall(order.OrderRef, false); err != nil {
		t.Fatal(err)
	}
	if _, err := d.sim.Fail(v.rings(nobody).OrderRef, "startFailed"); err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(v.ended(declined))
	if err != nil || !strings.Contains(string(want), "access_denied") {
		t.Fatalf("declined: %s, %v", want, err)
	}
	for name, a := range map[string]callAsked{"busy": busy, "unknown": unknown} {
		if got := v.poll(a); got["error"] != "authorization_pending" {
			t.Errorf("%s: %v before anybody may know", name, got)
		}
	}
	v.knows(unknown, "that the call has ended", func(l *storage.Login) bool { return l.State != storage.LoginPending })
	ahead.Store(int64(d.server.engine.CallSilence()))
	for name, a := range map[string]callAsked{"busy": busy, "unknown": unknown} {
		if got, err := json.Marshal(v.poll(a)); err != nil || string(got) != string(want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	wantPerson(t, d, audit.LoginStarted)
}

// opened waits until the server knows that an app has the order.
func (v *visitor) opened(a callAsked) {
	v.t.Helper()
	v.knows(a, "that the order was opened", func(l *storage.Login) bool { return l.Order != nil && !l.Order.AwaitsApp() })
}

// knows waits until the server knows something of the login.
func (v *visitor) knows(a callAsked, what string, known func(*storage.Login) bool) {
	v.t.Helper()
	id, _, _ := strings.Cut(a.AuthReqID, ".")
	for range 500 {
		l, err := v.dev.server.store.Login(v.t.Context(), id, v.dev.server.now())
		if err != nil {
			v.t.Fatal(err)
		}
		if known(l) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	v.t.Fatal("the server does not learn " + what)
}

// wantPerson looks for an event of that type with the pseudonym of the person who was named.
func wantPerson(t *testing.T, d *devInstance, kind audit.Type) {
	t.Helper()
	events, err := d.server.store.AuditEvents(t.Context(), d.server.now().Add(-time.Hour), d.server.now().Add(time.Hour), 100)
	if err != nil {
		t.Fatal(err)
	}
	pseudonym := d.server.audit.Pseudonym(secret.New(person))
	for _, e := range events {
		for _, value := range e.Fields {
			if e.Type == string(kind) && value == pseudonym {
				return
			}
		}
	}
	t.Errorf("no event %s says by pseudonym who was named", kind)
}

// TestAuthReqIDIsNoAddress: who has read an auth_req_id can do nothing with it in a browser.
func TestAuthReqIDIsNoAddress(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	v := newVisitor(t, d, computerAgent)
	a := v.ask(person)
	v.rings(person)
	login, _, _ := strings.Cut(a.AuthReqID, ".")
	for _, id := range []string{login, a.AuthReqID} {
		for _, below := range []string{"", "/status", "/events"} {
			if got := v.get(d.Issuer + "/login/" + id + below); got.status == http.StatusOK {
				t.Errorf("GET %s of a call: %d", below, got.status)
			}
		}
		for _, below := range []string{"/start", "/cancel", "/leave", "/done"} {
			if got := v.post(d.Issuer+"/login/"+id+below, "device", "other"); got.status == http.StatusOK && !strings.Contains(got.body, "not-found") {
				t.Errorf("POST %s of a call: %d at %s", below, got.status, got.url)
			}
		}
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // the telephone may ring before the order is stored
		l, err := d.server.store.Login(t.Context(), login, d.server.now())
		if err != nil || l.State != storage.LoginOpen && l.State != storage.LoginPending || time.Now().After(deadline) {
			t.Fatalf("the login has ended: %v %v", l, err)
		}
		if l.State == storage.LoginPending {
			break
		}
	}
}

// tokenClaims returns the claims of a token without looking at its signature.
func tokenClaims(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token+"..", ".")[1])
	if err != nil || json.Unmarshal(text, &claims) != nil {
		t.Fatalf("no token: %q", token)
	}
	return claims
}
