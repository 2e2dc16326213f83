package config

import "testing"

func TestRootProblem(t *testing.T) {
	const production = "e6a2d45c0a1051c959428649f86a09a9b2152cd551993cc2eb4cf094bdacbecb"
	const test = "f3d0740ebfb3700e3b81aa791fee451472698c84e199c2eb48a443ff1d5b405c"
	tests := []struct {
		name, environment, fingerprint string
		refused, known                 bool
	}{
		{"production", Production, production, false, true},
		{"test", Test, test, false, true},
		{"test root in production", Production, test, true, true},
		{"production root in test", Test, production, true, true},
		{"production root for a simulator", Custom, production, true, true},
		{"simulator", Custom, "00", false, true},
		{"root of signatures for the server", Production, "ca32588e385b961d58e26010c6f8c839f7ca071e497de6b7841640a61506fd31", true, true},
		{"unknown root in production", Production, "00", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			problem, known := rootProblem(serverRoots, tt.environment, tt.fingerprint)
			if (problem != "") != tt.refused || known != tt.known {
				t.Errorf("rootProblem = %q, %v; want refused %v, known %v", problem, known, tt.refused, tt.known)
			}
		})
	}
}
