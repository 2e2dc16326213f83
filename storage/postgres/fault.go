package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"brygga/storage"
)

// Errors of an open store, beside those of package storage.
var (
	// ErrClosed means that the store was closed.
	ErrClosed = errors.New("storage/postgres: store is closed")
	// errRefused means that the database does not do what it was asked for, errLost that it is not reached.
	errRefused = fmt.Errorf("storage/postgres: the database refuses: %w", storage.ErrUnavailable)
	errLost    = fmt.Errorf("storage/postgres: the database is not reached: %w", storage.ErrUnavailable)
	// errReadOnly means that the database that was reached is a standby, or takes no writes for now.
	errReadOnly = fmt.Errorf("storage/postgres: the database takes no writes, it may be a standby (name all hosts and target_session_attrs=read-write): %w", storage.ErrUnavailable)
)

// executor is what a statement runs on: the pool or a transaction.
type executor interface {
	Exec(ctx context.Context, sql string, arguments ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, arguments ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, arguments ...any) pgx.Row
	SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults
}

// How often and how long a statement is tried again.
const (
	tries     = 6
	firstWait = 20 * time.Millisecond
)

// trip does one round trip, and again while the database asks for that or cannot be reached, a few times. Do must stand being repeated: it
// recognizes what it has done itself. The errors of rules come back as they are; what the database says to be there already is
// storage.ErrExists, and what is no fault of the caller's storage.ErrUnavailable.
func (s *Store) trip(ctx context.Context, do func(ctx context.Context, db executor) error) error {
	return s.retry(ctx, func(ctx context.Context) error { return do(ctx, s.pool) })
}

// transact does the same in a transaction of several round trips.
func (s *Store) transact(ctx context.Context, do func(ctx context.Context, db executor) error) error {
	return s.retry(ctx, func(ctx context.Context) error {
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return do(ctx, tx) })
	})
}

// retry does something whole even if ctx ends meanwhile: its caller learns what came of it, and its connection stays good.
func (s *Store) retry(ctx context.Context, do func(ctx context.Context) error) (err error) {
	if s.closed.Load() {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.patience)
	defer cancel()
	wait := firstWait
	for try := range tries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(wait):
				wait *= 2
			}
		}
		began := time.Now()
		err = do(whole)
		s.observe(time.Since(began))
		reason := reasonToRetry(err)
		if reason == "" {
			break
		}
		s.counts.retried(reason)
	}
	return s.fault(ctx, err)
}

// passing reports whether the same may succeed in a moment.
func passing(err error) bool { return reasonToRetry(err) != "" }

// reasonToRetry returns why the same may succeed in a moment, empty when it will not.
func reasonToRetry(err error) RetryReason {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok && isLost(err):
		return RetryConnection
	case !ok, pg.Code == "57014": // a statement that was cancelled took its time already
		return ""
	case pg.Code == "25006":
		return RetryStandby
	case pg.Code == "53300":
		return RetryFull
	}
	switch pg.Code[:2] {
	case "40": // transaction rollback
		return RetryConflict
	case "57", "08": // operator intervention, connection exception
		return RetryConnection
	}
	return ""
}

// isLost reports whether the connection was lost, so that nobody knows whether what was sent was done.
func isLost(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if pgconn.SafeToRetry(err) {
		return true
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	_, ok := errors.AsType[net.Error](err)
	return ok || errors.Is(err, net.ErrClosed) || isEnd(err)
}

// fault returns what a caller is told of an error.
func (s *Store) fault(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return err
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch {
		case pg.Code == "23505":
			return storage.ErrExists
		case pg.Code == "22021": // no text of the database has this byte
			return storage.ErrNotFound
		case pg.Code == "25006":
			err = errReadOnly
		default:
			err = refusedStep(errRefused, err)
		}
	} else if isLost(err) || errors.Is(err, context.DeadlineExceeded) {
		err = refusedStep(errLost, err)
	}
	if errors.Is(err, storage.ErrUnavailable) {
		s.failures.Add(1)
	}
	return err
}
