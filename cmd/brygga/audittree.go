package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"brygga/audit/tree"
	"brygga/netid/netidlogin"
	"brygga/secret"
	"brygga/storage"
	"brygga/templates"
	"brygga/web"
)

const (
	// signEvery is how often audit events are signed, and tellEvery how often the checkpoint stands in the log.
	signEvery = 5 * time.Second
	tellEvery = time.Hour
)

// openTree returns the tree over the audit log of the store. Its key is made with the store, and named for the issuer.
func openTree(ctx context.Context, store storage.Store, issuer string, o tree.Options) (*tree.Tree, error) {
	proposed, err := tree.NewKey(cmp.Or(issuer, "brygga"))
	if err != nil {
		return nil, err
	}
	text, err := store.SecretOrCreate(ctx, "audit tree", []byte(proposed.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("read the key of the audit log: %w", err)
	}
	if o.Key, err = tree.ReadKey(secret.New(string(text))); err != nil {
		return nil, err
	}
	o.Store = store
	return tree.New(o)
}

// auditTree is the tree of a running server.
type auditTree struct {
	*tree.Tree
	told     time.Time // when the checkpoint was logged last
	toldSize int64
}

// signAudit makes the tree cover the events that have come.
func (s *server) signAudit(ctx context.Context) {
	_, err := s.tree.Grow(ctx)
	if ctx.Err() == nil {
		s.signing.note(err, s.now())
	}
	if err != nil {
		if ctx.Err() == nil {
			s.metrics.treeErrs.Inc()
			s.log.ErrorContext(ctx, "audit events cannot be signed", "err", err)
		}
		return
	}
	s.readLogins(ctx)
	s.storeUses(ctx)
	checkpoint, size, err := s.tree.Checkpoint(ctx)
	if err != nil {
		return // the next call tells
	}
	s.metrics.treeSize.Set(float64(size))
	if now := s.now(); size > s.tree.toldSize && now.Sub(s.tree.told) >= tellEvery {
		s.tree.told, s.tree.toldSize = now, size
		cmp.Or(s.events, s.log).LogAttrs(ctx, slog.LevelInfo, "audit checkpoint", slog.Int64("events", size), slog.String("checkpoint", string(checkpoint)))
	}
}

// readLogins takes what was signed into the book of logins, for some seconds at most: after an upgrade there may be years of it.
func (s *server) readLogins(ctx context.Context) {
	for began := time.Now(); time.Since(began) < signEvery && ctx.Err() == nil; {
		more, err := s.logins.Advance(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "what became of logins cannot be written down", "err", err)
		}
		if err != nil || !more {
			return
		}
	}
}

// storeUses stores which secrets of clients are in use, seldom enough.
func (s *server) storeUses(ctx context.Context) {
	if err := s.uses.Store(ctx); err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "the use of secrets cannot be written down", "err", err)
	}
}

// shownBy returns what the login page says about a reason, by the catalogue that texts returns.
func shownBy(texts func() *templates.Catalogue) func(language, eid, reason, device, client string) string {
	return func(language, eid, reason, device, client string) string {
		catalogue := templates.BuiltIn()
		if texts != nil {
			catalogue = texts()
		}
		if eid == netidlogin.Name && !catalogue.HasEID(eid) {
			if with, err := catalogue.WithEID(eid, netidlogin.Texts()); err == nil {
				catalogue = with
			}
		}
		return web.FailureText(catalogue, language, eid, reason, device, client)
	}
}

// checkpoint returns the signed checkpoint, for whoever keeps them outside.
func (s *server) checkpoint(ctx context.Context) ([]byte, error) {
	text, size, err := s.tree.Checkpoint(ctx)
	if err == nil && size == 0 {
		err = errors.New("no event has been signed yet")
	}
	return text, err
}
