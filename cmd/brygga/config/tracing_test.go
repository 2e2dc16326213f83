package config_test

import (
	"strings"
	"testing"

	"brygga/cmd/brygga/config"
)

func TestTracing(t *testing.T) {
	for tracing, want := range map[string]string{
		"{}": "",
		"{endpoint: 'https://otel.example.se/v1/traces', one_in: 100}":               "",
		"{endpoint: 'http://localhost:4318/v1/traces', authorization: Bearer x}":     "",
		"{endpoint: 'http://10.0.0.1:4318/v1/traces', insecure_http: true}":          "warning",
		"{endpoint: 'http://10.0.0.1:4318/v1/traces'}":                               "tracing.endpoint: is http",
		"{endpoint: 'https://otel.example.se'}":                                      "tracing.endpoint: has no path",
		"{endpoint: 'https://me:x@otel.example.se/v1/traces'}":                       "tracing.endpoint: has credentials",
		"{endpoint: 'otel.example.se:4317'}":                                         "tracing.endpoint: ",
		"{endpoint: 'https://otel.example.se/v1/traces', one_in: -1}":                "tracing.one_in: -1 is out of range",
		"{endpoint: 'https://otel.example.se/v1/traces', root_ca_file: missing.pem}": "tracing.root_ca_file: cannot be read",
		"{one_in: 10}":              "tracing.one_in: is set without a collector",
		"{authorization: Bearer x}": "tracing.authorization: is set without a collector",
	} {
		c, err := config.Load(write(t, minimal+"tracing: "+tracing+"\n"), nil)
		switch {
		case want == "warning":
			if err != nil || !strings.Contains(strings.Join(c.Warnings(), " "), "tracing.insecure_http") {
				t.Errorf("%s: %v without a warning", tracing, err)
			}
		case (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v, want %q", tracing, err, want)
		}
	}
}
