package config_test

import (
	"path/filepath"
	"reflect"
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
	if len(c.Audit.Sinks) != 1 || !reflect.DeepEqual(c.Audit.Sinks[0], want) {
		t.Errorf("read %+v, want %+v", c.Audit.Sinks, want)
	}
}

func TestSinkFaults(t *testing.T) {
	for sinks, want := range map[string]string{
		"{kind: file, path: a}":                                                                      "sinks[0].name: is missing",
		"{name: A b, kind: file, path: a}":                                                           "sinks[0].name: is missing or no name",
		"{name: a, path: a}":                                                                         "sinks[0].kind: missing",
		"{name: a, kind: pigeon, path: a}":                                                           `sinks[0].kind: "pigeon"`,
		"{name: a, kind: file}":                                                                      "sinks[0].path: missing",
		"{name: a, kind: file, path: a, format: xml}":                                                `sinks[0].format: "xml"`,
		"{name: a, kind: file, path: a, keep: -1}":                                                   "sinks[0].keep: -1 is out of range",
		"{name: a, kind: file, path: a, max_mib: -1}":                                                "sinks[0].max_mib: -1 is out of range",
		"{name: a, kind: file, path: a}, {name: a, kind: file, path: b}":                             "sinks[1].name: is the name of another",
		"{name: a, kind: file, path: a}, {name: b, kind: file, path: ./a}":                           "sinks[1].path: is the file of another",
		"{name: a, kind: file, path: a, url: 'https://x/'}":                                          "sinks[0].url: is for kinds webhook and hooks alone",
		"{name: a, kind: syslog}":                                                                    "sinks[0].address: is missing",
		"{name: a, kind: syslog, address: siem.example.se}":                                          "sinks[0].address: is missing or no host and port",
		"{name: a, kind: syslog, address: 'siem.example.se:514', protocol: tcp}":                     "sinks[0].protocol: is tcp: everybody on the way",
		"{name: a, kind: syslog, address: 'siem.example.se:514', protocol: udp}":                     `sinks[0].protocol: "udp"`,
		"{name: a, kind: syslog, address: 'localhost:514', protocol: tcp, root_ca_file: x}":          "sinks[0].protocol: is tcp, which has no certificates",
		"{name: a, kind: syslog, address: 'siem.example.se:514', key_file: x}":                       "sinks[0].certificate_file: and key_file belong together",
		"{name: a, kind: syslog, address: 'siem.example.se:514', root_ca_file: missing.pem}":         "sinks[0].root_ca_file: cannot be read",
		"{name: a, kind: webhook, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}":                   "sinks[0].url: missing",
		"{name: a, kind: webhook, url: 'http://x/', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}": "sinks[0].url: ",
		"{name: a, kind: webhook, url: 'https://x/'}":                                                "sinks[0].secret: is no secret",
		"{name: a, kind: webhook, url: 'https://x/', secret: whsec_AAAA}":                            "sinks[0].secret: is no secret",
		"{name: a, kind: file, path: a, events: [WEB_100002, WEB_9]}":                                `sinks[0].events: "WEB_9" stands for no event`,
		"{name: a, kind: hooks, url: 'https://x/', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}":  "sinks[0].events: missing",
		"{name: a, kind: hooks, url: 'https://x/', events: [SEC_]}":                                  `sinks[0].events: "SEC_" is no hook`,
		"{name: a, kind: hooks, url: 'https://x/', events: [after_lunch]}":                           `sinks[0].events: "after_lunch" stands for no event`,
		"{name: a, kind: hooks, url: 'https://x/', events: [after_login], format: cef}":              "sinks[0].format: is for kinds file and syslog",
		"{name: a, kind: hooks, path: a, url: 'https://x/', events: [after_login]}":                  "sinks[0].path: is for kind file alone",
		"{name: a, kind: webhook, url: 'https://x/', format: cef}":                                   "sinks[0].format: is for kinds file and syslog",
	} {
		if _, err := config.Load(write(t, minimal+"audit: {sinks: ["+sinks+"]}\n"), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", sinks, err, want)
		}
	}
}

func TestSinksThatAreAllowed(t *testing.T) {
	for _, sink := range []string{
		"{name: a, kind: syslog, address: 'localhost:514', protocol: tcp}",
		"{name: a, kind: syslog, address: 'siem.example.se:514', protocol: tcp, insecure_tcp: true}",
		"{name: a, kind: syslog, address: 'siem.example.se:6514', format: cef}",
		"{name: a, kind: webhook, url: 'https://x/', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}",
		"{name: a, kind: hooks, url: 'https://x/', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, events: [after_login, after_confirm]}",
		"{name: a, kind: file, path: a, events: [after_login, SEC_, OPR_500007]}",
	} {
		if c, err := config.Load(write(t, minimal+"audit: {sinks: ["+sink+"]}\n"), nil); err != nil || strings.Contains(sink, "insecure") != strings.Contains(strings.Join(c.Warnings(), " "), "insecure_tcp") {
			t.Errorf("%s: %v", sink, err)
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
