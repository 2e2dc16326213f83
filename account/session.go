package account

import (
	"context"
	"errors"
	"slices"
	"time"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// Look returns the session of the token, pending or not, and notes nothing. It returns ErrNoSession.
func (a *Accounts) Look(ctx context.Context, token secret.String) (*Session, error) {
	id, hash := parseToken(token)
	o, err := a.store.Operator(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, ErrNoSession
	}
	if err != nil {
		return nil, err
	}
	s := o.Session(hash, a.time())
	if s == nil || o.State != storage.OperatorActive {
		return nil, ErrNoSession
	}
	return &Session{Operator: o, OperatorSession: *s}, nil
}

// noteEvery is how often it is noted that a session is used.
const noteEvery = time.Minute

// Use returns the session of the token for a request, with the operator as it is now: a role that was taken away is gone. It notes the use, at most once a
// minute, and returns ErrNoSession when it is over, or pending.
func (a *Accounts) Use(ctx context.Context, token secret.String) (*Session, error) {
	s, err := a.Look(ctx, token)
	if err != nil {
		return nil, err
	}
	if s.Pending {
		return nil, ErrNoSession
	}
	if a.time().Sub(s.Used) < noteEvery {
		return s, nil
	}
	outcome, err := a.step(ctx, storage.UseSession{ID: s.Operator.ID, Session: s.Hash}, nil)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, ErrNoSession
	}
	if err != nil {
		return nil, err
	}
	return &Session{Operator: outcome.Operator, OperatorSession: *outcome.Session}, nil
}

// LogOut ends the session of the token. One that is over is no error.
func (a *Accounts) LogOut(ctx context.Context, token secret.String) error {
	s, err := a.Look(ctx, token)
	if errors.Is(err, ErrNoSession) {
		return nil
	}
	if err != nil {
		return err
	}
	return a.end(ctx, s, storage.EndSessions{ID: s.Operator.ID, Session: s.ID})
}

// EndSession ends another session of the operator, by its ID.
func (a *Accounts) EndSession(ctx context.Context, s *Session, id string) error {
	return a.end(ctx, s, storage.EndSessions{ID: s.Operator.ID, Session: id})
}

// ChooseLanguage sets the language in which the operator is spoken to, on pages and by mail. It returns Problems for one that there is not, or
// ErrNoSession.
func (a *Accounts) ChooseLanguage(ctx context.Context, s *Session, language string, from From) error {
	if !slices.Contains(Languages, language) {
		return Problems{{"language", "unknown"}}
	}
	before := rightsOf(s.Operator)
	_, err := a.step(ctx, storage.ChooseLanguage{ID: s.Operator.ID, Session: s.Hash, Language: language}, func(outcome *storage.OperatorOutcome) (n news) {
		if changes := audit.Diff(before, rightsOf(outcome.Operator)); len(changes) > 0 {
			n.events = []audit.Event{{Type: audit.OperatorChanged, Actor: s.Operator.ID, Object: s.Operator.ID, SourceAddress: from.address(), Changes: changes}}
		}
		return n
	})
	return noSession(err)
}

// LogOutEverywhere ends all sessions of the operator, with this one or without.
func (a *Accounts) LogOutEverywhere(ctx context.Context, s *Session, here bool) error {
	step := storage.EndSessions{ID: s.Operator.ID, Session: s.ID, Others: true}
	if here {
		step.Session = ""
	}
	return a.end(ctx, s, step)
}

func (a *Accounts) end(ctx context.Context, s *Session, step storage.EndSessions) error {
	_, err := a.step(ctx, step, func(outcome *storage.OperatorOutcome) (n news) {
		if outcome.Ended > 0 {
			n.events = []audit.Event{{Type: audit.OperatorLoggedOut, Actor: s.Operator.ID, Object: s.Operator.ID}}
		}
		return n
	})
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}

// Fresh reports whether the session may do now what is dangerous: handle secrets, keys and operators.
func (a *Accounts) Fresh(s *Session) bool { return s.SteppedUpAt(a.time()) }
