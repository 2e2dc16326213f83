package login

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"brygga/bankid"
	"brygga/secret"
	"brygga/storage"
)

// MethodBankID is the name of Swedish BankID in records and metrics.
const MethodBankID = "bankid"

// qrLife is how long the frames of an order are of use: afterwards BankID has given the order up.
const qrLife = 30 * time.Second

// BankID returns the method that speaks to api. A non-empty phone is the address of a virtual phone to which all launch
// links lead instead of to the app: for development only.
func BankID(api *bankid.API, phone bankid.Form) Method { return &bankIDMethod{api, phone} }

type bankIDMethod struct {
	api   *bankid.API
	phone bankid.Form
}

func (*bankIDMethod) Name() string { return MethodBankID }

// Start calls /auth. It is sent once: a lost answer may stand for an order.
func (m *bankIDMethod) Start(ctx context.Context, r Request) (storage.Order, error) {
	ip, err := netip.ParseAddr(r.Starter.IP)
	if err != nil {
		return storage.Order{}, &Fault{Reason: ReasonRejected, Err: fmt.Errorf("address of the end user: %w", err)}
	}
	order, err := m.api.Auth(ctx, bankid.AuthRequest{
		EndUserIP: ip, UserVisibleData: r.VisibleText,
		UserNonVisibleData: []byte(base64.StdEncoding.EncodeToString(r.Binding)),
		ReturnURL:          r.ReturnURL, ReturnRisk: true,
		Requirement: bankid.Requirement{PersonalNumber: r.RequiredPersonalNumber},
		Web: &bankid.Web{
			ReferringDomain: r.ReferringDomain, UserAgent: r.Starter.UserAgent,
			DeviceIdentifier: secret.New(r.Starter.DeviceIdentifier),
		},
	})
	if err != nil {
		return storage.Order{}, fault(err)
	}
	return storage.Order{
		Method: MethodBankID, Ref: order.OrderRef, AutoStartToken: order.AutoStartToken, QRStartToken: order.QRStartToken,
		QRStartSecret: order.QRStartSecret, Started: order.ReceivedAt, HintCode: string(order.HintCode),
	}, nil
}

// Collect calls /collect.
func (m *bankIDMethod) Collect(ctx context.Context, order *storage.Order) (Progress, error) {
	response, err := m.api.Collect(ctx, order.Ref)
	if err != nil {
		return Progress{}, fault(err)
	}
	next, err := bankid.Order{Kind: bankid.KindAuth, OrderRef: order.Ref, State: bankid.Pending}.Next(response)
	if err != nil {
		return Progress{}, fault(err)
	}
	switch next.State {
	case bankid.Complete:
		return Progress{Status: Complete, Identity: identity(next.CompletionData)}, nil
	case bankid.Failed:
		return Progress{Status: Failed, HintCode: string(next.HintCode)}, nil
	}
	return Progress{Status: Pending, HintCode: string(next.HintCode)}, nil
}

// Cancel calls /cancel. That BankID no longer knows the order is as good.
func (m *bankIDMethod) Cancel(ctx context.Context, order *storage.Order) error {
	if err := m.api.Cancel(ctx, order.Ref); err != nil && !errors.Is(err, bankid.ErrOrderGone) {
		return fault(err)
	}
	return nil
}

// QR returns the frame of the second that elapsed falls in.
func (*bankIDMethod) QR(order *storage.Order, elapsed time.Duration) secret.String {
	if order.QRStartToken.IsZero() || elapsed >= qrLife {
		return secret.String{}
	}
	return bankid.QRData(order.QRStartToken, order.QRStartSecret, elapsed)
}

// Launch looks the browser up in the launch matrix.
func (m *bankIDMethod) Launch(order *storage.Order, starter storage.Starter) Launch {
	agent, how := m.launch(starter)
	l := Launch{
		Possible: how.SameDevice, NeedsTap: how.NeedsTap, Embedded: agent.Browser.InApp(),
		Phone: agent.Device == bankid.DevicePhone, Tablet: agent.Device == bankid.DeviceTablet,
	}
	if order != nil && how.SameDevice && !order.AutoStartToken.IsZero() {
		l.URL = how.URL(order.AutoStartToken)
	}
	return l
}

// ReturnURL writes address in the browser's own scheme, where the matrix has one.
func (m *bankIDMethod) ReturnURL(address secret.String, starter storage.Starter) secret.String {
	_, how := m.launch(starter)
	return how.ReturnURL(address)
}

func (m *bankIDMethod) launch(starter storage.Starter) (bankid.Agent, bankid.Launch) {
	agent := bankid.DetectAgent(bankid.Hints{
		UserAgent: starter.UserAgent, Platform: starter.Platform, Mobile: starter.Mobile, Brands: starter.Brands,
		MaxTouchPoints: starter.TouchPoints,
	})
	how := bankid.LaunchFor(agent)
	if m.phone != "" {
		how = how.Via(m.phone)
	}
	return agent, how
}

func identity(data *bankid.CompletionData) storage.Identity {
	i := storage.Identity{
		Method: MethodBankID, PersonalNumber: data.User.PersonalNumber, Name: data.User.Name, GivenName: data.User.GivenName,
		Surname: data.User.Surname, DeviceIP: data.Device.IPAddress, Risk: string(data.Risk),
	}
	if !data.BankIDIssueDate.IsZero() {
		i.IssueDate = data.BankIDIssueDate.Format(time.DateOnly)
	}
	return i
}

// faults says what each error of package bankid means for a login; the first that fits counts.
var faults = []struct {
	err     error
	reason  string
	passing bool
}{
	{bankid.ErrAlreadyInProgress, ReasonAlreadyInProgress, false},
	{bankid.ErrOrderGone, ReasonLost, false},
	{bankid.ErrMaintenance, ReasonMaintenance, true},
	{bankid.ErrCertificateRefused, ReasonRefused, false},
	{bankid.ErrUntrustedServer, ReasonUnavailable, false},
	{bankid.ErrUnavailable, ReasonUnavailable, true},
	{bankid.ErrBadResponse, ReasonUnavailable, true},
}

func fault(err error) error {
	for _, f := range faults {
		if errors.Is(err, f.err) {
			return &Fault{Reason: f.reason, Passing: f.passing, Err: err}
		}
	}
	return &Fault{Reason: cmp.Or(rejected(err), ReasonUnavailable), Err: err}
}

// rejected returns ReasonRejected for a request that BankID, or our own check before it, did not accept, else "".
func rejected(err error) string {
	var invalid *bankid.InvalidRequestError
	var answer *bankid.APIError
	if errors.As(err, &invalid) || errors.As(err, &answer) && answer.Status/100 == 4 {
		return ReasonRejected
	}
	return ""
}
