package account

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"brygga/audit"
	"brygga/personnummer"
	"brygga/secret"
	"brygga/storage"
)

// Actor is who asks for a change of accounts.
type Actor struct {
	name    string
	by      storage.OperatorActor
	address string
}

// Command is somebody with a command on the server, who may do everything. User names the user of the operating system.
func Command(user string) Actor { return Actor{name: user} }

// Program is a program with the right to change accounts, by the name that the audit log has. It touches no owner: storage.ErrOwner.
func Program(name string, from From) Actor {
	return Actor{name: name, by: storage.OperatorActor{Program: true}, address: from.address()}
}

// Actor is the operator in the session. The steps look whether it may, and whether it was stepped up.
func (s *Session) Actor(from From) Actor {
	return Actor{name: s.Operator.ID, by: storage.OperatorActor{ID: s.Operator.ID, Session: s.Hash}, address: from.address()}
}

// Problem is one thing wrong with what was asked for. Field is user_name, email, name, language, roles, personal_number or password, and Problem a word
// for what is wrong with it, for which every face has its own text.
type Problem struct{ Field, Problem string }

// Problems are all that is wrong, as one error.
type Problems []Problem

// Error returns the problems on one line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Field + ": " + problem.Problem
	}
	return strings.Join(lines, ", ")
}

// Languages are those that operators are spoken to in.
var Languages = []string{"sv", "en"}

// How long links work.
const (
	bootstrapLife = 30 * time.Minute
	inviteLife    = 72 * time.Hour
	confirmLife   = 48 * time.Hour
	resetLife     = 2 * time.Hour
)

// Invitation is somebody who shall be an operator.
type Invitation struct {
	UserName, Email, Name secret.String
	Language              string // empty for the first of Languages
	storage.Rights
}

// Link is a link that works once, until Expires.
type Link struct {
	Address secret.String
	Purpose storage.Purpose
	Expires time.Time
}

// link returns a new link for the operator, as it is stored and as it is handed over.
func (a *Accounts) link(operatorID string, purpose storage.Purpose, life time.Duration) (storage.OperatorLink, Link) {
	token, hash := newToken(operatorID)
	ends := a.time().Add(life)
	return storage.OperatorLink{Hash: hash, Purpose: purpose, Expires: ends},
		Link{secret.New(a.console + "/account/" + string(purpose) + "?token=" + token.Reveal()), purpose, ends}
}

// operatorOf returns the operator that the invitation makes, or Problems.
func (a *Accounts) operatorOf(i Invitation, mailed bool) (o storage.Operator, err error) {
	var problems Problems
	add := func(field, problem string) { problems = append(problems, Problem{field, problem}) }
	user := strings.TrimSpace(i.UserName.Reveal())
	folded := foldUserName(user)
	if folded == "" {
		add("user_name", "invalid")
	}
	address, foldedAddress := parseEmail(i.Email.Reveal())
	if foldedAddress == "" && (mailed || !i.Email.IsZero()) {
		add("email", "invalid")
	}
	name := strings.TrimSpace(i.Name.Reveal())
	if utf8.RuneCountInString(name) > maxName || !printable(name) {
		add("name", "invalid")
	}
	language := i.Language
	if language == "" {
		language = Languages[0]
	}
	if !slices.Contains(Languages, language) {
		add("language", "unknown")
	}
	if i.Valid() != nil {
		add("roles", "unknown")
	}
	if len(problems) > 0 {
		return o, problems
	}
	o = storage.Operator{
		ID: storage.NewID(), UserName: secret.New(user), Email: secret.New(address), Name: secret.New(name), Language: language,
		NameHandle: a.mac("name", folded), Roles: i.Roles, AllClients: i.AllClients, Groups: i.Groups,
	}
	if foldedAddress != "" {
		o.EmailHandle = a.mac("name", foldedAddress)
	}
	return o, nil
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// Bootstrap makes an account and returns the link that makes it active, to be handed over on the server. It works for half an hour. It
// returns Problems, or storage.ErrExists when somebody has the name or the address.
func (a *Accounts) Bootstrap(ctx context.Context, actor Actor, i Invitation) (*storage.Operator, Link, error) {
	return a.create(ctx, actor, i, storage.LinkBootstrap, bootstrapLife)
}

// Invite makes an account and sends its link by mail. It works for three days. Errors are those of Bootstrap, ErrNoMail,
// storage.ErrForbidden, storage.ErrStepUp, and storage.ErrOwner for a program that makes an owner.
func (a *Accounts) Invite(ctx context.Context, actor Actor, i Invitation) (*storage.Operator, error) {
	if !a.mail {
		return nil, ErrNoMail
	}
	o, _, err := a.create(ctx, actor, i, storage.LinkInvite, inviteLife)
	return o, err
}

func (a *Accounts) create(ctx context.Context, actor Actor, i Invitation, purpose storage.Purpose, life time.Duration) (*storage.Operator, Link, error) {
	o, err := a.operatorOf(i, purpose == storage.LinkInvite)
	if err != nil {
		return nil, Link{}, err
	}
	stored, link := a.link(o.ID, purpose, life)
	outcome, err := a.step(ctx, storage.CreateOperator{Operator: o, Link: stored, By: actor.by}, func(outcome *storage.OperatorOutcome) news {
		n := news{events: []audit.Event{actor.event(audit.OperatorInvited, o.ID, string(purpose), audit.Diff(nil, rightsOf(outcome.Operator)))}}
		if purpose == storage.LinkInvite {
			n.mails = []message{linkMail(MailInvite, outcome.Operator, link)}
		}
		return n
	})
	if err != nil {
		return nil, Link{}, err
	}
	return outcome.Operator, link, nil
}

// linkMail is mail with a link.
func linkMail(kind string, to *storage.Operator, link Link) message {
	return message{kind: kind, to: to, values: map[string]secret.String{"link": link.Address, "expires": secret.New(link.Expires.UTC().Format("2006-01-02 15:04 MST"))}}
}

func (actor Actor) event(t audit.Type, object, text string, changes []audit.Change) audit.Event {
	return audit.Event{Type: t, Actor: actor.name, Object: object, Message: text, SourceAddress: actor.address, Changes: changes}
}

// rightsOf are the settings of an operator that the audit log may have.
func rightsOf(o *storage.Operator) [][2]string {
	roles := make([]string, len(o.Roles))
	for i, role := range o.Roles {
		roles[i] = string(role)
	}
	clients := strings.Join(o.Groups, " ")
	if o.AllClients {
		clients = "all"
	}
	person := ""
	if o.PersonHandle != (storage.Hash{}) {
		person = "set"
	}
	return [][2]string{{"roles", strings.Join(roles, " ")}, {"clients", clients}, {"state", string(o.State)}, {"personal_number", person}, {"language", o.Language}}
}

// GiveLink returns a new link for the operator, to be handed over on the server: one that makes an invited account active, else one that sets
// another password. A disabled operator gets none: storage.ErrConflict.
func (a *Accounts) GiveLink(ctx context.Context, actor Actor, id string) (Link, error) {
	o, err := a.store.Operator(ctx, id)
	if err != nil {
		return Link{}, err
	}
	purpose := storage.LinkReset
	if o.State == storage.OperatorInvited {
		purpose = storage.LinkBootstrap
	}
	stored, link := a.link(id, purpose, bootstrapLife)
	_, err = a.step(ctx, storage.GiveLink{ID: id, Link: stored, By: actor.by}, func(*storage.OperatorOutcome) news {
		return news{events: []audit.Event{actor.event(audit.OperatorLinkGiven, id, string(purpose), nil)}}
	})
	if err != nil {
		return Link{}, err
	}
	return link, nil
}

// InviteAgain sends another link to somebody who is invited; the one of before works no more.
func (a *Accounts) InviteAgain(ctx context.Context, actor Actor, id string) error {
	if !a.mail {
		return ErrNoMail
	}
	stored, link := a.link(id, storage.LinkInvite, inviteLife)
	_, err := a.step(ctx, storage.GiveLink{ID: id, Link: stored, Mailed: true, By: actor.by}, func(outcome *storage.OperatorOutcome) news {
		return news{events: []audit.Event{actor.event(audit.OperatorLinkGiven, id, string(storage.LinkInvite), nil)}, mails: []message{linkMail(MailInvite, outcome.Operator, link)}}
	})
	return err
}

// Change is what is to be another of an operator; nil leaves a thing as it is.
type Change struct {
	// Revision is that of the operator as whoever changes it has seen it, 0 for any.
	Revision uint64
	Rights   *storage.Rights
	Disabled *bool
	// PersonalNumber is the number that the operator may log in with by BankID, empty for none.
	PersonalNumber *secret.String
	Profile        *storage.Profile
}

// Change changes an operator. It returns Problems, storage.ErrNotFound, storage.ErrConflict when it was changed meanwhile, storage.ErrExists when
// another has the personal number, storage.ErrLastOwner, storage.ErrLastWayIn, storage.ErrForbidden or storage.ErrStepUp; and storage.ErrOwner
// when a program asks for what is an owner, or would be.
func (a *Accounts) Change(ctx context.Context, actor Actor, id string, c Change) (*storage.Operator, error) {
	before, err := a.store.Operator(ctx, id)
	if err != nil {
		return nil, err
	}
	if problems := c.check(); len(problems) > 0 {
		return nil, problems
	}
	step := storage.ChangeOperator{ID: id, Revision: c.Revision, By: actor.by, Rights: c.Rights, Disabled: c.Disabled, Profile: c.Profile}
	if c.PersonalNumber != nil {
		step.Person = new(storage.Hash)
		if !c.PersonalNumber.IsZero() {
			*step.Person = a.personHandle(*c.PersonalNumber)
		}
	}
	outcome, err := a.step(ctx, step, func(outcome *storage.OperatorOutcome) news {
		return news{events: []audit.Event{actor.event(audit.OperatorChanged, id, "", audit.Diff(rightsOf(before), rightsOf(outcome.Operator)))}}
	})
	if err != nil {
		return nil, err
	}
	return outcome.Operator, nil
}

func (c *Change) check() (problems Problems) {
	if c.Rights != nil && c.Rights.Valid() != nil {
		problems = append(problems, Problem{"roles", "unknown"})
	}
	if c.Profile != nil && (!printable(c.Profile.Name.Reveal()) || utf8.RuneCountInString(c.Profile.Name.Reveal()) > maxName) {
		problems = append(problems, Problem{"name", "invalid"})
	}
	if c.Profile != nil && !slices.Contains(Languages, c.Profile.Language) {
		problems = append(problems, Problem{"language", "unknown"})
	}
	if c.PersonalNumber != nil && !c.PersonalNumber.IsZero() && !personnummer.Valid(c.PersonalNumber.Reveal()) {
		problems = append(problems, Problem{"personal_number", "invalid"})
	}
	return problems
}

// Remove removes an operator with all that it was logged in by. Errors are those of Change.
func (a *Accounts) Remove(ctx context.Context, actor Actor, id string) error {
	_, err := a.step(ctx, storage.RemoveOperator{ID: id, By: actor.by}, func(outcome *storage.OperatorOutcome) news {
		return news{events: []audit.Event{actor.event(audit.OperatorRemoved, id, "", audit.Diff(rightsOf(outcome.Operator), nil))}}
	})
	return err
}

// EndSessionsOf ends the session of the operator that has that ID, empty for all of them. Errors are those of Change.
func (a *Accounts) EndSessionsOf(ctx context.Context, actor Actor, id, session string) error {
	_, err := a.step(ctx, storage.EndSessions{ID: id, Session: session, Others: session == "", By: actor.by}, func(outcome *storage.OperatorOutcome) (n news) {
		if outcome.Ended > 0 {
			n.events = []audit.Event{actor.event(audit.OperatorLoggedOut, id, "", nil)}
		}
		return n
	})
	return err
}

// Unlock lets the operator's next attempt to log in through, however many have failed. Errors are those of Change.
func (a *Accounts) Unlock(ctx context.Context, actor Actor, id string) error {
	if _, err := a.store.Operator(ctx, id); err != nil {
		return err
	}
	_, err := a.step(ctx, storage.ClearThrottle{Key: a.accountKey(id), By: actor.by}, func(*storage.OperatorOutcome) news {
		return news{events: []audit.Event{actor.event(audit.OperatorUnlocked, id, "", nil)}}
	})
	return err
}

// Find returns the operator with that ID, or with that user name or e-mail address, however it is spelled. It is for those who may see all of
// them; others learn who exists by it.
func (a *Accounts) Find(ctx context.Context, idOrName string) (*storage.Operator, error) {
	o, err := a.store.Operator(ctx, idOrName)
	if errors.Is(err, storage.ErrNotFound) {
		return a.store.OperatorOf(ctx, a.handle(idOrName))
	}
	return o, err
}

// Operators returns all operators, ordered by ID.
func (a *Accounts) Operators(ctx context.Context) (all []*storage.Operator, err error) {
	const page = 100
	for after := ""; ; {
		some, err := a.store.Operators(ctx, after, page)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < page {
			return all, nil
		}
		after = some[page-1].ID
	}
}
