package mail

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"brygga/audit"
	"brygga/storage"
)

// Queue is where messages wait; see storage.Operators.
type Queue interface {
	ClaimMail(ctx context.Context, now time.Time, limit int, retry func(attempts int) time.Duration) ([]storage.Mail, error)
	DropMail(ctx context.Context, id string, events ...storage.AuditEvent) error
}

// Sender hands over a message. It returns a *RefusedError when the server will never take it; any other error may pass.
type Sender interface {
	Send(ctx context.Context, m *Message) error
}

// RefusedError says that the server refuses a message for good, by a code such as 550 (RFC 5321 §4.2.1).
type RefusedError struct{ Code int }

// Error names the code. What the server says may quote the address, and is left out.
func (e *RefusedError) Error() string {
	return "mail: the server refused the message with " + strconv.Itoa(e.Code)
}

// The outcomes of an attempt to hand a message over.
const (
	OutcomeSent = "sent"
	// OutcomeRetried: the server could not be reached; OutcomeRefused: it will never take the message; OutcomeExpired: it was away for too long.
	OutcomeRetried = "retried"
	OutcomeRefused = "refused"
	OutcomeExpired = "expired"
)

// Outcomes returns all of them.
func Outcomes() []string {
	return []string{OutcomeSent, OutcomeRetried, OutcomeRefused, OutcomeExpired}
}

// Options are the parts of a Courier. All but Observe, Logger and Now are required.
type Options struct {
	Queue  Queue
	Sender Sender
	Texts  *Texts
	// Service is the name of the service, as messages call it.
	Service string
	Audit   *audit.Log
	// Observe is told what came of each attempt, one of Outcomes. Nil for nobody.
	Observe func(outcome string)
	Logger  *slog.Logger
	Now     func() time.Time
}

// Courier sends what waits.
type Courier struct{ o Options }

// New returns a courier.
func New(o Options) (*Courier, error) {
	if o.Queue == nil || o.Sender == nil || o.Texts == nil || o.Audit == nil {
		return nil, errors.New("mail: no queue, sender, texts or audit log")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Courier{o}, nil
}

// How messages are sent.
const (
	lookEvery = 5 * time.Second
	// batch is how many are claimed at a time: what is claimed must be sent before it is due again.
	batch = 1
	// patience is how long one message may take: less than the first retry, so that no other process sends it meanwhile.
	patience   = 30 * time.Second
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// retry is how long a message waits after that many attempts.
func retry(attempts int) time.Duration {
	if attempts > 6 {
		return lastRetry
	}
	return min(firstRetry<<max(0, attempts-1), lastRetry)
}

// Run sends what waits, until ctx is done.
func (c *Courier) Run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		for c.round(ctx) == batch && ctx.Err() == nil {
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// round sends what is due now, one after the other, and returns how many messages were claimed. When the server cannot be reached, the rest is left to its
// next turn.
func (c *Courier) round(ctx context.Context) int {
	mails, err := c.o.Queue.ClaimMail(ctx, c.o.Now().UTC(), batch, retry)
	if err != nil {
		if ctx.Err() == nil {
			c.o.Logger.ErrorContext(ctx, "storage failed", "doing", "claim mail", "err", err)
		}
		return 0
	}
	for i := range mails {
		if ctx.Err() != nil || !c.deliver(ctx, &mails[i]) {
			return 0
		}
	}
	return len(mails)
}

// deliver sends the message, and reports whether the server is there.
func (c *Courier) deliver(ctx context.Context, m *storage.Mail) bool {
	rendered, err := c.o.Texts.Render(m, c.o.Service)
	if err != nil {
		c.close(ctx, m, err.Error())
		return true
	}
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	err = c.o.Sender.Send(sending, rendered)
	cancel()
	refused, isRefused := errors.AsType[*RefusedError](err)
	switch {
	case err == nil:
		c.o.Observe(OutcomeSent)
		c.close(ctx, m, "")
	case isRefused:
		c.o.Observe(OutcomeRefused)
		c.close(ctx, m, strconv.Itoa(refused.Code))
	case !m.Due.Before(m.Expires):
		c.o.Observe(OutcomeExpired)
		c.close(ctx, m, "expired")
	default:
		c.o.Observe(OutcomeRetried)
		c.o.Logger.WarnContext(ctx, "mail could not be handed over and is tried again", "kind", m.Kind, "attempt", m.Attempts, "err", err)
		return false
	}
	return true
}

// close takes the message out of the queue; cause says why it was given up, empty when it was sent.
func (c *Courier) close(ctx context.Context, m *storage.Mail, cause string) {
	ctx = context.WithoutCancel(ctx)
	var events []audit.Event
	if cause != "" {
		events = []audit.Event{{Type: audit.MailGivenUp, Object: m.Kind, Message: cause}}
		c.o.Logger.ErrorContext(ctx, "mail was given up", "kind", m.Kind, "cause", cause)
	}
	records, told := c.o.Audit.Of(events...)
	if err := c.o.Queue.DropMail(ctx, m.ID, records...); err != nil {
		c.o.Logger.ErrorContext(ctx, "storage failed", "doing", "drop mail", "err", err)
		return
	}
	told(ctx)
}
