package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// Operator returns the operator of that ID, or storage.ErrNotFound.
func (s *Store) Operator(ctx context.Context, id string) (o *storage.Operator, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) (err error) {
		o, err = s.findOperator(ctx, db, `SELECT id, body FROM operators WHERE id = $1`, id)
		return err
	})
	return o, err
}

// OperatorOf returns the operator to whom the handle leads, or storage.ErrNotFound.
func (s *Store) OperatorOf(ctx context.Context, handle storage.Hash) (o *storage.Operator, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) (err error) {
		o, err = s.findOperator(ctx, db, `SELECT o.id, o.body FROM operator_handles h JOIN operators o ON o.id = h.operator_id WHERE h.handle = $1`, handle[:])
		return err
	})
	return o, err
}

func (s *Store) findOperator(ctx context.Context, db executor, query string, key any) (*storage.Operator, error) {
	var id string
	var body []byte
	err := db.QueryRow(ctx, query, key).Scan(&id, &body)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, storage.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return s.codec.DecodeOperator(id, body)
}

// Operators returns at most limit operators whose IDs follow after, in their order; see storage.Operators.
func (s *Store) Operators(ctx context.Context, after string, limit int) (all []*storage.Operator, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) (err error) {
		all, err = s.operatorsBehind(ctx, db, after, max(limit, 0))
		return err
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all, nil
}

func (s *Store) operatorsBehind(ctx context.Context, db executor, after string, limit int) ([]*storage.Operator, error) {
	rows, err := db.Query(ctx, `SELECT id, body FROM operators WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*storage.Operator, error) {
		var id string
		var body []byte
		if err := row.Scan(&id, &body); err != nil {
			return nil, err
		}
		return s.codec.DecodeOperator(id, body)
	})
}

// installedOperators is the row that steps of accounts lock. Its value has the IDs of the last of them, so that one whose outcome was lost with its
// connection knows that it was taken.
const installedOperators = "operators"

// rememberedSteps is how many those are: more than can happen while one is tried again.
const rememberedSteps = 256

// StepOperator takes the step; see storage.Operators.
func (s *Store) StepOperator(ctx context.Context, step storage.OperatorStep, now time.Time, tell ...storage.TellOperator) (outcome *storage.OperatorOutcome, err error) {
	id := []byte(storage.NewID())
	err = s.transact(ctx, func(ctx context.Context, db executor) error {
		var last []byte
		if err := db.QueryRow(ctx, `SELECT value FROM installation WHERE name = $1 FOR UPDATE`, installedOperators).Scan(&last); err != nil {
			return err
		}
		if outcome != nil && bytes.Contains(last, id) {
			return nil
		}
		taken, events, err := storage.TakeOperatorStep(&operatorRows{ctx, db, s}, step, now, tell)
		if err != nil {
			return err
		}
		told, err := eventRows(events)
		if err != nil {
			return err
		}
		if err := told.store(ctx, db); err != nil {
			return err
		}
		outcome = taken
		last = append(last, id...)
		_, err = db.Exec(ctx, `UPDATE installation SET value = $2 WHERE name = $1`, installedOperators, last[max(0, len(last)-rememberedSteps*len(id)):])
		return err
	})
	if err != nil {
		return nil, err
	}
	return outcome, nil
}

// operatorRows are the rows that a step works on, in its transaction.
type operatorRows struct {
	ctx   context.Context // of the step, for whose time alone it is there
	db    executor
	store *Store
}

func (r *operatorRows) Operator(id string) (*storage.Operator, error) {
	return r.store.findOperator(r.ctx, r.db, `SELECT id, body FROM operators WHERE id = $1`, id)
}

func (r *operatorRows) Holder(handle storage.Hash) (id string, err error) {
	err = r.db.QueryRow(r.ctx, `SELECT operator_id FROM operator_handles WHERE handle = $1`, handle[:]).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// operatorPage is how many operators are read at a time.
const operatorPage = 100

func (r *operatorRows) EachOperator(do func(*storage.Operator) bool) error {
	for after := ""; ; {
		page, err := r.store.operatorsBehind(r.ctx, r.db, after, operatorPage)
		if err != nil {
			return err
		}
		for _, o := range page {
			if !do(o) {
				return nil
			}
		}
		if len(page) < operatorPage {
			return nil
		}
		after = page[len(page)-1].ID
	}
}

func (r *operatorRows) PutOperator(o *storage.Operator, before []storage.Hash) error {
	if o.ID == "" {
		return errors.New("operator: ID is empty")
	}
	body, err := r.store.codec.EncodeOperator(o)
	if err != nil {
		return err
	}
	batch := new(pgx.Batch)
	queueHandlesGone(batch, before)
	batch.Queue(`INSERT INTO operators (id, body) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = excluded.body`, o.ID, body)
	queueHandles(batch, o)
	return r.db.SendBatch(r.ctx, batch).Close()
}

func (r *operatorRows) RemoveOperator(o *storage.Operator) error {
	batch := new(pgx.Batch)
	queueHandlesGone(batch, o.Handles())
	batch.Queue(`DELETE FROM operators WHERE id = $1`, o.ID)
	return r.db.SendBatch(r.ctx, batch).Close()
}

func queueHandlesGone(batch *pgx.Batch, handles []storage.Hash) {
	for _, h := range handles {
		batch.Queue(`DELETE FROM operator_handles WHERE handle = $1`, h[:])
	}
}

func queueHandles(batch *pgx.Batch, o *storage.Operator) {
	for _, h := range o.Handles() {
		batch.Queue(`INSERT INTO operator_handles (handle, operator_id) VALUES ($1, $2)`, h[:], o.ID)
	}
}

func (r *operatorRows) Throttle(key storage.Hash) (storage.Throttle, error) {
	throttle := storage.Throttle{Key: key}
	var body []byte
	err := r.db.QueryRow(r.ctx, `SELECT body FROM throttles WHERE key = $1`, key[:]).Scan(&body)
	if errors.Is(err, pgx.ErrNoRows) {
		return throttle, nil
	}
	if err != nil {
		return throttle, err
	}
	if err := json.Unmarshal(body, &throttle); err != nil {
		return throttle, fmt.Errorf("decode count of attempts: %w", err)
	}
	return throttle, nil
}

func (r *operatorRows) PutThrottle(throttle storage.Throttle) error {
	if throttle.Failures <= 0 {
		_, err := r.db.Exec(r.ctx, `DELETE FROM throttles WHERE key = $1`, throttle.Key[:])
		return err
	}
	body, err := json.Marshal(throttle)
	if err != nil {
		return err
	}
	_, err = r.db.Exec(r.ctx, `INSERT INTO throttles (key, expires, body) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET expires = excluded.expires, body = excluded.body`,
		throttle.Key[:], up(throttle.Expires), body)
	return err
}

func (r *operatorRows) PutMail(m *storage.Mail) error {
	batch := new(pgx.Batch)
	if err := r.store.queueMail(batch, m); err != nil {
		return err
	}
	return r.db.SendBatch(r.ctx, batch).Close()
}

// endOperators ends of every operator what would come back to life in a restored database.
func (s *Store) endOperators(ctx context.Context, db executor, now time.Time) error {
	rows := &operatorRows{ctx, db, s}
	var all []*storage.Operator
	if err := rows.EachOperator(func(o *storage.Operator) bool {
		all = append(all, o)
		return true
	}); err != nil {
		return err
	}
	for _, o := range all {
		before := o.Handles()
		o.Restored(now)
		if err := rows.PutOperator(o, before); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) operatorEntry(row pgx.Rows) (storage.Entry, error) {
	var id string
	var body []byte
	if err := row.Scan(&id, &body); err != nil {
		return storage.Entry{}, err
	}
	o, err := s.codec.DecodeOperator(id, body)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.OperatorEntryOf(o), nil
}

func (s *Store) throttleEntry(row pgx.Rows) (storage.Entry, error) {
	var key, body []byte
	throttle := new(storage.Throttle)
	if err := row.Scan(&key, &body); err != nil {
		return storage.Entry{}, err
	}
	if err := json.Unmarshal(body, throttle); err != nil {
		return storage.Entry{}, err
	}
	return storage.ThrottleEntryOf(throttle), nil
}
