package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brygga/cmd/brygga/config"
)

// TestPostgres: what of a database can be known without connecting is refused or warned of, and nothing shows the password.
func TestPostgres(t *testing.T) {
	const password = "hunter2secret"
	for _, test := range []struct {
		name, setting, fault, warning string
	}{
		{"a URL", "dsn: postgres://brygga:" + password + "@db/brygga?sslmode=verify-full", "", ""},
		{"words", "dsn: host=/run/postgresql dbname=brygga", "", ""},
		{"this machine without TLS", "dsn: postgres://brygga@127.0.0.1/brygga?sslmode=disable", "", ""},
		{"no connection string", "dsn: '://" + password + "'", "postgres.dsn", ""},
		{"a wrong port", "dsn: postgres://brygga:" + password + "@db:notaport/brygga", "postgres.dsn", ""},
		{"a wrong mode", "dsn: postgres://brygga:" + password + "@db/brygga?sslmode=perhaps", "postgres.dsn", ""},
		{"another machine without TLS", "dsn: postgres://brygga:" + password + "@db/brygga?sslmode=disable", "", "sslmode=verify-full"},
		{"a certificate that nobody checks", "dsn: postgres://brygga:" + password + "@db/brygga?sslmode=require", "", "sslmode=verify-full"},
		{"this machine's certificate, which nobody checks", "dsn: postgres://brygga@localhost/brygga?sslmode=require", "", ""},
		{"one host of two without TLS", "dsn: postgres://brygga:" + password + "@db,10.0.0.1/brygga?sslmode=prefer", "", "sslmode=verify-full"},
		{"too many connections", "dsn: host=/run/postgresql dbname=brygga\n  max_connections: 1001", "postgres.max_connections", ""},
		{"one connection", "dsn: host=/run/postgresql dbname=brygga\n  max_connections: 1", "postgres.max_connections", ""},
		{"no time", "dsn: host=/run/postgresql dbname=brygga\n  statement_timeout: 1ms", "postgres.statement_timeout", ""},
		{"options of no database", "max_connections: 5", "postgres.max_connections", ""},
		{"a time-out of no database", "statement_timeout: 5s", "postgres.statement_timeout", ""},
		{"a root of no database", "root_ca_file: root.pem", "postgres.root_ca_file", ""},
		{"a root that is not there", "dsn: postgres://brygga@db/brygga\n  root_ca_file: missing.pem", "postgres.root_ca_file", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(example(t), "\npostgres:\n", "\npostgres:\n  "+test.setting+"\n", 1)
			c, err := config.Load(write(t, text), nil)
			faults, _ := err.(config.Faults)
			var keys, all []string
			for _, f := range faults {
				keys = append(keys, f.Key)
				all = append(all, f.Error())
			}
			if strings.Join(keys, " ") != test.fault {
				t.Errorf("faults: %q, want %q", keys, test.fault)
			}
			warnings := ""
			if c != nil {
				for _, w := range c.Warnings() {
					if strings.HasPrefix(w, "postgres") {
						warnings += w
					}
				}
			}
			if err == nil && !strings.Contains(warnings, test.warning) || test.warning == "" && warnings != "" {
				t.Errorf("warnings: %q, want %q", warnings, test.warning)
			}
			if shown := strings.Join(all, "\n") + warnings; strings.Contains(shown, password) {
				t.Errorf("the password is shown: %s", shown)
			}
		})
	}
}

// TestPostgresFile: the connection string may stand in a file, which others should not read.
func TestPostgresFile(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(dsn, []byte("postgres://brygga@127.0.0.1/brygga\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(write(t, strings.Replace(example(t), "\npostgres:\n", "\npostgres:\n  dsn_file: "+dsn+"\n", 1)), nil)
	if err != nil || c.Postgres.DSN.Reveal() != "postgres://brygga@127.0.0.1/brygga" || !c.Postgres.Used() {
		t.Fatalf("the file was not read: %v", err)
	}
	if w := strings.Join(c.Warnings(), "\n"); !strings.Contains(w, "postgres.dsn_file: "+dsn+" can be read by other users") {
		t.Errorf("warnings: %s", w)
	}
}
