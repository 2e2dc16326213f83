package bankidsim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Attack modes: ways in which a result is made wrong, one for each check that a relying party should make.
const (
	AttackOtherIP          = "otherIP"           // completed from another address than endUserIp
	AttackTamperedValue    = "tamperedSignature" // the RSA signature does not verify
	AttackTamperedData     = "tamperedData"      // the signed data was changed after signing
	AttackWrongNonce       = "wrongNonce"        // the OCSP nonce is bound to the decoded XML, not to its base64 text
	AttackForeignService   = "foreignService"    // signed for another relying party
	AttackWrongRoot        = "wrongRoot"         // the chain leads to a root of the right name and the wrong key
	AttackOtherPersonOCSP  = "otherPersonOCSP"   // the OCSP answer is about another person's certificate
	AttackRevoked          = "revoked"           // the OCSP answer says revoked
	AttackSignForAuth      = "signForAuth"       // the result of a sign order for an auth order, or the reverse
	AttackOtherUser        = "otherUser"         // user names another person than the certificate
	AttackMissingUser      = "missingUser"       // no user in the result
	AttackOtherOrderRef    = "otherOrderRef"     // the answer names another order
	AttackChangedUserText  = "changedUserText"   // properly signed, but not the text that was asked for
	AttackWrongCertificate = "wrongCertificate"  // an auth order signed with the certificate for signatures, or the reverse
)

var attacks = []string{
	AttackOtherIP, AttackTamperedValue, AttackTamperedData, AttackWrongNonce, AttackForeignService, AttackWrongRoot, AttackOtherPersonOCSP,
	AttackRevoked, AttackSignForAuth, AttackOtherUser, AttackMissingUser, AttackOtherOrderRef, AttackChangedUserText, AttackWrongCertificate,
}

// Attacks returns every attack mode.
func Attacks() []string { return slices.Clone(attacks) }

// Chaos is the misbehaviour of a simulator. The zero value is none. Times are milliseconds of real time. Counters go down
// with each call that they spoil; -1 means every call until it is set to 0.
type Chaos struct {
	// LatencyMS delays every answer, StartLatencyMS those to auth and sign besides, HandshakeMS every TLS handshake.
	LatencyMS      int `json:"latencyMs"`
	StartLatencyMS int `json:"startLatencyMs"`
	HandshakeMS    int `json:"handshakeMs"`
	// HandshakeStalls lets so many TLS handshakes hang until the client gives up, or for half a minute, and then breaks them.
	HandshakeStalls int `json:"handshakeStalls"`
	// Endpoint restricts the counters below to one endpoint, such as "collect" or "phone/auth"; empty means all.
	Endpoint string `json:"endpoint"`
	// Errors answers so many calls with ErrorStatus and ErrorCode, without doing them. Status 0 means 500; an empty code
	// means the one that belongs to the status.
	Errors      int    `json:"errors"`
	ErrorStatus int    `json:"errorStatus"`
	ErrorCode   string `json:"errorCode"`
	// Maintenance answers so many calls with 503 maintenance.
	Maintenance int `json:"maintenance"`
	// Empty, Garbage and HTML do so many calls and answer 200 with nothing, with broken JSON, or with a web page.
	Empty   int `json:"empty"`
	Garbage int `json:"garbage"`
	HTML    int `json:"html"`
	// DropAnswer does so many calls and drops the connection in place of the answer: the order exists, its answer is lost.
	DropAnswer int `json:"dropAnswer"`
	// SlowBody sends so many answers byte by byte, over SlowBodyMS.
	SlowBody   int `json:"slowBody"`
	SlowBodyMS int `json:"slowBodyMs"`
	// RejectCertificate answers everything with 403 unauthorized.
	RejectCertificate bool `json:"rejectCertificate"`
	// RejectPage is RejectCertificate with the web page of a server in front, as BankID answers certificates that it does not know.
	RejectPage bool `json:"rejectPage"`
	// UnknownHints tells a hint code that BankID does not have in every second collect of an order that was picked up.
	UnknownHints bool `json:"unknownHints"`
	// ExtraMembers adds an unknown member to every answer.
	ExtraMembers bool `json:"extraMembers"`
	// EmptyErrors sends 404, 405 and 415 without a body, as proxies do.
	EmptyErrors bool `json:"emptyErrors"`
	// Lenient accepts unknown request members, explicit nulls and any text in simpleMarkdownV1, see Options.
	Lenient bool `json:"lenient"`
	// Attacks spoils results: see the Attack constants.
	Attacks []string `json:"attacks"`
}

// MildChaos is what "brygga dev" begins with: the small delays of a real service, unknown members, and hint codes that
// BankID may add one day.
func MildChaos() *Chaos {
	return &Chaos{LatencyMS: 15, StartLatencyMS: 60, UnknownHints: true, ExtraMembers: true}
}

const (
	maxDelayMS     = 120_000
	handshakeStall = 30 * time.Second
)

func (c Chaos) check() error {
	for _, d := range []int{c.LatencyMS, c.StartLatencyMS, c.HandshakeMS, c.SlowBodyMS} {
		if d < 0 || d > maxDelayMS {
			return refuse(http.StatusBadRequest, "invalidChaos", fmt.Sprintf("a delay is between 0 and %d milliseconds", maxDelayMS))
		}
	}
	for _, n := range []int{c.Errors, c.Maintenance, c.Empty, c.Garbage, c.HTML, c.DropAnswer, c.SlowBody, c.HandshakeStalls} {
		if n < -1 {
			return refuse(http.StatusBadRequest, "invalidChaos", "a counter is -1 (every call) or more")
		}
	}
	if c.ErrorStatus != 0 && (c.ErrorStatus < 400 || c.ErrorStatus > 599) {
		return refuse(http.StatusBadRequest, "invalidChaos", "errorStatus is between 400 and 599")
	}
	if _, ok := endpoints[c.Endpoint]; !ok && c.Endpoint != "" {
		return refuse(http.StatusBadRequest, "invalidChaos", "endpoint is one of auth, sign, collect, cancel, phone/auth, phone/sign, payment, other/payment, or empty")
	}
	for _, a := range c.Attacks {
		if !slices.Contains(attacks, a) {
			return refuse(http.StatusBadRequest, "invalidChaos", "attacks are: "+strings.Join(attacks, ", "))
		}
	}
	return nil
}

// SetChaos replaces the misbehaviour. A *Refusal says what is wrong with it.
func (s *Simulator) SetChaos(c Chaos) error {
	if err := c.check(); err != nil {
		return err
	}
	s.chaos.mu.Lock()
	defer s.chaos.mu.Unlock()
	s.chaos.set(c)
	return nil
}

// changeChaos checks and sets what change makes of the misbehaviour, in one step.
func (s *Simulator) changeChaos(change func(*Chaos) error) (Chaos, error) {
	s.chaos.mu.Lock()
	defer s.chaos.mu.Unlock()
	c := s.chaos.get()
	if err := change(&c); err != nil {
		return c, err
	}
	if err := c.check(); err != nil {
		return c, err
	}
	s.chaos.set(c)
	return s.chaos.get(), nil
}

// Chaos returns the misbehaviour with what is left of its counters.
func (s *Simulator) Chaos() Chaos {
	s.chaos.mu.Lock()
	defer s.chaos.mu.Unlock()
	return s.chaos.get()
}

// chaosBox holds the misbehaviour; the zero value has none.
type chaosBox struct {
	mu sync.Mutex
	c  Chaos
}

func (b *chaosBox) get() Chaos {
	c := b.c
	c.Attacks = append([]string{}, c.Attacks...)
	return c
}

func (b *chaosBox) set(c Chaos) {
	c.Attacks = append([]string(nil), c.Attacks...)
	b.c = c
}

// handshake waits as long as a TLS handshake is to wait, and returns an error if it is to break then.
func (b *chaosBox) handshake(ctx context.Context) error {
	b.mu.Lock()
	delay, stall := time.Duration(b.c.HandshakeMS)*time.Millisecond, spend(&b.c.HandshakeStalls)
	b.mu.Unlock()
	if !stall {
		return pause(ctx, delay)
	}
	if err := pause(ctx, handshakeStall); err != nil {
		return err
	}
	return errors.New("bankidsim: a handshake stalled on request")
}

func (b *chaosBox) lenient() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.c.Lenient
}

func (b *chaosBox) attacks() map[string]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.c.Attacks) == 0 {
		return nil
	}
	set := make(map[string]bool, len(b.c.Attacks))
	for _, a := range b.c.Attacks {
		set[a] = true
	}
	return set
}

// spoiling is what happens to one call.
type spoiling struct {
	delay                      time.Duration
	refusal                    *apiError
	empty, garbage, html       bool
	dropAnswer, rejectPage     bool
	slow                       time.Duration
	unknownHints, extraMembers bool
}

// next decides over one call and counts it.
func (b *chaosBox) next(endpoint string, starts bool) spoiling {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := &b.c
	sp := spoiling{delay: time.Duration(c.LatencyMS) * time.Millisecond, unknownHints: c.UnknownHints, extraMembers: c.ExtraMembers}
	if starts {
		sp.delay += time.Duration(c.StartLatencyMS) * time.Millisecond
	}
	if c.RejectCertificate || c.RejectPage {
		sp.rejectPage = c.RejectPage
		sp.refusal = &apiError{http.StatusForbidden, "unauthorized", "The certificate is not accepted"}
		return sp
	}
	if c.Endpoint != "" && c.Endpoint != endpoint {
		return sp
	}
	switch {
	case spend(&c.Maintenance):
		sp.refusal = &apiError{http.StatusServiceUnavailable, "maintenance", "Maintenance is going on"}
	case spend(&c.Errors):
		sp.refusal = madeError(c.ErrorStatus, c.ErrorCode)
	case spend(&c.DropAnswer):
		sp.dropAnswer = true
	case spend(&c.Empty):
		sp.empty = true
	case spend(&c.Garbage):
		sp.garbage = true
	case spend(&c.HTML):
		sp.html = true
	case spend(&c.SlowBody):
		sp.slow = time.Duration(c.SlowBodyMS) * time.Millisecond
	}
	return sp
}

func spend(counter *int) bool {
	if *counter > 0 {
		*counter--
		return true
	}
	return *counter < 0
}

func madeError(status int, code string) *apiError {
	if status == 0 {
		status = http.StatusInternalServerError
	}
	if code == "" {
		code = errorCodes[status]
	}
	if code == "" {
		code = "simulatorError"
	}
	return &apiError{status, code, "An error made on request"}
}

// pause waits for d, or until ctx ends, which is its error.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
