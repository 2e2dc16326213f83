package login

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"time"

	"brygga/bankid"
	"brygga/eid"
	"brygga/evidence"
	"brygga/secret"
	"brygga/storage"
)

// MethodBankID is the name of Swedish BankID in records and metrics.
const MethodBankID = "bankid"

// qrLife is how long the frames of an order are of use: afterwards BankID has given the order up.
const qrLife = 30 * time.Second

// BankIDOptions are the parts of the method BankID. APIs and MobilePolicy are required.
type BankIDOptions struct {
	// APIs holds one API for each certificate of ours, by the name that policies call it. The empty name is the default one.
	APIs map[string]*bankid.API
	// MobilePolicy is the OID of BankID on phones in this environment: the only kind that can scan a QR code.
	MobilePolicy string
	// Verifier returns what checks results. It is called for each result, so that what it needs may be made late. Nil means
	// that nothing can be checked.
	Verifier func() (*bankid.Verifier, error)
	// Phone is the address of a virtual phone to which all launch links lead instead of to the app; for development only.
	Phone bankid.Form
}

// BankID returns the method that speaks to BankID, or an error that names the option that cannot be used.
func BankID(o BankIDOptions) (eid.Method, error) {
	switch {
	case o.APIs[""] == nil:
		return nil, errors.New("login: no API with the default certificate")
	case o.MobilePolicy == "":
		return nil, errors.New("login: no policy of BankID on phones")
	}
	o.APIs = maps.Clone(o.APIs)
	return &bankIDMethod{o}, nil
}

type bankIDMethod struct{ BankIDOptions }

func (*bankIDMethod) Name() string { return MethodBankID }

// Start calls /auth, /sign or /payment, or for a person on the telephone /phone/auth or /phone/sign. It is sent once: a lost answer may stand for an order.
func (m *bankIDMethod) Start(ctx context.Context, r eid.Request) (storage.Order, error) {
	api := m.APIs[r.Certificate]
	if api == nil {
		return storage.Order{}, &eid.Fault{Reason: ReasonRefused, Err: fmt.Errorf("no BankID certificate is called %q", r.Certificate)}
	}
	requirement, err := m.requirement(r)
	if err != nil {
		return storage.Order{}, err
	}
	us := api.RelyingParty()
	sent := storage.Sent{
		Certificate: r.Certificate, PartyName: us.Name, PartyDisplay: us.DisplayName, VisibleText: r.VisibleText, VisibleFormat: format(r),
		NonVisible:          nonVisible(r),
		CertificatePolicies: requirement.CertificatePolicies, MRTD: requirement.MRTD, CallInitiator: r.CallInitiator,
	}
	var order bankid.Order
	if r.Channel == eid.ChannelCall {
		order, err = callOrder(ctx, api, r, &sent, requirement)
	} else {
		order, err = browserOrder(ctx, api, r, &sent, requirement)
	}
	if err != nil {
		return storage.Order{}, fault(err)
	}
	return storage.Order{
		Ref: order.OrderRef, AutoStartToken: order.AutoStartToken, QRStartToken: order.QRStartToken,
		QRStartSecret: order.QRStartSecret, Started: order.ReceivedAt, Phase: phaseOf(order.HintCode), HintCode: string(order.HintCode),
		Sent: sent,
	}, nil
}

// browserOrder makes an order for the browser of the request.
func browserOrder(ctx context.Context, api *bankid.API, r eid.Request, sent *storage.Sent, requirement bankid.Requirement) (bankid.Order, error) {
	ip, err := netip.ParseAddr(r.Starter.IP)
	if err != nil {
		return bankid.Order{}, &bankid.InvalidRequestError{Field: "endUserIp", Reason: "is no address"}
	}
	request := bankid.AuthRequest{
		EndUserIP: ip, UserVisibleData: sent.VisibleText, UserVisibleDataFormat: bankid.DataFormat(sent.VisibleFormat),
		UserNonVisibleData: sent.NonVisible, ReturnURL: r.ReturnURL, ReturnRisk: true, Requirement: requirement, Web: web(r),
	}
	switch r.Kind {
	case storage.KindSign:
		return api.Sign(ctx, bankid.SignRequest(request))
	case storage.KindPayment:
		transaction, flags := transactionOf(r.Payment)
		return api.Payment(ctx, bankid.PaymentRequest{AuthRequest: request, Transaction: transaction, RiskFlags: flags})
	}
	return api.Auth(ctx, request)
}

// callOrder makes an order for the person on the telephone, who is found by the personal number (BankID API: phone/auth, phone/sign).
func callOrder(ctx context.Context, api *bankid.API, r eid.Request, sent *storage.Sent, requirement bankid.Requirement) (bankid.Order, error) {
	number := requirement.PersonalNumber
	requirement.PersonalNumber = secret.String{}
	request := bankid.PhoneAuthRequest{
		PersonalNumber: number, CallInitiator: bankid.CallInitiator(r.CallInitiator), UserVisibleData: sent.VisibleText,
		UserVisibleDataFormat: bankid.DataFormat(sent.VisibleFormat), UserNonVisibleData: sent.NonVisible, Requirement: requirement,
	}
	if r.Kind == storage.KindSign {
		return api.PhoneSign(ctx, bankid.PhoneSignRequest(request))
	}
	return api.PhoneAuth(ctx, request)
}

// nonVisible returns what is signed along: the client's own data as it is, else what ties the result to this login, and to what is paid.
func nonVisible(r eid.Request) []byte {
	switch {
	case len(r.Data) > 0:
		return r.Data
	case r.Payment != nil:
		return evidence.PaymentData(r.Binding, r.Payment)
	}
	return []byte(base64.StdEncoding.EncodeToString(r.Binding))
}

// kindOf returns BankID's word for what an order asks for.
func kindOf(kind storage.Kind, sent storage.Sent) bankid.Kind {
	sign, call := kind == storage.KindSign, sent.CallInitiator != ""
	switch {
	case sign && call:
		return bankid.KindPhoneSign
	case sign:
		return bankid.KindSign
	case call:
		return bankid.KindPhoneAuth
	case kind == storage.KindPayment:
		return bankid.KindPayment
	}
	return bankid.KindAuth
}

// web returns what BankID is told of the page, or nil when nothing is known, as an object without members is refused (BankID
// API: auth, web).
func web(r eid.Request) *bankid.Web {
	w := bankid.Web{ReferringDomain: r.ReferringDomain, UserAgent: r.Starter.UserAgent, DeviceIdentifier: secret.New(r.Starter.DeviceIdentifier)}
	if w.ReferringDomain == "" && strings.ToValidUTF8(w.UserAgent, "") == "" && w.DeviceIdentifier.IsZero() {
		return nil
	}
	return &w
}

// format returns the format to send: none for plain text, which is what none means (BankID API: auth).
func format(r eid.Request) string {
	if r.VisibleText == "" || r.VisibleFormat == eid.PlainText {
		return ""
	}
	return r.VisibleFormat
}

// requirement returns what is demanded of the person's BankID. An order for another device is restricted to BankID on phones;
// a *Fault says that the client allows none. The class of a card reader means something for BankID on card only.
func (m *bankIDMethod) requirement(r eid.Request) (bankid.Requirement, error) {
	policies := r.CertificatePolicies
	if r.Starter.Device == storage.DeviceOther {
		if len(policies) > 0 && !bankid.PolicyAllowed(policies, m.MobilePolicy) {
			return bankid.Requirement{}, &eid.Fault{Reason: ReasonQRExcluded, Err: errors.New("the client's policy allows no BankID on phones")}
		}
		policies = []string{m.MobilePolicy}
	}
	if !r.Required.IsZero() && r.Required.Name != storage.KeyPersonalNumber {
		return bankid.Requirement{}, &eid.Fault{Reason: ReasonRejected, Err: fmt.Errorf("BankID knows nobody by %s", r.Required.Name)}
	}
	requirement := bankid.Requirement{PinCode: r.PinCode, MRTD: r.MRTD, CertificatePolicies: policies, PersonalNumber: r.Required.Value}
	if bankid.PolicyAllowed(policies, bankid.PolicyOnCard) || bankid.PolicyAllowed(policies, bankid.PolicyTestOnCard) {
		requirement.CardReader = bankid.CardReader(r.CardReader)
	}
	return requirement, nil
}

// errNoCertificate means that an order was made with a certificate which is no longer configured: nobody can collect it.
var errNoCertificate = errors.New("the BankID certificate of the order is gone")

// api returns the API that made the order, or a *Fault.
func (m *bankIDMethod) api(order *storage.Order) (*bankid.API, error) {
	if api := m.APIs[order.Sent.Certificate]; api != nil {
		return api, nil
	}
	return nil, &eid.Fault{Reason: ReasonLost, Err: errNoCertificate}
}

// Collect calls /collect.
func (m *bankIDMethod) Collect(ctx context.Context, order *storage.Order) (eid.Progress, error) {
	api, err := m.api(order)
	if err != nil {
		return eid.Progress{}, err
	}
	response, err := api.Collect(ctx, order.Ref)
	if err != nil {
		return eid.Progress{}, fault(err)
	}
	next, err := bankid.Order{Kind: kindOf(order.Kind, order.Sent), OrderRef: order.Ref, State: bankid.Pending}.Next(response)
	if err != nil {
		return eid.Progress{}, fault(err)
	}
	switch next.State {
	case bankid.Complete:
		data := next.CompletionData
		progress := eid.Progress{
			Status: eid.Complete, Identity: identity(data), Verify: func(sent storage.Sent) error { return m.verify(order, sent, data) },
			Evidence: func() (*storage.Evidence, error) { return evidenceOf(data) },
			Record:   func(about eid.About) ([]byte, error) { return m.record(about, data) },
		}
		if order.Sent.MRTD && !data.StepUp.MRTD {
			progress.Unmet = "mrtd"
		}
		return progress, nil
	case bankid.Failed:
		return failedOrder(next.HintCode), nil
	}
	return eid.Progress{Status: eid.Pending, Phase: phaseOf(next.HintCode), HintCode: string(next.HintCode)}, nil
}

// Capacity returns how many orders can be collected once in each interval with all our certificates together; 0 while nobody knows.
func (m *bankIDMethod) Capacity(interval time.Duration) (orders int) {
	for _, api := range m.APIs {
		orders += api.Capacity(interval)
	}
	return orders
}

// verify checks the result's signature and OCSP answer against what was sent with the order.
func (m *bankIDMethod) verify(order *storage.Order, sent storage.Sent, data *bankid.CompletionData) error {
	if m.Verifier == nil {
		return errors.New("login: no verifier of BankID results")
	}
	verifier, err := m.Verifier()
	if err != nil {
		return fmt.Errorf("verifier of BankID results: %w", err)
	}
	_, err = verifier.Verify(data, expected(kindOf(order.Kind, order.Sent), sent, order.Started))
	if failed, ok := errors.AsType[*bankid.VerificationError](err); ok {
		return &eid.UnverifiedError{Check: string(failed.Check), Err: err, Excepted: failed.Excepted}
	}
	return err
}

// expected returns what a result must say of what was sent.
func expected(kind bankid.Kind, sent storage.Sent, started time.Time) bankid.Expected {
	return bankid.Expected{
		Kind: kind, UserVisibleData: sent.VisibleText, UserVisibleDataFormat: bankid.DataFormat(sent.VisibleFormat),
		UserNonVisibleData: sent.NonVisible, CertificatePolicies: sent.CertificatePolicies,
		RelyingParty: bankid.RelyingParty{Name: sent.PartyName, DisplayName: sent.PartyDisplay}, StartedAt: started,
	}
}

// record returns the record of evidence of a result, which is verified or believed already.
func (m *bankIDMethod) record(about eid.About, data *bankid.CompletionData) ([]byte, error) {
	record := evidence.Record{
		ID: about.ID, Issuer: about.Issuer, Client: evidence.Client{ID: about.ClientID, Name: about.ClientName}, Transaction: about.Transaction, Method: MethodBankID,
		Sent: expected(kindOf(about.Kind, about.Sent), about.Sent, about.Started), Person: data.User, Payment: about.Payment, Signature: data.Signature, OCSPResponse: data.OCSPResponse,
	}
	record.Sent.EndedAt = about.Ended
	if m.Verifier != nil {
		verifier, err := m.Verifier()
		if err != nil {
			return nil, fmt.Errorf("verifier of BankID results: %w", err)
		}
		if root := verifier.RootOf(data); root != nil {
			record.Root = root.Raw
		}
	}
	return record.Line()
}

// Cancel calls /cancel. That BankID no longer knows the order is as good.
func (m *bankIDMethod) Cancel(ctx context.Context, order *storage.Order) error {
	api, err := m.api(order)
	if err != nil {
		return err
	}
	if err := api.Cancel(ctx, order.Ref); err != nil && !errors.Is(err, bankid.ErrOrderGone) {
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
func (m *bankIDMethod) Launch(order *storage.Order, starter storage.Starter) eid.Launch {
	agent, how := m.launch(starter)
	l := eid.Launch{
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
	agent := agentOf(starter)
	how := bankid.LaunchFor(agent)
	if m.Phone != "" {
		how = how.Via(m.Phone)
	}
	return agent, how
}

func agentOf(starter storage.Starter) bankid.Agent {
	return bankid.DetectAgent(bankid.Hints{
		UserAgent: starter.UserAgent, Platform: starter.Platform, Mobile: starter.Mobile, Brands: starter.Brands,
		MaxTouchPoints: starter.TouchPoints,
	})
}

// browserOf names the kind of browser that started an order, as far as it tells, such as "Chrome, Windows".
func browserOf(starter storage.Starter) string {
	agent := agentOf(starter)
	return strings.Trim(string(agent.Browser)+", "+string(agent.OS), ", ")
}

func identity(data *bankid.CompletionData) storage.Identity {
	i := storage.Identity{
		Method: MethodBankID, PersonalNumber: data.User.PersonalNumber, Name: data.User.Name, GivenName: data.User.GivenName,
		Surname: data.User.Surname, DeviceIP: data.Device.IPAddress, Risk: string(data.Risk), MRTD: data.StepUp.MRTD,
	}
	if !data.BankIDIssueDate.IsZero() {
		i.IssueDate = data.BankIDIssueDate.Format(time.DateOnly)
	}
	return i
}

// evidenceOf returns the person's certificate, the OCSP answer and the signature of a result, which is verified or believed already.
func evidenceOf(data *bankid.CompletionData) (*storage.Evidence, error) {
	certificate, err := data.Certificate()
	if err != nil {
		return nil, fmt.Errorf("read certificate of BankID result: %w", err)
	}
	ocsp, err := base64.StdEncoding.DecodeString(data.OCSPResponse.Reveal())
	if err != nil {
		return nil, errors.New("the OCSP response of a BankID result is not base64")
	}
	signature, err := base64.StdEncoding.DecodeString(data.Signature.Reveal())
	if err != nil {
		return nil, errors.New("the signature of a BankID result is not base64")
	}
	return &storage.Evidence{
		Certificate: certificate.Raw, ValidFrom: certificate.NotBefore.UTC(), ValidTo: certificate.NotAfter.UTC(), OCSP: ocsp, Signature: signature,
	}, nil
}

// proof returns the signature and the OCSP answer of a result as they came, in base64, with the person's certificate out of it; the signature holds the
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
	{bankid.ErrForeignResult, ReasonForeignResult, false},
	{bankid.ErrNamelessResult, ReasonIncomplete, false},
	{bankid.ErrUnavailable, ReasonUnavailable, true},
	{bankid.ErrBadResponse, ReasonUnavailable, true},
}

func fault(err error) error {
	for _, f := range faults {
		if errors.Is(err, f.err) {
			return &eid.Fault{Reason: f.reason, Passing: f.passing, Wait: waitOf(err), Err: err}
		}
	}
	return &eid.Fault{Reason: cmp.Or(rejected(err), ReasonUnavailable), Err: err}
}

// waitOf returns how long BankID asks to wait.
func waitOf(err error) time.Duration {
	if answer, ok := errors.AsType[*bankid.APIError](err); ok {
		return answer.RetryAfter
	}
	return 0
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
