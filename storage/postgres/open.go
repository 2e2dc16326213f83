package postgres

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"brygga/cache"
	"brygga/storage"
)

// Errors of opening a store, beside those of package storage.
var (
	// ErrConnection means that the database could not be reached or did not let us in.
	ErrConnection = errors.New("storage/postgres: the database cannot be reached")
	// ErrDSN means that the connection string cannot be read.
	ErrDSN = errors.New("storage/postgres: the connection string cannot be read")
	// ErrVersion means that the server is older than oldestServer.
	ErrVersion = errors.New("storage/postgres: the database server is too old")
	// ErrSchema means that the tables are those of a newer program, or are not ours.
	ErrSchema = errors.New("storage/postgres: the tables are not those of this program")
)

// networkTime is what a step may take beside its statement.
const networkTime = 5 * time.Second

// oldestServer is the oldest version of PostgreSQL that is supported.
const oldestServer = 140000

// Open opens the store in the database that the connection string names: a URL, or words as libpq has them, with several hosts if need
// be. It makes the tables when they are missing. It returns ErrDSN, ErrConnection, ErrVersion, ErrSchema, storage.ErrWrongKey when the
// database was sealed with another master key, or storage.ErrUnfinished when it is half filled from another store. No error shows the password. The caller
// closes the store.
func Open(ctx context.Context, dsn string, sealer storage.Sealer, o Options) (*Store, error) {
	return open(ctx, dsn, sealer, o, func(*pgx.ConnConfig) {})
}

// open is Open with connections that are changed before they are made.
func open(ctx context.Context, dsn string, sealer storage.Sealer, o Options, change func(*pgx.ConnConfig)) (*Store, error) {
	config, err := configure(dsn, o)
	if err != nil {
		return nil, err
	}
	change(config.ConnConfig)
	s := &Store{
		codec: storage.NewCodec(sealer), log: o.Logger, observe: o.Observe, clock: o.Now, node: o.Node, unfinished: o.Unfinished,
		clients: cache.New[*storage.Client](maxClientBytes), logins: newMemory(), followed: map[string]*followed{},
	}
	s.LoginSteps = storage.NewLoginSteps(s.stepLogin, s.stepLater, s.stepCompletion)
	s.patience = cmp.Or(max(o.StatementTimeout, 0), DefaultStatementTimeout) + networkTime
	s.news = news{ids: map[string]uint64{}, soon: make(chan struct{}, 1), silent: s.alone.Load}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.observe == nil {
		s.observe = func(time.Duration) {}
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.node == "" {
		s.node = storage.NewID()
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, connectionError(err)
	}
	if err := s.begin(ctx); err != nil {
		s.pool.Close()
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.running.Go(func() { s.run(running) })
	s.running.Go(func() { s.notify(running) })
	s.running.Go(func() { s.listen(running) })
	return s, nil
}

// configure returns how the pool connects.
func configure(dsn string, o Options) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrDSN, withoutDSN(err))
	}
	if config.MaxConns = DefaultMaxConnections; o.MaxConnections > 0 {
		config.MaxConns = int32(o.MaxConnections)
	}
	timeout := o.StatementTimeout
	if timeout <= 0 {
		timeout = DefaultStatementTimeout
	}
	milliseconds := strconv.FormatInt(timeout.Milliseconds(), 10)
	for name, value := range map[string]string{
		"application_name": "brygga", "timezone": "UTC", "statement_timeout": milliseconds,
		// A process that stops in the middle of a transaction does not hold its rows for longer than others wait for it.
		"idle_in_transaction_session_timeout": "3000", "lock_timeout": milliseconds,
	} {
		if _, ok := config.ConnConfig.RuntimeParams[name]; !ok {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	config.MaxConnIdleTime, config.HealthCheckPeriod, config.AfterConnect = 5*time.Minute, 10*time.Second, settle
	if o.RootCAs != "" {
		if err := pinRoot(config.ConnConfig, o.RootCAs); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// pinRoot lets only servers in whose certificate the roots in the file vouch for, on every host.
func pinRoot(config *pgx.ConnConfig, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: root certificates: %w", ErrDSN, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return fmt.Errorf("%w: %s holds no certificate in PEM", ErrDSN, path)
	}
	config.TLSConfig = pinned(roots, config.Host)
	for _, fallback := range config.Fallbacks {
		fallback.TLSConfig = pinned(roots, fallback.Host)
	}
	return nil
}

func pinned(roots *x509.CertPool, host string) *tls.Config {
	return &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}
}

// begin looks at the server, brings the tables up to date and checks the key.
func (s *Store) begin(ctx context.Context) error {
	of, err := s.look(ctx)
	if err != nil {
		return err
	}
	if err := s.migrate(ctx, of); err != nil {
		return err
	}
	if err := s.checkKey(ctx); err != nil {
		return err
	}
	if err := s.recount(ctx); err != nil {
		return err
	}
	return s.pulse(ctx)
}

// look returns what the server is, or ErrVersion when it is too old.
func (s *Store) look(ctx context.Context) (of engine, err error) {
	var version int
	err = s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		of = engineOf(conn.Conn().PgConn())
		return conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int`).Scan(&version)
	})
	if err != nil {
		return of, connectionError(err)
	}
	return of, checkServer(of, version)
}

// The names of what is kept of the installation.
const (
	installedKey       = "key check"
	installedForgotten = "forgotten" // when it was declared to be restored: microseconds, 8 bytes
)

// installed returns what is kept under the name, nil for nothing.
func installed(ctx context.Context, db executor, name string) (value []byte, err error) {
	err = db.QueryRow(ctx, `SELECT value FROM installation WHERE name = $1`, name).Scan(&value)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return value, err
}

// checkKey compares the master keys with those that records of the database may be sealed with, and notes the one that this process seals with,
// in one step with the process itself: see forgetKeys.
func (s *Store) checkKey(ctx context.Context) error {
	return s.transact(ctx, func(ctx context.Context, db executor) error {
		if _, err := db.Exec(ctx, `INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, installedKey, s.codec.KeyCheck()); err != nil {
			return err
		}
		stored, err := lockedKeys(ctx, db)
		if err != nil {
			return err
		}
		if half, err := installed(ctx, db, installedMigration); err != nil || half != nil && !s.unfinished {
			return cmp.Or(err, storage.ErrUnfinished)
		}
		next, err := s.codec.CheckKeys(stored)
		if err != nil {
			return err
		}
		if next != nil {
			if _, err := db.Exec(ctx, `UPDATE installation SET value = $2 WHERE name = $1`, installedKey, next); err != nil {
				return err
			}
		}
		_, err = db.Exec(ctx, `
			INSERT INTO nodes (name, heard, key_check) VALUES ($1, clock_timestamp(), $2) ON CONFLICT (name) DO UPDATE SET heard = excluded.heard, key_check = excluded.key_check`,
			s.node, s.codec.KeyCheck())
		return err
	})
}

func connectionError(err error) error {
	return refused(ErrConnection, err)
}

// lostText describes an error of connecting, without the connection string.
func lostText(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Message + " (SQLSTATE " + pg.Code + ")"
	}
	return withoutDSN(err)
}

// withoutDSN returns the text of an error of pgx without what it quotes of the connection string.
func withoutDSN(err error) string {
	text := err.Error()
	if connect, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		text = connect.Unwrap().Error()
	}
	if parse, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
		text = "it is neither a postgres:// URL nor a list of words such as host=… dbname=…"
		if inner := parse.Unwrap(); inner != nil && !strings.Contains(inner.Error(), parse.ConnString) {
			text = "one of its parts has a wrong value"
		}
	}
	return text
}

// isEnd reports whether the other side has hung up.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// Problem is something about a connection string that can be known without connecting.
type Problem struct {
	Text, Remedy string
	// Refused says that no store can be opened so. Otherwise it is a warning.
	Refused bool
}

// Check returns what is wrong with a connection string and its options, without connecting. It quotes nothing of the connection string.
func Check(dsn string, o Options) (found []Problem) {
	config, err := configure(dsn, o)
	if err != nil {
		return []Problem{{Text: strings.TrimPrefix(err.Error(), ErrDSN.Error()+": "), Refused: true,
			Remedy: "write it as postgres://USER@HOST/DATABASE or as host=… user=… dbname=…"}}
	}
	if config.ConnConfig.Database == "" {
		found = append(found, Problem{Text: "names no database", Remedy: "add its name", Refused: true})
	}
	hosts := []*pgconn.FallbackConfig{{Host: config.ConnConfig.Host, TLSConfig: config.ConnConfig.TLSConfig}}
	for _, host := range append(hosts, config.ConnConfig.Fallbacks...) {
		if host.TLSConfig == nil && !isLocal(host.Host) {
			return append(found, Problem{Text: "the way to the database may go without TLS, so that identities and the password can be read there; set sslmode=verify-full"})
		}
		if host.TLSConfig != nil && !isLocal(host.Host) && host.TLSConfig.InsecureSkipVerify && host.TLSConfig.VerifyConnection == nil && host.TLSConfig.VerifyPeerCertificate == nil {
			return append(found, Problem{Text: "nobody checks the database's certificate; set sslmode=verify-full or root_ca_file"})
		}
	}
	return found
}

// isLocal reports whether the host is this machine: a socket, or loopback.
func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.HasPrefix(host, "/") || host == "localhost" || err == nil && ip.IsLoopback()
}
