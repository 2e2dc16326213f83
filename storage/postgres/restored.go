package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// ErrInUse means that another process was heard of in the last seconds. Stop it first.
var ErrInUse = errors.New("storage/postgres: another process uses the database")

// granted are the tables of what works once or can be taken back: in a database that was restored to an earlier point it would work again.
var granted = [...]string{"login_documents", "login_requests", "logins", "codes", "grants", "access_tokens", "refresh_tokens", "sessions", "pushed_requests", "mail"}

// StartAnew ends all logins, codes, grants, tokens, sessions, pushed requests and secrets of API keys, because the database was restored to an earlier point, and
// remembers that keys may have been used before now which nobody knows of. Clients, keys, secrets, notices and audit events stay. Of the
// records nothing is ended while another process runs: ErrInUse. It takes longer when more is stored.
func (s *Store) StartAnew(ctx context.Context, now time.Time) error {
	err := s.transact(ctx, func(ctx context.Context, db executor) error {
		if _, err := db.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
			return err
		}
		if _, err := lockedKeys(ctx, db); err != nil { // who starts now waits
			return err
		}
		var others int
		if err := db.QueryRow(ctx, `SELECT count(*) FROM nodes WHERE name <> $1 AND heard > clock_timestamp() - $2::float8 * INTERVAL '1 second'`,
			s.node, silence.Seconds()).Scan(&others); err != nil {
			return err
		}
		if others > 0 {
			return ErrInUse
		}
		for _, table := range granted {
			if _, err := db.Exec(ctx, `DELETE FROM `+table); err != nil {
				return err
			}
		}
		if err := s.endOperators(ctx, db, now); err != nil {
			return err
		}
		if err := endAPIKeys(ctx, db); err != nil {
			return err
		}
		_, err := db.Exec(ctx, `INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
			installedForgotten, binary.BigEndian.AppendUint64(nil, uint64(now.Add(time.Microsecond-1).UnixMicro())))
		return err
	})
	if err != nil {
		return fmt.Errorf("start anew: %w", err)
	}
	return s.recount(ctx)
}
