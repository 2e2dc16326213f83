// Package postgres keeps the records of package storage in a PostgreSQL database, or in one that speaks its protocol and its SQL, for any
// number of processes.
//
// It owns the tables and the statements. The rules, the encoding and the sealing belong to package storage: a step of a login applies
// its rule to the login that this process has at hand and writes it in one statement, if the stored revision is still that of the copy; else it
// reads the login and applies the rule once more. What is looked for by an index stands in columns of its own, and the rule of redeeming and
// rotating stands in the statement too, so that those are one round trip: such a statement does nothing where the rule would
// refuse, and the rule then says why.
//
// Processes hear of each other by one pulse a second, a single round trip that says that this one is alive, what others have changed
// of what it holds, and what time it is in the database. Notifications make that quicker where the database has them; nothing hangs on them.
//
// A statement whose connection broke may have been done. It is tried once more, and recognizes by what is sealed or random in it that it
// was: no step happens twice, and none that has happened is reported as failed as long as the database comes back in time.
package postgres

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"brygga/cache"
	"brygga/storage"
)

// Options configures Open. The zero value is fine.
type Options struct {
	// Node names this process among those that share the database; empty means a random name.
	Node string
	// MaxConnections is how many connections the process opens at most; 0 means DefaultMaxConnections.
	MaxConnections int
	// StatementTimeout is how long one statement may take; 0 means DefaultStatementTimeout.
	StatementTimeout time.Duration
	// RootCAs is a file with the certificates, in PEM, that alone may vouch for the server; empty leaves that to the connection string.
	RootCAs string
	// Logger gets warnings; nil discards them.
	Logger *slog.Logger
	// Observe is told of every round trip that writes, how long it took. It must be safe for concurrent use. Nil for nobody.
	Observe func(took time.Duration)
	// Unfinished opens a database whose migration was not finished, to go on with it. Open refuses it otherwise.
	Unfinished bool
	// Now is the clock of this process; nil means time.Now. See [Store.Now].
	Now func() time.Time
}

// Defaults of Options.
const (
	DefaultMaxConnections   = 16
	DefaultStatementTimeout = 10 * time.Second
)

// What the records in memory may take, in bytes.
const (
	maxLoginBytes  = 40 << 20
	maxClientBytes = 32 << 20
	loginOverhead  = 3 << 10
	clientOverhead = 1 << 10
)

// Store is a storage.Store on one database. It is safe for concurrent use.
type Store struct {
	storage.LoginSteps

	pool    *pgxpool.Pool
	codec   storage.Codec
	log     *slog.Logger
	observe func(took time.Duration)
	// patience is how long a step may take, with all that is done again.
	patience time.Duration
	clock    func() time.Time
	node     string
	// unfinished says that the store may be half filled from another.
	unfinished bool

	clients *cache.Cache[*storage.Client]
	logins  memory
	turns   turns
	news    news
	shown   shown
	pending counter

	// offset is how far the database's clock is ahead of ours, in nanoseconds.
	offset atomic.Int64
	// alone says that no other process was heard of by the last pulse; nodes is how many there were with this one, and pulsed when that was.
	alone  atomic.Bool
	nodes  atomic.Int64
	pulsed atomic.Int64 // since began, in nanoseconds
	// steadyFrom is when the pulse came back after a gap, since began; zero when there was none.
	steadyFrom atomic.Int64
	changes    atomic.Int64 // of clients, as the last pulse found them
	failures   atomic.Uint64
	counts     counts

	followMu sync.Mutex
	followed map[string]*followed

	resealing sync.Mutex
	resealed  resealPosition // guarded by resealing

	stop    context.CancelFunc
	running sync.WaitGroup
	closed  atomic.Bool
}

var _ storage.Store = (*Store)(nil)

// Node returns what this process is called among those that share the database.
func (s *Store) Node() string { return s.node }

// Now returns the time by the database's clock, as far as the last pulse has told: processes whose own clocks differ agree on it.
func (s *Store) Now() time.Time { return s.clock().Add(time.Duration(s.offset.Load())) }

// Offset returns how far the database's clock was ahead of this process's clock at the last pulse.
func (s *Store) Offset() time.Duration { return time.Duration(s.offset.Load()) }

// Failures returns how many statements were not done since the store was opened, because the database could not be reached or did not
// take them. None of them is the caller's fault.
func (s *Store) Failures() uint64 { return s.failures.Load() }

// Ping returns nil when the database takes writes.
func (s *Store) Ping(ctx context.Context) error {
	return s.trip(ctx, func(ctx context.Context, db executor) error {
		var readOnly bool
		err := db.QueryRow(ctx, `SELECT current_setting('transaction_read_only')::boolean FROM installation LIMIT 1`).Scan(&readOnly)
		if err == nil && readOnly {
			return errReadOnly
		}
		return err
	})
}

// Size returns how many bytes the database takes on the disk of its server. What is left there no SQL tells.
func (s *Store) Size(ctx context.Context) (bytes int64, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		return db.QueryRow(ctx, `SELECT pg_database_size(current_database())`).Scan(&bytes)
	})
	return bytes, err
}

// Close waits for the steps that were begun, saves what is newer in memory and lets go of the database. Later calls of any method return
// ErrClosed.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return ErrClosed
	}
	s.stop()
	s.running.Wait()
	s.leave()
	s.pool.Close()
	return nil
}
