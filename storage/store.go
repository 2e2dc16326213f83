// Package storage holds the records that outlive a request and the Store interface, in the words of those who call it.
//
// It owns what a record means and the rules of every step that must not be torn: they stand in this package as plain
// functions on records ([Login.BeginOrder] and its neighbours, [Code.Redeem]), so that a backend only reads, applies the
// rule and writes under one lock or transaction. It owns the encoding and sealing of records ([Codec]) too, so that no
// backend can leave a personal number in the clear. It must not know bbolt, SQL or HTTP.
package storage

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Errors that callers branch on. Backends return them bare or wrapped; compare with errors.Is.
var (
	// ErrNotFound means that no such record exists, or that it has expired at the given time.
	ErrNotFound = errors.New("storage: not found")
	// ErrExists means that a record of that name is there already.
	ErrExists = errors.New("storage: already exists")
	// ErrConflict means that the record is no longer in the state the step needs: somebody else was first. The caller reads
	// it again and decides anew.
	ErrConflict = errors.New("storage: changed meanwhile")
	// ErrBusy means that another caller is making such an order for this login right now. The caller shows the login as it is.
	ErrBusy = errors.New("storage: an order is being started")
	// ErrMismatch means that the presented proof (a return nonce, a client, a redirect URI, a code verifier) is not the one
	// the record was bound to. Nothing was changed, unless the method says otherwise.
	ErrMismatch = errors.New("storage: proof does not match")
	// ErrTarget means that a token was asked for a resource that was not granted (RFC 8707 §2). Nothing was changed.
	ErrTarget = errors.New("storage: resource was not granted")
	// ErrUnavailable means that nothing can be stored now: the disk is full, or the store has stopped. Nothing was changed. The caller
	// answers that the same may be tried again later (RFC 9110 §15.6.4).
	ErrUnavailable = errors.New("storage: unavailable")
	// ErrWrongKey means that stored records cannot be unsealed with the configured master key. Start nothing and replace
	// nothing: the right key brings everything back. See also ErrKeyNeeded.
	ErrWrongKey = errors.New("storage: sealed with another master key")
)

// CodeReusedError says that an authorization code was presented again after it had been redeemed. The caller revokes the
// grant it names (RFC 6749 §4.1.2).
type CodeReusedError struct{ GrantID string }

// Error describes the reuse without naming the code.
func (e *CodeReusedError) Error() string {
	return fmt.Sprintf("storage: code of grant %s was redeemed before", e.GrantID)
}

// Store keeps the records. Every method is one atomic, durable step: when it returns nil, a crash loses nothing of it; when
// it returns an error, nothing of it has happened. All methods may be called concurrently, by several processes too where
// the backend allows them. A backend that keeps records in memory keeps copies that share nothing with the caller's, see
// [AuthRequest.Own], and bounds them by their bytes. Times are given by the caller, in UTC; a record that has expired at that time does not exist.
//
// Audit events that a step is given, or told, are stored by the step itself. One that is there already makes it fail with ErrExists.
type Store interface {
	Clients
	Logins
	Grants
	RefreshTokens
	Sessions
	PushedRequests
	Replays
	SigningKeys
	Secrets
	AuditLog
	Operators
	APIKeys
	Notes
	Evidences

	// Sweep removes at most limit records that have expired at now and returns how many it removed. Fewer than limit means
	// that none are left.
	Sweep(ctx context.Context, now time.Time, limit int) (removed int, err error)
	// Reseal seals at most limit records anew with the master key that seals now, and returns how many it has; a record is sealed anew
	// once, however often the work is broken off. Each call goes on where the one before it has ended, and may find none. When all
	// are, by one pass over everything, the store forgets that it needed another key and says so. It returns ErrSealsOtherwise
	// while another process seals with another key, and an error of the sealer when a record opens with no key.
	Reseal(ctx context.Context, limit int) (Resealed, error)
	// Ping returns nil when the store can read and write.
	Ping(ctx context.Context) error
	// Close releases the store after the steps under way. No method may be called afterwards.
	Close() error
}

// Clients keeps the registered OAuth clients.
type Clients interface {
	// Client returns the client with that ID, or ErrNotFound. The returned record is shared: do not change what it points to.
	Client(ctx context.Context, id string) (*Client, error)
	// Clients returns at most limit clients whose IDs follow after, ordered by ID. There may be millions: to go through all,
	// begin with an empty after and go on with the last ID, until fewer than limit come. The slice is the caller's.
	Clients(ctx context.Context, after string, limit int) ([]*Client, error)
	// OriginRegistered reports whether any client has the web origin (Client.WebOrigins).
	OriginRegistered(ctx context.Context, origin string) (bool, error)
	// CreateClient stores a new client with revision 1, or returns ErrExists.
	CreateClient(ctx context.Context, client Client, events ...AuditEvent) error
	// UpdateClient replaces the client of that ID and raises its revision by one. When it is Disabled, that revokes what it was granted and
	// removes what it has pushed, for ever. It returns ErrNotFound, or ErrConflict when the stored revision is not client.Revision.
	UpdateClient(ctx context.Context, client Client, events ...AuditEvent) error
	// RemoveClient removes the client with what it has pushed, and revokes what it was granted, or returns ErrNotFound.
	RemoveClient(ctx context.Context, id string, now time.Time, events ...AuditEvent) error
	// ChangeClients creates, replaces and removes clients, each as the methods above do: all of it or nothing. No client may be named twice. The
	// error is a *ClientStepError that names the first client that cannot be changed so.
	ChangeClients(ctx context.Context, steps []ClientStep, now time.Time, events ...AuditEvent) error
	// Holdings counts what the client holds at now, which ends when it is disabled or removed: at most so many of each. It looks through all grants of
	// the store. Of a client that is not stored it may miss some.
	Holdings(ctx context.Context, id string, now time.Time, most int) (Holdings, error)
}

// Holdings is how much a client holds.
type Holdings struct {
	// Grants are the logins that tokens of the client stand for, Offline those of them that can be refreshed.
	Grants, Offline int
	// Pushed are requests that it has sent ahead.
	Pushed int
}

// Logins keeps logins with their auth request, order and identity. What each step demands stands at the method of [Login]
// that has its name. Every step but CreateLogin returns ErrNotFound for a login that is unknown or has expired, and the
// login as it is after the step. A returned login is the caller's own; the slices in its Request may be shared and are not to
// be changed.
type Logins interface {
	// CreateLogin stores a new login. IDs are random, so a collision is a fault: it returns ErrExists.
	CreateLogin(ctx context.Context, login Login) error
	// CreateSignature is CreateLogin for a login whose person is to sign the document, which is stored with it. The login's kind and
	// the sum of the document are set.
	CreateSignature(ctx context.Context, login Login, document Document) error
	// Document returns what is to be signed with the login of that ID, or ErrNotFound.
	Document(ctx context.Context, id string, now time.Time) (*Document, error)
	// Login returns the login with that ID.
	Login(ctx context.Context, id string, now time.Time) (*Login, error)
	// BeginOrder claims the right to make the login's next order. Of concurrent calls exactly one succeeds.
	BeginOrder(ctx context.Context, id string, claim Claim, tell ...Tell) (*Login, error)
	// PutOrder makes order the login's current one and ends the claim.
	PutOrder(ctx context.Context, id, claimID string, order Order) (*Login, error)
	// DropClaim ends a claim whose order could not be made.
	DropClaim(ctx context.Context, id, claimID string, failure Failure, now time.Time, tell ...Tell) (*Login, error)
	// TakeBack makes the order that was silently replaced the current one again.
	TakeBack(ctx context.Context, id, orderID string, now time.Time) (*Login, error)
	// RecordHint notes how far an app has come with the current order, and the service's word for it. A crash may lose it: the service
	// tells it again.
	RecordHint(ctx context.Context, id, orderID string, phase Phase, hintCode string, now time.Time) (*Login, error)
	// RecordSeen notes that the page is looked at, for a collector in another process. A time before the noted one changes nothing. A
	// crash may lose it.
	RecordSeen(ctx context.Context, id string, now time.Time) (*Login, error)
	// FailOrder ends the current order without an identity.
	FailOrder(ctx context.Context, id, orderID string, failure Failure, now time.Time, tell ...Tell) (*Login, error)
	// CompleteLogin stores the identity that the current order brought, and the record of its evidence. Of concurrent calls exactly one
	// succeeds. It returns ErrExists when there is such a record already.
	CompleteLogin(ctx context.Context, id, orderID string, result Result, now time.Time, tell ...Tell) (*Login, error)
	// RecordReturn notes that the BankID app sent the person back with the order's return nonce.
	RecordReturn(ctx context.Context, id string, nonceHash [32]byte, now time.Time) (*Login, error)
	// CancelOrder ends whatever order or claim the login has, because the person asked for it or proof was false.
	CancelOrder(ctx context.Context, id string, failure Failure, now time.Time, tell ...Tell) (*Login, error)
	// RefuseLogin ends the login without a code: its answer to the client is an error.
	RefuseLogin(ctx context.Context, id string, now time.Time, tell ...Tell) (*Login, error)
	// AnswerLogin ends a completed login and stores the code and the grant of its answer in the same step; the session of the
	// answer too, and it ends the one that the answer ends. The grant is bound to the answer's session, whatever
	// Grant.Session says. It returns ErrExists, and changes nothing, when a grant of that ID or a code of that hash is there
	// already, or when the cookie is another session's.
	AnswerLogin(ctx context.Context, id string, answer Answer, now time.Time) (*Login, error)
	// RepeatAnswer puts another code, valid until expires, in the place of the one that the login was answered with, which is unknown from then
	// on: of the codes of a login at most one is ever redeemed. It returns ErrConflict when that one has been redeemed, has expired
	// or is gone, when its grant does not stand, and when the login was not answered with a code; ErrExists when the new one is there already.
	RepeatAnswer(ctx context.Context, id string, code [32]byte, expires, now time.Time) (*Login, error)

	// Heartbeat says that the named collector is alive at now.
	Heartbeat(ctx context.Context, collector string, now time.Time) error
	// AdoptOrders hands at most limit logins whose order is pending, and whose collector has not been heard of since
	// deadline, over to the named collector and returns them.
	AdoptOrders(ctx context.Context, collector string, deadline, now time.Time, limit int) ([]*Login, error)
	// Follow calls changed when another process may have changed the login: within a second, and more often than needed. Changed must
	// not wait. Who follows no more calls stop.
	Follow(id string, changed func()) (stop func())
	// PendingOrders returns how many logins have a pending order.
	PendingOrders(ctx context.Context) (int, error)
}

// Grants keeps what was granted to clients, and the codes and tokens that stand for it. A returned grant is the caller's own; what
// it points to may be shared and is not to be changed.
type Grants interface {
	// CodeLive reports whether the code of that hash can be redeemed at now.
	CodeLive(ctx context.Context, code [32]byte, now time.Time) (bool, error)
	// RedeemCode returns the grant behind an authorization code, spends the code and stores the access token given for it, and
	// for an offline grant the first refresh token of its family, in one step. Of concurrent calls exactly one succeeds. It
	// returns ErrNotFound if the code was never issued or has expired, ErrMismatch if the redemption does not prove what the
	// code is bound to, ErrTarget if it is for a resource that was not granted (the code stays unspent in both cases), and a
	// *CodeReusedError naming the grant if it was spent before; the caller then revokes that grant (RFC 6749 §4.1.2). A
	// spent code is known until its grant expires; the unspent code of a revoked grant is unknown. The tokens are bound to the
	// code's grant, whatever they say. A refresh token with a hash of zeros is none.
	RedeemCode(ctx context.Context, redemption Redemption) (*Grant, error)
	// IssueToken stores a grant of a client's own, for which nobody has logged in, and its access token, in one step (RFC 6749 §4.4). It returns
	// ErrConflict when the client is not of that revision any more, which is 0 for one of the configuration: somebody may just have disabled it.
	IssueToken(ctx context.Context, revision uint64, grant Grant, token AccessToken) error
	// AccessToken returns the token with that hash and its grant. It returns ErrNotFound if the token was never issued, has
	// expired, or if its grant has expired or was revoked.
	AccessToken(ctx context.Context, hash [32]byte, now time.Time) (*AccessToken, *Grant, error)
	// RevokeGrant revokes the grant and everything that stands for it. An unknown or already revoked grant is no error.
	RevokeGrant(ctx context.Context, id string, now time.Time, events ...AuditEvent) error
}

// RefreshTokens keeps refresh tokens; their families are grants.
type RefreshTokens interface {
	// RefreshToken returns the token with that hash and its grant, spent or not. It returns ErrNotFound if the token was
	// never issued, or if its grant has expired or was revoked. Whether it may be used is for RotateRefreshToken to say.
	RefreshToken(ctx context.Context, hash [32]byte, now time.Time) (*RefreshToken, *Grant, error)
	// RotateRefreshToken returns the grant behind a refresh token, spends the token and stores the tokens given for it, in one
	// step. Of concurrent calls exactly one succeeds so. It returns ErrNotFound if the token was never issued, has expired, is
	// another client's, or if its grant has ended, and a *TokenReusedError naming the grant if it was used before; the caller
	// then revokes that grant (RFC 9700 §4.14.2).
	//
	// Within a grace, calls after the first succeed too, as long as the token that followed is unused: they store their access
	// token and learn when the first was, and no further refresh token comes of them. A token that is to be kept is not spent:
	// all calls succeed and move its expiry.
	RotateRefreshToken(ctx context.Context, rotation Rotation) (*Rotated, error)
}

// Sessions keeps the sessions of browsers, and the notices of their end.
type Sessions interface {
	// Session returns the session of the browser whose cookie has that hash, or ErrNotFound when it is over.
	Session(ctx context.Context, cookieHash [32]byte, now time.Time) (*Session, error)
	// AnswerFromSession stores the code and the grant of a client that is answered out of a session, and notes the use and
	// what was released, in one step. The grant is bound to the session, whatever Grant.Session says. It returns ErrNotFound
	// when the session is over, ErrConflict when its login has been renewed since authTime, and ErrExists, changing nothing,
	// when a grant of that ID or a code of that hash is there already.
	AnswerFromSession(ctx context.Context, sessionID string, authTime time.Time, code Code, grant Grant, released []string, now time.Time, events ...AuditEvent) error
	// EndSession ends the session of that ID: it revokes its grants but the offline ones (Back-Channel Logout §2.7) and stores
	// a Notice for each client and sid of them, offline and revoked ones too, that is to be told (Grant.Backchannel), all
	// in one step. For this, a grant of a session is known as long as the session might have lived, even when it has expired
	// itself. What was ended once stays so: ending it again finds nothing. An unknown session is no error.
	EndSession(ctx context.Context, id string, now time.Time, tell ...TellEnd) (Ended, error)
	// EndSessionID ends whatever an ID token's sid names: the session of the browser that the sid's grants belong to, as
	// EndSession does, or those grants alone when they belong to none. An unknown sid is no error.
	EndSessionID(ctx context.Context, sid string, now time.Time, tell ...TellEnd) (Ended, error)

	// ClaimNotices returns at most limit notices that are due at now, the longest due first, as it leaves them: with the
	// attempt counted and put off by retry(attempts), so that no other process sends it meanwhile. Of concurrent calls only
	// one gets a notice. Retry only computes: it may be called again for the same notice.
	ClaimNotices(ctx context.Context, now time.Time, limit int, retry func(attempts int) time.Duration) ([]Notice, error)
	// DropNotice removes a notice that was delivered or will never be. An unknown one is no error.
	DropNotice(ctx context.Context, id string, events ...AuditEvent) error
	// WaitingNotices returns how many notices there are, and when the first of them is due, or was; the zero time for none.
	WaitingNotices(ctx context.Context) (n int, due time.Time, err error)
}

// PushedRequests keeps auth requests that were sent ahead.
type PushedRequests interface {
	// PushRequest stores the request, or returns ErrExists.
	PushRequest(ctx context.Context, request PushedRequest) error
	// TakePushedRequest returns the request with that hash and removes it: of concurrent calls exactly one succeeds. It returns
	// ErrNotFound when it was never stored, has expired or was taken, and when it is another client's, which does not take it.
	TakePushedRequest(ctx context.Context, hash [32]byte, clientID string, now time.Time) (*PushedRequest, error)
}

// Replays remembers what may be used once.
type Replays interface {
	// UseOnce remembers the key until expires. It returns ErrExists when it is remembered already: of concurrent calls with
	// one key exactly one succeeds. An expires that has passed at now cannot be told from one that was used: ErrExists too.
	UseOnce(ctx context.Context, key [32]byte, expires, now time.Time) error
	// ForgottenBefore returns the time before which keys may have been used that the store does not know, because it was restored from
	// a backup then. What was made earlier must not be taken for unused. It is zero when there is no such time.
	ForgottenBefore(ctx context.Context) (time.Time, error)
}

// SigningKeys keeps the keys of the provider, for signing and for decrypting, as one set.
type SigningKeys interface {
	// SigningKeys returns all keys, oldest first, and the revision of the set: 0 when none was ever stored.
	SigningKeys(ctx context.Context) (keys []SigningKey, revision uint64, err error)
	// ReplaceSigningKeys replaces the whole set, or returns ErrConflict when the stored revision is not the given one.
	ReplaceSigningKeys(ctx context.Context, keys []SigningKey, revision uint64, events ...AuditEvent) error
}

// Secrets keeps the long-lived secrets of the installation, sealed.
type Secrets interface {
	// SecretOrCreate returns the secret of that name; when there is none it stores the proposed one first. All callers, in
	// all processes, get the same value until somebody replaces it.
	SecretOrCreate(ctx context.Context, name string, proposed []byte) ([]byte, error)
	// ReplaceSecret puts another value in the place of before. It returns ErrConflict when the stored value is not before, and
	// ErrNotFound when there is none of that name. Nil after removes it.
	ReplaceSecret(ctx context.Context, name string, before, after []byte) error
	// SecretNames returns the names of the secrets that begin with prefix, in order.
	SecretNames(ctx context.Context, prefix string) ([]string, error)
}

// AuditLog keeps audit events.
type AuditLog interface {
	// AppendAudit stores the events, all or none; an event is never changed afterwards and removed only when it expires. It
	// returns ErrExists when one of them is there already.
	AppendAudit(ctx context.Context, events ...AuditEvent) error
	// AuditEvents returns at most limit events in the order of their time, from inclusive, to exclusive.
	AuditEvents(ctx context.Context, from, to time.Time, limit int) ([]AuditEvent, error)
	// AuditEventsOf does the same for the events that have the reference. It looks through all events of that time.
	AuditEventsOf(ctx context.Context, reference Reference, from, to time.Time, limit int) ([]AuditEvent, error)

	// AuditTree returns the tree over the events as it stands; the zero value when none was ever stored.
	AuditTree(ctx context.Context) (AuditTree, error)
	// AuditTiles returns at most limit tiles of a level in order, from that index on.
	AuditTiles(ctx context.Context, level int, from int64, limit int) ([]AuditTile, error)
	// GrowAuditTree puts the tree in the place of one of that size and stores the tiles, each of which may replace one that had
	// fewer hashes. It returns ErrConflict when the stored tree has another size: of concurrent calls from one size exactly one succeeds.
	GrowAuditTree(ctx context.Context, size int64, tree AuditTree, tiles []AuditTile) error
}

// Unexpired returns nil when a record that ends at expires exists at now, else ErrNotFound.
func Unexpired(expires, now time.Time) error {
	if now.Before(expires) {
		return nil
	}
	return ErrNotFound
}
