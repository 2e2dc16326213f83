package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"brygga/storage"
)

// Populate stores n records of every kind in every state that it can be in, as the steps leave them.
func Populate(t *testing.T, store storage.Store, n int) {
	t.Helper()
	f := &fixture{T: t, Instance: Instance{Store: store}}
	f.ok(store.ReplaceSigningKeys(t.Context(), newKeys(2), 0))
	f.ok(store.ReplaceSigningKeys(t.Context(), newKeys(3), 1))
	for _, secret := range []string{"subject", "audit pseudonyms"} {
		_, err := store.SecretOrCreate(t.Context(), secret, []byte(canarySecret+secret))
		f.ok(err)
	}
	for _, id := range populatedClients {
		f.ok(store.CreateClient(t.Context(), newClient(id), newEvent("client "+id, 1)))
	}
	f.populateGone()
	f.populateOperators()
	f.ok(store.PutAPIKey(t.Context(), newAPIKey("key")))
	f.ok(store.WriteNotes(t.Context(), turn("", "1", notes("a", "one", "b", "")...)))
	_, err := f.grow(257, "populated")
	f.ok(err)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			f.populateLogins(i)
			f.populateGrants(i)
			f.populateSessions(i)
			f.ok(store.PushRequest(t.Context(), newRequest(name("pushed", i), "app")))
			f.ok(store.UseOnce(t.Context(), hash(name("used", i)), at(400+i), at(1)))
			f.ok(store.AppendAudit(t.Context(), newEvent(name("event", i), 2)))
		})
	}
	all.Wait()
	f.ok(store.RemoveClient(t.Context(), "removed", at(7)))
	f.ok(store.CreateClient(t.Context(), newClient("last"))) // and the generation of the one before is nobody's
	f.ok(store.RemoveClient(t.Context(), "last", at(7)))
	client, err := store.Client(t.Context(), "app")
	f.ok(err)
	f.ok(store.UpdateClient(t.Context(), *client))
}

var populatedClients = []string{"app", "other", "removed"}

func newEvent(id string, seconds int) (event storage.AuditEvent) {
	Fill(&event)
	event.ID, event.Time, event.Expires, event.Reference = id, at(seconds), at(9000), "REFERENCE-"+storage.Reference(id)
	return event
}

// populateOperators stores operators in all states, counts of attempts, and mail that was tried and that was not.
func (f *fixture) populateOperators() {
	f.Helper()
	f.secured("owner", storage.RoleOwner)
	person := storage.Hash(hash("person"))
	f.step(6, storage.ChangeOperator{ID: "owner", Person: &person})
	f.step(6, storage.AddPasskey{ID: "owner", Session: cookie("owner", 1), Passkey: storage.Passkey{ID: []byte("passkey"), PublicKey: []byte("key"), Transport: []string{"usb"}}})
	f.step(6, storage.GiveLink{ID: "owner", Link: newLink(storage.LinkReset, "owner reset", 5000)})
	f.operator("disabled", storage.RoleAdmin)
	f.step(6, storage.ChangeOperator{ID: "disabled", Disabled: yes()})
	f.step(6, storage.CreateOperator{Operator: newOperator("invited", storage.RoleAuditor), Link: newLink(storage.LinkInvite, "invited", 5000)})
	f.operator("gone", storage.RoleAdmin)
	f.step(6, storage.RemoveOperator{ID: "gone"})
	f.attempts(6, 4)
	f.step(6, storage.ClearThrottle{}, tellMail("mail", newMail("tried", 1), newMail("waits", 2)))
	f.mailIDs(at(1), 1)
}

// populateGone stores what no longer exists at the time of Answers.
func (f *fixture) populateGone() {
	f.Helper()
	gone := newLogin("gone")
	gone.Expires = at(2)
	f.ok(f.Store.CreateLogin(f.Context(), gone))
	f.ok(f.Store.UseOnce(f.Context(), hash("used gone"), at(3), at(1)))
}

// populateLogins stores logins in all states.
func (f *fixture) populateLogins(i int) {
	f.Helper()
	ctx := f.Context()
	f.ok(f.Store.CreateLogin(ctx, newLogin(name("open", i))))
	f.ok(f.Store.CreateLogin(ctx, newLogin(name("claimed", i))))
	f.must(f.Store.BeginOrder(ctx, name("claimed", i), newClaim("claim"+name("claimed", i), 1)))
	f.pendingLogin(name("pending", i))
	f.pendingLogin(name("failed", i))
	f.must(f.Store.FailOrder(ctx, name("failed", i), "order"+name("failed", i), storage.Failure{Reason: "userCancel"}, at(3)))
	f.pendingLogin(name("cancelled", i))
	f.must(f.Store.CancelOrder(ctx, name("cancelled", i), storage.Failure{Reason: "userCancel"}, at(3)))
	f.must(f.Store.RefuseLogin(ctx, name("cancelled", i), at(3)))
	f.completeLogin(name("complete", i))
	f.signature(name("sign", i))
	f.pendingLogin(name("proven", i))
	f.ok(f.proven(name("proven", i), newEvidence(name("evidence", i), "app", 3)))
	f.pendingLogin(name("erased", i))
	f.ok(f.proven(name("erased", i), newEvidence(name("erased", i), "other", 3)))
	_, err := f.Store.EraseEvidence(ctx, name("erased", i), erasure(5))
	f.ok(err)
}

// populateGrants stores grants with codes and tokens that are used, unused, revoked and rotated.
func (f *fixture) populateGrants(i int) {
	f.Helper()
	ctx := f.Context()
	f.granted(name("unredeemed", i), "app", name("sid unredeemed", i))
	f.redeemed(name("redeemed", i), "app", name("sid redeemed", i))
	f.redeemed(name("removed", i), "removed", name("sid removed", i))
	f.redeemed(name("static", i), "static", "")
	f.ok(f.Store.RevokeGrant(ctx, f.redeemed(name("revoked", i), "other", name("sid revoked", i)).ID, at(6)))
	family := newGrant(name("family", i), "app", name("sid family", i))
	family.Offline = true
	f.completeLogin("login" + family.ID)
	f.must(f.Store.AnswerLogin(ctx, "login"+family.ID, newAnswer(family), at(4)))
	f.redeem(family)
	for generation, from := range []string{"refresh" + family.ID, "second" + family.ID} {
		_, err := f.Store.RotateRefreshToken(ctx, storage.Rotation{
			Hash: hash(from), ClientID: "app", Next: storage.RefreshToken{Hash: hash([]string{"second", "third"}[generation] + family.ID), Expires: at(2500)},
			Token: storage.AccessToken{Hash: hash(from + " access"), Issued: at(6), Expires: at(1900), Scopes: []string{"openid"}, Resources: []string{"https://api.example"}}, Now: at(6 + generation),
		})
		f.ok(err)
	}
}

// populateSessions stores sessions that live, with grants that do and do not, and one that ended, of which notices are left.
func (f *fixture) populateSessions(i int) {
	f.Helper()
	session, _ := f.signedIn(name("session", i), name("signed in", i), "app", name("sid session", i), told)
	f.served(session, name("served", i), "other", name("sid served", i), told)
	f.served(session, name("kept", i), "app", name("sid kept", i), offline)
	f.served(session, name("no sid", i), "app", "")
	ended, _ := f.signedIn(name("ended", i), name("over", i), "app", name("sid ended", i), told)
	f.served(ended, name("offline", i), "other", name("sid offline", i), offline, told)
	_, err := f.Store.EndSession(f.Context(), ended.ID, at(6))
	f.ok(err)
}

// Answers returns what the reads of a store say of all that Populate has stored there, and then what its steps do with that, as text by
// question. It changes the store.
func Answers(t *testing.T, store storage.Store, n int) map[string]string {
	t.Helper()
	a := &answers{store: store, ctx: t.Context(), said: map[string]string{}}
	clients, err := store.Clients(a.ctx, "", 100)
	a.say("clients", err, clients)
	keys, revision, err := store.SigningKeys(a.ctx)
	a.say("keys", err, keys, revision)
	for _, secret := range []string{"subject", "audit pseudonyms"} {
		value, err := store.SecretOrCreate(a.ctx, secret, []byte("another"))
		a.say(secret, err, value)
	}
	pending, err := store.PendingOrders(a.ctx)
	a.say("pending", err, pending)
	forgotten, err := store.ForgottenBefore(a.ctx)
	a.say("forgotten", err, forgotten)
	events, err := store.AuditEvents(a.ctx, at(0), at(9000), 10_000)
	a.say("events", err, events)
	tree, err := store.AuditTree(a.ctx)
	a.say("tree", err, tree)
	for level := range 3 {
		tiles, err := store.AuditTiles(a.ctx, level, 0, 100)
		a.say(name("tiles", level), err, tiles)
	}
	for _, client := range clients {
		for _, origin := range client.WebOrigins() {
			registered, err := store.OriginRegistered(a.ctx, origin)
			a.say("origin "+origin, err, registered)
		}
	}
	a.login("gone")
	a.operators()
	for _, client := range populatedClients {
		records, err := store.FindEvidence(a.ctx, evidenceOf(client), at(8), 1000)
		a.say("evidence of "+client, err, records)
		for _, head := range records {
			record, err := store.Evidence(a.ctx, head.ID, at(8))
			a.say("evidence "+head.ID, err, record)
		}
	}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { a.ofOne(i) })
	}
	all.Wait()
	notices, err := store.ClaimNotices(a.ctx, at(10), 1000, func(int) time.Duration { return time.Minute })
	told := map[string]int{}
	for _, notice := range notices {
		told[fmt.Sprint(notice.ClientID, notice.SessionID, notice.Subject, notice.Attempts, notice.Expires)]++
	}
	a.say("notices", err, told)
	// A client of the ID that was removed does not bring its grants back.
	a.say("created", store.CreateClient(a.ctx, newClient("removed")))
	a.say("created last", store.CreateClient(a.ctx, newClient("last")))
	for i := range n {
		_, _, err := store.AccessToken(a.ctx, hash("token"+name("removed", i)), at(8))
		a.say(name("removed again", i), err)
	}
	return a.said
}

// operators asks for all that populateOperators has stored.
func (a *answers) operators() {
	all, err := a.store.Operators(a.ctx, "", 100)
	for _, o := range all {
		e := storage.OperatorEntryOf(o)
		a.say("operator "+o.ID, err, e.Digest())
	}
	for _, handle := range []string{"name owner", "email owner", "person", "name disabled", "email invited", "name gone"} {
		o, err := a.store.OperatorOf(a.ctx, hash(handle))
		id := ""
		if err == nil {
			id = o.ID
		}
		a.say("handle "+handle, err, id)
	}
	outcome, err := a.store.StepOperator(a.ctx, storage.CountAttempt{Keys: []storage.Hash{hash("account")}, Policies: []storage.ThrottlePolicy{testPolicy}}, at(8))
	a.say("attempt", err, outcome)
	_, err = a.store.StepOperator(a.ctx, storage.RemoveOperator{ID: "owner"}, at(8))
	a.say("remove the owner", err)
	waiting, err := a.store.PendingMail(a.ctx)
	a.say("pending mail", err, waiting)
	mails, err := a.store.ClaimMail(a.ctx, at(7200), 10, hours)
	for _, m := range mails {
		e := storage.MailEntryOf(&m)
		a.say("mail "+m.ID, err, e.Digest())
	}
}

type answers struct {
	store storage.Store
	ctx   context.Context
	mu    sync.Mutex
	said  map[string]string // guarded by mu
}

func (a *answers) say(question string, err error, values ...any) {
	text, encodeErr := json.Marshal(values)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said[question] = fmt.Sprint(string(text), err, encodeErr)
	var reused *storage.CodeReusedError
	if errors.As(err, &reused) {
		a.said[question] += " of " + reused.GrantID
	}
}

func (a *answers) login(id string) {
	login, err := a.store.Login(a.ctx, id, at(8))
	text := ""
	if err == nil {
		e := storage.LoginEntryOf(login)
		text = e.Digest()
	}
	a.say("login "+id, err, text)
}

func digest(grant *storage.Grant) string {
	if grant == nil {
		return ""
	}
	e := storage.GrantEntryOf(grant, 0, false, time.Time{})
	return e.Digest()
}

func (a *answers) ofOne(i int) {
	for _, state := range []string{"open", "claimed", "pending", "failed", "cancelled", "complete", "sign", "proven", "erased"} {
		a.login(name(state, i))
	}
	document, err := a.store.Document(a.ctx, name("sign", i), at(8))
	a.say(name("document", i), err, document)
	for _, id := range []string{name("evidence", i), name("erased", i)} {
		record, err := a.store.Evidence(a.ctx, id, at(8))
		a.say("evidence "+id, err, record)
	}
	for _, grant := range []string{"unredeemed", "redeemed", "removed", "static", "revoked", "family", "signed in", "served", "kept", "over", "offline"} {
		id := name(grant, i)
		a.login("login" + id)
		token, of, err := a.store.AccessToken(a.ctx, hash("token"+id), at(8))
		a.say("token "+id, err, token, digest(of))
		live, err := a.store.CodeLive(a.ctx, hash("code"+id), at(8))
		a.say("code live "+id, err, live)
		for _, refresh := range []string{"refresh", "second", "third"} {
			token, of, err := a.store.RefreshToken(a.ctx, hash(refresh+id), at(8))
			a.say(refresh+" "+id, err, token, digest(of))
		}
		_, err = a.store.RedeemCode(a.ctx, storage.Redemption{
			CodeHash: hash("code" + id), ClientID: map[bool]string{true: "other", false: "app"}[grant == "revoked" || grant == "served" || grant == "offline"], RedirectURI: "https://app.example/callback", Challenge: "challenge",
			Token: storage.AccessToken{Hash: hash("again" + id), Expires: at(1800)}, Refresh: storage.RefreshToken{Hash: hash("refresh again" + id), Expires: at(2000)}, Now: at(9),
		})
		a.say("redeem "+id, err)
	}
	a.say(name("used", i), a.store.UseOnce(a.ctx, hash(name("used", i)), at(500), at(8)))
	pushed, err := a.store.TakePushedRequest(a.ctx, hash("request"+name("pushed", i)), "app", at(8))
	a.say(name("pushed", i), err, pushed)
	for _, session := range []string{"session", "ended"} {
		found, err := a.store.Session(a.ctx, hash("cookie"+name(session, i)), at(8))
		text := ""
		if found != nil {
			e := storage.SessionEntryOf(found)
			text = e.Digest()
		}
		a.say(name(session, i), err, text)
	}
	for _, sid := range []string{"sid ended", "sid offline", "sid session", "sid served", "sid redeemed", "sid revoked", "sid family"} {
		ended, err := a.store.EndSessionID(a.ctx, name(sid, i), at(9))
		a.say("end "+name(sid, i), err, ended)
	}
	for _, grant := range []string{"redeemed", "family", "signed in", "served", "kept", "no sid"} {
		_, _, err := a.store.AccessToken(a.ctx, hash("token"+name(grant, i)), at(10))
		a.say("after the end "+name(grant, i), err)
	}
	_, err = a.store.RotateRefreshToken(a.ctx, storage.Rotation{
		Hash: hash("second" + name("family", i)), ClientID: "app", Next: storage.RefreshToken{Hash: hash("fourth"), Expires: at(2500)},
		Token: storage.AccessToken{Hash: hash("replay" + name("family", i)), Expires: at(1900)}, Now: at(9),
	})
	a.say("replay "+name("family", i), err)
}

// PopulatedAt returns a time at which Populate has done its work and Answers has not.
func PopulatedAt() time.Time { return at(8) }
