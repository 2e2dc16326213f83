package admin

import (
	"context"
	"errors"
	"io"
	"time"

	"brygga/audit"
	"brygga/audit/tree"
	"brygga/storage"
)

// ForgetSink is the operation of making a sink that the configuration has no more a new one.
const ForgetSink Name = "audit.forget_sink"

// ScopeAuditWrite is the scope that it needs.
const ScopeAuditWrite = "audit:write"

// Sink is where audit events are handed over to.
type Sink struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // RemovedSink for one that the configuration has no more
	// Behind is how many signed events it has not got yet.
	Behind int64 `json:"behind"`
}

// RemovedSink is the kind of a sink of before.
const RemovedSink = "removed"

// Sinks are those of the installation. ForgetSink returns storage.ErrNotFound for one that is not known, ErrSinkUsed for one of the configuration, and
// storage.ErrConflict while a process delivers to it.
type Sinks interface {
	Sinks(ctx context.Context) ([]Sink, error)
	ForgetSink(ctx context.Context, name string) error
}

// ErrSinkUsed means that the configuration has the sink.
var ErrSinkUsed = errors.New("admin: the sink is in use")

// errNoSinks means that no sinks were given to New.
var errNoSinks = errors.New("admin: no sinks")

// ExportLog writes the signed log to w, since that time, or whole for the zero time, so that it can be verified without this installation; see
// tree.Tree.Export.
func (s *Service) ExportLog(ctx context.Context, actor Actor, w io.Writer, since time.Time) (tree.Exported, error) {
	if _, err := s.permit(ctx, actor, ListAudit); err != nil {
		return tree.Exported{}, err
	}
	log, err := s.tree(ctx)
	if err != nil {
		return tree.Exported{}, err
	}
	return log.Export(ctx, w, since)
}

// CheckLog holds the events that are stored against what was signed; see tree.Tree.Check.
func (s *Service) CheckLog(ctx context.Context, actor Actor) (tree.Result, error) {
	if _, err := s.permit(ctx, actor, ShowLog); err != nil {
		return tree.Result{}, err
	}
	log, err := s.tree(ctx)
	if err != nil {
		return tree.Result{}, err
	}
	return log.Check(ctx, time.Time{})
}

// Sinks returns where audit events are handed over to: the sinks of the configuration, and those that were there before.
func (s *Service) Sinks(ctx context.Context, actor Actor) ([]Sink, error) {
	if _, err := s.permit(ctx, actor, ShowLog); err != nil {
		return nil, err
	}
	if s.o.Sinks == nil {
		return nil, errNoSinks
	}
	return s.o.Sinks.Sinks(ctx)
}

// ForgetSink makes a sink that the configuration has no more a new one, with the errors of Sinks.
func (s *Service) ForgetSink(ctx context.Context, actor Actor, name string) error {
	if _, err := s.permit(ctx, actor, ForgetSink); err != nil {
		return err
	}
	if s.o.Sinks == nil {
		return storage.ErrNotFound
	}
	if err := s.o.Sinks.ForgetSink(ctx, name); err != nil {
		return err
	}
	s.o.Audit.Record(ctx, audit.Event{Type: audit.SinkForgotten, Actor: actor.name, Object: name, SourceAddress: address(actor.from)})
	return nil
}
