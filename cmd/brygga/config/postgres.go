package config

import (
	"time"

	"brygga/secret"
	"brygga/storage/postgres"
)

// Postgres is the PostgreSQL database that keeps the store in place of a file, so that several servers can share it.
type Postgres struct {
	// DSN is its connection string, with the password if it needs one: a URL such as
	// postgres://brygga@db1,db2/brygga?target_session_attrs=read-write&sslmode=verify-full, or words as libpq has them. Default none: the store is a file.
	DSN secret.String `yaml:"dsn"`
	// DSNFile is a file with the connection string. Excludes DSN.
	DSNFile string `yaml:"dsn_file" kind:"path"`
	// RootCAFile holds, in PEM, the roots that alone may vouch for the server's certificate. It makes TLS a must. Default: what the
	// connection string says.
	RootCAFile string `yaml:"root_ca_file" kind:"path"`
	// MaxConnections is how many connections this server opens at most. Default 16.
	MaxConnections int `yaml:"max_connections"`
	// StatementTimeout is how long one statement may take. Default 10s.
	StatementTimeout time.Duration `yaml:"statement_timeout"`
}

// Used reports whether the store is in a database.
func (p *Postgres) Used() bool { return !p.DSN.IsZero() || p.DSNFile != "" }

// Options returns the options of a store in the database.
func (p *Postgres) Options() postgres.Options {
	return postgres.Options{RootCAs: p.RootCAFile, MaxConnections: p.MaxConnections, StatementTimeout: p.StatementTimeout}
}

func (c *Config) checkPostgres(r *reader) {
	key := "postgres.dsn"
	if c.Postgres.DSNFile != "" {
		key = "postgres.dsn_file"
		c.warnOpen(key, c.Postgres.DSNFile)
	}
	if !c.Postgres.Used() {
		for key, set := range map[string]bool{
			"postgres.root_ca_file": c.Postgres.RootCAFile != "", "postgres.max_connections": c.Postgres.MaxConnections != 0,
			"postgres.statement_timeout": c.Postgres.StatementTimeout != 0,
		} {
			if set {
				r.fault(key, "is set without a database", "set postgres.dsn_file, or leave it out: the store is a file then")
			}
		}
		return
	}
	r.readable("postgres.root_ca_file", c.Postgres.RootCAFile)
	r.between("postgres.statement_timeout", c.Postgres.StatementTimeout, 100*time.Millisecond, 5*time.Minute)
	if n := c.Postgres.MaxConnections; n != 0 && (n < 2 || n > 1000) {
		r.fault("postgres.max_connections", "is not between 2 and 1000", "leave it out for 16")
	}
	if c.Postgres.DSN.IsZero() || r.faulty(key) || r.faulty("postgres.root_ca_file") {
		return
	}
	for _, problem := range postgres.Check(c.Postgres.DSN.Reveal(), c.Postgres.Options()) {
		if problem.Refused {
			r.fault(key, problem.Text, problem.Remedy)
		} else {
			c.warnings = append(c.warnings, key+": "+problem.Text)
		}
	}
}
