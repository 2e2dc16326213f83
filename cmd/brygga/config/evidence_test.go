package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brygga/cmd/brygga/config"
)

// TestTimestamp: an authority is whole, or there is none.
func TestTimestamp(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(root, []byte("-----BEGIN CERTIFICATE-----"), 0o600); err != nil {
		t.Fatal(err)
	}
	with := "root_file: " + root
	for timestamp, want := range map[string]string{
		"{}": "",
		"{url: 'http://tsa.example.se/', " + with + "}":                                      "",
		"{url: 'https://tsa.example.se/', " + with + ", policy: 1.2.752.999.1, timeout: 9s}": "",
		"{url: 'https://tsa.example.se/'}":                                                   "evidence.timestamp.root_file: missing",
		"{url: 'https://tsa.example.se/', root_file: missing.pem}":                           "evidence.timestamp.root_file: cannot be read",
		"{url: 'https://tsa.example.se/', ca_file: missing.pem, " + with + "}":               "evidence.timestamp.ca_file: cannot be read",
		"{url: 'tsa.example.se', " + with + "}":                                              "evidence.timestamp.url: ",
		"{url: 'https://tsa.example.se/', policy: 1.2.x, " + with + "}":                      "evidence.timestamp.policy: ",
		"{url: 'https://tsa.example.se/', policy: '1.2.03', " + with + "}":                   "evidence.timestamp.policy: ",
		"{url: 'https://tsa.example.se/', timeout: 10s, " + with + "}":                       "evidence.timestamp.timeout: 10s is out of range",
		"{" + with + "}": "evidence.timestamp.root_file: is set without an authority",
	} {
		c, err := config.Load(write(t, minimal+"evidence:\n  timestamp: "+timestamp+"\n"), nil)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", timestamp, err, want)
		}
		if err == nil && c.Evidence.Timestamp.Used() && c.Evidence.Timestamp.Timeout < time.Second {
			t.Errorf("%s: it has %s", timestamp, c.Evidence.Timestamp.Timeout)
		}
	}
	if _, err := config.Load(write(t, minimal+"audit:\n  sinks:\n    - {name: evidence-stamps, kind: file, path: x}\n"), nil); err == nil || !strings.Contains(err.Error(), "audit.sinks[0].name") {
		t.Errorf("a sink may have the name: %v", err)
	}
}
