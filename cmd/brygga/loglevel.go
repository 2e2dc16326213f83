package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"brygga/admin"
	"brygga/audit"
)

// logLevels is how much this process logs: as it is configured, or as somebody has asked for. It may be used concurrently.
type logLevels struct {
	now    func() time.Time
	server func() string
	// over is told, with what was before, when a level has ended by itself; not after close. It must not wait.
	over func(before admin.LogLevel)

	mu         sync.Mutex
	level      *slog.LevelVar
	configured slog.Level
	asked      bool // level is what somebody has asked for
	until      time.Time
	end        *time.Timer
}

var _ admin.Leveler = (*logLevels)(nil)

// LogLevel returns how it is now.
func (l *logLevels) LogLevel() admin.LogLevel {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state()
}

func (l *logLevels) state() admin.LogLevel {
	return admin.LogLevel{Server: l.server(), Level: levelName(l.level.Level()), Configured: levelName(l.configured), Until: l.until}
}

func levelName(level slog.Level) string { return strings.ToLower(level.String()) }

// SetLogLevel has another level from now on; see admin.Leveler.
func (l *logLevels) SetLogLevel(level string, until time.Time) (before admin.LogLevel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before = l.state()
	l.stop()
	if level == "" {
		l.level.Set(l.configured)
		return before
	}
	l.asked, l.until = true, until
	l.level.Set(logLevel(level))
	if !until.IsZero() {
		var own *time.Timer
		own = time.AfterFunc(until.Sub(l.now()), func() { l.back(own) })
		l.end = own
	}
	return before
}

// stop forgets what was asked for. The caller holds mu.
func (l *logLevels) stop() {
	if l.end != nil {
		l.end.Stop()
	}
	l.asked, l.until, l.end = false, time.Time{}, nil
}

// back ends what was asked for, when the timer is still the one that ends it.
func (l *logLevels) back(timer *time.Timer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end != timer {
		return
	}
	before := l.state()
	l.stop()
	l.level.Set(l.configured)
	l.over(before)
}

// configure takes over the level of a configuration. What somebody has asked for goes over it.
func (l *logLevels) configure(level slog.Level) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.configured = level; !l.asked {
		l.level.Set(level)
	}
}

// close ends the wait for the end of a level.
func (l *logLevels) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop()
}

// newLogLevels returns the level of the server's log.
func (s *server) newLogLevels() *logLevels {
	level := s.level
	if level == nil {
		level = new(slog.LevelVar)
	}
	return &logLevels{now: s.now, server: s.node, level: level, configured: level.Level(), over: func(before admin.LogLevel) {
		s.background.Go(func() {
			s.audit.Record(context.Background(), audit.Event{
				Type: audit.LogLevelChanged, Actor: "brygga", Object: before.Server, Message: "as configured",
				Changes: []audit.Change{{Name: "log.level", Before: before.Level, After: before.Configured}},
			})
		})
	}}
}

func newLogCommand(h *host) *cobra.Command {
	var where whereFlags
	cmd := group("log", "Have a running server log more or less", newLogLevel(h, &where))
	where.add(cmd, h)
	return cmd
}

func newLogLevel(h *host, where *whereFlags) *cobra.Command {
	var output string
	var last durationFlag
	var reset bool
	cmd := &cobra.Command{
		Use: "level [LEVEL]", Short: "Show the level of a running server's log, or set another", Args: cobra.MaximumNArgs(1),
		Long: "Show how much a running server writes to its log, or have it write more or less: debug, info, warn or error. It is so until the next start, with --for until that\n" +
			"time is over, and until --reset. One server is changed, the one whose data directory this is or that --server names, and no other. Audit events are written at\n" +
			"every level, and the change is one of them.",
		Example: "  brygga log level debug --for 10m --config brygga.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			if reset && (len(args) > 0 || last != 0) || len(args) == 0 && last != 0 {
				return fail(exitUsage, "write a level with --for, or --reset alone", "what shall the level be?")
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				var l admin.LogLevel
				var err error
				switch {
				case reset:
					l, err = s.SetLogLevel(ctx, "", 0)
				case len(args) > 0:
					l, err = s.SetLogLevel(ctx, args[0], time.Duration(last))
				default:
					l, err = s.LogLevel(ctx)
				}
				if err != nil {
					return explainLevel(err)
				}
				return showLevel(h, l, output)
			})
		},
	}
	cmd.Flags().Var(&last, "for", "for how long, as a `duration` such as 10m; without it, until the next start")
	cmd.Flags().BoolVar(&reset, "reset", false, "go back to the level of the configuration")
	outputFlag(cmd, &output)
	return cmd
}

// explainLevel turns the errors of a change into some with a remedy.
func explainLevel(err error) error {
	if wrong, ok := errors.AsType[*admin.LevelError](err); ok {
		return fail(exitUsage, "nothing was changed", "%w", wrong)
	}
	if errors.Is(err, admin.ErrNoServer) {
		return fail(exitUnavailable, "log.level in the configuration is what the next start has; on PostgreSQL, name a server with --server", "no server runs here")
	}
	return err
}

func showLevel(h *host, l admin.LogLevel, output string) error {
	if output == "json" {
		return writeJSON(h.out, struct {
			Server     string    `json:"server,omitempty"`
			Level      string    `json:"level"`
			Configured string    `json:"configured"`
			Until      time.Time `json:"until,omitzero"`
		}(l))
	}
	rows := [][2]string{{"level", l.Level}, {"configured", l.Configured}}
	if l.Server != "" {
		rows = append(rows, [2]string{"server", l.Server})
	}
	if !l.Until.IsZero() {
		rows = append(rows, [2]string{"until", moment(l.Until)})
	}
	return pairs(h.out, rows...)
}
