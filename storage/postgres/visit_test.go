//go:build scale

package postgres

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// The lives of records, as the configuration has them unless it says otherwise.
const (
	loginLife       = 10 * time.Minute
	codeLife        = time.Minute
	accessTokenLife = 10 * time.Minute
	refreshIdle     = 2 * time.Hour
	refreshLife     = 24 * time.Hour
	sessionLife     = time.Hour
	sessionIdle     = 30 * time.Minute
	auditRetention  = 400 * 24 * time.Hour
)

// visit is one person's login at one app, step by step, at times that the caller names.
type visit struct {
	store                *Store
	client               string
	offline, signsIn     bool
	login, order         string
	grant                string
	code, refresh, token string
	session              storage.Session
}

// idAt returns a name as storage.NewID would have made it at that time.
func idAt(now time.Time) string { return tokenAt(now)[:30] }

// tokenAt returns what storage.NewToken would have returned at that time.
func tokenAt(now time.Time) string {
	var random [32]byte
	rand.Read(random[:])
	return storage.TokenOf(now, random)
}

func hashOf(token string) [32]byte { return storage.TokenHash(secret.New(token)) }

var visitor = storage.Identity{
	Method: "bankid", PersonalNumber: secret.New("199002304567"), Name: secret.New("Kim Larsson"), GivenName: secret.New("Kim"),
	Surname: secret.New("Larsson"), DeviceIP: "192.0.2.8", IssueDate: "2024-02-29", Risk: "low",
}

func tells(typ string, now time.Time) storage.Tell {
	return func(l *storage.Login) []storage.AuditEvent {
		return []storage.AuditEvent{eventOf(typ, l.Reference(), now)}
	}
}

func eventOf(typ string, reference storage.Reference, now time.Time) storage.AuditEvent {
	return storage.AuditEvent{
		ID: idAt(now), Time: now, Type: typ, Reference: reference, Expires: now.Add(auditRetention),
		Fields: map[string]string{"client_id": "app-of-the-municipality", "method": "bankid", "device": "other", "person": "Zk3uV9mRq0sXb7eJ1yT5hL8cN2wP6aD4", "address": "192.0.2.8"},
	}
}

// begin pushes the app's request, fetches it again and starts an order for it.
func (v *visit) begin(ctx context.Context, now time.Time) error {
	v.login, v.order = idAt(now), idAt(now)
	pushed := hashOf(tokenAt(now))
	values := map[string][]string{"client_id": {v.client}, "redirect_uri": {"https://app.example/callback"}, "scope": {"openid profile"}, "state": {idAt(now)}, "nonce": {idAt(now)}}
	if err := v.store.PushRequest(ctx, storage.PushedRequest{Hash: pushed, ClientID: v.client, Values: values, Expires: now.Add(time.Minute)}); err != nil {
		return err
	}
	if _, err := v.store.TakePushedRequest(ctx, pushed, v.client, now); err != nil {
		return err
	}
	if err := v.store.UseOnce(ctx, hashOf(tokenAt(now)), now.Add(time.Minute), now); err != nil { // the app's assertion
		return err
	}
	if err := v.store.CreateLogin(ctx, storage.Login{
		ID: v.login, State: storage.LoginOpen, Revision: 1, Created: now, Expires: now.Add(loginLife), BindingHash: sha256.Sum256([]byte(v.login)),
		Request: &storage.AuthRequest{
			ClientID: v.client, RedirectURI: "https://app.example/callback", ResponseMode: "query", Scopes: []string{"openid", "profile"}, State: idAt(now), Nonce: idAt(now),
			CodeChallenge: base64.RawURLEncoding.EncodeToString(make([]byte, 32)), UILocales: []string{"sv"}, Received: now,
		},
	}); err != nil {
		return err
	}
	starter := storage.Starter{Device: "other", IP: "192.0.2.8", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
	claim := storage.Claim{ID: v.order, Collector: v.store.Node(), At: now, Starter: starter, WindowEnds: now.Add(3 * time.Minute)}
	if _, err := v.store.BeginOrder(ctx, v.login, claim, tells("WEB_100001", now)); err != nil {
		return err
	}
	_, err := v.store.PutOrder(ctx, v.login, v.order, storage.Order{
		ID: v.order, Method: "bankid", Ref: secret.New(idAt(now)), AutoStartToken: secret.New(idAt(now)), QRStartToken: secret.New(idAt(now)), QRStartSecret: secret.New(idAt(now)),
		Started: now, WindowEnds: now.Add(3 * time.Minute), Collector: v.store.Node(),
	})
	return err
}

// hint notes what the eID service says of the order.
func (v *visit) hint(ctx context.Context, code string, now time.Time) error {
	_, err := v.store.RecordHint(ctx, v.login, v.order, storage.PhaseWorking, code, now)
	return err
}

// finish completes the login and answers it.
func (v *visit) finish(ctx context.Context, now time.Time) error {
	if _, err := v.store.CompleteLogin(ctx, v.login, v.order, storage.Result{Identity: visitor}, now, tells("WEB_100002", now)); err != nil {
		return err
	}
	v.code = tokenAt(now)
	answer := v.answer(now)
	if v.signsIn {
		v.session = storage.Session{
			ID: idAt(now), CookieHash: hashOf(tokenAt(now)), Group: "city", Identity: visitor, LoginID: v.login, ACR: answer.Grant.ACR, AMR: answer.Grant.AMR, AuthTime: now,
			Released: map[string][]string{v.client: {"name", "personalNumber"}}, Created: now, Used: now, IdleLife: sessionIdle, Expires: now.Add(sessionLife),
		}
		answer.Session = &v.session
	}
	_, err := v.store.AnswerLogin(ctx, v.login, answer, now)
	return err
}

// answer returns what the app gets for the code.
func (v *visit) answer(now time.Time) storage.Answer {
	life := codeLife + accessTokenLife
	if v.offline {
		life = refreshLife
	}
	grant := storage.Grant{
		ID: idAt(now), ClientID: v.client, SessionID: idAt(now), TransactionID: idAt(now), Subject: "Zk3uV9mRq0sXb7eJ1yT5hL8cN2wP6aD4gF0iKoUvBxE",
		Scopes: []string{"openid", "profile"}, Nonce: idAt(now), ACR: "http://id.swedenconnect.se/loa/1.0/uncertified-loa3", AMR: []string{"bankid", "mfa"}, AuthTime: now,
		Identity: visitor, Offline: v.offline, Created: now, Expires: now.Add(life),
	}
	v.grant = grant.ID
	return storage.Answer{Grant: grant, Code: storage.Code{
		Hash: hashOf(v.code), GrantID: grant.ID, ClientID: v.client, Redirect: "https://app.example/callback", Expires: now.Add(codeLife),
		Challenge: base64.RawURLEncoding.EncodeToString(make([]byte, 32)),
	}}
}

// again lets the person into another app out of the session.
func (v *visit) again(ctx context.Context, now time.Time) error {
	v.code = tokenAt(now)
	answer := v.answer(now)
	return v.store.AnswerFromSession(ctx, v.session.ID, v.session.AuthTime, answer.Code, answer.Grant, []string{"name"}, now, eventOf("WEB_100003", "", now))
}

// redeem exchanges the code.
func (v *visit) redeem(ctx context.Context, now time.Time) error {
	v.token, v.refresh = tokenAt(now), tokenAt(now)
	_, err := v.store.RedeemCode(ctx, storage.Redemption{
		CodeHash: hashOf(v.code), ClientID: v.client, RedirectURI: "https://app.example/callback", Challenge: base64.RawURLEncoding.EncodeToString(make([]byte, 32)), Now: now,
		Token: v.accessToken(now), Refresh: storage.RefreshToken{Hash: hashOf(v.refresh), Expires: now.Add(refreshIdle)},
	})
	return err
}

func (v *visit) accessToken(now time.Time) storage.AccessToken {
	return storage.AccessToken{Hash: hashOf(v.token), Issued: now, Expires: now.Add(accessTokenLife)}
}

// rotate uses the refresh token.
func (v *visit) rotate(ctx context.Context, now time.Time) error {
	used := v.refresh
	v.token, v.refresh = tokenAt(now), tokenAt(now)
	_, err := v.store.RotateRefreshToken(ctx, storage.Rotation{
		Hash: hashOf(used), ClientID: v.client, Now: now, Token: v.accessToken(now), Next: storage.RefreshToken{Hash: hashOf(v.refresh), Expires: now.Add(refreshIdle)},
	})
	return err
}
