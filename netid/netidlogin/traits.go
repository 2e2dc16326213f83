package netidlogin

import (
	"errors"
	"time"

	"brygga/eid"
	"brygga/netid"
	"brygga/storage"
)

const (
	// startLife is how long an order lives, picked up or not, and orderLife longer than any does.
	startLife = 3 * time.Minute
	orderLife = 4 * time.Minute
	// callTime is how long before its answer an order may have been asked for: three attempts of ten seconds.
	callTime = 30 * time.Second
)

// TraitsOf returns what is fixed of the method with those options. Of these the parts may be missing: then nothing in the traits may be called.
func TraitsOf(o Options) eid.Traits { return (&method{o}).Traits() }

// Traits returns what is fixed of the method.
func (m *method) Traits() eid.Traits {
	return eid.Traits{
		StartLife: startLife, OrderLife: orderLife, CollectEvery: 3 * time.Second, LeastPause: 2 * time.Second, NoCode: true, Naming: m.naming(),
		Kinds: m.kinds(), Channels: []eid.Channel{eid.ChannelBrowser}, Demands: m.demands(),
		Texts: map[storage.Kind]eid.TextLimits{storage.KindSign: {Bytes: netid.MaxVisible, Shows: netid.CanShow, Data: netid.MaxData}},
		Whole: whole, Words: words, CustomIdentifier: m.CustomIdentifier,
		Events: eid.Events{Started: "WEB_100009", Completed: "WEB_100010", Failed: "WEB_100011", Ended: "WEB_100012"},
	}
}

// kinds are what orders there are. In raw form the service has no text signed.
func (m *method) kinds() []storage.Kind {
	if m.Format == "" || m.Format == netid.FormatPKCS7 {
		return []storage.Kind{storage.KindIdentify, storage.KindSign}
	}
	return []storage.Kind{storage.KindIdentify}
}

func (m *method) demands() []eid.Demand {
	if m.AlwaysPIN {
		return []eid.Demand{eid.DemandPinCode, eid.DemandSignPinCode}
	}
	return nil
}

// whole reports whether an identity is one: it has something that the person is known by. A certificate may lack anything else.
func whole(i *storage.Identity) bool { return !i.PersonalNumber.IsZero() || len(i.Keys) > 0 }

// words are the service's codes of orders that failed, and what is said of it by its name.
var words = map[string]eid.Word{
	eid.ReasonLost:              {Description: "Net iD Access no longer knew the order."},
	eid.ReasonAlreadyInProgress: {Description: "Another Net iD order for the same person was in progress."},
	eid.ReasonUnavailable:       {Description: "Net iD Access could not be reached."},
	eid.ReasonRefused:           {Description: "Net iD Access did not accept the certificate of the login service."},
	eid.ReasonRejected:          {Description: "Net iD Access did not accept the order."},
	eid.ReasonIncomplete:        {Description: "The result from Net iD Access was incomplete."},
	eid.ReasonQRExcluded:        {Description: "The application does not allow Net iD from another device."},

	string(netid.CodeFailed):             {Description: "The Net iD order failed."},
	string(netid.CodeUserCancel):         {Description: "The user cancelled in the Net iD app.", Lapsed: true},
	string(netid.CodeCancelled):          {Description: "The Net iD order was cancelled, as another was started for the same person.", Lapsed: true},
	string(netid.CodeExpiredTransaction): {Description: "The Net iD order expired before the user was done.", Lapsed: true},
	string(netid.CodeStartFailed):        {Description: "The Net iD app was not started in time.", Lapsed: true},
	string(netid.CodeCertificateErr):     {Description: "The card or key of the user is blocked or not valid."},
	string(netid.CodeClientErr):          {Description: "The user's Net iD app failed."},
	string(netid.CodeInvalidDeviceSW):    {Description: "The user's Net iD app is too old."},
	string(netid.CodeSignValidation):     {Description: "Net iD Access could not verify the user's signature."},
	string(netid.CodeUnknown):            {Description: "The Net iD order failed for a reason that is not known."},
}

// phaseOf returns how far an app has come with a pending order. A word that says nothing of it, or is not known, may mean that one has it.
func phaseOf(code netid.Code) storage.Phase {
	switch code {
	case netid.CodeOutstandingTransaction, netid.CodeNoClient:
		return storage.PhaseWaiting
	case netid.CodeStarted, netid.CodeUserSign:
		return storage.PhaseWorking
	}
	return storage.PhaseInApp
}

// failed returns the progress of an order that failed, with what else the service said. Without an app it comes to some of the codes; any other one tells of an app.
func failed(code netid.Code, detail string) eid.Progress {
	p := eid.Progress{Status: eid.Failed, Phase: storage.PhaseInApp, HintCode: string(code), Detail: detail, Unstarted: code == netid.CodeStartFailed, Unverified: code == netid.CodeSignValidation}
	switch code {
	case netid.CodeStartFailed, netid.CodeExpiredTransaction, netid.CodeCancelled, netid.CodeFailed:
		p.Phase = storage.PhaseWaiting
	}
	return p
}

// faults says what each error of package netid means for a login; the first that fits counts.
var faults = []struct {
	err    error
	reason string
}{
	{netid.ErrAlreadyInProgress, eid.ReasonAlreadyInProgress},
	{netid.ErrUserBlocked, eid.ReasonAlreadyInProgress},
	{netid.ErrUnknownUser, eid.ReasonRejected},
	{netid.ErrOrderGone, eid.ReasonLost},
	{netid.ErrRefused, eid.ReasonRefused},
	{netid.ErrRejected, eid.ReasonRejected},
	{netid.ErrUnsigned, eid.ReasonIncomplete},
	{netid.ErrUntrustedServer, eid.ReasonUnavailable},
	{netid.ErrRetry, eid.ReasonUnavailable},
	{netid.ErrUnavailable, eid.ReasonUnavailable},
	{netid.ErrBadResponse, eid.ReasonUnavailable},
}

// fault returns err with what it means. A code ends its order, so that asking again serves nothing; a lost or broken answer does not.
func fault(err error) error {
	for _, f := range faults {
		if errors.Is(err, f.err) {
			return &eid.Fault{Reason: f.reason, Passing: f.reason == eid.ReasonUnavailable && passes(err), Detail: detailOf(err), Err: err}
		}
	}
	if _, ok := errors.AsType[*netid.InvalidRequestError](err); ok {
		return &eid.Fault{Reason: eid.ReasonRejected, Err: err}
	}
	if _, ok := errors.AsType[*netid.ServiceError](err); ok { // such as the code of an end, where there was no order yet
		return &eid.Fault{Reason: eid.ReasonUnavailable, Passing: passes(err), Detail: detailOf(err), Err: err}
	}
	return err
}

// detailOf returns what the service said, or that it said nothing.
func detailOf(err error) string {
	if said, ok := errors.AsType[*netid.ServiceError](err); ok {
		return said.Detail()
	}
	switch {
	case errors.Is(err, netid.ErrUnsigned):
		return "no signature"
	case errors.Is(err, netid.ErrBadResponse):
		return "unusable answer"
	case errors.Is(err, netid.ErrUntrustedServer):
		return "untrusted server"
	case errors.Is(err, netid.ErrUnavailable):
		return "no answer"
	}
	return ""
}

func passes(err error) bool {
	said, ok := errors.AsType[*netid.ServiceError](err)
	return !errors.Is(err, netid.ErrUntrustedServer) && (!ok || said.Code == "")
}
