package admin

import (
	"context"
	"errors"
	"slices"
	"time"

	"brygga/audit"
	"brygga/duration"
)

// The operations on the log of a server.
const (
	ShowLogLevel Name = "log.show"
	SetLogLevel  Name = "log.level"
)

// ScopeLogWrite is the scope that a change of the log needs.
const ScopeLogWrite = "log:write"

// Levels are the levels that a log can have, the one that says most first.
var Levels = []string{"debug", "info", "warn", "error"}

// maxLevelTime is how long a level may be asked for that ends by itself.
const maxLevelTime = 30 * 24 * time.Hour

// LogLevel is how much a server writes to its own log, which audit events do not depend on.
type LogLevel struct {
	// Server is what the process is called among those that share a store, empty where it is alone.
	Server string
	// Level is one of Levels, and Configured the one that the configuration says.
	Level, Configured string
	// Until is when Configured is back, zero for never by itself.
	Until time.Time
}

// Leveler is the log of this process.
type Leveler interface {
	LogLevel() LogLevel
	// SetLogLevel has the level from now on, and until that time if it is not zero; empty is the one of the configuration. It returns what was before.
	SetLogLevel(level string, until time.Time) (before LogLevel)
}

// ErrNoServer means that there is no server whose log it is.
var ErrNoServer = errors.New("admin: no server runs")

// LevelError says what is wrong with a level that was asked for.
type LevelError struct{ Field, Problem string }

// Error names the field.
func (e *LevelError) Error() string { return e.Field + " " + e.Problem }

// LogLevel returns how much the process that answers writes to its log, or ErrNoServer.
func (s *Service) LogLevel(ctx context.Context, actor Actor) (LogLevel, error) {
	if _, err := s.permit(ctx, actor, ShowLogLevel); err != nil {
		return LogLevel{}, err
	}
	if s.o.Log == nil {
		return LogLevel{}, ErrNoServer
	}
	return s.o.Log.LogLevel(), nil
}

// SetLogLevel has the process that answers, and no other, write that level from now on: until its next start, or for that time if it is not 0.
// An empty level is the one of the configuration. It returns a *LevelError for what there is not, or ErrNoServer.
func (s *Service) SetLogLevel(ctx context.Context, actor Actor, level string, last time.Duration) (LogLevel, error) {
	if _, err := s.permit(ctx, actor, SetLogLevel); err != nil {
		return LogLevel{}, err
	}
	switch {
	case s.o.Log == nil:
		return LogLevel{}, ErrNoServer
	case level != "" && !slices.Contains(Levels, level):
		return LogLevel{}, &LevelError{"level", "is none that there is: write debug, info, warn or error"}
	case last < 0 || last > maxLevelTime || last > 0 && level == "":
		return LogLevel{}, &LevelError{"for", "is no time that a level can last: write such as 10m, at most " + duration.Format(maxLevelTime)}
	}
	until, text := time.Time{}, "until the next start"
	if last > 0 {
		until, text = s.o.Now().UTC().Add(last), "for "+duration.Format(last)
	}
	if level == "" {
		text = "as configured"
	}
	before := s.o.Log.SetLogLevel(level, until)
	after := s.o.Log.LogLevel()
	s.o.Audit.Record(ctx, audit.Event{
		Type: audit.LogLevelChanged, Actor: actor.name, SourceAddress: address(actor.from), Object: after.Server, Message: text,
		Changes: []audit.Change{{Name: "log.level", Before: before.Level, After: after.Level}},
	})
	return after, nil
}
