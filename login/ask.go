package login

import (
	"cmp"
	"context"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"brygga/eid"
	"brygga/secret"
	"brygga/storage"
)

// Orders for people who were named. Anybody can type anybody's name, so that nothing of such an order may tell who has a credential: whether the service
// knows the person or not, wants to ask now or not, and whatever the person or another login does meanwhile, the order waits, until it is completed or its
// time is over. What the service said of it is for the log and the audit log. Its time is that of its wish and not of the service's answer, and its page
// does not tell the making of it from the waiting.

// Asking is how a person is asked on another device.
type Asking struct {
	*eid.Naming
	// Person is whom the request requires, so that nobody is asked for a name; zero when somebody types it.
	Person storage.PersonKey
}

// MaxNamed bounds what somebody types who names a person, in bytes.
const MaxNamed = 200

// Named returns who is asked where somebody has typed that, false where it names nobody. Whom the request requires takes the place of whoever is named, and
// nothing tells whether it is the same person: somebody could try one personal number after the other.
func (a Asking) Named(typed string) (storage.PersonKey, bool) {
	if len(typed) > MaxNamed {
		return storage.PersonKey{}, false
	}
	person, ok := a.Read(typed)
	if ok && !a.Person.IsZero() {
		return a.Person, true
	}
	return person, ok
}

// Asking returns how a person may be asked by the method of that name for the client's request, or false where nobody may: the client needs the right
// to it, and the method must be able to.
func (e *Engine) Asking(client *storage.Client, request *storage.AuthRequest, method string) (Asking, bool) {
	naming := e.named(method).Naming
	if naming == nil || !client.TypedIdentifiers || channelOf(request) != eid.ChannelBrowser {
		return Asking{}, false
	}
	wanted := required(request)
	if wanted.IsZero() {
		return Asking{Naming: naming}, true
	}
	person, ok := naming.Read(wanted.Value.Reveal())
	return Asking{naming, person}, ok && person.Equal(wanted)
}

// asked returns who is asked by an order that starter wants, zero where whoever picks it up may complete it, or ErrNoOrders where nobody was named or
// may be asked.
func (e *Engine) asked(client *storage.Client, request *storage.AuthRequest, starter storage.Starter) (storage.PersonKey, error) {
	m := e.named(starter.Method)
	if starter.Device != storage.DeviceOther || m.Naming == nil || starter.Person.IsZero() && !m.NoCode {
		return storage.PersonKey{}, nil
	}
	asking, ok := e.Asking(client, request, starter.Method)
	person := starter.Person
	if !asking.Person.IsZero() {
		person = asking.Person
	}
	if !ok || person.IsZero() {
		return storage.PersonKey{}, ErrNoOrders
	}
	return person, nil
}

// isAsked reports whether the order is for a person who was named.
func isAsked(order *storage.Order) bool { return order != nil && !order.Starter.Person.IsZero() }

// startFor makes the order of l's claim. One for a person who was named is made all the same where that person cannot or must not be asked now: then it
// asks nobody.
func (e *Engine) startFor(ctx context.Context, m *method, l *storage.Login, client *storage.Client, request eid.Request) (storage.Order, error) {
	if l.Claim.Starter.Person.IsZero() {
		return e.startWithText(ctx, m, l, client, request)
	}
	fault := e.reserveAsk(ctx, l)
	if fault == nil {
		order, err := e.startWithText(ctx, m, l, client, request)
		if err == nil {
			return withoutSigns(order), nil
		}
		if fault = asFault(err); !fault.Personal {
			return storage.Order{}, err
		}
	}
	e.log.InfoContext(ctx, "nobody is asked", "login", l.ID, "client_id", client.ID, "reason", fault.Reason, "err", fault.Err)
	return storage.Order{Ref: secret.New(nobody + cmp.Or(fault.Detail, fault.Reason)), Started: e.Now(), Sent: storage.Sent{Certificate: request.Certificate}}, nil
}

// nobody begins what stands for the reference of an order that asks nobody, and why follows. No service's begins so.
const nobody = "{nobody} "

// askedNobody returns why the order asks nobody, "" when it does ask.
func askedNobody(order *storage.Order) string {
	why, _ := strings.CutPrefix(order.Ref.Reveal(), nobody)
	if why == order.Ref.Reveal() {
		return ""
	}
	return why
}

// withoutSigns returns an order without what others would not have that ask nobody.
func withoutSigns(order storage.Order) storage.Order {
	order.Phase, order.HintCode = storage.PhaseWaiting, ""
	order.AutoStartToken, order.QRStartToken, order.QRStartSecret = secret.String{}, secret.String{}, secret.String{}
	return order
}

// reserveAsk takes the person of l's claim for its order, or returns why nobody is to be asked.
func (e *Engine) reserveAsk(ctx context.Context, l *storage.Login) *eid.Fault {
	person := countedPerson(l.Claim.Starter.Person)
	asking := func(other *storage.Login) bool {
		return other.State == storage.LoginPending && countedPerson(other.Starter().Person) == person ||
			other.Starting(e.now()) && countedPerson(other.Claim.Starter.Person) == person
	}
	fault := e.reserve(ctx, &e.asks, reservation{person, l.ID, l.Claim.WindowEnds}, asking, e.limits.asked)
	if fault != nil && fault.Reason == ReasonTooMany {
		e.Observe(Observation{Event: LimitReached, Reason: "person", Device: l.Claim.Starter.Device})
	}
	return fault
}

// countedPerson returns by what orders for a person are counted: the same for all spellings that a service may take for one. Directories leave out case,
// accents and what nobody sees, so that somebody could be asked without end by one name in many spellings. People who are told apart by these alone share
// what is counted, and nothing else.
func countedPerson(key storage.PersonKey) [32]byte {
	folded := cases.Fold().String(norm.NFKD.String(key.Value.Reveal()))
	key.Value = secret.New(strings.Map(letterOnly, norm.NFKD.String(folded)))
	return key.Hash()
}

// letterOnly drops marks, and what is not shown.
func letterOnly(r rune) rune {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point) {
		return -1
	}
	return r
}

// ask collects the order. Of one for a person who was named it tells nothing but that it was completed, or that its time is over.
func (c *collector) ask(ctx context.Context, l *storage.Login) (eid.Progress, error) {
	if !isAsked(l.Order) {
		return c.method.Collect(ctx, l.Order)
	}
	left := l.Order.WindowEnds.Sub(c.now())
	if c.unsaid == "" {
		c.unsaid = askedNobody(l.Order)
	}
	if left > 0 && c.unsaid == "" {
		ctx, cancel := context.WithTimeout(ctx, left)
		defer cancel()
		if progress, err := c.method.Collect(ctx, l.Order); c.isTold(ctx, l, progress, err) {
			return progress, err
		}
	}
	if !c.now().Before(l.Order.WindowEnds) {
		return eid.Progress{Status: eid.Failed, HintCode: ReasonUnanswered, Detail: c.unsaid}, nil
	}
	return eid.Progress{Phase: l.Order.Phase, HintCode: l.Order.HintCode}, nil
}

// isTold reports whether what a collect brought of a person who was named is to be told: a result, good or bad. An end without one is noted, and the
// service is not asked again.
func (c *collector) isTold(ctx context.Context, l *storage.Login, progress eid.Progress, err error) bool {
	switch fault := asFault(err); {
	case err == nil && progress.Status == eid.Failed:
		c.unsaid = withDetail(progress.HintCode, progress.Detail)
	case err == nil:
		return progress.Status == eid.Complete
	case fault.Reason == ReasonForeignResult || fault.Reason == ReasonIncomplete:
		return true
	case !fault.Passing:
		c.unsaid = cmp.Or(fault.Detail, fault.Reason)
	}
	c.log.InfoContext(ctx, "person who was named not asked, or without an answer", "login", l.ID, "order", l.Order.ID, "hint_code", c.unsaid, "err", err)
	return false
}

// untilOver shortens a pause to the end of an order for a person who was named, so that none ends sooner or later than another.
func (c *collector) untilOver(l *storage.Login, pause time.Duration) time.Duration {
	if !isAsked(l.Order) {
		return pause
	}
	if left := l.Order.WindowEnds.Sub(c.now()); left > 0 && left < pause {
		return left
	}
	return pause
}
