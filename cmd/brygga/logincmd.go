package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"brygga/audit"
	"brygga/login"
	"brygga/storage"
)

func newLoginCommand(h *host) *cobra.Command {
	var where whereFlags
	cmd := group("login", "Find out what became of a person's login", newLoginShow(h, &where))
	where.add(cmd, h)
	return cmd
}

func newLoginShow(h *host, where *whereFlags) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "show REFERENCE", Short: "Tell the story of a login, step by step", Args: cobra.ExactArgs(1),
		Long: "Tell the story of a login, step by step, with the cause of what went wrong. REFERENCE is what the person's page showed, such\n" +
			"as 7QX4-2MKD. The course of a login has the device that was chosen and what BankID told of the order, each with the seconds\n" +
			"since the person came to the page. It comes out of the audit log, so it can be told as long as audit.retention keeps that. It names nobody:\n" +
			"people appear as pseudonyms.",
		Example: "  brygga login show 7QX4-2MKD --config brygga.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			reference, err := storage.ParseReference(args[0])
			if err != nil {
				return fail(exitUsage, "a reference has eight letters and digits, such as 7QX4-2MKD", "%q is not a reference", cut(args[0]))
			}
			return withOperator(cmd, h, where, func(ctx context.Context, o *operator) error {
				stories, err := findStories(ctx, o.store, reference, o.now().UTC())
				if err != nil {
					return err
				}
				if output == "json" {
					return writeJSON(h.out, stories)
				}
				for _, s := range stories {
					if err := s.write(h.out); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

// cut shortens what was typed, for a message.
func cut(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return text
}

// story is a login as its audit events tell it.
type story struct {
	Reference storage.Reference `json:"reference"`
	Login     string            `json:"login"`
	ClientID  string            `json:"client_id"`
	// Begun is the minute in which the person came to the login page.
	Begun time.Time `json:"begun"`
	// State is where the login stands, while it lives; Expires is until when.
	State   storage.LoginState `json:"state,omitempty"`
	Expires time.Time          `json:"expires,omitzero"`
	Steps   []step             `json:"steps"`
}

// step is one audit event of a login.
type step struct {
	Time   time.Time         `json:"time"`
	Event  string            `json:"event"`
	Text   string            `json:"text"`
	Cause  string            `json:"cause,omitempty"`
	Fields map[string]string `json:"fields"`
}

const (
	// longestLogin is how long after its beginning a login may still have events.
	longestLogin = 24*time.Hour + time.Minute
	// longestRetention is how long ago a login may have begun.
	longestRetention = 20 * 365 * 24 * time.Hour
	maxSteps         = 10_000
)

// findStories returns the logins of the reference, of which there is nearly always one, with exitNotFound when there is none.
// References name the same minutes again after some time; the last logins of the reference are returned.
func findStories(ctx context.Context, store storage.Store, reference storage.Reference, now time.Time) ([]*story, error) {
	events, begun, err := lastEventsOf(ctx, store, reference, now)
	if err != nil {
		return nil, err
	}
	return tellStories(ctx, store, events, begun, now)
}

// eventsOf returns the audit events of the last logins of the reference, with exitNotFound when there are none.
func eventsOf(ctx context.Context, store storage.AuditLog, reference storage.Reference, now time.Time) ([]storage.AuditEvent, error) {
	events, _, err := lastEventsOf(ctx, store, reference, now)
	return events, err
}

// lastEventsOf returns these events and when the logins began.
func lastEventsOf(ctx context.Context, store storage.AuditLog, reference storage.Reference, now time.Time) (events []storage.AuditEvent, begun time.Time, err error) {
	last := reference.Begun(now)
	for begun = last; now.Sub(begun) < longestRetention; begun = begun.Add(-reference.Period()) {
		events, err = store.AuditEventsOf(ctx, reference, begun, begun.Add(longestLogin), maxSteps)
		if err != nil {
			return nil, begun, fmt.Errorf("read the audit log: %w", err)
		}
		if len(events) > 0 {
			return events, begun, nil
		}
	}
	return nil, begun, fail(exitNotFound, "look whether the reference was read right; one that is came to the login page at "+moment(last)+" and never chose BankID",
		"no login %s has left anything in the audit log", reference)
}

// tellStories puts the events of a reference together by their logins, in the order in which these began.
func tellStories(ctx context.Context, store storage.Store, events []storage.AuditEvent, begun, now time.Time) (stories []*story, err error) {
	byLogin := make(map[string]*story)
	for _, e := range events {
		id := e.Fields["IDENTIFIER"]
		s := byLogin[id]
		if s == nil {
			s = &story{Reference: e.Reference, Login: id, ClientID: e.Fields["CLIENT_ID"], Begun: begun}
			if err := s.look(ctx, store, now); err != nil {
				return nil, err
			}
			byLogin[id] = s
			stories = append(stories, s)
		}
		s.Steps = append(s.Steps, step{Time: e.Time, Event: e.Type, Text: audit.Type(e.Type).Text(), Cause: cause(e), Fields: e.Fields})
	}
	return stories, nil
}

// cause explains the word of an event, and says so when a login failed by one that nobody here knows.
func cause(e storage.AuditEvent) string {
	word, _, _ := strings.Cut(e.Fields["MESSAGE"], ":")
	explained := login.Explain(word)
	if explained == "" && word != "" && audit.Type(e.Type) == audit.LoginFailed {
		return "BankID ended the order with a code that this version does not know: look for it in BankID's documentation, and for a newer brygga."
	}
	return explained
}

// look adds where the login stands, if it lives.
func (s *story) look(ctx context.Context, store storage.Store, now time.Time) error {
	l, err := store.Login(ctx, s.Login, now)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("read login: %w", err)
	}
	s.State, s.Expires = l.State, l.Expires
	return nil
}

// storyFields are the fields of an event that a story tells beside its time, text and message, with what stands around each.
var storyFields = [...]struct{ name, before, after string }{
	{"DEVICE", "BankID on ", " device"}, {"BROWSER", "", ""}, {"SOURCE_ADDRESS", "from ", ""}, {"SECONDS", "after ", " s"},
	{"COURSE", "course ", ""}, {"SOURCE_USER_NAME", "person ", ""}, {"ACTOR", "by ", ""},
}

func (s *story) write(w io.Writer) error {
	state := ""
	if s.State != "" {
		state = fmt.Sprintf("%s, lives until %s", s.State, moment(s.Expires))
	}
	if err := pairs(w, [2]string{"reference", string(s.Reference)}, [2]string{"login", s.Login}, [2]string{"client", s.ClientID},
		[2]string{"begun", moment(s.Begun)}, [2]string{"state", state}); err != nil {
		return err
	}
	for _, step := range s.Steps {
		fmt.Fprintln(w)
		step.write(w)
	}
	_, err := fmt.Fprintln(w)
	return err
}

func (s *step) write(w io.Writer) {
	what := s.Text
	if message := s.Fields["MESSAGE"]; message != "" {
		what += ": " + message
	}
	fmt.Fprintf(w, "%s  %s\n", s.Time.UTC().Format("15:04:05"), what)
	var said []string
	for _, f := range storyFields {
		if value := s.Fields[f.name]; value != "" {
			said = append(said, f.before+value+f.after)
		}
	}
	for _, more := range []string{s.Cause, strings.Join(said, ", ")} {
		if more != "" {
			fmt.Fprintf(w, "          %s\n", more)
		}
	}
}
