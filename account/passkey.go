package account

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// ErrNoPasskeys means that the console's address has no domain name, so that no browser makes passkeys for it (WebAuthn Level 3 §5.1.2: RP ID).
var ErrNoPasskeys = errors.New("account: the console's address has no domain name, which passkeys need")

// What a challenge is for. It is good for nothing else.
const (
	challengeEnrol  = "enrol"
	challengeLogin  = "login"
	challengeStepUp = "step-up"
)

// challengeLife is how long a browser may take.
const challengeLife = 5 * time.Minute

// maxResponse bounds what a browser answers, in bytes.
const maxResponse = 64 << 10

// relyingParty returns the library with our settings: the person is always verified, by what its authenticator has for that.
func (a *Accounts) relyingParty() (*webauthn.WebAuthn, error) {
	u, err := url.Parse(a.console)
	if err != nil || u.Host == "" {
		return nil, ErrNoPasskeys
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return nil, ErrNoPasskeys
	}
	id := a.relying
	if id == "" {
		id = u.Hostname()
	}
	return webauthn.New(&webauthn.Config{
		RPID: id, RPDisplayName: "Brygga", RPOrigins: []string{u.Scheme + "://" + u.Host}, AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired},
	})
}

// holder is an operator as the library knows it.
type holder struct{ *storage.Operator }

func (h holder) WebAuthnID() []byte          { return []byte(h.ID) }
func (h holder) WebAuthnName() string        { return h.UserName.Reveal() }
func (h holder) WebAuthnDisplayName() string { return h.Name.Reveal() }

func (h holder) WebAuthnCredentials() (all []webauthn.Credential) {
	for _, p := range h.Passkeys {
		c := webauthn.Credential{ID: p.ID, PublicKey: p.PublicKey, Authenticator: webauthn.Authenticator{AAGUID: p.AAGUID, SignCount: p.Counter}}
		c.Flags.UserVerified, c.Flags.BackupEligible, c.Flags.BackupState = true, p.BackupEligible, p.BackupState
		for _, transport := range p.Transport {
			c.Transport = append(c.Transport, protocol.AuthenticatorTransport(transport))
		}
		all = append(all, c)
	}
	return all
}

// newChallenge returns a challenge for the purpose and the session, empty for none. It proves by itself that it is ours, and until when: nobody has to
// keep it until the answer comes.
func (a *Accounts) newChallenge(purpose, session string) protocol.URLEncodedBase64 {
	challenge := binary.BigEndian.AppendUint64(nil, uint64(a.time().Add(challengeLife).UnixMicro()))
	random := make([]byte, 16)
	rand.Read(random)
	challenge = append(challenge, random...)
	mac := a.mac("challenge", purpose, session, string(challenge))
	return append(challenge, mac[:]...)
}

// spendChallenge returns when the challenge that a browser has answered ends, or ErrRefused when it is not ours, is for something else, is too old, or was
// answered before.
func (a *Accounts) spendChallenge(ctx context.Context, text, purpose, session string) (protocol.URLEncodedBase64, error) {
	const head = 8 + 16
	challenge, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(challenge) != head+len(storage.Hash{}) {
		return nil, ErrRefused
	}
	mac := a.mac("challenge", purpose, session, string(challenge[:head]))
	ends := time.UnixMicro(int64(binary.BigEndian.Uint64(challenge))).UTC()
	if !bytes.Equal(mac[:], challenge[head:]) {
		return nil, ErrRefused
	}
	// One whose end has passed counts as used.
	if err := a.store.UseOnce(ctx, sha256.Sum256(challenge), ends, a.time()); errors.Is(err, storage.ErrExists) {
		return nil, ErrRefused
	} else if err != nil {
		return nil, err
	}
	return challenge, nil
}

// mayEnrol returns storage.ErrStepUp for a session that would be refused in the end.
func (a *Accounts) mayEnrol(s *Session) error {
	if !a.Fresh(s) || s.SteppedBy == storage.MethodBankID {
		return storage.ErrStepUp
	}
	return nil
}

// BeginPasskey returns what a browser is asked for a new passkey (PublicKeyCredentialCreationOptions in JSON), in a session that was stepped up. It
// returns storage.ErrStepUp, or ErrNoPasskeys.
func (a *Accounts) BeginPasskey(s *Session) (json.RawMessage, error) {
	if err := a.mayEnrol(s); err != nil {
		return nil, err
	}
	party, err := a.relyingParty()
	if err != nil {
		return nil, err
	}
	creation, _, err := a.creation(party, s.Operator)
	if err != nil {
		return nil, err
	}
	creation.Response.Challenge = a.newChallenge(challengeEnrol, s.ID)
	return json.Marshal(creation.Response)
}

func (a *Accounts) creation(party *webauthn.WebAuthn, o *storage.Operator) (*protocol.CredentialCreation, *webauthn.SessionData, error) {
	var known []protocol.CredentialDescriptor
	for _, c := range (holder{o}).WebAuthnCredentials() {
		known = append(known, c.Descriptor())
	}
	return party.BeginRegistration(holder{o}, webauthn.WithExclusions(known))
}

// AddPasskey adds the passkey of a browser's answer to BeginPasskey, under a label that the operator knows it by. It returns recovery codes, which are shown
// this once, when it is the first second factor. It returns ErrRefused for an answer that proves nothing, Problems with the label, ErrNoSession,
// storage.ErrStepUp, storage.ErrExists, and storage.ErrConflict when there are too many.
func (a *Accounts) AddPasskey(ctx context.Context, s *Session, label string, response []byte) ([]secret.String, error) {
	label = strings.TrimSpace(label)
	if label == "" || !printable(label) || utf8.RuneCountInString(label) > maxName {
		return nil, Problems{{"label", "invalid"}}
	}
	credential, err := a.enrolled(ctx, s, response)
	if err != nil {
		return nil, err
	}
	key := storage.Passkey{
		ID: credential.ID, PublicKey: credential.PublicKey, Label: label, AAGUID: credential.Authenticator.AAGUID, Counter: credential.Authenticator.SignCount,
		BackupEligible: credential.Flags.BackupEligible, BackupState: credential.Flags.BackupState,
	}
	for _, transport := range credential.Transport {
		key.Transport = append(key.Transport, string(transport))
	}
	codes, hashes := a.recoveryCodes(s.Operator.ID)
	step := storage.AddPasskey{ID: s.Operator.ID, Session: s.Hash, Passkey: key, Recovery: hashes}
	outcome, err := a.step(ctx, step, a.tellCredential(audit.OperatorCredentialAdded, storage.MethodPasskey))
	if err != nil {
		return nil, noSession(err)
	}
	if outcome.Operator.Recovery[0].Hash != hashes[0] {
		codes = nil // those of before go on
	}
	return codes, nil
}

// enrolled returns the credential of the answer.
func (a *Accounts) enrolled(ctx context.Context, s *Session, response []byte) (*webauthn.Credential, error) {
	party, err := a.relyingParty()
	if err != nil {
		return nil, err
	}
	if len(response) > maxResponse {
		return nil, ErrRefused
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return nil, ErrRefused
	}
	challenge, err := a.spendChallenge(ctx, parsed.Response.CollectedClientData.Challenge, challengeEnrol, s.ID)
	if err != nil {
		return nil, err
	}
	_, data, err := a.creation(party, s.Operator)
	if err != nil {
		return nil, err
	}
	data.Challenge, data.Expires = challenge.String(), time.Time{} // whose end was looked at, by our clock
	credential, err := party.CreateCredential(holder{s.Operator}, *data, parsed)
	if err != nil {
		return nil, ErrRefused
	}
	return credential, nil
}

// RemovePasskey takes a passkey away, in a session that was stepped up. It returns storage.ErrNotFound, storage.ErrStepUp, or storage.ErrLastWayIn.
func (a *Accounts) RemovePasskey(ctx context.Context, s *Session, id []byte) error {
	_, err := a.step(ctx, storage.RemovePasskey{ID: s.Operator.ID, Session: s.Hash, Passkey: id}, a.tellCredential(audit.OperatorCredentialRemoved, storage.MethodPasskey))
	return err
}

// PasskeyLogin returns what a browser is asked for a login by any of its passkeys (PublicKeyCredentialRequestOptions in JSON).
func (a *Accounts) PasskeyLogin() (json.RawMessage, error) { return a.assertion(challengeLogin, "") }

// PasskeyStepUp returns the same for a session that is to be stepped up, or waits for a second factor.
func (a *Accounts) PasskeyStepUp(s *Session) (json.RawMessage, error) {
	return a.assertion(challengeStepUp, s.ID)
}

func (a *Accounts) assertion(purpose, session string) (json.RawMessage, error) {
	party, err := a.relyingParty()
	if err != nil {
		return nil, err
	}
	assertion, _, err := party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, err
	}
	assertion.Response.Challenge = a.newChallenge(purpose, session)
	return json.Marshal(assertion.Response)
}

// LogInByPasskey logs somebody in by a browser's answer to PasskeyLogin: the passkey says who it is, and its authenticator that it is. It waits for no
// count of wrong passwords. It returns ErrRefused, or a *WaitError for the address.
func (a *Accounts) LogInByPasskey(ctx context.Context, response []byte, from From) (*Session, error) {
	if err := a.countAddress(ctx, from); err != nil {
		return nil, err
	}
	o, proof, err := a.asserted(ctx, response, challengeLogin, "")
	if err != nil {
		return nil, a.refused(ctx, o, err, from)
	}
	return a.begin(ctx, o, proof, storage.Hash{}, from)
}

// StepUpByPasskey proves anew who is in the session, by an answer to PasskeyStepUp. It goes on under another token.
func (a *Accounts) StepUpByPasskey(ctx context.Context, token secret.String, response []byte, from From) (*Session, error) {
	s, err := a.Look(ctx, token)
	if err != nil {
		return nil, err
	}
	o, proof, err := a.asserted(ctx, response, challengeStepUp, s.ID)
	if err == nil && o.ID != s.Operator.ID {
		err = ErrRefused
	}
	if err != nil {
		return nil, a.refused(ctx, s.Operator, err, from)
	}
	return a.raise(ctx, token, proof, storage.Hash{}, from)
}

// refused notes a refusal, and returns err.
func (a *Accounts) refused(ctx context.Context, o *storage.Operator, err error, from From) error {
	if errors.Is(err, ErrRefused) {
		a.refuse(ctx, o, storage.MethodPasskey, from)
	}
	return err
}

// asserted returns whose passkey has answered the challenge. Whether its counter has risen is for the step to say.
func (a *Accounts) asserted(ctx context.Context, response []byte, purpose, session string) (o *storage.Operator, proof storage.Proof, err error) {
	party, err := a.relyingParty()
	if err != nil {
		return nil, proof, err
	}
	if len(response) > maxResponse {
		return nil, proof, ErrRefused
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return nil, proof, ErrRefused
	}
	challenge, err := a.spendChallenge(ctx, parsed.Response.CollectedClientData.Challenge, purpose, session)
	if err != nil {
		return nil, proof, err
	}
	var failed error
	find := func(_, handle []byte) (webauthn.User, error) {
		if o, failed = a.store.Operator(ctx, string(handle)); failed != nil {
			return nil, failed
		}
		return holder{o}, nil
	}
	data := webauthn.SessionData{Challenge: challenge.String(), UserVerification: protocol.VerificationRequired}
	_, credential, err := party.ValidatePasskeyLogin(find, data, parsed)
	switch {
	case failed != nil && !errors.Is(failed, storage.ErrNotFound):
		return nil, proof, failed
	case err != nil:
		return o, proof, ErrRefused
	}
	return o, storage.Proof{
		Method: storage.MethodPasskey, Passkey: credential.ID, Counter: parsed.Response.AuthenticatorData.Counter, BackupState: credential.Flags.BackupState,
	}, nil
}
