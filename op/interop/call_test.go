package interop

import (
	"net/http"
	"testing"
	"time"

	"brygga/bankid/bankidsim"
)

// byTelephone has a person log in on the telephone, for a client of openid-client's (OpenID CIBA Core 1.0).
func byTelephone(t *testing.T, p *provider) {
	key, jwks := newKey(t)
	p.register(t, "caller", "--ciba", "poll", "--auth-method", "private_key_jwt", "--jwks-file", jwks, "--scope", "profile,offline_access", "--alg", "ES256")
	person := p.newPerson(t)
	r, _ := runNode(t, p, "ciba.mjs", settings{
		Issuer: p.issuer, ClientID: "caller", Scope: offlineScope, Key: key, Person: person,
	})
	for what, got := range map[string]any{
		"the login": r.Claims["personalNumber"], "the second login": r.ClaimsAgain["personalNumber"], "userinfo": r.Userinfo["personalNumber"],
	} {
		if got != person {
			t.Errorf("%s is of %v, want %v", what, got, person)
		}
	}
	if r.Refreshed == "" || r.Refreshed != r.Claims["sub"] {
		t.Errorf("a refreshed token is of %v, want %v", r.Refreshed, r.Claims["sub"])
	}
	if r.Replayed != "invalid_request" || r.Declined != "access_denied" {
		t.Errorf("a request that was used: %s; a person who declines: %s", r.Replayed, r.Declined)
	}
}

// answerCall has the person open the order that comes by itself, and approve it or say that there is no call.
func (p *provider) answerCall(t *testing.T, person string, approve bool) {
	t.Helper()
	order := p.ringing(t, person)
	p.tell(t, "open", map[string]string{"orderRef": order.OrderRef, "personalNumber": person}, new(any))
	p.tell(t, "orders/"+order.OrderRef+"/confirm", map[string]bool{"onCall": approve}, new(any))
	if approve {
		p.tell(t, "orders/"+order.OrderRef+"/sign", struct{}{}, new(any))
	}
}

// ringing returns the person's order, once it is there.
func (p *provider) ringing(t *testing.T, person string) bankidsim.Order {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var orders []bankidsim.Order
		response, err := http.Get(p.phone + "/api/orders?state=pending")
		decode(t, response, err, &orders)
		for _, o := range orders {
			if o.Kind == bankidsim.KindPhoneAuth && o.PersonalNumber == person {
				return o
			}
		}
	}
	t.Fatal("the person's app has no order")
	return bankidsim.Order{}
}
