package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brygga/keys"
	"brygga/storage/postgres"
	"brygga/storage/postgres/pgtest"
)

// TestRestoredDatabaseIsAccepted: "store accept" takes a database that was restored, once no server runs on it, and "key reseal" works there.
func TestRestoredDatabaseIsAccepted(t *testing.T) {
	t.Parallel()
	dir, dsn := t.TempDir(), pgtest.Database(t)
	_, api, _ := serveSim(t, filepath.Join(dir, "sim"))
	key := keys.NewMasterKey()
	configuration := filepath.Join(dir, "brygga.yaml")
	text := strings.NewReplacer("API", api, "KEY", key.Reveal(), "DSN", dsn).Replace(`
issuer: http://localhost:28080
data: data
master_key: KEY
postgres: {dsn: 'DSN'}
bankid: {environment: custom, url: 'API', root_ca_file: sim/ca.pem, signature_root_file: sim/signature-root.pem, certificate_file: sim/client.pem, key_file: sim/client-key.pem}
`)
	if err := os.WriteFile(configuration, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	commands(t, "client", "add", "app", "--redirect-uri", "https://app.example.se/cb", "--config", configuration)
	sealer, err := newSealer(key, keys.NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	server, err := postgres.Open(t.Context(), dsn, sealer, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	code, said := command(t, "store", "accept", "--config", configuration)
	if code != exitUnavailable || !strings.Contains(said, "→ stop every server") {
		t.Errorf("while a server runs: %d, %s", code, said)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if said := commands(t, "store", "accept", "--config", configuration); !strings.Contains(said, "is accepted") {
		t.Errorf("accept said %s", said)
	}
	if said := commands(t, "client", "list", "--config", configuration); !strings.Contains(said, "app") {
		t.Errorf("the clients are %s", said)
	}
	if said := commands(t, "store", "check", "--config", configuration); !strings.Contains(said, "the database is whole") {
		t.Errorf("check said %s", said)
	}
	if said := commands(t, "key", "reseal", "--config", configuration); !strings.Contains(said, "every record is sealed") {
		t.Errorf("reseal said %s", said)
	}
}
