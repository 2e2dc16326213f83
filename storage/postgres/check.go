package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// checkRows is how many records are looked at in one round trip.
const checkRows = 1000

// unopened says what is wrong with a record that does not open. The error may quote it, and is not told.
const unopened = "cannot be unsealed or read: it was changed, or sealed with another key"

// agreements find rows that do not agree with others, by statements that return their keys as bytes. What has expired may be on its way out.
var agreements = []struct{ table, problem, find string }{
	{"login_requests", "what changes of its login is missing",
		`SELECT convert_to(id, 'UTF8') FROM login_requests r WHERE expires > now() AND NOT EXISTS (SELECT 1 FROM logins l WHERE l.id = r.id)`},
	{"logins", "what never changes of it is missing",
		`SELECT convert_to(id, 'UTF8') FROM logins l WHERE expires > now() AND NOT EXISTS (SELECT 1 FROM login_requests r WHERE r.id = l.id)`},
	{"login_documents", "its login is missing", `SELECT convert_to(id, 'UTF8') FROM login_documents d WHERE expires > now() AND NOT EXISTS (SELECT 1 FROM logins l WHERE l.id = d.id)`},
	{"codes", "its grant is missing", `SELECT hash FROM codes c WHERE kept > now() AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.id = c.grant_id)`},
	{"refresh_tokens", "its grant is missing",
		`SELECT hash FROM refresh_tokens t WHERE expires > now() AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.id = t.grant_id)`},
	{"refresh_tokens", "the token that followed is missing",
		`SELECT hash FROM refresh_tokens t WHERE kept > now() AND next IS NOT NULL AND NOT EXISTS (SELECT 1 FROM refresh_tokens n WHERE n.hash = t.next)`},
	{"operator_handles", "leads to no operator", `SELECT handle FROM operator_handles h WHERE NOT EXISTS (SELECT 1 FROM operators o WHERE o.id = h.operator_id)`},
	{"client_origins", "leads to no client", `SELECT convert_to(client_id, 'UTF8') FROM client_origins o WHERE NOT EXISTS (SELECT 1 FROM clients c WHERE c.id = o.client_id)`},
}

// CheckRecords opens every record, changes nothing, and looks whether records agree with what leads to them. It hands each fault to
// report, and returns how many sealed records there are. It may run while others use the database.
func (s *Store) CheckRecords(ctx context.Context, report func(storage.Fault)) (records int, err error) {
	for i, of := range sealedTables {
		for at := (resealPosition{table: i}); at.table == i; {
			rows, err := s.checkTable(ctx, &at, of, report)
			if err != nil {
				return 0, fmt.Errorf("check %s: %w", of.table, err)
			}
			records += rows
		}
	}
	if err := s.checkHandles(ctx, report); err != nil {
		return 0, fmt.Errorf("check operators: %w", err)
	}
	if err := s.checkAPIKeys(ctx, report); err != nil {
		return 0, fmt.Errorf("check API keys: %w", err)
	}
	if err := s.checkClients(ctx, report); err != nil {
		return 0, fmt.Errorf("check clients: %w", err)
	}
	for _, of := range agreements {
		if err := s.checkAgreement(ctx, of.table, of.problem, of.find, report); err != nil {
			return 0, fmt.Errorf("check %s: %w", of.table, err)
		}
	}
	return records, nil
}

// checkTable opens the next records of a table and moves the position behind them.
func (s *Store) checkTable(ctx context.Context, at *resealPosition, of sealedTable, report func(storage.Fault)) (looked int, err error) {
	rows, err := s.rowsBehind(ctx, at, checkRows)
	for _, row := range rows {
		label := row.key
		if of.kind == storage.SealedSigningKeys {
			label = ""
		}
		if s.codec.Check(of.kind, label, row.body) != nil {
			report(storage.Fault{Kind: of.table, Key: storage.KeyHash([]byte(row.key)), Problem: unopened})
		}
	}
	return len(rows), err
}

// checkHandles looks whether the handles of each operator lead there, and no others do.
func (s *Store) checkHandles(ctx context.Context, report func(storage.Fault)) error {
	return s.transact(ctx, func(ctx context.Context, db executor) error {
		rows, err := db.Query(ctx, `SELECT o.id, o.body, (SELECT COALESCE(array_agg(h.handle), '{}') FROM operator_handles h WHERE h.operator_id = o.id) FROM operators o`)
		if err != nil {
			return err
		}
		var id string
		var body []byte
		var found [][]byte
		_, err = pgx.ForEachRow(rows, []any{&id, &body, &found}, func() error {
			o, err := s.codec.DecodeOperator(id, body)
			if err != nil {
				return nil // told with its table
			}
			led := 0
			for _, h := range o.Handles() {
				if slices.ContainsFunc(found, func(f []byte) bool { return string(f) == string(h[:]) }) {
					led++
				}
			}
			if led != len(found) || led != len(o.Handles()) {
				report(storage.Fault{Kind: "operators", Key: storage.KeyHash([]byte(id)), Problem: "its handles are not those that are found"})
			}
			body, found = nil, nil
			return nil
		})
		return err
	})
}

// checkClients reads every client and compares its web origins with the rows by which they are found.
func (s *Store) checkClients(ctx context.Context, report func(storage.Fault)) error {
	for after := ""; ; {
		var ids []string
		err := s.trip(ctx, func(ctx context.Context, db executor) error {
			rows, err := db.Query(ctx, `
				SELECT id, body, (SELECT COALESCE(array_agg(origin ORDER BY origin), '{}') FROM client_origins o WHERE o.client_id = c.id)
				FROM clients c WHERE id > $1 ORDER BY id LIMIT $2`, after, checkRows)
			if err != nil {
				return err
			}
			ids = nil
			var id string
			var body []byte
			var found []string
			_, err = pgx.ForEachRow(rows, []any{&id, &body, &found}, func() error {
				ids = append(ids, id)
				if problem := checkClient(id, body, found); problem != "" {
					report(storage.Fault{Kind: "clients", Key: storage.KeyHash([]byte(id)), Problem: problem})
				}
				body, found = nil, nil
				return nil
			})
			return err
		})
		if err != nil || len(ids) < checkRows {
			return err
		}
		after = ids[len(ids)-1]
	}
}

func checkClient(id string, body []byte, found []string) (problem string) {
	client, err := decodeClient(body)
	if err != nil || client.ID != id {
		return "cannot be read, or is another's"
	}
	want := slices.Compact(slices.Sorted(slices.Values(client.WebOrigins())))
	if slices.SortFunc(found, strings.Compare); !slices.Equal(want, found) {
		return "its web origins are not those that are found"
	}
	return ""
}

func (s *Store) checkAgreement(ctx context.Context, table, problem, find string, report func(storage.Fault)) error {
	return s.transact(ctx, func(ctx context.Context, db executor) error {
		if _, err := db.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
			return err
		}
		rows, err := db.Query(ctx, find)
		if err != nil {
			return err
		}
		var key []byte
		_, err = pgx.ForEachRow(rows, []any{&key}, func() error {
			report(storage.Fault{Kind: table, Key: storage.KeyHash(key), Problem: problem})
			return nil
		})
		return err
	})
}
