package admin

import (
	"context"
	"fmt"
	"time"

	"brygga/audit"
	"brygga/audit/tree"
	"brygga/keys"
	"brygga/storage"
)

// Keys returns the signing and encryption keys, oldest first. It waits for keys that are being made.
func (s *Service) Keys(ctx context.Context, actor Actor) ([]keys.Info, error) {
	if _, err := s.permit(ctx, actor, ListKeys); err != nil {
		return nil, err
	}
	return s.ready(ctx, func(*keys.Ring) error { return nil })
}

// RotateKeys uses other keys from now on, and returns all of them; with now, for keys that may be in wrong hands, it replaces every key at once. See
// keys.Ring.Rotate.
func (s *Service) RotateKeys(ctx context.Context, actor Actor, now bool) ([]keys.Info, error) {
	if _, err := s.permit(ctx, actor, RotateKeys); err != nil {
		return nil, err
	}
	return s.ready(ctx, func(ring *keys.Ring) error { return ring.Rotate(audit.By(ctx, actor.name), now) })
}

// ready does something with the ring once its keys are there, and returns them.
func (s *Service) ready(ctx context.Context, do func(*keys.Ring) error) ([]keys.Info, error) {
	ring, err := s.o.Keys(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := ring.JWKS(ctx); err != nil {
		return nil, err
	}
	if err := do(ring); err != nil {
		return nil, err
	}
	return ring.Keys(), nil
}

// AuditEvents returns at most limit events in the order of their time, from inclusive, to exclusive.
func (s *Service) AuditEvents(ctx context.Context, actor Actor, from, to time.Time, limit int) ([]storage.AuditEvent, error) {
	if _, err := s.permit(ctx, actor, ListAudit); err != nil {
		return nil, err
	}
	events, err := s.o.Store.AuditEvents(ctx, from, to, limit)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return events, nil
}

// Log is the signed state of the audit log: the key that it is verified with, and the checkpoint, empty before the first.
type Log struct {
	PublicKey  string
	Checkpoint []byte
	Events     int64
}

// ShowLog returns the signed state of the audit log, or storage.ErrNotFound when there is no tree over it.
func (s *Service) ShowLog(ctx context.Context, actor Actor) (*Log, error) {
	if _, err := s.permit(ctx, actor, ShowLog); err != nil {
		return nil, err
	}
	log, err := s.tree(ctx)
	if err != nil {
		return nil, err
	}
	checkpoint, size, err := log.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	return &Log{log.PublicKey(), checkpoint, size}, nil
}

func (s *Service) tree(ctx context.Context) (*tree.Tree, error) {
	if s.o.Tree == nil {
		return nil, storage.ErrNotFound
	}
	return s.o.Tree(ctx)
}

// Prove proves that the audit log has the events of that reference and time; see tree.Tree.Prove. It returns storage.ErrNotFound when there are none.
func (s *Service) Prove(ctx context.Context, actor Actor, reference storage.Reference, from, to time.Time) (*tree.Proof, error) {
	if _, err := s.permit(ctx, actor, ProveEvents); err != nil {
		return nil, err
	}
	events, err := s.o.Store.AuditEventsOf(ctx, reference, from, to, maxSteps)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	if len(events) == 0 {
		return nil, storage.ErrNotFound
	}
	log, err := s.tree(ctx)
	if err != nil {
		return nil, err
	}
	return log.Prove(ctx, events)
}

// maxSteps bounds the events of a reference.
const maxSteps = 10_000

// LoginEvents returns the audit events of logins of that reference and time which the actor may see, or storage.ErrNotFound.
func (s *Service) LoginEvents(ctx context.Context, actor Actor, reference storage.Reference, from, to time.Time) ([]storage.AuditEvent, error) {
	r, err := s.permit(ctx, actor, ShowLogin)
	if err != nil {
		return nil, err
	}
	events, err := s.o.Store.AuditEventsOf(ctx, reference, from, to, maxSteps)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	if !r.all {
		if events, err = s.seen(ctx, r, events); err != nil {
			return nil, err
		}
	}
	if len(events) == 0 {
		return nil, storage.ErrNotFound
	}
	return events, nil
}

// seen returns the events of clients within reach.
func (s *Service) seen(ctx context.Context, r reach, events []storage.AuditEvent) (seen []storage.AuditEvent, err error) {
	for _, e := range events {
		c, err := s.o.Store.Client(ctx, e.Fields["CLIENT_ID"])
		if err == nil && r.has(c) && !c.Succeeds(e.Time) {
			seen = append(seen, e)
		}
	}
	return seen, nil
}

// Health is what is known of the installation's health.
type Health struct {
	// Problem is why it cannot serve logins, empty when it can.
	Problem string
	Details []Detail
}

// Detail is how one part of the installation is.
type Detail struct {
	// Name and Text say of which part and how, in English.
	Name, Text string
	// Part and State are the same as words, for who says it in another language, and Of is which of several parts. State is empty where Text is an error.
	Part, Of, State string
	// At, N and Values are what belongs to the state, such as when a certificate ends and in how many days.
	At     time.Time
	N      int
	Values map[string]string
}

// Health returns the installation's health.
func (s *Service) Health(ctx context.Context, actor Actor) (Health, error) {
	if _, err := s.permit(ctx, actor, ShowHealth); err != nil {
		return Health{}, err
	}
	if s.o.Health == nil {
		return Health{}, nil
	}
	details, err := s.o.Health(ctx)
	h := Health{Details: details}
	if err != nil {
		h.Problem = err.Error()
	}
	return h, nil
}
