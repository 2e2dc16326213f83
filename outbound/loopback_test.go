package outbound

import "testing"

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.8.8.8": true, "::1": true, "::ffff:127.0.0.1": true, "localhost": true, "app.localhost": true,
		"": false, "10.0.0.1": false, "0.0.0.0": false, "::": false, "localhost.example": false, "notlocalhost": false, "127.0.0.1.example": false, "127.1": false, "[::1]": false,
	} {
		if got := IsLoopback(host); got != want {
			t.Errorf("%q is loopback: %t", host, got)
		}
	}
}
