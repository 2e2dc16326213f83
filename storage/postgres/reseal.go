package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

type sealedTable struct {
	table, key string
	bytes      bool
	kind       storage.SealedKind
}

// asBytes is the key as bytes, in SQL.
func (t sealedTable) asBytes() string {
	if t.bytes {
		return t.key
	}
	return `convert_to(` + t.key + `, 'UTF8')`
}

// value is the key as an argument.
func (t sealedTable) value(key string) any {
	if t.bytes {
		return []byte(key)
	}
	return key
}

// sealedTables are the tables with sealed rows, by which column they are gone through, and whether that is bytes.
var sealedTables = []sealedTable{
	{"login_requests", "id", false, storage.SealedRequest},
	{"logins", "id", false, storage.SealedLogin},
	{"grants", "id", false, storage.SealedGrant},
	{"sessions", "id", false, storage.SealedSession},
	{"pushed_requests", "hash", true, storage.SealedPushedRequest},
	{"logout_notices", "id", false, storage.SealedNotice},
	{"secrets", "name", false, storage.SealedSecret},
	{"operators", "id", false, storage.SealedOperator},
	{"mail", "id", false, storage.SealedMail},
	{"login_documents", "id", false, storage.SealedDocument},
	{"evidence", "id", false, storage.SealedEvidence},
	// The set of keys is one row.
	{"signing_keys", "'*'::text", false, storage.SealedSigningKeys},
}

// sealerSilence is after how long without a pulse another process is taken for dead when it matters what it seals with.
const sealerSilence = time.Minute

// resealPosition is where the next call of Reseal goes on: behind the key, in that table.
type resealPosition struct {
	table int
	key   string
}

// resealRow is a row that is sealed.
type resealRow struct {
	key  string
	body []byte
}

// Reseal seals records anew with the current master key; see storage.Store. A record that another step changes meanwhile is left to that step,
// whose process seals with the current key as well: while another does not, it returns ErrSealsOtherwise.
func (s *Store) Reseal(ctx context.Context, limit int) (done storage.Resealed, err error) {
	s.resealing.Lock()
	defer s.resealing.Unlock()
	if s.resealed == (resealPosition{}) {
		if err := s.trip(ctx, s.sealsAlike); err != nil {
			return storage.Resealed{}, fmt.Errorf("seal anew: %w", err)
		}
	}
	next := s.resealed
	rows, err := s.staleRows(ctx, &next, limit)
	for _, row := range rows {
		if err != nil {
			break
		}
		err = s.resealRow(ctx, s.resealed.table, row)
	}
	done = storage.Resealed{Records: len(rows), Done: next.table == len(sealedTables)}
	if err == nil && done.Done {
		err = s.forgetKeys(ctx)
		next = resealPosition{}
	}
	if err != nil {
		return storage.Resealed{}, fmt.Errorf("seal anew: %w", err)
	}
	s.resealed = next
	return done, nil
}

// staleRows looks at the next limit rows of a table, returns those that are not sealed with the current key, and moves the position behind
// what it has looked at.
func (s *Store) staleRows(ctx context.Context, at *resealPosition, limit int) (stale []resealRow, err error) {
	rows, err := s.rowsBehind(ctx, at, limit)
	return slices.DeleteFunc(rows, func(row resealRow) bool { return s.codec.Current(row.body) }), err
}

// rowsBehind returns the next limit rows of a table and moves the position behind them, to the next table when there are no more.
func (s *Store) rowsBehind(ctx context.Context, at *resealPosition, limit int) (found []resealRow, err error) {
	of, next := sealedTables[at.table], *at
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		found, next = nil, *at
		rows, err := db.Query(ctx, `SELECT `+of.asBytes()+`, body FROM `+of.table+` WHERE `+of.key+` > $1 ORDER BY `+of.key+` LIMIT $2`, of.value(at.key), limit)
		if err != nil {
			return err
		}
		var key, body []byte
		_, err = pgx.ForEachRow(rows, []any{&key, &body}, func() error {
			found = append(found, resealRow{string(key), body})
			next.key, body = string(key), nil
			return nil
		})
		if len(found) < limit {
			next = resealPosition{table: at.table + 1}
		}
		return err
	})
	if err == nil {
		*at = next
	}
	return found, err
}

// resealRow seals the row anew, unless it has changed.
func (s *Store) resealRow(ctx context.Context, table int, row resealRow) error {
	of := sealedTables[table]
	label := row.key
	if of.kind == storage.SealedSigningKeys {
		label = ""
	}
	sealed, err := s.codec.Reseal(of.kind, label, row.body)
	if err != nil || sealed == nil {
		return err
	}
	return s.trip(ctx, func(ctx context.Context, db executor) error {
		_, err := db.Exec(ctx, `UPDATE `+of.table+` SET body = $3 WHERE `+of.key+` = $1 AND body = $2`, of.value(row.key), row.body, sealed)
		return err
	})
}

// lockedKeys returns what is noted of the keys, and keeps others from noting anything until the transaction ends.
func lockedKeys(ctx context.Context, db executor) (stored []byte, err error) {
	err = db.QueryRow(ctx, `SELECT value FROM installation WHERE name = $1 FOR UPDATE`, installedKey).Scan(&stored)
	return stored, err
}

// forgetKeys notes that no record needs another key than the one that seals. Who starts meanwhile notes its own before or after that.
func (s *Store) forgetKeys(ctx context.Context) error {
	return s.transact(ctx, func(ctx context.Context, db executor) error {
		stored, err := lockedKeys(ctx, db)
		if err != nil {
			return err
		}
		next := s.codec.ForgetKeys(stored)
		if next == nil {
			return nil
		}
		if err := s.sealsAlike(ctx, db); err != nil {
			return err
		}
		_, err = db.Exec(ctx, `UPDATE installation SET value = $2 WHERE name = $1`, installedKey, next)
		return err
	})
}

// sealsAlike returns an error when another living process seals with another key than this one.
func (s *Store) sealsAlike(ctx context.Context, db executor) error {
	rows, err := db.Query(ctx, `SELECT name, key_check FROM nodes WHERE key_check IS NOT NULL AND name <> $1 AND heard > clock_timestamp() - $2::float8 * INTERVAL '1 second'`,
		s.node, sealerSilence.Seconds())
	if err != nil {
		return err
	}
	var name string
	var check []byte
	_, err = pgx.ForEachRow(rows, []any{&name, &check}, func() error {
		if s.codec.ForgetKeys(check) != nil {
			return fmt.Errorf("%w: %s", storage.ErrSealsOtherwise, name)
		}
		return nil
	})
	return err
}
