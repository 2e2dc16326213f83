package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"brygga/keys"
)

// killRounds names the environment variable for a long run: how often the server is killed. Without it a few rounds do.
const killRounds = "BRYGGA_TEST_KILL_ROUNDS"

// family is what one code brought, as far as the server has acknowledged it. What was under way when the server died is in no ledger.
type family struct {
	code            string
	made            time.Time
	access, refresh string // empty until the code is exchanged
	spent           string // the refresh token before
	revoked         bool
}

// customer is one app with one browser, which is signed in, and its ledger.
type customer struct {
	issuer, callback string
	client           *http.Client // with the cookies of the browser; follows no redirects
	random           *rand.Rand
	ledger           []*family
	counts           map[string]int
}

const ledgerVerifier = "a-code-verifier-that-is-long-enough-for-rfc-7636-0123456789"

// TestKilledUnderLoad kills the server again and again while apps get codes out of sessions, exchange them, rotate refresh tokens and revoke
// families, and looks after each start whether what was acknowledged holds: what is good is good, and what was spent or revoked
// stays dead, with its family.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	rounds := 8
	if text := os.Getenv(killRounds); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		rounds = n
	}
	dir := t.TempDir()
	_, api, phone := serveSim(t, filepath.Join(dir, "sim"))
	app := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(app.Close)
	issuer := "http://localhost:" + freePort(t)
	configuration := filepath.Join(dir, "brygga.yaml")
	text := strings.NewReplacer("ISSUER", issuer, "PORT", issuer[strings.LastIndex(issuer, ":")+1:], "API", api, "APP", app.URL, "KEY", keys.NewMasterKey().Reveal()).Replace(`
issuer: ISSUER
listen: 127.0.0.1:PORT
admin_listen: 127.0.0.1:0
data: data
master_key: KEY
log: {level: error}
limits: {requests_per_address: 1000000, requests_per_client: 1000000}
login: {logins_per_address: 100000, orders_per_address: 100000, orders_per_client: 100000}
bankid: {environment: custom, url: 'API', root_ca_file: sim/ca.pem, signature_root_file: sim/signature-root.pem, certificate_file: sim/client.pem, key_file: sim/client-key.pem}
clients: [{id: app, auth_method: none, redirect_uris: ['APP/callback'], scopes: [offline_access], session_group: one}]
`)
	if err := os.WriteFile(configuration, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	t.Cleanup(func() { // when the server has ended, by whatever end
		if t.Failed() {
			t.Logf("the server said:\n%s", log.String())
		}
	})
	server := startServeWith(t, issuer, configuration, &log)
	var customers []*customer
	for i := range 4 {
		customers = append(customers, newCustomer(t, issuer, phone, app.URL+"/callback", uint64(i)))
	}
	random := rand.New(rand.NewPCG(1, 1))
	for round := range rounds {
		var working sync.WaitGroup
		for _, c := range customers {
			working.Go(c.work)
		}
		time.Sleep(time.Duration(100+random.IntN(700)) * time.Millisecond)
		if err := server.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		server.Wait()
		working.Wait()
		log.Reset()
		server = startServeWith(t, issuer, configuration, &log)
		for i, c := range customers {
			for _, fault := range c.check() {
				t.Errorf("round %d, customer %d: %s", round, i, fault)
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if code, said := command(t, "store", "check", "--config", configuration); code != exitOK {
		t.Errorf("the store has faults: %s", said)
	}
	total := map[string]int{}
	for _, c := range customers {
		for what, n := range c.counts {
			total[what] += n
		}
	}
	t.Logf("%d rounds: %v", rounds, total)
	for _, what := range []string{"code", "exchange", "rotation", "revocation", "live", "dead"} {
		if total[what] == 0 {
			t.Errorf("no %s was acknowledged or checked: the test proves little", what)
		}
	}
}

// newCustomer logs a browser in with BankID.
func newCustomer(t *testing.T, issuer, phone, callback string, seed uint64) *customer {
	t.Helper()
	v := newVisitor(t, &devInstance{Issuer: issuer, PhoneURL: phone}, computerAgent)
	c := &customer{issuer: issuer, callback: callback, client: v.client, random: rand.New(rand.NewPCG(2, seed)), counts: map[string]int{}}
	login := v.get(c.authorize("")).url.String()
	v.post(login+"/start", "device", "other")
	order := v.phone("scan", map[string]string{"qr": v.frame(login), "personalNumber": person})
	v.await(login, "confirm")
	v.phone("orders/"+order.OrderRef+"/sign", nil)
	v.await(login, "complete")
	v.post(login + "/done")
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

func (c *customer) authorize(prompt string) string {
	challenge := sha256.Sum256([]byte(ledgerVerifier))
	return c.issuer + "/authorize?" + url.Values{
		"client_id": {"app"}, "redirect_uri": {c.callback}, "response_type": {"code"}, "scope": {"openid offline_access"}, "state": {"s"}, "prompt": {prompt},
		"nonce": {"n"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode()
}

// work does what apps do until the server is gone, and notes what it has acknowledged.
func (c *customer) work() {
	defer c.client.CloseIdleConnections()
	for {
		var done bool
		if i := len(c.ledger) - 1 - c.random.IntN(5); i < 0 || c.random.IntN(3) == 0 {
			done = c.begin()
		} else {
			done = c.step(i)
		}
		if !done {
			return
		}
	}
}

// begin gets a code out of the session.
func (c *customer) begin() bool {
	response, err := c.client.Get(c.authorize("none"))
	if err != nil {
		return false
	}
	response.Body.Close()
	to, err := response.Location()
	if err != nil || to.Query().Get("code") == "" {
		c.counts[fmt.Sprint("refused ", response.StatusCode)]++
		return false
	}
	c.counts["code"]++
	c.ledger = append(c.ledger, &family{code: to.Query().Get("code"), made: time.Now()})
	return true
}

// step goes on with a family. Until it is acknowledged, the family is in nobody's ledger.
func (c *customer) step(i int) bool {
	f := c.ledger[i]
	if f.revoked {
		return true
	}
	c.ledger = append(c.ledger[:i:i], c.ledger[i+1:]...)
	var ok bool
	switch {
	case f.access == "":
		ok = c.exchange(f) == http.StatusOK
		c.counts["exchange"]++
	case c.random.IntN(4) == 0:
		ok = c.post("/revoke", url.Values{"token": {f.refresh}}, nil) == http.StatusOK
		f.revoked = ok
		c.counts["revocation"]++
	default:
		ok = c.rotate(f) == http.StatusOK
		c.counts["rotation"]++
	}
	if ok {
		c.ledger = append(c.ledger, f)
	}
	return ok
}

// exchange redeems the code, rotate uses the refresh token. They return the status, 0 when there was no answer.
func (c *customer) exchange(f *family) int {
	return c.post("/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {f.code}, "redirect_uri": {c.callback}, "code_verifier": {ledgerVerifier},
	}, f)
}

func (c *customer) rotate(f *family) int {
	return c.post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {f.refresh}}, f)
}

// post sends the form and takes the tokens of a good answer over into f.
func (c *customer) post(path string, form url.Values, f *family) int {
	form.Set("client_id", "app")
	response, err := c.client.PostForm(c.issuer+path, form)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if f != nil && response.StatusCode == http.StatusOK {
		if err := json.NewDecoder(response.Body).Decode(&tokens); err != nil {
			return 0 // the answer is torn: not acknowledged
		}
		f.access, f.spent, f.refresh = tokens.Access, f.refresh, tokens.Refresh
	}
	return response.StatusCode
}

// userinfo returns the status for the family's access token.
func (c *customer) userinfo(f *family) int {
	request, err := http.NewRequest(http.MethodGet, c.issuer+"/userinfo", nil)
	if err != nil {
		return 0
	}
	request.Header.Set("Authorization", "Bearer "+f.access)
	response, err := c.client.Do(request)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// check looks at everything in the ledger, which is empty then, and returns what does not hold.
func (c *customer) check() (faults []string) {
	wants := func(f *family, what string, got, want int) {
		if got != want {
			faults = append(faults, fmt.Sprintf("%s: %d, want %d (%+v)", what, got, want, *f))
		}
	}
	for _, f := range c.ledger {
		if f.access == "" {
			if time.Since(f.made) > 40*time.Second {
				continue // codes live for a minute
			}
			wants(f, "acknowledged code", c.exchange(f), http.StatusOK)
		}
		if !f.revoked {
			wants(f, "live access token", c.userinfo(f), http.StatusOK)
			wants(f, "live refresh token", c.rotate(f), http.StatusOK)
			c.counts["live"]++
		}
		if c.random.IntN(2) == 0 {
			wants(f, "spent code", c.exchange(&family{code: f.code}), http.StatusBadRequest)
		} else if f.spent != "" {
			wants(f, "spent refresh token", c.rotate(&family{refresh: f.spent}), http.StatusBadRequest)
		}
		if f.revoked || len(faults) == 0 && f.spent != "" {
			wants(f, "refresh token of a dead family", c.rotate(&family{refresh: f.refresh}), http.StatusBadRequest)
			wants(f, "access token of a dead family", c.userinfo(f), http.StatusUnauthorized)
			c.counts["dead"]++
		}
	}
	c.ledger = nil
	return faults
}
