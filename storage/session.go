package storage

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"slices"
	"time"
)

// Session is a signed-in browser: a person who has logged in for one client and may be passed on to the other clients of
// its group without logging in anew. Only groups that an administrator has made have sessions.
type Session struct {
	// ID is random and names the session in records; it proves nothing.
	ID string
	// CookieHash is the SHA-256 of the browser's session cookie. Every login renews the cookie.
	CookieHash [32]byte
	// Group is the Client.SessionGroup of the clients that share the session.
	Group string
	// Identity, ACR, AMR, AuthTime and LoginID are those of the login that made the session or renewed it last.
	Identity Identity
	ACR      string
	AMR      []string
	AuthTime time.Time
	LoginID  string
	// Policy is what that login's client demanded of it: the session serves no client that demands something else.
	Policy Policy
	// Released holds, by client ID, the names of the claims and scopes that each client has been given.
	Released map[string][]string
	Created  time.Time
	// Used is when the session last gave a client its answer, IdleLife how long it lives after that.
	Used     time.Time
	IdleLife time.Duration
	// Expires is when the session ends however much it is used.
	Expires time.Time
}

// Live reports whether the session may still be used at now.
func (s *Session) Live(now time.Time) bool {
	return now.Before(s.Expires) && now.Before(s.Used.Add(s.IdleLife))
}

// Ends returns when the session ends unless it is used again.
func (s *Session) Ends() time.Time {
	if idle := s.Used.Add(s.IdleLife); idle.Before(s.Expires) {
		return idle
	}
	return s.Expires
}

// Use returns the session as it is once it has given the client what is named, at now. It is a rule, not a step: backends
// call it inside AnswerFromSession. It returns ErrNotFound when the session is over.
func (s Session) Use(clientID string, released []string, now time.Time) (Session, error) {
	if !s.Live(now) {
		return s, ErrNotFound
	}
	all := make(map[string][]string, len(s.Released)+1)
	for id, names := range s.Released {
		all[id] = names
	}
	names := slices.Concat(all[clientID], released)
	slices.Sort(names)
	all[clientID] = slices.Compact(names)
	s.Released, s.Used = all, now
	return s, nil
}

// Answer returns the bound answer of a client that the session serves, with the session as [Session.Use] leaves it. It is a rule, not a step:
// backends call it inside AnswerFromSession and return its errors, which are those of [Sessions].
func (s Session) Answer(authTime time.Time, code Code, grant Grant, released []string, now time.Time) (Answer, error) {
	used, err := s.Use(grant.ClientID, released, now)
	if err != nil {
		return Answer{}, err
	}
	if !s.AuthTime.Equal(authTime) {
		return Answer{}, ErrConflict
	}
	return Answer{Code: code, Grant: grant, Session: &used}.Bound()
}

// Answer is what a client gets for a completed login: its code and grant, and what becomes of the browser's session.
type Answer struct {
	Code  Code
	Grant Grant
	// Session is the session to store, nil for none. One of the same ID is replaced, its old cookie with it.
	Session *Session
	// Ends is the ID of the session that this login puts an end to, as another person has taken the browser over; empty for
	// none. It ends as with EndSession.
	Ends string
}

// Bound returns the answer with its grant in its session and in no other, or an error when one of them has no ID. Backends store what it
// returns.
func (a Answer) Bound() (Answer, error) {
	if a.Grant.ID == "" || a.Session != nil && a.Session.ID == "" {
		return Answer{}, errors.New("storage: the grant or the session of an answer has no ID")
	}
	a.Grant.Session = ""
	if a.Session != nil {
		a.Grant.Session = a.Session.ID
	}
	return a, nil
}

// Kept returns until when the grant and the code of a bound answer are known. A grant is, expired or not, as long as its session might
// have lived, so that the session's end finds it (see Sessions.EndSession). A code is as long as its grant, so that a replay is known as one.
func (a *Answer) Kept() (grant, code time.Time) {
	grant = a.Grant.Expires
	if a.Session != nil {
		grant = later(grant, a.Session.Expires)
	}
	return grant, a.Code.Kept(a.Grant.Expires)
}

// Kept returns until when a code is known whose grant ends at that time.
func (c Code) Kept(grantExpires time.Time) time.Time { return later(grantExpires, c.Expires) }

func later(one, other time.Time) time.Time {
	if one.Before(other) {
		return other
	}
	return one
}

// Notice tells a client that one of its sessions has ended (OpenID Connect Back-Channel Logout §2.5), or an order of one of its programs. It is kept
// until it is delivered or has expired.
type Notice struct {
	// ID is random and becomes the logout token's jti, or that of the webhook's message.
	ID       string
	ClientID string
	// SessionID is the sid, and Subject the sub, as the client knows them.
	SessionID string
	Subject   string
	// Order is the order that has ended, nil for a session.
	Order   *EndedOrder
	Created time.Time
	// Due is when the next attempt is to be made, Attempts how many were made.
	Due      time.Time
	Attempts int
	// Expires is when the notice is given up.
	Expires time.Time
}

// LogoutNotice returns a notice, due at once, that the grant's session ended at now. It has a new random ID each time.
func (g *Grant) LogoutNotice(now time.Time) Notice {
	return Notice{
		ID: noticeID(), ClientID: g.ClientID, SessionID: g.SessionID, Subject: g.Subject,
		Created: now, Due: now, Expires: now.Add(NoticeLife),
	}
}

func noticeID() string {
	id := make([]byte, 16)
	rand.Read(id)
	return base64.RawURLEncoding.EncodeToString(id)
}

// Claimed returns the notice as it is claimed at now: with the attempt counted, and put off by what retry returns for it. It is a rule, not a
// step: backends call it inside ClaimNotices.
func (n Notice) Claimed(now time.Time, retry func(attempts int) time.Duration) Notice {
	n.Attempts++
	n.Due = now.Add(retry(n.Attempts))
	return n
}

// Notices are the clients, with the sid that each knows, which were told of an end. The zero value is ready to use.
type Notices struct{ told map[[2]string]bool }

// Of returns the notice of a grant that ends at now, nil when its client is not to be told or was told of that sid before. It is a rule, not
// a step: backends call it inside EndSession.
func (n *Notices) Of(grant *Grant, now time.Time) *Notice {
	to := [2]string{grant.ClientID, grant.SessionID}
	if !grant.Backchannel || grant.SessionID == "" || n.told[to] {
		return nil
	}
	if n.told == nil {
		n.told = map[[2]string]bool{}
	}
	n.told[to] = true
	notice := grant.LogoutNotice(now)
	return &notice
}

// NoticeLife is how long a notice that cannot be delivered is kept.
const NoticeLife = 24 * time.Hour

// Ended is what ending a session brought about.
type Ended struct {
	// Session is the ID of the session of the browser, empty when there was none; Group is its group.
	Session, Group string
	// Grants is how many grants were revoked, Notices how many clients will be told.
	Grants, Notices int
}
