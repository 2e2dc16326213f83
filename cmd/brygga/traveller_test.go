package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"brygga/bankid/bankidsim"
)

// traveller is a person whose browser, app and phone try again when something does not answer, as people and apps do.
type traveller struct {
	issuer, callback string
	phone            *visitor
	browser          *http.Client
	person           string
	// retries counts how often an order was begun again because it had failed; failure is what the page showed the last time.
	retries int
	failure string
}

const travelVerifier = "a-code-verifier-that-is-long-enough-for-rfc-7636-abcdefghij"

func newTraveller(t *testing.T, issuer, callback, phone, person string) *traveller {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &traveller{
		issuer: issuer, callback: callback, person: person, phone: newVisitor(t, &devInstance{Issuer: issuer, PhoneURL: phone}, computerAgent),
		browser: &http.Client{Jar: jar, Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// try sends one request. The status is 0 when nobody answered.
func (v *traveller) try(ctx context.Context, method, address string, form url.Values) (status int, location, body string) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err.Error()
	}
	request.Header.Set("User-Agent", computerAgent)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", v.issuer)
	}
	response, err := v.browser.Do(request)
	if err != nil {
		return 0, "", err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, "", err.Error()
	}
	return response.StatusCode, response.Header.Get("Location"), string(text)
}

// begin sends the auth request and returns where it leads.
func (v *traveller) begin(ctx context.Context) (login string) {
	challenge := sha256.Sum256([]byte(travelVerifier))
	authorize := v.issuer + "/authorize?" + url.Values{
		"client_id": {"app"}, "redirect_uri": {v.callback}, "response_type": {"code"}, "scope": {"openid offline_access"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	for ; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		if status, location, _ := v.try(ctx, http.MethodGet, authorize, nil); location != "" && status/100 == 3 {
			if strings.Contains(location, "://") {
				return location
			}
			return v.issuer + location
		}
	}
	return ""
}

// logIn goes all the way and returns the code that the app got.
func (v *traveller) logIn(ctx context.Context) (code string, err error) {
	login, scanned, view := v.begin(ctx), "", ""
	for ; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		var u update
		status, _, body := v.try(ctx, http.MethodGet, login+"/status", nil)
		if status != http.StatusOK || json.Unmarshal([]byte(body), &u) != nil {
			continue
		}
		view = u.View
		switch {
		case u.View == "choose" || strings.HasPrefix(u.View, "failed"):
			if scanned != "" {
				v.retries++
				scanned, v.failure = "", u.View
			}
			v.try(ctx, http.MethodPost, login+"/start", url.Values{"device": {"other"}})
		case u.View == "qr-wait" && u.QR != "":
			order, status := v.phone.tryPhone("scan", map[string]string{"qr": readFrame(v.phone.t, u), "personalNumber": v.person})
			if status == http.StatusOK {
				scanned = order.OrderRef
			}
		case u.View == "confirm" && scanned != "":
			v.phone.tryPhone("orders/"+scanned+"/sign", nil)
		case u.View == "complete" || strings.HasPrefix(u.View, "complete."):
			status, location, _ := v.try(ctx, http.MethodPost, login+"/done", nil)
			answer, err := url.Parse(location)
			if status == http.StatusSeeOther && err == nil && answer.Query().Get("code") != "" {
				return answer.Query().Get("code"), nil
			}
		case u.View == "already-done":
			return "", errors.New("somebody else was answered")
		}
	}
	return "", fmt.Errorf("never finished: the page showed %q last", view)
}

// exchange hands the code in, and reports what the app gets, whether it knows that, and the status.
func (v *traveller) exchange(ctx context.Context, code string) (tokens map[string]any, status int) {
	status, _, body := v.try(ctx, http.MethodPost, v.issuer+"/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "client_id": {"app"}, "redirect_uri": {v.callback}, "code_verifier": {travelVerifier},
	})
	json.Unmarshal([]byte(body), &tokens)
	return tokens, status
}

// addPerson makes a person with a BankID of their own: one person has one order at a time.
func addPerson(t *testing.T, sim *bankidsim.Simulator, i int) string {
	t.Helper()
	digits, sum := fmt.Sprintf("900101%03d", i), 0
	for i, digit := range digits {
		n := int(digit-'0') * (2 - i%2) // Luhn
		sum += n/10 + n%10
	}
	added, err := sim.AddPerson(bankidsim.Person{
		PersonalNumber: fmt.Sprintf("19%s%d", digits, (10-sum%10)%10), GivenName: "Test", Surname: "Person",
		BankIDs: []bankidsim.BankID{{Policy: bankidsim.PolicyMobile}},
	})
	if err != nil {
		t.Error(err)
	}
	return added.PersonalNumber
}

// second returns which second of its order the QR frame shows that the node has for the login just now.
func (v *traveller) second(ctx context.Context, n *node, login string) int {
	v.phone.t.Helper()
	var dialer net.Dialer
	client := &http.Client{Jar: v.browser.Jar, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, n.address)
	}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, login+"/status", nil)
	if err != nil {
		v.phone.t.Fatal(err)
	}
	request.Header.Set("User-Agent", computerAgent)
	response, err := client.Do(request)
	if err != nil {
		v.phone.t.Fatal(err)
	}
	defer response.Body.Close()
	var u update
	if err := json.NewDecoder(response.Body).Decode(&u); err != nil || u.QR == "" {
		return -1
	}
	parts := strings.Split(readFrame(v.phone.t, u), ".") // "bankid", token, second, authentication code
	shown, err := strconv.Atoi(parts[2])
	if err != nil {
		v.phone.t.Fatal(err)
	}
	return shown
}
