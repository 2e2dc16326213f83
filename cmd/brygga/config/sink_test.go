package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"brygga/cmd/brygga/config"
)

func TestSinks(t *testing.T) {
	path := write(t, minimal+"audit: {sinks: [{name: archive, kind: file, path: audit.jsonl}]}\n")
	c, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Sink{Name: "archive", Kind: "file", Path: filepath.Join(filepath.Dir(path), "audit.jsonl"), Format: "json", MaxMiB: 100, Keep: 10}
	if len(c.Audit.Sinks) != 1 || c.Audit.Sinks[0] != want {
		t.Errorf("read %+v, want %+v", c.Audit.Sinks, want)
	}
}

func TestSinkFaults(t *testing.T) {
	for sinks, want := range map[string]string{
		"{kind: file, path: a}":                                            "sinks[0].name: is missing",
		"{name: A b, kind: file, path: a}":                                 "sinks[0].name: is missing or no name",
		"{name: a, path: a}":                                               "sinks[0].kind: missing",
		"{name: a, kind: pigeon, path: a}":                                 `sinks[0].kind: "pigeon"`,
		"{name: a, kind: file}":                                            "sinks[0].path: missing",
		"{name: a, kind: file, path: a, format: xml}":                      `sinks[0].format: "xml"`,
		"{name: a, kind: file, path: a, keep: -1}":                         "sinks[0].keep: -1 is out of range",
		"{name: a, kind: file, path: a, max_mib: -1}":                      "sinks[0].max_mib: -1 is out of range",
		"{name: a, kind: file, path: a}, {name: a, kind: file, path: b}":   "sinks[1].name: is the name of another",
		"{name: a, kind: file, path: a}, {name: b, kind: file, path: ./a}": "sinks[1].path: is the file of another",
	} {
		if _, err := config.Load(write(t, minimal+"audit: {sinks: ["+sinks+"]}\n"), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", sinks, err, want)
		}
	}
}

// TestDevHasNoSinks: who tries a configuration out does not write into what its server writes into.
func TestDevHasNoSinks(t *testing.T) {
	c, ignored, err := config.LoadDev(write(t, minimal+"audit: {retention: 30d, sinks: [{name: archive, kind: file, path: audit.jsonl}]}\n"))
	if err != nil || len(c.Audit.Sinks) != 0 || c.Audit.Retention == 0 || !strings.Contains(strings.Join(ignored, " "), "audit.sinks") {
		t.Errorf("%+v, left out %q, %v", c, ignored, err)
	}
}
