package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brygga/storage"
)

// operatorAt returns the operator of that ID, or storage.ErrNotFound.
func (s *Store) operatorAt(t *tx, id []byte) (*storage.Operator, error) {
	row := t.get(operatorsBucket, id)
	if row == nil {
		return nil, storage.ErrNotFound
	}
	return s.codec.DecodeOperator(string(id), row)
}

// Operator returns the operator of that ID, or storage.ErrNotFound.
func (s *Store) Operator(_ context.Context, id string) (o *storage.Operator, err error) {
	err = s.view(func(t *tx) (err error) {
		o, err = s.operatorAt(t, []byte(id))
		return err
	})
	return o, err
}

// OperatorOf returns the operator to whom the handle leads, or storage.ErrNotFound.
func (s *Store) OperatorOf(_ context.Context, handle storage.Hash) (o *storage.Operator, err error) {
	err = s.view(func(t *tx) (err error) {
		o, err = s.operatorAt(t, t.get(handlesBucket, handle[:]))
		return err
	})
	return o, err
}

// Operators returns at most limit operators whose IDs follow after, in their order; see storage.Operators.
func (s *Store) Operators(_ context.Context, after string, limit int) (all []*storage.Operator, err error) {
	err = s.view(func(t *tx) error {
		cursor := t.bucket(operatorsBucket).Cursor()
		key, row := cursor.Seek([]byte(after))
		for ; key != nil && len(all) < limit; key, row = cursor.Next() {
			if string(key) == after {
				continue
			}
			o, err := s.codec.DecodeOperator(string(key), row)
			if err != nil {
				return err
			}
			all = append(all, o)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// StepOperator takes the step; see storage.Operators.
func (s *Store) StepOperator(ctx context.Context, step storage.OperatorStep, now time.Time, tell ...storage.TellOperator) (outcome *storage.OperatorOutcome, err error) {
	err = s.update(ctx, func(t *tx) error {
		drafts := &operatorRows{store: s, tx: t}
		var events []storage.AuditEvent
		if outcome, events, err = storage.TakeOperatorStep(drafts, step, now, tell); err != nil {
			return err
		}
		rows, err := auditRows(events)
		if err != nil {
			return err
		}
		if err := t.newAudit(rows); err != nil {
			return err
		}
		for _, write := range drafts.writes {
			if err := write(); err != nil {
				return err
			}
		}
		return t.putAudit(rows)
	})
	if err != nil {
		return nil, err
	}
	return outcome, nil
}

// operatorRows are the rows that a step works on. What it writes is kept back until the step has succeeded, as the transaction is shared with others.
// No step reads again what it has written.
type operatorRows struct {
	store  *Store
	tx     *tx
	writes []func() error
}

func (r *operatorRows) later(write func() error) error {
	r.writes = append(r.writes, write)
	return nil
}

func (r *operatorRows) Operator(id string) (*storage.Operator, error) {
	return r.store.operatorAt(r.tx, []byte(id))
}

func (r *operatorRows) Holder(handle storage.Hash) (string, error) {
	return string(r.tx.get(handlesBucket, handle[:])), nil
}

func (r *operatorRows) EachOperator(do func(*storage.Operator) bool) error {
	cursor := r.tx.bucket(operatorsBucket).Cursor()
	for key, row := cursor.First(); key != nil; key, row = cursor.Next() {
		o, err := r.store.codec.DecodeOperator(string(key), row)
		if err != nil {
			return err
		}
		if !do(o) {
			return nil
		}
	}
	return nil
}

func (r *operatorRows) PutOperator(o *storage.Operator, before []storage.Hash) error {
	return r.later(func() error { return r.store.putOperator(r.tx, o, before) })
}

func (r *operatorRows) RemoveOperator(o *storage.Operator) error {
	return r.later(func() error {
		return errors.Join(r.tx.removeHandles(o.Handles()), r.tx.remove(operatorsBucket, []byte(o.ID)))
	})
}

func (r *operatorRows) Throttle(key storage.Hash) (storage.Throttle, error) {
	return throttleAt(r.tx, key)
}

func (r *operatorRows) PutThrottle(throttle storage.Throttle) error {
	return r.later(func() error { return putThrottle(r.tx, throttle) })
}

func (r *operatorRows) PutMail(m *storage.Mail) error {
	return r.later(func() error { return r.store.putNewMail(r.tx, m) })
}

func (t *tx) removeHandles(handles []storage.Hash) error {
	for _, h := range handles {
		if err := t.remove(handlesBucket, h[:]); err != nil {
			return err
		}
	}
	return nil
}

// putOperator writes the operator, to whom the handles led before.
func (s *Store) putOperator(t *tx, o *storage.Operator, before []storage.Hash) error {
	if o.ID == "" {
		return errors.New("operator: ID is empty")
	}
	row, err := s.codec.EncodeOperator(o)
	if err != nil {
		return err
	}
	if err := t.removeHandles(before); err != nil {
		return err
	}
	for _, h := range o.Handles() {
		if err := t.put(handlesBucket, h[:], []byte(o.ID)); err != nil {
			return err
		}
	}
	return t.put(operatorsBucket, []byte(o.ID), row)
}

// endOperators ends of every operator what would come back to life in a restored store.
func (s *Store) endOperators(t *tx, now time.Time) error {
	all, err := s.allOperators(t)
	if err != nil {
		return err
	}
	for _, o := range all {
		before := o.Handles()
		o.Restored(now)
		if err := s.putOperator(t, o, before); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) allOperators(t *tx) (all []*storage.Operator, err error) {
	rows := operatorRows{store: s, tx: t}
	err = rows.EachOperator(func(o *storage.Operator) bool {
		all = append(all, o)
		return true
	})
	return all, err
}

// throttleAt returns the count of the key, an empty one when there is none.
func throttleAt(t *tx, key storage.Hash) (throttle storage.Throttle, err error) {
	row := t.get(throttlesBucket, key[:])
	if row == nil {
		return storage.Throttle{Key: key}, nil
	}
	if err := json.Unmarshal(row, &throttle); err != nil {
		return throttle, fmt.Errorf("decode count of attempts: %w", err)
	}
	return throttle, nil
}

// putThrottle writes the count in place of the one of before.
func putThrottle(t *tx, throttle storage.Throttle) error {
	key := bytes.Clone(throttle.Key[:])
	before, err := throttleAt(t, throttle.Key)
	if err != nil {
		return err
	}
	if before.Failures > 0 {
		if err := t.removeExpiry(before.Expires, countKind, key); err != nil {
			return err
		}
	}
	if throttle.Failures <= 0 {
		return t.remove(throttlesBucket, key)
	}
	row, err := json.Marshal(throttle)
	if err != nil {
		return err
	}
	return errors.Join(t.put(throttlesBucket, key, row), t.putExpiry(throttle.Expires, countKind, key, nil))
}

func (s *Store) operatorEntry(_ *tx, id, row []byte) (storage.Entry, error) {
	o, err := s.codec.DecodeOperator(string(id), row)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.OperatorEntryOf(o), nil
}

func (s *Store) throttleEntry(_ *tx, key, row []byte) (storage.Entry, error) {
	throttle := new(storage.Throttle)
	if err := errors.Join(long(key, 32), json.Unmarshal(row, throttle)); err != nil {
		return storage.Entry{}, err
	}
	return storage.ThrottleEntryOf(throttle), nil
}

func (c *checker) operator(key, value []byte) error {
	o, err := c.codec.DecodeOperator(string(key), value)
	if err != nil {
		return errUnopened
	}
	for _, h := range o.Handles() {
		if !bytes.Equal(c.get(handlesBucket, h[:]), key) {
			err = errors.New("a handle of it leads elsewhere")
		}
	}
	return err
}

func (c *checker) handle(key, value []byte) error {
	row := c.get(operatorsBucket, value)
	if row == nil {
		return errNoRecord
	}
	o, err := c.codec.DecodeOperator(string(value), row)
	if err != nil {
		return nil // told with the operator
	}
	for _, h := range o.Handles() {
		if bytes.Equal(h[:], key) {
			return nil
		}
	}
	return errOther
}

func (c *checker) throttle(key, value []byte) error {
	var throttle storage.Throttle
	if json.Unmarshal(value, &throttle) != nil || !bytes.Equal(throttle.Key[:], key) {
		return errUnread
	}
	return c.expires(throttle.Expires, countKind, key)
}
