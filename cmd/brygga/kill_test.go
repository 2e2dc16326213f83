package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"brygga/bankid/bankidsim"
	"brygga/keys"
)

// startServe runs "brygga serve" as a process of its own and returns when it answers. The test binary is brygga when it is
// called so (see TestMain).
func startServe(t *testing.T, issuer string, configuration string) *exec.Cmd {
	t.Helper()
	return startServeWith(t, issuer, configuration, os.Stderr)
}

// startServeWith does that with another writer for what the server logs, and with more in its environment.
func startServeWith(t *testing.T, issuer, configuration string, log io.Writer, environ ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{Path: self, Args: []string{"brygga", "serve", "--config", configuration}, Stderr: log, Env: append(os.Environ(), environ...)}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		response, err := http.Get(issuer + "/healthz")
		if err == nil {
			response.Body.Close()
			return cmd
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not answer: %v", err)
		}
	}
}

// serveSim runs a simulator and returns its addresses, with its certificates in dir.
func serveSim(t *testing.T, dir string) (sim *bankidsim.Simulator, api, phone string) {
	t.Helper()
	sim, err := bankidsim.New(bankidsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := writeCertificates(sim, dir); err != nil {
		t.Fatal(err)
	}
	var on [2]net.Listener
	for i := range on {
		if on[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- serveSimulator(ctx, sim, on[0], on[1]) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("simulator: %v", err)
		}
		sim.Close()
	})
	return sim, "https://" + on[0].Addr().String() + "/rp/v6.0", "http://" + on[1].Addr().String()
}

// TestKilledDuringLogin: a server that is killed while somebody confirms in the app loses nothing. BankID's answer is
// collected by the next one, and the same browser gets its code.
func TestKilledDuringLogin(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sim, api, phone := serveSim(t, filepath.Join(dir, "sim"))
	answers := make(chan url.Values, 1)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { answers <- r.URL.Query() }))
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
bankid: {environment: custom, url: 'API', root_ca_file: sim/ca.pem, signature_root_file: sim/signature-root.pem, certificate_file: sim/client.pem, key_file: sim/client-key.pem}
clients: [{id: app, auth_method: none, redirect_uris: ['APP/callback']}]
`)
	if err := os.WriteFile(configuration, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server := startServe(t, issuer, configuration)

	v := newVisitor(t, &devInstance{Issuer: issuer, PhoneURL: phone}, computerAgent)
	verifier := strings.Repeat("verifier", 6)
	challenge := sha256.Sum256([]byte(verifier))
	login := v.get(issuer + "/authorize?" + url.Values{
		"client_id": {"app"}, "redirect_uri": {app.URL + "/callback"}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode()).url.String()
	v.post(login+"/start", "device", "other")
	order := v.phone("scan", map[string]string{"qr": v.frame(login), "personalNumber": person})
	v.await(login, "confirm")

	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var killed *exec.ExitError
	if err := server.Wait(); !errors.As(err, &killed) {
		t.Fatalf("the server was not killed: %v", err)
	}
	v.client.CloseIdleConnections()
	v.phone("orders/"+order.OrderRef+"/sign", nil)
	startServe(t, issuer, configuration)
	v.await(login, "complete")
	v.post(login + "/done")
	answer := <-answers
	if answer.Get("code") == "" || answer.Get("state") != "s" || answer.Get("iss") != issuer {
		t.Fatalf("the app got %v", answer)
	}
	tokens := v.post(issuer+"/token", "grant_type", "authorization_code", "code", answer.Get("code"), "client_id", "app",
		"redirect_uri", app.URL+"/callback", "code_verifier", verifier)
	if tokens.status != http.StatusOK || !strings.Contains(tokens.body, `"id_token"`) {
		t.Errorf("token = %d", tokens.status)
	}
	for kind, n := range sim.Misuse().Counts {
		if n != 0 {
			t.Errorf("BankID was misused %s times: %s", strconv.Itoa(n), kind)
		}
	}
}
