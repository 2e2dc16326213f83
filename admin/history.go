package admin

import (
	"context"
	"fmt"
	"time"

	"brygga/audit"
	"brygga/storage"
)

// ClientChange is one change of a client, as its audit event has it: of secrets and looks it says that they changed, and no more.
type ClientChange struct {
	Time  time.Time
	Event audit.Type
	// Who did it.
	Who     Who
	Changes []audit.Change
}

// ClientHistory returns at most limit changes of a client, the last one first, from the one made at that time on; the zero time begins with the
// last of all. Next is where to go on, zero at the end: with the client's first change, or where the audit log keeps no more.
//
// Each change leads to the one before it, so that none is searched for.
func (s *Service) ClientHistory(ctx context.Context, actor Actor, id string, from time.Time, limit int) (changes []ClientChange, next time.Time, err error) {
	r, err := s.permit(ctx, actor, ClientHistory)
	if err != nil {
		return nil, next, err
	}
	c, err := s.visible(ctx, r, id)
	if err != nil {
		return nil, next, err
	}
	if next = from; next.IsZero() {
		next = c.Updated
	}
	for len(changes) < limit && !next.IsZero() && !c.Static {
		event, err := s.changeAt(ctx, id, next)
		if err != nil {
			return nil, next, err
		}
		if event == nil {
			return changes, time.Time{}, nil
		}
		who, err := s.who(ctx, event.Fields["ACTOR"])
		if err != nil {
			return nil, next, err
		}
		changes = append(changes, ClientChange{event.Time, audit.Type(event.Type), who, audit.ChangesOf(event)})
		if next = audit.PreviousOf(event); !next.Before(event.Time) { // or the way back would have no end
			next = time.Time{}
		}
	}
	return changes, next, nil
}

// Bounds of where the event of a change is looked for: clients that were stored by earlier versions tell its time less exactly.
const (
	eventWithin = 5 * time.Second
	eventsThere = 1000
)

// changeAt returns the event of the change of a client at that time, nil when there is none.
func (s *Service) changeAt(ctx context.Context, id string, at time.Time) (*storage.AuditEvent, error) {
	for _, within := range []time.Duration{time.Microsecond, eventWithin} {
		events, err := s.o.Store.AuditEvents(ctx, at, at.Add(within), eventsThere)
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		for i, e := range events {
			if e.Fields["CLIENT_ID"] == id && changesClient(audit.Type(e.Type)) {
				return &events[i], nil
			}
		}
	}
	return nil, nil
}

func changesClient(t audit.Type) bool {
	return t == audit.ClientAdded || t == audit.ClientChanged || t == audit.ClientSecretRotated
}
