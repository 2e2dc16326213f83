package clients

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brygga/storage"
)

func TestKeptSecrets(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	secret := func(n byte, expires time.Time) storage.ClientSecret {
		return storage.ClientSecret{Hash: [32]byte{n}, Expires: expires}
	}
	forever, soon, late := secret(3, time.Time{}), secret(2, now.Add(time.Minute)), secret(1, now.Add(30*24*time.Hour))
	ended := secret(0, now)
	tests := []struct {
		name    string
		secrets []storage.ClientSecret
		keep    time.Duration
		want    []storage.ClientSecret
	}{
		{"the newest gets an end, and the others keep theirs", []storage.ClientSecret{forever, soon, late, ended}, time.Hour, []storage.ClientSecret{secret(3, now.Add(time.Hour)), soon, late}},
		{"all end at once", []storage.ClientSecret{forever, soon, late}, 0, nil},
		{"none", nil, time.Hour, nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, keptSecrets(tt.secrets, tt.keep, now)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
