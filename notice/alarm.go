package notice

import (
	"context"
	"encoding/json"
	"errors"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// Kind is a kind of alarm.
type Kind string

// The kinds.
const (
	// Certificates: one of ours for an eID, or of the listener, ends soon. Secrets: a client's last secret, or an API key, does.
	Certificates Kind = "certificates"
	Secrets      Kind = "secrets"
	// BankID or NetID, the service of Net iD, is out of reach for a minute. Failures: far more logins fail than usually.
	BankID   Kind = "bankid"
	NetID    Kind = "netid"
	Failures Kind = "failures"
	// Disk: what may still be written to the disk of the store is little.
	Disk Kind = "disk"
	// Keys: those that sign tokens cannot be looked after. Audit: events cannot be signed, or handed over to a sink.
	Keys  Kind = "keys"
	Audit Kind = "audit"
)

// Kinds returns all kinds.
func Kinds() []Kind { return []Kind{BankID, NetID, Failures, Certificates, Secrets, Disk, Keys, Audit} }

// Rules say what is an alarm and who gets it. What is zero has its default.
type Rules struct {
	Recipients []Recipient `json:"recipients"`
	// Days before its end a certificate or a secret is an alarm.
	Days int `json:"days,omitempty"`
	// Share of failed among all orders of an hour that is an alarm, in percent, when it is also twice as much as in the week before.
	Share int `json:"share,omitempty"`
	// FreeMiB is how much room on the disk is an alarm, in MiB.
	FreeMiB int `json:"free_mib,omitempty"`
}

// Recipient is somebody who gets alarms by mail.
type Recipient struct {
	Email    string `json:"email"`
	Language string `json:"language"`
	// Kinds are those that it gets; none for all.
	Kinds []Kind `json:"kinds,omitempty"`
}

// Defaults of Rules.
const (
	DefaultDays    = 30
	DefaultShare   = 30
	DefaultFreeMiB = 1024
	maxRecipients  = 50
)

// Check returns Problems, or nil.
func (r *Rules) Check() error {
	var all Problems
	if len(r.Recipients) > maxRecipients {
		all.add("recipients", "are more than 50")
	}
	for _, to := range r.Recipients {
		if address, err := mail.ParseAddress(to.Email); err != nil || address.Address != to.Email || strings.ContainsAny(to.Email, "\r\n") {
			all.add("recipients", "has "+strconv.Quote(to.Email)+", which is no e-mail address")
		}
		if !slices.Contains(Languages, to.Language) {
			all.add("recipients", "has a language other than sv and en")
		}
		for _, kind := range to.Kinds {
			if !slices.Contains(Kinds(), kind) {
				all.add("recipients", "has "+strconv.Quote(string(kind))+", which is no kind of alarm")
			}
		}
	}
	for _, n := range []struct {
		field       string
		value, most int
	}{{"days", r.Days, 365}, {"share", r.Share, 100}, {"free_mib", r.FreeMiB, 1 << 30}} {
		if n.value < 0 || n.value > n.most {
			all.add(n.field, "is no number from 0 to "+strconv.Itoa(n.most))
		}
	}
	return all.err()
}

// With returns the rules with their defaults.
func (r Rules) With() Rules {
	or := func(value *int, other int) {
		if *value == 0 {
			*value = other
		}
	}
	or(&r.Days, DefaultDays)
	or(&r.Share, DefaultShare)
	or(&r.FreeMiB, DefaultFreeMiB)
	return r
}

func (r *Rules) settings() [][2]string {
	var to []string
	for _, one := range r.Recipients {
		text := masked(one.Email) + " " + one.Language
		for _, kind := range one.Kinds {
			text += " " + string(kind)
		}
		to = append(to, text)
	}
	return [][2]string{{"recipients", strings.Join(to, "; ")}, {"days", strconv.Itoa(r.Days)}, {"share", strconv.Itoa(r.Share)}, {"free_mib", strconv.Itoa(r.FreeMiB)}}
}

// masked returns an address as the audit log has it, which names nobody: enough to tell one from another.
func masked(email string) string {
	name, domain, _ := strings.Cut(email, "@")
	if name == "" {
		return email
	}
	return name[:1] + "…@" + domain
}

// Condition is something that deserves an alarm.
type Condition struct {
	Kind Kind
	// Name tells it from others of the kind, such as a certificate's name; Detail is what there is to say, in a few words or numbers that every
	// language has.
	Name, Detail string
}

func (c *Condition) cause() string { return string(c.Kind) + " " + c.Name }

// Standing is an alarm that stands.
type Standing struct {
	Kind   Kind      `json:"kind"`
	Name   string    `json:"name"`
	Detail string    `json:"detail"`
	Since  time.Time `json:"since"`
	// Seen is when each process has seen it last.
	Seen map[string]time.Time `json:"seen"`
}

// calm is how long after a process has seen a condition last an alarm is over. What comes and goes is one alarm until then, and so is what a process
// has seen that was started anew, or what another takes over from one that has died.
const calm = 5 * time.Minute

// Alarms looks after alarms. Its methods may be called concurrently.
type Alarms struct {
	// Store keeps rules and what stands.
	Store Store
	// Process names this process among those that share the store.
	Process string
	// Tell makes the audit events of an alarm that begins, or is over; told is called when they are stored.
	Tell func(s Standing, over bool) (events []storage.AuditEvent, told func())
	// Now is the clock.
	Now func() time.Time
}

// Rules returns the rules as they are stored.
func (a *Alarms) Rules(ctx context.Context) (r Rules, err error) {
	_, err = read(ctx, a.Store, rulesNote, &r)
	return r, err
}

// SetRules stores rules. Tell makes the audit events of what they were and are. It returns Problems, or ErrConflict.
func (a *Alarms) SetRules(ctx context.Context, r Rules, tell func(before, after [][2]string) []storage.AuditEvent) error {
	if err := r.Check(); err != nil {
		return err
	}
	var before Rules
	stored, err := read(ctx, a.Store, rulesNote, &before)
	if err != nil {
		return err
	}
	after, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return write(ctx, a.Store, storage.NoteChange{Turn: rulesNote, Before: stored, After: after, Events: tell(before.settings(), r.settings())})
}

// Standing returns the alarms that stand, the oldest first.
func (a *Alarms) Standing(ctx context.Context) (all []Standing, err error) {
	state := map[string]Standing{}
	if _, err := read(ctx, a.Store, stateNote, &state); err != nil {
		return nil, err
	}
	for _, s := range state {
		all = append(all, s)
	}
	slices.SortFunc(all, func(x, y Standing) int { return x.Since.Compare(y.Since) })
	return all, nil
}

// Look takes in the conditions that this process sees now. What is new becomes an alarm, with mail to its recipients and an event, in one step: of
// several processes that see it one sends. An alarm that none has seen for five minutes is over, and they are told so: by a process that can tell.
// unsure are conditions of which this one cannot say now whether they are there; what they hold in Detail does not count.
func (a *Alarms) Look(ctx context.Context, seen, unsure []Condition) error {
	rules, err := a.Rules(ctx)
	if err != nil {
		return err
	}
	l := &look{state: map[string]Standing{}, rules: rules, now: a.Now().UTC().Truncate(time.Second), change: storage.NoteChange{Turn: stateNote}}
	if l.change.Before, err = read(ctx, a.Store, stateNote, &l.state); err != nil {
		return err
	}
	changed := a.begin(l, seen)
	if changed = a.end(l, unsure) || changed; !changed {
		return nil
	}
	if l.change.After, err = json.Marshal(l.state); err != nil {
		return err
	}
	switch err := write(ctx, a.Store, l.change); {
	case errors.Is(err, ErrConflict): // another process was quicker; the next look sees what it has done
	case err != nil:
		return err
	default:
		for _, told := range l.told {
			told()
		}
	}
	return nil
}

// look is one look at what stands.
type look struct {
	state  map[string]Standing // by cause
	rules  Rules
	now    time.Time
	change storage.NoteChange
	told   []func()
}

// tell makes what is told of an alarm that begins, or is over, part of the change.
func (l *look) tell(a *Alarms, s Standing, over bool) {
	text := "alarm"
	if over {
		text = "alarm-over"
	}
	events, told := a.Tell(s, over)
	l.change.Events, l.told = append(l.change.Events, events...), append(l.told, told)
	l.change.Mail = append(l.change.Mail, l.rules.mail(text, s, l.now)...)
}

// begin adds what is seen to the state.
func (a *Alarms) begin(l *look, seen []Condition) (changed bool) {
	for _, c := range seen {
		s, stands := l.state[c.cause()]
		if !stands {
			s = Standing{Kind: c.Kind, Name: c.Name, Detail: c.Detail, Since: l.now, Seen: map[string]time.Time{}}
			l.tell(a, s, false)
		}
		if !stands || l.now.Sub(s.Seen[a.Process]) >= time.Minute {
			s.Seen[a.Process], s.Detail = l.now, c.Detail
			l.state[c.cause()], changed = s, true
		}
	}
	return changed
}

// end takes out of the state what nobody has seen for long enough, and what is not unsure.
func (a *Alarms) end(l *look, unsure []Condition) (changed bool) {
	for cause, s := range l.state {
		if slices.ContainsFunc(unsure, func(c Condition) bool { return c.cause() == cause }) {
			continue
		}
		for process, at := range s.Seen {
			if l.now.Sub(at) >= calm {
				delete(s.Seen, process)
				changed = true
			}
		}
		if len(s.Seen) == 0 {
			delete(l.state, cause)
			l.tell(a, s, true)
			changed = true
		}
	}
	return changed
}

// Test sends a message to each recipient, which says that it is a test. It returns how many.
func (a *Alarms) Test(ctx context.Context, tell func() []storage.AuditEvent) (sent int, err error) {
	rules, err := a.Rules(ctx)
	if err != nil {
		return 0, err
	}
	state := map[string]Standing{}
	stored, err := read(ctx, a.Store, stateNote, &state)
	if err != nil {
		return 0, err
	}
	after, err := json.Marshal(state)
	if err != nil {
		return 0, err
	}
	now := a.Now().UTC()
	mails := rules.mail("alarm-test", Standing{Since: now}, now)
	return len(mails), write(ctx, a.Store, storage.NoteChange{Turn: stateNote, Before: stored, After: after, Events: tell(), Mail: mails})
}

// mailLife is how long a message about an alarm is of use.
const mailLife = 24 * time.Hour

// mail returns the messages of that kind of text to those who get the alarm.
func (r *Rules) mail(text string, s Standing, now time.Time) (all []storage.Mail) {
	for _, to := range r.Recipients {
		if s.Kind != "" && len(to.Kinds) > 0 && !slices.Contains(to.Kinds, s.Kind) {
			continue
		}
		all = append(all, storage.Mail{
			ID: storage.NewID(), Kind: text, Language: to.Language, To: secret.New(to.Email), Created: now, Due: now, Expires: now.Add(mailLife),
			Values: map[string]secret.String{
				"what": secret.New("alarm-" + string(s.Kind)), "user": secret.New(strings.TrimSpace(s.Name + " " + s.Detail)), "time": secret.New(s.Since.UTC().Format("2006-01-02 15:04 UTC")),
			},
		})
	}
	return all
}

// write writes a change, or returns ErrConflict.
func write(ctx context.Context, store Store, change storage.NoteChange) error {
	err := store.WriteNotes(ctx, change)
	if errors.Is(err, storage.ErrConflict) {
		return ErrConflict
	}
	return err
}
