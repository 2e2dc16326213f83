package login

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"time"

	"brygga/eid"
	"brygga/secret"
	"brygga/storage"
)

// ProgramKept is how much longer than the person's time a login of a program is known, so that whoever asks is told how it ended.
const ProgramKept = 10 * time.Minute

// ErrNoOrders means that no order can be made by the method that was named, or by any: it has none of that kind in that way, or is not
// offered for the login.
var ErrNoOrders = errors.New("login: no such orders by that method")

// UnmadeError says why the service made no order.
type UnmadeError struct {
	// Reason is one of Reasons, and Wait how long the service asks to wait, 0 if it does not say.
	Reason string
	Wait   time.Duration
	// Err is the cause, for the log and to tell kinds of it apart.
	Err error
}

// Error returns the reason.
func (e *UnmadeError) Error() string { return "login: no order: " + e.Reason }

// Unwrap returns the cause.
func (e *UnmadeError) Unwrap() error { return e.Err }

// Order begins a login that belongs to a program and makes its order. The order has a code and a link, which the program shows to the person, and no other
// takes its place when nobody picks it up; one with a Call is as one of [Engine.Call]. Empty means an ID of its own; another must be made by [ProgramID], and
// storage.ErrExists says that there is a login of it. It returns what [Engine.Create] and [Engine.Begin] return, ErrNoOrders, and an *[UnmadeError]
// when the service made none.
func (e *Engine) Order(ctx context.Context, id string, request storage.AuthRequest, starter storage.Starter) (*storage.Login, error) {
	if request.Call != nil {
		return e.call(ctx, id, request, secret.String{}, starter)
	}
	starter.Device = storage.DeviceProgram
	begun, err := e.beginFor(ctx, id, request, secret.String{}, starter)
	if err != nil {
		return nil, err
	}
	l, err := begun.Finish(ctx)
	if err == nil && begun.fault != nil {
		return nil, &UnmadeError{begun.fault.Reason, begun.fault.Wait, begun.fault.Err}
	}
	return l, err
}

// OfProgram returns the login of that ID if it belongs to the program of that name of the client, else storage.ErrNotFound: one of another program, of
// a browser, and none at all are the same.
func (e *Engine) OfProgram(ctx context.Context, id, clientID, owner string) (*storage.Login, error) {
	l, err := e.Login(ctx, id)
	if err != nil {
		return nil, err
	}
	if p := l.Request.Program; p == nil || !sameText(l.Request.ClientID, clientID) || !sameText(p.Owner, owner) {
		return nil, storage.ErrNotFound
	}
	return l, nil
}

func sameText(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// beginFor creates a login of a program and asks for its order, which the caller finishes at once.
func (e *Engine) beginFor(ctx context.Context, id string, request storage.AuthRequest, binding secret.String, starter storage.Starter) (*Begun, error) {
	if !e.named(starter.Method).Does(kindOfRequest(&request), channelOf(&request)) {
		return nil, ErrNoOrders
	}
	l, err := e.create(ctx, cmp.Or(id, ProgramID(rand.Text())), request, binding, starter.IP, request.Program.Expires.Add(ProgramKept))
	if err != nil {
		return nil, err
	}
	begun, err := e.Begin(ctx, l.ID, starter, true)
	if err == nil {
		e.tellStep(StepAsked, l, nil, l.Created, "")
	}
	return begun, err
}

// channelOf returns how the person of a login is met.
func channelOf(request *storage.AuthRequest) eid.Channel {
	switch {
	case request.Call != nil:
		return eid.ChannelCall
	case request.Program != nil:
		return eid.ChannelAPI
	}
	return eid.ChannelBrowser
}

// ProgramID returns the ID of a login of a program that belongs to a seed, which nobody else has: in the form of a version 8 UUID (RFC 9562 §5.8), as
// programs may expect of an order.
func ProgramID(seed string) string {
	sum := sha256.Sum256([]byte("brygga login of a program\n" + seed))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// tellEnded tells of a program's login that has ended just now.
func (e *Engine) tellEnded(l *storage.Login) {
	if e.Ended != nil && l.Request.Program != nil && (l.State == storage.LoginComplete || l.State == storage.LoginFailed) {
		e.Ended(l)
	}
}

// isExact reports whether the app must show the client's message as it is.
func isExact(request *storage.AuthRequest) bool {
	return request.Program != nil && request.Program.Exact
}

// isOver reports whether the time of a program's login is over; never of a browser's.
func (e *Engine) isOver(program *storage.Program) bool {
	return program != nil && !e.now().Before(program.Expires)
}
