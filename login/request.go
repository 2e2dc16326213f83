package login

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/secret"
	"brygga/storage"
)

// startWithText makes an order, and once more with our own words where the service has not accepted one that shows others: what it takes
// can be known from its answer alone, and a text must not keep anybody from logging in. Of a client's message the text above stays.
func (e *Engine) startWithText(ctx context.Context, m *method, l *storage.Login, client *storage.Client, request eid.Request) (storage.Order, error) {
	order, err := startQuietly(ctx, m, request)
	if request.Kind.Commits() || l.Request.UserMessage != nil && isExact(l.Request) {
		return order, err // nothing of what is signed or paid, or was to be shown exactly, is ever left out
	}
	fault, rejected := errors.AsType[*eid.Fault](err)
	text, format := e.plainerText(m, l, client, request)
	if !rejected || fault.Reason != ReasonRejected || text == "" || text == request.VisibleText {
		return order, err
	}
	e.log.WarnContext(ctx, "the service did not take a text, so it is left out", "login", l.ID, "client_id", client.ID, "err", fault.Err)
	request.VisibleText, request.VisibleFormat = text, format
	if order, err = startQuietly(ctx, m, request); err == nil && l.Orders == 0 {
		e.Audit.Record(ctx, e.event(m, audit.TextRefused, l, client, request.Starter, fault.Err.Error()))
	}
	return order, err
}

// plainerText returns what to show in place of the request's text: the policy's for one with a message, else our own.
func (e *Engine) plainerText(m *method, l *storage.Login, client *storage.Client, request eid.Request) (text, format string) {
	if l.Request.UserMessage != nil {
		if text, format = e.visible(m.texts(request.Kind), e.demands(client), client, request.Starter.Language); text != request.VisibleText {
			return text, format
		}
	}
	return e.VisibleText(client, request.Starter.Language), eid.PlainText
}

// While the service is closed for maintenance, which usually takes seconds, an order is tried again without telling anybody:
// quietTries times, after quietWait and then twice that.
const (
	quietTries = 2
	quietWait  = 400 * time.Millisecond
	// quietTime is how long all of that may take, within MakeTime.
	quietTime = 5 * time.Second
)

// startQuietly makes an order, and tries again only when the service has said that it made none: an answer that was lost may
// stand for an order.
func startQuietly(ctx context.Context, m *method, request eid.Request) (storage.Order, error) {
	began := time.Now()
	for try := 0; ; try++ {
		order, err := m.Start(ctx, request)
		var fault *eid.Fault
		if !errors.As(err, &fault) || fault.Reason != ReasonMaintenance || try == quietTries || time.Since(began) > quietTime {
			return order, err
		}
		wait := time.NewTimer(quietWait << try)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return order, err
		}
	}
}

// request returns what the order of l's claim is made from under the policy, and the return nonce in it: zero unless the order is for this
// device and its browser can be returned to.
func (e *Engine) request(m *method, l *storage.Login, client *storage.Client, policy storage.Policy, document *storage.Document) (eid.Request, secret.String) {
	binding := sha256.Sum256([]byte("brygga login\n" + l.ID + "\n" + l.Request.ClientID + "\n" + l.Request.Nonce))
	starter := l.Claim.Starter
	request := eid.Request{
		Kind: storage.KindIdentify, Channel: channelOf(l.Request),
		Starter: starter, ReferringDomain: e.ReferringDomain, Binding: binding[:], Required: required(l.Request),
		PinCode: policy.PinCode.On(), MRTD: policy.MRTD.On(), CardReader: policy.CardReader, CertificatePolicies: policy.CertificatePolicies,
		Certificate: policy.Certificate,
	}
	limits := m.texts(request.Kind)
	request.VisibleText, request.VisibleFormat = e.visible(limits, policy, client, starter.Language)
	if message := l.Request.UserMessage; message != nil && isExact(l.Request) {
		request.VisibleText, request.VisibleFormat = messageIn(message, starter.Language), message.Format
	} else if message != nil {
		request.VisibleText, request.VisibleFormat = withMessage(limits, message, starter.Language, request.VisibleText, request.VisibleFormat)
	}
	if !starter.Person.IsZero() {
		request.Required = starter.Person
	}
	if document != nil {
		toSign(&request, document, policy)
	}
	if l.Request.Payment != nil {
		toPay(&request, l.Request, policy)
	}
	if l.Request.Program != nil {
		request.ReferringDomain = "" // no page of ours starts the app
	}
	if call := l.Request.Call; call != nil {
		request.CallInitiator = call.Initiator
	}
	if starter.Device != storage.DeviceThis {
		return request, secret.String{}
	}
	nonce := newNonce()
	request.ReturnURL = m.ReturnURL(e.ReturnURL(l.ID, nonce), starter)
	if request.ReturnURL.IsZero() {
		return request, secret.String{}
	}
	return request, nonce
}
