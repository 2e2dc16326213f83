package storagetest

import (
	"fmt"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// Texts that must never lie readable in a store. They are searched for in its raw bytes.
const (
	canaryNumber    = "199002304567"
	canaryName      = "Canaria Fågelsång"
	canaryGivenName = "Canaria-Given"
	canarySurname   = "Fågelsång-Sur"
	canaryRef       = "canary-order-ref-131daac9"
	canaryAutoStart = "canary-auto-start-7c40b5c9"
	canaryQRToken   = "canary-qr-token-67df3917"
	canaryQRSecret  = "canary-qr-secret-d28db9a7"
	canaryVisible   = "canary-visible-text-58c1e0aa"
	canaryRequired  = "198512249876"
	canaryKey       = "canary-private-key-pkcs8"
	canarySecret    = "canary-installation-secret"
	canarySubject   = "canary-subject-9f2c"
	canaryCert      = "canary-certificate-of-the-person"
	canaryTyped     = "SE2321000016-typed"
	canaryHSAID     = "SE2321000016-canary"
	canaryEmail     = "canary@region.example"
	canaryTitle     = "canary of the ward"
	canaryHint      = "canary-login-hint-198512249876"
)

func newClient(id string) storage.Client {
	var client storage.Client
	Fill(&client)
	client.ID, client.Static, client.WebhookSecret = id, false, secret.String{} // the last two stand in the configuration alone
	client.Disabled = false                                                     // which would end what tests grant it
	return client
}

// newLogin returns an open login that expires ten minutes after the epoch.
func newLogin(id string) storage.Login {
	var request storage.AuthRequest
	Fill(&request)
	request.RequiredPersonalNumber = secret.New(canaryRequired)
	request.Kind, request.Document, request.Sign = "", storage.Hash{}, nil // see signature; what is wanted is stored as the document alone
	request.Program.Told = false                                           // see order
	return storage.Login{
		ID: id, State: storage.LoginOpen, Revision: 1, Request: &request, BindingHash: hash("binding " + id),
		Created: epoch, Expires: at(600),
	}
}

func newClaim(id string, seconds int) storage.Claim {
	return storage.Claim{
		ID: id, Collector: "collector-a", At: at(seconds), WindowEnds: at(seconds + 300),
		Starter: storage.Starter{Device: storage.DeviceOther, IP: "192.0.2.7", UserAgent: "agent", DeviceIdentifier: "device", Language: "sv", Method: "bankid",
			Person: storage.PersonKey{Name: "hsaId", Value: secret.New(canaryTyped)}},
	}
}

// stranger returns another starter than newClaim's, in every field.
func stranger() storage.Starter {
	var s storage.Starter
	Fill(&s)
	s.Device = storage.DeviceThis
	return s
}

// newOrder returns an order that demands the return nonce "nonce" + id.
func newOrder(id string, seconds int) storage.Order {
	return storage.Order{
		ID: id, Method: "bankid", Kind: storage.KindSign, Ref: secret.New(canaryRef), AutoStartToken: secret.New(canaryAutoStart),
		QRStartToken: secret.New(canaryQRToken), QRStartSecret: secret.New(canaryQRSecret), Started: at(seconds),
		ReturnNonceHash: hash("nonce" + id), Collector: "collector-a",
		Sent: storage.Sent{
			Certificate: "second", PartyName: "cn=us", PartyDisplay: "Us", VisibleText: canaryVisible, VisibleFormat: "plaintext",
			NonVisible: []byte("binding " + id), Salt: []byte("salt " + id), CertificatePolicies: []string{"1.2.3.4.25"}, MRTD: true, CallInitiator: storage.CallByUser,
		},
	}
}

func newIdentity() storage.Identity {
	return storage.Identity{
		Method: "bankid", PersonalNumber: secret.New(canaryNumber), Keys: []storage.PersonKey{{Name: "hsaId", Value: secret.New(canaryHSAID)}, {Name: "employeeNumber", Issuer: "Region CA", Value: secret.New("1001")}},
		Name: secret.New(canaryName), GivenName: secret.New(canaryGivenName),
		Surname: secret.New(canarySurname), Email: secret.New(canaryEmail), Issuer: "Region CA",
		Work:     &storage.Work{Organization: "Region", OrganizationNumber: "2321000016", Unit: "Ward 7", Title: canaryTitle},
		DeviceIP: "192.0.2.8", DeviceName: "iOS", DeviceVersion: "17.5", IssueDate: "2024-02-29", Risk: "low", MRTD: true,
		Evidence: &storage.Evidence{Certificate: []byte(canaryCert), ValidFrom: at(-1000), ValidTo: at(1000000), OCSP: []byte("answer"), Signature: []byte("signature")},
	}
}

// newResult returns newIdentity without a waiver of the return.
func newResult() storage.Result {
	return storage.Result{Identity: newIdentity(), Met: storage.Policy{PinCode: "yes", Return: storage.ReturnBalanced, MinimumAge: 18}}
}

// newGrant returns a grant that expires an hour after the epoch. It belongs to no session, is not an offline one, and its client
// is not to be told.
func newGrant(id, clientID, sessionID string) storage.Grant {
	var grant storage.Grant
	Fill(&grant)
	grant.ID, grant.ClientID, grant.SessionID, grant.Identity = id, clientID, sessionID, newIdentity()
	grant.Created, grant.Expires, grant.Revoked = at(4), at(3600), time.Time{}
	grant.Session, grant.Offline, grant.Backchannel, grant.Subject = "", false, false, canarySubject
	return grant
}

// newAnswer returns the answer that gives the grant with its newCode, and leaves sessions alone.
func newAnswer(grant storage.Grant) storage.Answer {
	return storage.Answer{Code: newCode(grant), Grant: grant}
}

// newCode returns the code "code" + grant ID, which expires a minute and four seconds after the epoch.
func newCode(grant storage.Grant) storage.Code {
	return storage.Code{
		Hash: hash("code" + grant.ID), GrantID: grant.ID, ClientID: grant.ClientID, Redirect: "https://app.example/callback",
		Expires: at(64), Challenge: "challenge",
	}
}

// newRedemption returns the right redemption of newCode. Its token is "token" + grant ID and expires after half an hour, its
// refresh token "refresh" + grant ID, after 2 000 s.
func newRedemption(grant storage.Grant, seconds int) storage.Redemption {
	return storage.Redemption{
		CodeHash: hash("code" + grant.ID), ClientID: grant.ClientID, RedirectURI: "https://app.example/callback", Challenge: "challenge",
		Token:   storage.AccessToken{Hash: hash("token" + grant.ID), Expires: at(1800)},
		Refresh: storage.RefreshToken{Hash: hash("refresh" + grant.ID), Expires: at(2000)}, Now: at(seconds),
	}
}

// newSession returns a session with every field set and the cookie "cookie" + ID. It is idle for half an hour from four seconds
// after the epoch and lives 5 000 s at most.
func newSession(id string) storage.Session {
	var session storage.Session
	Fill(&session)
	session.ID, session.CookieHash, session.Identity = id, hash("cookie"+id), newIdentity()
	session.Created, session.AuthTime, session.Used = at(3), at(3), at(4)
	session.IdleLife, session.Expires = 30*time.Minute, at(5000)
	return session
}

// pendingLogin stores a login whose order "order" + id is pending and returns it.
func (f *fixture) pendingLogin(id string) *storage.Login {
	f.Helper()
	ctx := f.Context()
	f.ok(f.Store.CreateLogin(ctx, newLogin(id)))
	f.must(f.Store.BeginOrder(ctx, id, newClaim("claim"+id, 1)))
	return f.must(f.Store.PutOrder(ctx, id, "claim"+id, newOrder("order"+id, 2)))
}

// completeLogin stores a login that can be answered and returns it.
func (f *fixture) completeLogin(id string) *storage.Login {
	f.Helper()
	ctx := f.Context()
	f.pendingLogin(id)
	f.must(f.Store.RecordReturn(ctx, id, hash("nonceorder"+id), at(3)))
	return f.must(f.Store.CompleteLogin(ctx, id, "order"+id, newResult(), at(3)))
}

// granted stores a login, answers it with a code and a grant, and returns the grant.
func (f *fixture) granted(id, clientID, sessionID string) storage.Grant {
	f.Helper()
	f.completeLogin("login" + id)
	grant := newGrant(id, clientID, sessionID)
	f.must(f.Store.AnswerLogin(f.Context(), "login"+id, newAnswer(grant), at(4)))
	return grant
}

// signedIn stores a session with its first grant, and returns both.
func (f *fixture) signedIn(sessionID, grantID, clientID, sid string, edits ...func(*storage.Grant)) (storage.Session, storage.Grant) {
	f.Helper()
	f.completeLogin("login" + grantID)
	session, answer := newSession(sessionID), newAnswer(newGrant(grantID, clientID, sid))
	for _, edit := range edits {
		edit(&answer.Grant)
	}
	answer.Session = &session
	f.must(f.Store.AnswerLogin(f.Context(), "login"+grantID, answer, at(4)))
	bound, err := answer.Bound()
	f.ok(err)
	return session, bound.Grant
}

// served answers a client out of the session and redeems the code.
func (f *fixture) served(session storage.Session, grantID, clientID, sid string, edits ...func(*storage.Grant)) storage.Grant {
	f.Helper()
	grant := newGrant(grantID, clientID, sid)
	for _, edit := range edits {
		edit(&grant)
	}
	f.ok(f.Store.AnswerFromSession(f.Context(), session.ID, session.AuthTime, newCode(grant), grant, []string{"name"}, at(4)))
	f.redeem(grant)
	grant.Session = session.ID
	return grant
}

// redeem redeems the code of the grant.
func (f *fixture) redeem(grant storage.Grant) {
	f.Helper()
	_, err := f.Store.RedeemCode(f.Context(), newRedemption(grant, 5))
	f.ok(err)
}

// Edits of a grant.
func offline(g *storage.Grant) { g.Offline = true }
func told(g *storage.Grant)    { g.Backchannel = true }

// redeemed is granted and redeems the code.
func (f *fixture) redeemed(id, clientID, sessionID string) storage.Grant {
	f.Helper()
	grant := f.granted(id, clientID, sessionID)
	_, err := f.Store.RedeemCode(f.Context(), newRedemption(grant, 5))
	f.ok(err)
	return grant
}

// live reports whether the access token of the grant works at the time.
func (f *fixture) live(grant storage.Grant, seconds int) bool {
	f.Helper()
	_, _, err := f.Store.AccessToken(f.Context(), hash("token"+grant.ID), at(seconds))
	if err != nil {
		f.is(err, storage.ErrNotFound)
	}
	return err == nil
}

func name(prefix string, i int) string { return fmt.Sprintf("%s-%03d", prefix, i) }
