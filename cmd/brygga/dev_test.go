package main

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"
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
