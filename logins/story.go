package logins

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"brygga/audit"
	"brygga/storage"
)

// Story is a login as its audit events tell it, in the words of a language.
type Story struct {
	Login
	// State is where the login stands, while it lives; Lives is until when.
	State storage.LoginState `json:"state,omitempty"`
	Lives time.Time          `json:"lives_until,omitzero"`
	// Verdict is how it stands, in a sentence. Saw is what the person's page says, Means what that means, Tell what to tell the person, and Do what
	// can be done here; each may be empty.
	Verdict string `json:"verdict"`
	Saw     string `json:"saw,omitempty"`
	Means   string `json:"means,omitempty"`
	Tell    string `json:"tell,omitempty"`
	Do      string `json:"do,omitempty"`
	// Steps are what happened, in order.
	Steps []Step `json:"steps"`
}

// Step is one thing that happened.
type Step struct {
	Time time.Time `json:"time"`
	// After is how long after the person came to the page, in seconds; about a second off, as that moment is worked out.
	After float64 `json:"after"`
	// Word names what happened: the number of an event, or a word of the course, such as a hint code of BankID. Text says it.
	Word string `json:"word"`
	Text string `json:"text"`
	// Cause explains why, for an event that has a cause; Message is the cause's word.
	Message string `json:"message,omitempty"`
	Cause   string `json:"cause,omitempty"`
	// Saw is what the page said then, and Tell what to tell the person, of an order that came to nothing.
	Saw  string `json:"saw,omitempty"`
	Tell string `json:"tell,omitempty"`
	// Wrong marks the step at which the login failed or ended, and security events.
	Wrong bool `json:"wrong,omitempty"`
	// Fields are those of the audit event, for steps that are one.
	Fields map[string]string `json:"fields,omitempty"`
}

const (
	// longestLogin is how long after its beginning a login may still have events.
	longestLogin = 24*time.Hour + time.Minute
	maxSteps     = 10_000
)

// Events returns the audit events of the last logins of the reference, of which there is nearly always one. References name the same minutes again
// after nearly two years. It returns storage.ErrNotFound when there are none.
func (b *Book) Events(ctx context.Context, reference storage.Reference) ([]storage.AuditEvent, error) {
	found, err := b.Search(ctx, Query{Reference: reference, Limit: 10})
	if err != nil {
		return nil, err
	}
	if len(found.Logins) > 0 {
		return b.eventsOf(ctx, found.Logins)
	}
	at, _, err := b.turn(ctx)
	if err != nil {
		return nil, err
	}
	// What is not in the book has come since, or is not of a login.
	now := b.o.Now().UTC()
	for begun := reference.Begun(now); begun.Unix() > 0 && now.Sub(begun) < longestRetention; begun = begun.Add(-reference.Period()) {
		if at.Until.After(begun.Add(longestLogin)) {
			break
		}
		events, err := b.o.Store.AuditEventsOf(ctx, reference, begun, begun.Add(longestLogin), maxSteps)
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		if len(events) > 0 {
			return events, nil
		}
	}
	return nil, storage.ErrNotFound
}

// eventsOf returns the audit events of logins of one reference that began in one minute.
func (b *Book) eventsOf(ctx context.Context, logins []Login) ([]storage.AuditEvent, error) {
	begun, last := logins[0].Begun, logins[0].Last
	for i := range logins {
		if logins[i].Last.After(last) {
			last = logins[i].Last
		}
	}
	events, err := b.o.Store.AuditEventsOf(ctx, logins[0].Reference, begun, last.Add(time.Second), maxSteps)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return events, nil
}

// Stories returns the stories of the last logins of the reference in that language, in the order in which they began, or
// storage.ErrNotFound. Names returns what clients are called, by ID, for the words of the page; nil knows none.
func (b *Book) Stories(ctx context.Context, reference storage.Reference, language string, names func(client string) string) ([]*Story, error) {
	events, err := b.Events(ctx, reference)
	if err != nil {
		return nil, err
	}
	return b.Tell(ctx, events, language, names)
}

// Tell puts the events of a reference together by their logins.
func (b *Book) Tell(ctx context.Context, events []storage.AuditEvent, language string, names func(client string) string) (all []*Story, err error) {
	if names == nil {
		names = func(client string) string { return client }
	}
	byLogin := map[string][]storage.AuditEvent{}
	var order []string
	for _, e := range events {
		id := e.Fields["IDENTIFIER"]
		if byLogin[id] == nil {
			order = append(order, id)
		}
		byLogin[id] = append(byLogin[id], e)
	}
	for _, id := range order {
		s, err := b.tell(ctx, byLogin[id], language, names)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (b *Book) tell(ctx context.Context, events []storage.AuditEvent, language string, names func(string) string) (*Story, error) {
	s := &Story{Login: *loginOf(&events[0])}
	for i := range events {
		s.add(&events[i])
	}
	say := textsIn(language)
	switch l, err := b.o.Store.Login(ctx, s.ID, b.o.Now()); {
	case errors.Is(err, storage.ErrNotFound):
	case err != nil:
		return nil, fmt.Errorf("read login: %w", err)
	default:
		s.State, s.Lives = l.State, l.Expires
	}
	shown := func(eid, reason, device string) string {
		if b.o.Shown == nil {
			return ""
		}
		return b.o.Shown(language, eid, reason, device, names(s.ClientID))
	}
	var eid string
	s.Steps, eid = steps(events, say, shown)
	s.Verdict = say.of(eid, s.Kind+".verdict."+string(s.Outcome), "verdict."+string(s.Outcome), "verdict.none")
	if s.Cause != "" {
		s.Means, s.Tell, s.Do = say.of(eid, "means."+s.Cause, "means.unknown"), say.of(eid, "tell."+s.Cause, "tell.unknown"), say.of(eid, "do."+s.Cause, "do.unknown")
		s.Saw = shown(eid, s.Cause, s.Device)
	}
	return s, nil
}

// teller puts steps together.
type teller struct {
	texts
	begun time.Time // when the person came to the page, zero when no event tells
	last  time.Time // of the step before
	seen  string    // of the course
	eid   string    // by which the order of the moment is, empty for BankID
	steps []Step
}

// steps returns what happened: the events, and before each what its course tells of the time since the one before. Shown returns what the page said of
// a reason. It returns the eID of the last order too.
func steps(events []storage.AuditEvent, say texts, shown func(eid, reason, device string) string) ([]Step, string) {
	t := &teller{texts: say, begun: origin(events)}
	if !t.begun.IsZero() {
		t.add(Step{Time: t.begun, Word: "page", Text: say.or(events[0].Fields["DEVICE"]+".course.page", "course.page")})
	}
	for i := range events {
		switch kind := audit.Type(events[i].Type); kind.Common() {
		case audit.LoginStarted, audit.LoginCompleted, audit.LoginFailed, audit.LoginEnded:
			t.eid = kind.OtherEID()
		}
		t.course(events[i].Fields["COURSE"], events[i].Time)
		t.event(&events[i], shown)
	}
	return t.steps, t.eid
}

func (t *teller) add(s Step) {
	if s.Time.Before(t.last) { // the course has whole seconds
		s.Time = t.last
	}
	if !t.begun.IsZero() {
		s.After = max(0, s.Time.Sub(t.begun).Round(100*time.Millisecond).Seconds())
	}
	t.last = s.Time
	t.steps = append(t.steps, s)
}

// course adds what a course has more than the one before, up to the time of its event.
func (t *teller) course(course string, until time.Time) {
	more, goesOn := strings.CutPrefix(course, t.seen)
	if course == "" || !goesOn || t.begun.IsZero() {
		return
	}
	t.seen = course
	for word := range strings.FieldsSeq(more) {
		name, after, _ := strings.Cut(word, "@")
		seconds, err := strconv.Atoi(after)
		if err != nil {
			continue
		}
		when := t.begun.Add(time.Duration(seconds) * time.Second)
		if when.After(until) {
			when = until
		}
		t.add(Step{Time: when, Word: name, Text: t.of(t.eid, "course."+name, "course.unknown")})
	}
}

func (t *teller) event(e *storage.AuditEvent, shown func(eid, reason, device string) string) {
	kind := audit.Type(e.Type)
	word, _, _ := strings.Cut(e.Fields["MESSAGE"], ":")
	s := Step{Time: e.Time, Word: e.Type, Text: t.or(e.Fields["KIND"]+".event."+e.Type, "event."+e.Type), Message: e.Fields["MESSAGE"], Fields: e.Fields, Wrong: wrong(kind)}
	if s.Text == "" {
		s.Text = kind.Text()
	}
	s.Cause = t.of(t.eid, "means."+word)
	if s.Cause == "" && word != "" && kind.Common() == audit.LoginFailed {
		s.Cause = t.of(t.eid, "means.unknown")
	}
	if ends(kind) && word != "" {
		s.Saw, s.Tell = shown(t.eid, word, e.Fields["DEVICE"]), t.of(t.eid, "tell."+word, "tell.unknown")
	}
	t.add(s)
}

// ends reports whether the event says that an order came to nothing.
func ends(kind audit.Type) bool {
	switch kind.Common() {
	case audit.LoginFailed, audit.LoginEnded, audit.ReturnRefused:
		return true
	}
	return false
}

// origin returns when the person came to the page, as near as an event tells.
func origin(events []storage.AuditEvent) time.Time {
	for _, e := range events {
		if seconds, err := strconv.ParseFloat(e.Fields["SECONDS"], 64); err == nil {
			return e.Time.Add(-time.Duration(seconds * float64(time.Second))).Truncate(time.Millisecond)
		}
	}
	return time.Time{}
}

func wrong(kind audit.Type) bool { return ends(kind) || strings.HasPrefix(string(kind), "SEC_") }
