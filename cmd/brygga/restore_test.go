package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"brygga/keys"
)

// command runs brygga in this process and returns its exit code and what it said.
func command(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var said bytes.Buffer
	code := run(t.Context(), args, &host{out: &said, err: &said, environ: os.Environ()})
	return code, said.String()
}

// commands demands that brygga succeeds.
func commands(t *testing.T, args ...string) string {
	t.Helper()
	code, said := command(t, args...)
	if code != exitOK {
		t.Fatalf("brygga %s ended with %d: %s", strings.Join(args, " "), code, said)
	}
	return said
}

// silent reports whether the customer's session gives a code without a login, and returns the error otherwise.
func (c *customer) silent() string {
	if c.begin() {
		return "code"
	}
	response, err := c.client.Get(c.authorize("none"))
	if err != nil {
		return err.Error()
	}
	response.Body.Close()
	to, err := response.Location()
	if err != nil {
		return err.Error()
	}
	return to.Query().Get("error")
}

// logOut ends the customer's session, as the person would.
func (c *customer) logOut(t *testing.T) {
	t.Helper()
	response, err := c.client.Get(c.issuer + "/logout")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	for _, field := range regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(string(page), -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	answer, err := c.client.PostForm(c.issuer+"/logout/confirm", form)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if got := c.silent(); got != "login_required" {
		t.Fatalf("the session goes on after the logout: %s", got)
	}
}

// newFamily gets a code, and exchanges it.
func (c *customer) newFamily(t *testing.T) *family {
	t.Helper()
	if !c.begin() {
		t.Fatalf("no code: %v", c.counts)
	}
	f := c.ledger[len(c.ledger)-1]
	if status := c.exchange(f); status != http.StatusOK {
		t.Fatalf("the code is answered %d", status)
	}
	return f
}

// TestNothingUsedWorksAfterARestore backs a running server up while apps use it, goes on to spend, rotate, revoke, log out and remove, restores
// the backup and presents everything again.
func TestNothingUsedWorksAfterARestore(t *testing.T) {
	t.Parallel()
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
	brygga := func(args ...string) string { return commands(t, append(args, "--config", configuration)...) }
	var log bytes.Buffer
	server := startServeWith(t, issuer, configuration, &log)
	brygga("client", "add", "removed", "--redirect-uri", "https://removed.example.se/cb")
	stays, leaves := newCustomer(t, issuer, phone, app.URL+"/callback", 1), newCustomer(t, issuer, phone, app.URL+"/callback", 2)
	rotated, revoked, ended := stays.newFamily(t), stays.newFamily(t), leaves.newFamily(t)
	if !stays.begin() {
		t.Fatal("no code")
	}
	unspent := stays.ledger[len(stays.ledger)-1]

	// Apps are busy while backups are made.
	var busy []*customer
	var working sync.WaitGroup
	for i := range 3 {
		busy = append(busy, newCustomer(t, issuer, phone, app.URL+"/callback", uint64(3+i)))
		working.Go(busy[i].work)
	}
	for i := range 4 {
		brygga("backup", "--to", filepath.Join(dir, fmt.Sprint("backup-", i)))
	}
	if status := stays.exchange(unspent); status != http.StatusOK {
		t.Fatalf("the code is answered %d", status)
	}
	before := *rotated
	if status := stays.rotate(rotated); status != http.StatusOK {
		t.Fatalf("the refresh token is answered %d", status)
	}
	stays.post("/revoke", url.Values{"token": {revoked.refresh}}, nil)
	leaves.logOut(t)
	brygga("client", "remove", "removed", "--yes")
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	server.Wait()
	working.Wait()
	done := map[string]int{}
	for _, c := range busy {
		for what, n := range c.counts {
			done[what] += n
		}
	}
	if done["exchange"] == 0 || done["rotation"] == 0 {
		t.Errorf("the apps did nothing meanwhile: %v; the server said: %s", done, log.String())
	}

	for i := range 4 {
		brygga("store", "check", filepath.Join(dir, fmt.Sprint("backup-", i)))
	}
	if err := os.Rename(filepath.Join(dir, "data", storeFile), filepath.Join(dir, "latest.db")); err != nil {
		t.Fatal(err)
	}
	brygga("restore", filepath.Join(dir, "backup-3"))
	startServe(t, issuer, configuration)
	for _, c := range []*customer{stays, leaves} {
		c.client.CloseIdleConnections()
	}
	for name, status := range map[string]int{
		"a code that was spent since":                 stays.exchange(&family{code: unspent.code}),
		"a refresh token that was used since":         stays.rotate(&family{refresh: before.refresh}),
		"the one that followed":                       stays.rotate(&family{refresh: rotated.refresh}),
		"a refresh token that was revoked since":      stays.rotate(&family{refresh: revoked.refresh}),
		"a refresh token of a session that was ended": leaves.rotate(&family{refresh: ended.refresh}),
		"a refresh token that was given since":        stays.rotate(&family{refresh: unspent.refresh}),
	} {
		if status != http.StatusBadRequest {
			t.Errorf("%s is answered %d", name, status)
		}
	}
	for name, f := range map[string]*family{"before": &before, "rotated": rotated, "revoked": revoked, "of an ended session": ended} {
		if status := stays.userinfo(f); status != http.StatusUnauthorized {
			t.Errorf("the access token (%s) is answered %d", name, status)
		}
	}
	for name, c := range map[string]*customer{"that stayed": stays, "that was ended": leaves} {
		if got := c.silent(); got != "login_required" {
			t.Errorf("the session %s gives %s", name, got)
		}
	}
	// What an operator has to do is said, and people log in anew.
	if said := brygga("client", "list"); !strings.Contains(said, "removed") {
		t.Error("a client that was removed since the backup is expected to be there again")
	}
	newCustomer(t, issuer, phone, app.URL+"/callback", 9).newFamily(t)
}

// TestBrokenOffLeavesNothing: a backup and a restore that somebody breaks off leave no piece of a store behind.
func TestBrokenOffLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, copies := filepath.Join(dir, "data"), filepath.Join(dir, "copies")
	for _, path := range []string{data, copies} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(data, masterKeyFile), []byte(keys.NewMasterKey().Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	commands(t, "client", "add", "app", "--redirect-uri", "https://app.example.se/cb", "--data", data)
	whole := filepath.Join(dir, "whole.db")
	commands(t, "backup", "--to", whole, "--data", data)
	broken, breakOff := context.WithCancel(t.Context())
	breakOff()
	var said bytes.Buffer
	if code := run(broken, []string{"backup", "--to", filepath.Join(copies, "x.db"), "--data", data}, &host{out: &said, err: &said}); code == exitOK {
		t.Error("a backup that was broken off succeeded")
	}
	if err := errors.Join(os.Remove(filepath.Join(data, storeFile)), os.Remove(filepath.Join(data, storeFile+".mark"))); err != nil {
		t.Fatal(err)
	}
	if code := run(broken, []string{"restore", whole, "--data", data}, &host{out: &said, err: &said}); code == exitOK {
		t.Error("a restore that was broken off succeeded")
	}
	for path, want := range map[string]int{copies: 0, data: 1} { // the key
		if left, err := os.ReadDir(path); err != nil || len(left) != want {
			t.Errorf("%s holds %v, %v; it was said: %s", path, left, err, said.String())
		}
	}
	commands(t, "restore", whole, "--data", data)
}
