//go:build integrations

package interop

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestOIDCAgent: the agent of Debian logs in as a public client, as docs/integrations/oidc-agent.md has it, and renews its tokens.
func TestOIDCAgent(t *testing.T) {
	p := startProvider(t)
	redirectURI := "http://localhost:" + freePort(t)
	p.register(t, "oidc-agent", "--public", "--native", "--redirect-uri", redirectURI, "--scope", "profile,offline_access")
	home := t.TempDir()
	environ := append(os.Environ(), "HOME="+home)
	if err := os.Mkdir(home+"/.oidc-agent", 0o700); err != nil {
		t.Fatal(err)
	}
	run := func(command ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Env = environ
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
		return string(out)
	}
	started := run("oidc-agent")
	for _, variable := range regexp.MustCompile(`(OIDC\w+)=([^;]+);`).FindAllStringSubmatch(started, -1) {
		environ = append(environ, variable[1]+"="+variable[2])
		if pid, err := strconv.Atoi(variable[2]); err == nil {
			t.Cleanup(func() { syscall.Kill(pid, syscall.SIGTERM) })
		} else {
			awaitSocket(t, variable[2])
		}
	}

	said := run("oidc-gen", "bankid", "--issuer="+p.issuer, "--client-id=oidc-agent", "--client-secret=", "--redirect-uri="+redirectURI,
		"--scope=openid profile offline_access", "--flow=code", "--no-url-call", "--no-webserver", "--pw-cmd=echo secret", "--prompt=none", "--confirm-yes")
	address := regexp.MustCompile(regexp.QuoteMeta(p.issuer) + `/authorize\S+`).FindString(said)
	b := p.newBrowser(t)
	back := b.visit(address).address
	if !strings.HasPrefix(back, redirectURI) {
		t.Fatalf("the login of %s leads to %s", address, back)
	}
	run("oidc-gen", "--codeExchange="+back, "--pw-cmd=echo secret", "--prompt=none")

	token := strings.TrimSpace(run("oidc-token", "bankid"))
	fresh := strings.TrimSpace(run("oidc-token", "--time=100000", "bankid"))
	if token == fresh {
		t.Error("the agent did not renew its token")
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.issuer+"/userinfo", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+fresh)
	response, err := b.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var claims map[string]any
	if err := json.NewDecoder(response.Body).Decode(&claims); err != nil || claims["personalNumber"] != b.person {
		t.Errorf("userinfo = %s, %v, %v", response.Status, claims, err)
	}
}

// awaitSocket waits until somebody listens: the agent tells where before it does.
func awaitSocket(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.Dial("unix", path)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
