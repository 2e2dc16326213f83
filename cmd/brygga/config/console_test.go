package config

import (
	"strings"
	"testing"
)

// TestConsoleAddress: where operators reach the console, and the addresses that it cannot have.
func TestConsoleAddress(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{AdminListen: "127.0.0.1:9090"}, "http://localhost:9090/admin"},
		{Config{AdminListen: "[::1]:9090"}, "http://localhost:9090/admin"},
		{Config{AdminListen: "0.0.0.0:9090"}, "http://localhost:9090/admin"},
		{Config{AdminListen: ":9090"}, "http://localhost:9090/admin"},
		{Config{AdminListen: "10.0.0.5:9090"}, "http://10.0.0.5:9090/admin"},
		{Config{AdminListen: "127.0.0.1:9090", Console: Console{URL: "https://brygga.internal/"}}, "https://brygga.internal/admin"},
		{Config{Issuer: "https://login.example.se", Console: Console{Public: true}}, "https://login.example.se/admin"},
	} {
		if got := c.config.ConsoleURL(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.config.Console, got, c.want)
		}
	}
	for address, want := range map[string]string{
		"https://brygga.internal": "", "https://brygga.internal:8443/": "", "http://localhost:7000": "",
		"http://brygga.internal": "not https", "https://brygga.internal/admin": "not the address of a host", "https://a@brygga.internal": "not the address of a host",
		"brygga.internal": "not the address of a host", "https://brygga.internal?a=b": "not the address of a host",
	} {
		r := &reader{}
		(&Config{Console: Console{URL: address}}).checkConsole(r)
		if got := r.faults.Error(); want == "" && len(r.faults) > 0 || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	r := &reader{}
	(&Config{Console: Console{URL: "https://brygga.internal", Public: true}}).checkConsole(r)
	if len(r.faults) != 1 {
		t.Errorf("two addresses are taken: %v", r.faults)
	}
}
