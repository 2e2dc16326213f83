package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	grantCIBA     = "urn:openid:params:grant-type:ciba"
	memberCIBA    = "backchannel_authentication_endpoint"
	claimAuthReq  = "urn:openid:params:jwt:claim:auth_req_id"
	cibaRequest   = "OpenID CIBA Core §7.1"
	cibaSigned    = "OpenID CIBA Core §7.1.1"
	cibaAnswer    = "OpenID CIBA Core §7.3"
	cibaPoll      = "OpenID CIBA Core §11"
	cibaErrors    = "OpenID CIBA Core §13"
	cibaDiscovery = "OpenID CIBA Core §4"
)

// caller is a driver whose people can be asked on the telephone, without a page.
type caller interface {
	// Answer waits for the order that comes to the person by itself, and approves or declines it.
	Answer(ctx context.Context, person *Person, do Action) error
}

// Answer has the person open the order by telephone and approve it, or say that there is no call.
func (d *bankID) Answer(ctx context.Context, person *Person, do Action) error {
	ref, err := d.ringing(ctx, person.Name)
	if err != nil {
		return err
	}
	opened, err := json.Marshal(map[string]string{"orderRef": ref, "personalNumber": person.Name})
	if err != nil {
		return err
	}
	if err := d.call(ctx, "open", "application/json", opened, nil); err != nil {
		return err
	}
	if err := d.call(ctx, "orders/"+ref+"/confirm", "application/json", fmt.Appendf(nil, `{"onCall":%t}`, do == Approve), nil); err != nil || do != Approve {
		return err
	}
	return d.call(ctx, "orders/"+ref+"/sign", "application/json", []byte("{}"), nil)
}

// ringing returns the reference of the person's order by telephone, once it is there.
func (d *bankID) ringing(ctx context.Context, number string) (string, error) {
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.phone+"/api/orders?state=pending", nil)
		if err != nil {
			return "", err
		}
		a, err := send(http.DefaultClient, request)
		if err != nil {
			return "", err
		}
		var orders []struct{ OrderRef, Kind, PersonalNumber string }
		if err := json.Unmarshal(a.Body, &orders); err != nil {
			return "", err
		}
		for _, o := range orders {
			if o.Kind == "phone/auth" && o.PersonalNumber == number {
				return o.OrderRef, nil
			}
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return "", fmt.Errorf("no order came to the person: %w", ctx.Err())
		}
	}
}

// Answers has the person of the check answer the telephone.
func (c *Case) Answers(do Action) {
	d, ok := c.driver.(caller)
	if !ok {
		panic(end{NotApplicable, "nobody answers the telephone: that is for the login kind bankid"})
	}
	if err := d.Answer(c.ctx, c.Person(), do); err != nil {
		c.Fail("answer the telephone: %v", err)
	}
}

// stranger returns a number that nobody has who could answer, another each time.
func stranger() string {
	digits := fmt.Sprintf("%02d%02d%02d%03d", 20+randomBelow(60), 1+randomBelow(12), 1+randomBelow(28), randomBelow(1000))
	sum := 0
	for i, r := range digits {
		d := int(r-'0') * (2 - i%2)
		sum += d/10 + d%10
	}
	return "19" + digits + strconv.Itoa((10-sum%10)%10)
}

func randomBelow(n int) int {
	sum := 0
	for _, b := range []byte(random()) {
		sum = (sum*31 + int(b)) % (1 << 20)
	}
	return sum % n
}

// Backchannel sends a backchannel authentication request of the role ciba. Pairs go over its parameters.
func (c *Case) Backchannel(role, hint string, pairs ...string) *Answer {
	c.Offered(memberCIBA)
	values := url.Values{"scope": {"openid profile"}, "login_hint": {hint}}
	setPairs(values, pairs)
	return c.As(c.Client(role), c.Endpoint(memberCIBA), values)
}

// Asked returns the auth_req_id of a good answer.
func (c *Case) Asked(a *Answer) string {
	c.Want(a.Status == http.StatusOK && a.Text("auth_req_id") != "", "answered %s, want 200 with auth_req_id", a)
	return a.Text("auth_req_id")
}

// Polls asks for the tokens once.
func (c *Case) Polls(role, id string) *Answer {
	return c.Token(c.Client(role), url.Values{"grant_type": {grantCIBA}, "auth_req_id": {id}})
}

// Ended asks until there is an end, as slowly as it should.
func (c *Case) Ended(id string) *Answer {
	for {
		a := c.Polls("ciba", id)
		if code := a.Text("error"); code != "authorization_pending" && code != "slow_down" {
			return a
		}
		c.Wait(3 * time.Second)
	}
}

// cibaRefused returns a check that a request with the parameters is refused by the code.
func cibaRefused(code string, pairs ...string) func(*Case) {
	return func(c *Case) {
		c.WantError(c.Backchannel("ciba", stranger(), pairs...), http.StatusBadRequest, code)
	}
}

// cibaObject signs a request as the client of the role ciba, with changes.
func (c *Case) cibaObject(changes ...any) string {
	client, now := c.Client("ciba"), time.Now()
	return c.Sign(client, "ES256", "JWT", claimSet{
		"iss": client.ID, "aud": c.cfg.Issuer, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": random(),
		"scope": "openid", "login_hint": stranger(), "requested_expiry": 60,
	}.with(changes...))
}

// sendCIBA sends a signed request with nothing beside it but the pairs.
func (c *Case) sendCIBA(object string, pairs ...string) *Answer {
	return c.Backchannel("ciba", "", append([]string{"scope", "", "login_hint", "", "request", object}, pairs...)...)
}

// ciba are the rules of OpenID CIBA Core 1.0 for a client that polls.
var ciba = []Check{
	{"login", "a person who was asked without a browser logs in, and the ID token says for which request", "OpenID CIBA Core §10.1.1", "", func(c *Case) {
		id := c.Asked(c.Backchannel("ciba", c.Person().Name, "binding_message", "Case 4711"))
		c.WantError(c.Polls("ciba", id), http.StatusBadRequest, "authorization_pending")
		c.Answers(Approve)
		a := c.Ended(id)
		c.Want(a.Status == http.StatusOK && a.Text("access_token") != "" && strings.EqualFold(a.Text("token_type"), "Bearer"), "answered %s", a)
		c.Want(strings.Contains(a.Header.Get("Cache-Control"), "no-store"), "Cache-Control is %q", a.Header.Get("Cache-Control"))
		_, claims := c.OpenToken(c.Client("ciba"), a.Text("id_token"))
		c.Want(claims["iss"] == c.cfg.Issuer && contains(audienceOf(claims), c.Client("ciba").ID) && claims["sub"] != nil && claims["auth_time"] != nil, "the ID token lacks what each has")
		c.Want(claims[claimAuthReq] == nil || claims[claimAuthReq] == id, "auth_req_id in the ID token is another one")
		c.Want(claims["personalNumber"] == nil || claims["personalNumber"] == c.Person().Name, "another person has logged in")
		c.WantError(c.Polls("ciba", id), http.StatusBadRequest, "invalid_grant")
		info := c.Get(c.Endpoint("userinfo_endpoint"), bearer(a.Text("access_token")))
		c.Want(info.Status == http.StatusOK && info.JSON["sub"] == claims["sub"], "after a second request userinfo answers %s", info)
	}},
	{"declined", "a person who declines is access_denied", cibaPoll, "", func(c *Case) {
		id := c.Asked(c.Backchannel("ciba", c.Person().Name))
		c.Answers(Cancel)
		c.WantError(c.Ended(id), http.StatusBadRequest, "access_denied")
	}},
	{"answer", "the answer has auth_req_id, expires_in and interval, and nobody may keep it", cibaAnswer, "", func(c *Case) {
		a := c.Backchannel("ciba", stranger())
		id := c.Asked(a)
		c.Want(a.MediaType() == "application/json" && strings.Contains(a.Header.Get("Cache-Control"), "no-store"), "Content-Type is %q, Cache-Control %q", a.MediaType(), a.Header.Get("Cache-Control"))
		c.Want(len(id) >= 22 && !strings.ContainsFunc(id, func(r rune) bool {
			return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_", r)
		}), "auth_req_id is too short, or has characters that it must not have")
		c.Want(c.number(a.JSON, "expires_in") > 0, "expires_in is %v", a.JSON["expires_in"])
		c.Want(a.JSON["interval"] == nil || c.number(a.JSON, "interval") > 0, "interval is %v", a.JSON["interval"])
		c.Want(c.Asked(c.Backchannel("ciba", stranger())) != id, "two requests have one auth_req_id")
	}},
	{"slow-down", "who asks too fast is told to slow down, and that request alone", cibaPoll, "", func(c *Case) {
		id, other := c.Asked(c.Backchannel("ciba", stranger())), c.Asked(c.Backchannel("ciba", stranger()))
		c.WantError(c.Polls("ciba", id), http.StatusBadRequest, "authorization_pending")
		c.WantError(c.Polls("ciba", id), http.StatusBadRequest, "slow_down")
		c.WantError(c.Polls("ciba", other), http.StatusBadRequest, "authorization_pending")
	}},
	{"stranger", "nobody is told whether there is such a person", cibaErrors, "", func(c *Case) {
		known, unknown := c.Backchannel("ciba", c.Person().Name), c.Backchannel("ciba", stranger())
		c.Want(known.Status == unknown.Status && len(c.Asked(known)) == len(c.Asked(unknown)) && known.JSON["expires_in"] == unknown.JSON["expires_in"], "answered %s for one, %s for nobody", known, unknown)
		c.WantError(c.Polls("ciba", c.Asked(unknown)), http.StatusBadRequest, "authorization_pending")
		c.Answers(Cancel) // the person is free again
	}},
	{"foreign", "another client's auth_req_id is refused", cibaPoll, "", func(c *Case) {
		id := c.Asked(c.Backchannel("ciba", stranger()))
		c.WantError(c.Polls("ciba-other", id), http.StatusBadRequest, "invalid_grant")
		c.WantError(c.Polls("ciba", id), http.StatusBadRequest, "authorization_pending")
	}},
	{"unknown", "an auth_req_id that nobody was given is refused", cibaPoll, "", func(c *Case) {
		c.Offered(memberCIBA)
		id := c.Asked(c.Backchannel("ciba", stranger()))
		c.WantError(c.Polls("ciba", random()+"."+random()), http.StatusBadRequest, "invalid_grant")
		c.WantError(c.Polls("ciba", id[:len(id)-4]+"AAAA"), http.StatusBadRequest, "invalid_grant")
	}},
	{"auth-req-id-missing", "a poll without auth_req_id is refused", cibaPoll, "", func(c *Case) {
		c.Offered(memberCIBA)
		c.WantError(c.Token(c.Client("ciba"), url.Values{"grant_type": {grantCIBA}}), http.StatusBadRequest, "invalid_request")
	}},
	{"scope-missing", "scope must contain openid", cibaRequest, "", func(c *Case) {
		c.WantError(c.Backchannel("ciba", stranger(), "scope", "profile"), http.StatusBadRequest, "invalid_scope", "invalid_request")
	}},
	{"hint-missing", "a request must have a hint", cibaRequest, "", cibaRefused("invalid_request", "login_hint", "")},
	{"hints-two", "a request must not have two hints", cibaRequest, "", cibaRefused("invalid_request", "login_hint_token", "x.y.z")},
	{"hint-nobody", "a hint that can name nobody is unknown_user_id", cibaErrors, "", cibaRefused("unknown_user_id", "login_hint", "anna@example.se")},
	{"expiry-none", "requested_expiry is a positive number", cibaRequest, "", cibaRefused("invalid_request", "requested_expiry", "0")},
	{"message-unfit", "a binding_message that cannot be shown is refused by its code", cibaErrors, "", cibaRefused("invalid_binding_message", "binding_message", strings.Repeat("x", 3000))},
	{"unregistered", "a client that is not registered for it may not ask", cibaErrors, "", func(c *Case) {
		c.WantError(c.Backchannel("key", stranger()), http.StatusBadRequest, "unauthorized_client")
		c.WantError(c.Polls("key", random()+"."+random()), http.StatusBadRequest, "unauthorized_client", "invalid_grant")
	}},
	{"unauthenticated", "the client must prove itself", "OpenID CIBA Core §7", "", func(c *Case) {
		c.Offered(memberCIBA)
		a := c.PostForm(c.Endpoint(memberCIBA), url.Values{"client_id": {c.Client("ciba").ID}, "scope": {"openid"}, "login_hint": {stranger()}})
		c.Want(a.Status == http.StatusUnauthorized || a.Status == http.StatusBadRequest, "answered %s", a)
		c.Want(slices.Contains([]string{"invalid_client", "invalid_request"}, a.Text("error")), "answered %s", a)
	}},
	{"get", "the endpoint takes POST alone", "OpenID CIBA Core §7.1", "", func(c *Case) {
		c.Offered(memberCIBA)
		a := c.Get(withQuery(c.Endpoint(memberCIBA), url.Values{"scope": {"openid"}, "login_hint": {stranger()}}))
		c.Want(a.Status >= 400 && a.Text("auth_req_id") == "", "GET is answered with %s", a)
	}},
	{"signed", "a signed request counts, once", cibaSigned, "", func(c *Case) {
		c.Offered("backchannel_authentication_request_signing_alg_values_supported", "ES256")
		object := c.cibaObject()
		c.Asked(c.sendCIBA(object))
		c.WantError(c.sendCIBA(object), http.StatusBadRequest, "invalid_request")
	}},
	{"signed-incomplete", "a signed request has iss, aud, exp, iat, nbf and jti", cibaSigned, "", func(c *Case) {
		c.Offered("backchannel_authentication_request_signing_alg_values_supported", "ES256")
		for _, name := range []string{"iss", "aud", "exp", "iat", "nbf", "jti"} {
			c.WantError(c.sendCIBA(c.cibaObject(name, nil)), http.StatusBadRequest, "invalid_request")
		}
	}},
	{"signed-wrong", "a signed request is the client's, for this provider, and of now", cibaSigned, "", func(c *Case) {
		c.Offered("backchannel_authentication_request_signing_alg_values_supported", "ES256")
		client, past := c.Client("ciba"), time.Now().Add(-time.Hour).Unix()
		for _, object := range []string{
			c.cibaObject("iss", "another"), c.cibaObject("aud", "https://other.example.se"), c.cibaObject("exp", past), c.cibaObject("nbf", time.Now().Add(time.Hour).Unix()),
			c.Sign(c.Client("ciba-other"), "ES256", "JWT", claimSet{"iss": client.ID}), unsecured(claimSet{"iss": client.ID, "aud": c.cfg.Issuer, "scope": "openid", "login_hint": stranger()}),
		} {
			c.WantError(c.sendCIBA(object), http.StatusBadRequest, "invalid_request")
		}
	}},
	{"signed-beside", "nothing may stand beside a signed request", cibaSigned, "", func(c *Case) {
		c.Offered("backchannel_authentication_request_signing_alg_values_supported", "ES256")
		c.WantError(c.sendCIBA(c.cibaObject(), "login_hint", stranger()), http.StatusBadRequest, "invalid_request")
		c.WantError(c.sendCIBA(c.cibaObject(), "scope", "openid"), http.StatusBadRequest, "invalid_request")
	}},
	{"discovery", "the metadata says how tokens are delivered, and names the grant type", cibaDiscovery, "", func(c *Case) {
		c.Offered(memberCIBA)
		modes := c.meta.List("backchannel_token_delivery_modes_supported")
		c.Want(len(modes) > 0 && !slices.ContainsFunc(modes, func(mode string) bool { return !slices.Contains([]string{"poll", "ping", "push"}, mode) }), "the delivery modes are %v", modes)
		c.Want(contains(c.meta.List("grant_types_supported"), grantCIBA), "grant_types_supported has no %s", grantCIBA)
		c.Want(strings.HasPrefix(c.Endpoint(memberCIBA), c.cfg.Issuer), "the endpoint is elsewhere")
		for _, alg := range c.meta.List("backchannel_authentication_request_signing_alg_values_supported") {
			c.Want(alg != "none" && !strings.HasPrefix(alg, "HS"), "requests may be signed by %s", alg)
		}
	}},
}
