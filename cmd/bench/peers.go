package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The peers, as package peers names them. Dex has no refresh without consent, no introspection and RS256 alone.
const (
	zitadelES256 = "zitadel-es256"
	zitadelRS256 = "zitadel-rs256"
	dexRS256     = "dex"
)

// buildPeers builds the program of the peers, whose modules come from the proxy, and returns it with the directory of Dex's pages.
func (b *bench) buildPeers(ctx context.Context) (program, pages string, err error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "brygga/cmd/bench").Output()
	if err != nil {
		return "", "", fmt.Errorf("find the peers: %w", err)
	}
	module, program := filepath.Join(strings.TrimSpace(string(root)), "testdata", "peers"), filepath.Join(b.dir, "peers")
	build := exec.CommandContext(ctx, "go", "-C", module, "build", "-o", program, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", "", fmt.Errorf("build the peers: %w", err)
	}
	dir, err := exec.CommandContext(ctx, "go", "-C", module, "list", "-m", "-f", "{{.Dir}}", "github.com/dexidp/dex").Output()
	return program, filepath.Join(strings.TrimSpace(string(dir)), "web"), err
}

// startPeers starts all of them, each a process of its own.
func (b *bench) startPeers(ctx context.Context) (peers []*provider, err error) {
	program, pages, err := b.buildPeers(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{zitadelES256, zitadelRS256, dexRS256} {
		address, err := freePort()
		if err != nil {
			return peers, err
		}
		p := &provider{name: name, browser: b.browser, id: "bench", secret: clientSecret}
		p.code = func(ctx context.Context, scope string) (string, error) { return b.logInAt(ctx, p, scope) }
		args := []string{name, address, redirectURI, p.id, p.secret}
		if name == dexRS256 {
			args = append(args, pages)
		}
		if p.server, err = b.launch(ctx, address, program, args...); err != nil {
			return peers, err
		}
		peers = append(peers, p)
		if err := p.discover(ctx, "http://"+address); err != nil {
			return peers, fmt.Errorf("%s: %w", name, err)
		}
	}
	return peers, nil
}

// launch starts a program and waits until somebody listens at the address.
func (b *bench) launch(ctx context.Context, address, program string, args ...string) (*server, error) {
	s := &server{Cmd: exec.CommandContext(ctx, program, args...), stderr: new(bytes.Buffer)}
	s.Stderr = s.stderr
	if err := s.Start(); err != nil {
		return nil, err
	}
	for try := 0; try < 2000; try++ {
		if status, _ := b.get(ctx, "http://"+address+"/"); status != 0 {
			return s, nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.kill()
	return nil, fmt.Errorf("no answer from %s: %s", program, s.stderr)
}

// kill ends the process at once.
func (s *server) kill() {
	s.Process.Kill()
	s.Wait()
}

// logInAt follows a peer's redirects, fills in the form of zitadel's example, and returns the code that comes back.
func (b *bench) logInAt(ctx context.Context, p *provider, scope string) (string, error) {
	v := &visit{bench: b, ctx: ctx, cookies: map[string]string{}}
	at := p.authorization(scope)
	for range 10 {
		method, form := http.MethodGet, url.Values(nil)
		if u, err := url.Parse(at); err == nil && u.Path == "/login/username" {
			method, form = http.MethodPost, url.Values{"username": {"test-user2"}, "password": {"verysecure"}, "id": {u.Query().Get("authRequestID")}}
			if _, _, err := v.load(http.MethodGet, at, nil); err != nil { // the page with the form
				return "", err
			}
		}
		_, next, err := v.load(method, at, form)
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(next, redirectURI) {
			return codeIn(next)
		}
		at = next
	}
	return "", fmt.Errorf("%s: no way back to the app", p.name)
}
