package interop

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	redirectURI    = "https://app.example.se/callback"
	afterLogoutURI = "https://app.example.se/goodbye"
	offlineScope   = "openid profile offline_access"
)

// settings are what a client by others is told; wire.mjs reads them.
type settings struct {
	Issuer         string          `json:"issuer"`
	ClientID       string          `json:"clientID"`
	RedirectURI    string          `json:"redirectURI"`
	AfterLogoutURI string          `json:"afterLogoutURI"`
	Scope          string          `json:"scope"`
	UserinfoAlg    string          `json:"userinfoAlg,omitempty"`
	Key            json.RawMessage `json:"key"`
	Person         string          `json:"person,omitempty"` // who is called
}

// result is what such a client has learnt, after all checks of its own.
type result struct {
	Claims, ClaimsAgain, Userinfo, Introspection map[string]any

	Refreshed, Replayed, AfterReplay, Declined string
	AfterLogout                                bool

	ActiveAfterReplay, ActiveAfterRevocation, ActiveAfterLogout *bool
}

// runNode runs a script beside this file, with a person who visits the addresses that it names.
func runNode(t *testing.T, p *provider, script string, with settings) (r result, b *browser) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("this test runs clients written for Node.js, and node is missing: make needs")
	}
	if _, err := os.Stat(filepath.Join("node_modules", "openid-client", "package.json")); err != nil {
		t.Fatal("the clients of package.json are not installed: make needs")
	}
	b = p.newBrowser(t)
	cmd := exec.CommandContext(t.Context(), node, filepath.Join("testdata", script))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	write := json.NewEncoder(in)
	if err := write.Encode(with); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Visit string
			End   *result
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%s says %q: %v", script, lines.Bytes(), err)
		}
		if line.End != nil {
			return *line.End, b
		}
		back := line.Visit
		if strings.HasPrefix(back, "tel:") {
			p.answerCall(t, with.Person, strings.HasSuffix(back, "?yes"))
		} else {
			back = b.visit(back).address
		}
		if err := write.Encode(map[string]string{"back": back}); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("%s ended without a result", script)
	return result{}, nil
}

func openIDClient(t *testing.T, p *provider) {
	key, jwks := newKey(t)
	p.register(t, "openid-client", "--redirect-uri", redirectURI, "--post-logout-redirect-uri", afterLogoutURI,
		"--auth-method", "private_key_jwt", "--jwks-file", jwks, "--scope", "profile,offline_access", "--userinfo-alg", "ES256")
	r, b := runNode(t, p, "openid-client.mjs", settings{
		p.issuer, "openid-client", redirectURI, afterLogoutURI, offlineScope, "ES256", key, "",
	})
	r.check(t, b)
	wantInactive(t, "logging out", r.ActiveAfterLogout)
}

func oauth4WebAPI(t *testing.T, p *provider) {
	key, jwks := newKey(t)
	p.register(t, "oauth4webapi", "--redirect-uri", redirectURI, "--post-logout-redirect-uri", afterLogoutURI,
		"--auth-method", "private_key_jwt", "--jwks-file", jwks, "--scope", "profile,offline_access", "--require-par")
	r, b := runNode(t, p, "oauth4webapi.mjs", settings{
		p.issuer, "oauth4webapi", redirectURI, afterLogoutURI, offlineScope, "", key, "",
	})
	r.check(t, b)
	wantInactive(t, "revoking", r.ActiveAfterRevocation)
}

// check holds the result against what the person and the provider know. The client has verified signatures, nonces and
// hashes itself.
func (r *result) check(t *testing.T, b *browser) {
	t.Helper()
	b.wantClaims(r.Claims)
	sub := r.Claims["sub"]
	for what, got := range map[string]any{
		"the second login": r.ClaimsAgain["sub"], "userinfo": r.Userinfo["sub"], "introspection": r.Introspection["sub"], "a refreshed token": r.Refreshed,
	} {
		if got != sub {
			t.Errorf("%s is of %v, want %v", what, got, sub)
		}
	}
	if r.Introspection["active"] != true {
		t.Errorf("introspection says %v", r.Introspection)
	}
	if r.Replayed != "invalid_grant" || r.AfterReplay != "invalid_grant" {
		t.Errorf("a refresh token was taken twice (%s), and its successor after that (%s)", r.Replayed, r.AfterReplay)
	}
	wantInactive(t, "a replay", r.ActiveAfterReplay)
	if !r.AfterLogout {
		t.Error("logging out did not lead back to the client")
	}
}

func wantInactive(t *testing.T, after string, active *bool) {
	t.Helper()
	if active == nil || *active {
		t.Errorf("the access token is still active after %s", after)
	}
}
