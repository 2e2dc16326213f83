package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"brygga/cmd/brygga/config"
)

var discard = slog.New(slog.DiscardHandler)

// newDev starts everything that "brygga dev" starts, on free ports, and ends it with the test. It fails the test when
// something could not be closed.
func newDev(t *testing.T, change func(*devOptions)) *devInstance {
	t.Helper()
	o := devOptions{data: t.TempDir(), log: discard, now: time.Now}
	if change != nil {
		change(&o)
	}
	ctx, stop := context.WithCancel(context.Background())
	d, err := startDev(ctx, o)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := d.wait(); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return d
}

// TestPhoneRefusesForeignHosts: whoever reaches the virtual phone can be anyone, so a page on the internet whose name leads to this
// machine must not.
func TestPhoneRefusesForeignHosts(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	for host, want := range map[string]int{"": http.StatusOK, "evil.example": http.StatusMisdirectedRequest, "phone.localhost": http.StatusOK} {
		for _, path := range []string{"/", "/api/orders"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.PhoneURL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			if response.Body.Close(); response.StatusCode != want {
				t.Errorf("%s under %q = %d, want %d", path, host, response.StatusCode, want)
			}
		}
	}
}

// TestDevTellsWhyRequestsAreRefused: at its stock level, on the terminal, with the cause.
func TestDevTellsWhyRequestsAreRefused(t *testing.T) {
	t.Parallel()
	var out syncBuffer
	d := newDev(t, func(o *devOptions) { o.log = newLogs(&host{err: &out}, config.Log{Level: "warn", Format: "text"}).log })
	post := func(path, secret string, form url.Values) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.Issuer+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.SetBasicAuth("demo", secret)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	post("/token", "wrong", nil)
	post("/token", "demo-secret", url.Values{"grant_type": {"password"}})
	post("/authorize", "", url.Values{"client_id": {"demo"}, "redirect_uri": {"http://x.example/"}})
	post("/logout", "", url.Values{"id_token_hint": {"x"}, "client_id": {"nobody"}})
	for _, want := range []string{
		`doing=token error=invalid_client .*cause="wrong secret" client_id=demo`, `doing=token error=unsupported_grant_type .*client_id=demo`,
		`doing=authorize .*redirect_uri.*client_id=demo value=http://x.example/`, `doing=logout error=invalid_client .*value=nobody`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("no line %s in\n%s", want, out.String())
		}
	}
}
