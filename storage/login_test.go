package storage_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brygga/secret"
	"brygga/storage"
)

var (
	t0       = time.Date(2031, 5, 17, 9, 30, 15, 0, time.UTC)
	identity = storage.Identity{Method: "bankid", PersonalNumber: secret.New("199002304567"), Name: secret.New("Kim")}
	failure  = storage.Failure{Reason: "userCancel", Retry: t0.Add(time.Minute)}
	nonce    = secret.New("return nonce").Hash()
	person   = storage.Starter{Device: storage.DeviceThis, IP: "192.0.2.1", Language: "sv"}
	other    = storage.Starter{Device: storage.DeviceOther, IP: "192.0.2.9", Language: "en"}
)

// edit makes a login for one case out of one that is pending with order "o1".
type edit func(*storage.Login)

func pending(edits ...edit) *storage.Login {
	l := &storage.Login{
		Request: new(storage.AuthRequest),
		ID:      "l1", State: storage.LoginPending, Revision: 7, Created: t0, Expires: t0.Add(time.Hour), Orders: 1,
		Order: &storage.Order{ID: "o1", Collector: "a", Started: t0, Starter: person, WindowEnds: t0.Add(5 * time.Minute)},
	}
	for _, e := range edits {
		e(l)
	}
	return l
}

func state(s storage.LoginState) edit { return func(l *storage.Login) { l.State = s } }
func hint(p storage.Phase, code string) edit {
	return func(l *storage.Login) { l.Order.Phase, l.Order.HintCode = p, code }
}
func returned(l *storage.Login)  { l.Returned = t0.Add(time.Second) }
func waived(l *storage.Login)    { l.ReturnWaived = true }
func withNonce(l *storage.Login) { l.Order.ReturnNonceHash = nonce }
func failed(l *storage.Login)    { l.State, l.Failure = storage.LoginFailed, failure }
func answered(l *storage.Login)  { l.State = storage.LoginAnswered }
func open(l *storage.Login)      { l.State, l.Order, l.Orders = storage.LoginOpen, nil, 0 }
func complete(l *storage.Login) {
	who := identity
	l.State, l.Identity, l.Completed = storage.LoginComplete, &who, t0.Add(3*time.Second)
}

// claimed puts a claim on the login: a person's, for the other device, or a renewal's when it replaces an order.
func claimed(replaces string) edit {
	return func(l *storage.Login) {
		l.Claim = storage.Claim{ID: "c1", Replaces: replaces, At: t0, Starter: other, WindowEnds: t0.Add(9 * time.Minute)}
		if replaces != "" {
			l.Claim.Starter, l.Claim.WindowEnds = person, t0.Add(5*time.Minute)
		}
	}
}

// unmade puts what is left of a person's claim that brought no order in the place of the order.
func unmade(l *storage.Login) {
	l.Order = &storage.Order{Starter: other, WindowEnds: t0.Add(9 * time.Minute)}
}

// ruleCase is one call of a rule. Change tells what it does to the login when want is nil; the revision rises by itself.
type ruleCase struct {
	name   string
	login  *storage.Login
	rule   func(*storage.Login) error
	want   error
	change edit
}

func runRules(t *testing.T, cases []ruleCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want, before := *c.login, c.login.Order
			var beforeCopy storage.Order
			if before != nil {
				beforeCopy = *before
				order := *before
				want.Order = &order
			}
			if err := c.rule(c.login); !errors.Is(err, c.want) {
				t.Fatalf("got error %v, want %v", err, c.want)
			}
			if c.want == nil {
				want.Revision++
				state := want.State
				c.change(&want)
				if state == storage.LoginPending && want.State != state { // RowA3: an order that ends keeps no secret
					var none secret.String
					want.Order.Ref, want.Order.AutoStartToken, want.Order.QRStartToken, want.Order.QRStartSecret = none, none, none, none
				}
			}
			want.Course = c.login.Course // see TestCourse
			if diff := cmp.Diff(&want, c.login); diff != "" {
				t.Errorf("login is not as it should be (-want +got):\n%s", diff)
			}
			if before != nil && !cmp.Equal(*before, beforeCopy) {
				t.Error("the rule wrote into an order that others may hold")
			}
		})
	}
}

func TestBeginOrder(t *testing.T) {
	begin := func(replaces string, after time.Duration) (storage.Claim, func(*storage.Login) error) {
		claim := storage.Claim{ID: "c2", Replaces: replaces, Starter: other, WindowEnds: t0.Add(9 * time.Minute), Collector: "b", At: t0.Add(after)}
		return claim, func(l *storage.Login) error { return l.BeginOrder(claim) }
	}
	asked, ask := begin("", time.Second)
	forThis := claimed("")
	wantsThis := func(l *storage.Login) { forThis(l); l.Claim.Starter = person }
	renewal, renew := begin("o1", time.Second)
	_, renewAnother := begin("o0", time.Second)
	_, askTooSoon := begin("", storage.ClaimLife-1)
	askedLate, askLate := begin("", storage.ClaimLife)
	asksFirst := func(at time.Duration) (storage.Claim, func(*storage.Login) error) {
		claim, _ := begin("", at)
		claim.First = true
		return claim, func(l *storage.Login) error { return l.BeginOrder(claim) }
	}
	firstly, askFirst := asksFirst(time.Second)
	takes := func(claim storage.Claim) edit {
		return func(l *storage.Login) {
			l.Claim = claim
			if claim.Replaces != "" {
				l.Claim.Starter, l.Claim.WindowEnds = person, t0.Add(5*time.Minute)
			}
		}
	}
	runRules(t, []ruleCase{
		{"first", pending(open), ask, nil, takes(asked)},
		{"again after a failure", pending(failed), ask, nil, takes(asked)},
		{"first by a page that saw none", pending(open), askFirst, nil, takes(firstly)},
		{"again after a failure by a page that saw it", pending(failed), askFirst, nil, takes(firstly)},
		{"first while one is pending", pending(), askFirst, storage.ErrBusy, nil},
		{"first while one is renewed", pending(claimed("o1")), askFirst, storage.ErrBusy, nil},
		{"first while one for the other device is made", pending(open, wantsThis), askFirst, storage.ErrBusy, nil},
		{"a person replaces a pending order", pending(hint(storage.PhaseWorking, "started")), ask, nil, takes(asked)},
		{"complete", pending(complete), ask, storage.ErrConflict, nil},
		{"answered", pending(answered), ask, storage.ErrConflict, nil},
		{"another claim lives", pending(open, claimed("")), askTooSoon, storage.ErrBusy, nil},
		{"a wish takes over from a renewal", pending(claimed("o1")), ask, nil, takes(asked)},
		{"a wish takes over from one for the other device", pending(open, wantsThis), ask, nil, takes(asked)},
		{"a renewal does not take over from a wish", pending(claimed("")), renew, storage.ErrBusy, nil},
		{"another claim is dead", pending(open, claimed("")), askLate, nil, takes(askedLate)},
		{"renewal keeps starter and window", pending(), renew, nil, takes(renewal)},
		{"renewal while another claim lives", pending(claimed("o1")), renew, storage.ErrBusy, nil},
		{"renewal of an order nobody opened", pending(hint(storage.PhaseWaiting, "outstandingTransaction")), renew, nil, takes(renewal)},
		{"renewal without an app", pending(hint(storage.PhaseWaiting, "noClient")), renew, nil, takes(renewal)},
		{"renewal of an order an app has", pending(hint(storage.PhaseWorking, "started")), renew, storage.ErrConflict, nil},
		{"renewal on an unknown hint", pending(hint(storage.PhaseInApp, "brandNewHint")), renew, storage.ErrConflict, nil},
		{"renewal of a former order", pending(), renewAnother, storage.ErrConflict, nil},
		{"renewal of a failed order", pending(failed), renew, storage.ErrConflict, nil},
		{"renewal before any order", pending(open), renew, storage.ErrConflict, nil},
		{"renewal of a complete login", pending(complete), renew, storage.ErrConflict, nil},
	})
}

func TestPutOrder(t *testing.T) {
	order := storage.Order{ID: "o2", Collector: "b", ReturnNonceHash: nonce, Started: t0.Add(time.Second)}
	late := order
	late.Started = t0.Add(storage.ClaimLife)
	put := func(l *storage.Login) error { return l.PutOrder("c1", order) }
	becomes := func(l *storage.Login) {
		made := order
		made.Starter, made.WindowEnds = l.Claim.Starter, l.Claim.WindowEnds
		l.State, l.Order, l.Claim, l.Failure, l.Returned = storage.LoginPending, &made, storage.Claim{}, storage.Failure{}, time.Time{}
		l.ReturnWaived = false
		l.Orders++
	}
	runRules(t, []ruleCase{
		{"first", pending(open, claimed("")), put, nil, becomes},
		{"after a failure", pending(failed, claimed("")), put, nil, becomes},
		{"in place of a pending order that came back", pending(withNonce, returned, claimed("")), put, nil, becomes},
		{"in place of one that was waived", pending(failed, waived, claimed("")), put, nil, becomes},
		{"renewal", pending(claimed("o1")), put, nil, func(l *storage.Login) { l.Previous = l.Order; becomes(l) }},
		{"no claim", pending(), put, storage.ErrConflict, nil},
		{"no claim and no claim ID", pending(), func(l *storage.Login) error { return l.PutOrder("", order) }, storage.ErrConflict, nil},
		{"another's claim", pending(claimed("")), func(l *storage.Login) error { return l.PutOrder("c0", order) }, storage.ErrConflict, nil},
		{"complete", pending(complete, claimed("")), put, storage.ErrConflict, nil},
		{"answered", pending(answered, claimed("")), put, storage.ErrConflict, nil},
		{"renewal of an order an app took meanwhile", pending(hint(storage.PhaseWorking, "userSign"), claimed("o1")), put, storage.ErrConflict, nil},
		{"renewal of an order that failed meanwhile", pending(failed, claimed("o1")), put, storage.ErrConflict, nil},
		{"renewal of a former order", pending(claimed("o0")), put, storage.ErrConflict, nil},
		{"a claim that was dead by then", pending(claimed("")), func(l *storage.Login) error { return l.PutOrder("c1", late) }, storage.ErrConflict, nil},
	})
}

func TestDropClaim(t *testing.T) {
	drop := func(l *storage.Login) error { return l.DropClaim("c1", failure) }
	free := func(l *storage.Login) { l.Claim = storage.Claim{} }
	fails := func(l *storage.Login) { free(l); failed(l); unmade(l) }
	runRules(t, []ruleCase{
		{"a person's", pending(open, claimed("")), drop, nil, fails},
		{"a person's beside a pending order", pending(claimed("")), drop, nil, fails},
		{"a renewal's leaves the old order", pending(claimed("o1")), drop, nil, free},
		{"complete stays complete", pending(complete, claimed("")), drop, nil, free},
		{"answered stays answered", pending(answered, claimed("")), drop, nil, free},
		{"another's", pending(claimed("")), func(l *storage.Login) error { return l.DropClaim("c0", failure) }, storage.ErrConflict, nil},
		{"none", pending(), func(l *storage.Login) error { return l.DropClaim("", failure) }, storage.ErrConflict, nil},
	})
}

func TestResultsOfCollecting(t *testing.T) {
	now := t0.Add(3 * time.Second)
	rules := map[string]func(orderID string) func(*storage.Login) error{
		"RecordHint": func(id string) func(*storage.Login) error {
			return func(l *storage.Login) error { return l.RecordHint(id, storage.PhaseWorking, "userSign", now) }
		},
		"FailOrder": func(id string) func(*storage.Login) error {
			return func(l *storage.Login) error { return l.FailOrder(id, failure) }
		},
		"CompleteLogin": func(id string) func(*storage.Login) error {
			return func(l *storage.Login) error { return l.CompleteLogin(id, storage.Result{Identity: identity}, now) }
		},
	}
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			runRules(t, []ruleCase{
				{"another order", pending(), rule("o0"), storage.ErrConflict, nil},
				{"no order ID", pending(), rule(""), storage.ErrConflict, nil},
				{"before any order", pending(open), rule(""), storage.ErrConflict, nil},
				{"failed", pending(failed), rule("o1"), storage.ErrConflict, nil},
				{"complete", pending(complete), rule("o1"), storage.ErrConflict, nil},
				{"answered", pending(answered), rule("o1"), storage.ErrConflict, nil},
			})
		})
	}
	seen := func(l *storage.Login) error { return l.RecordSeen(now) }
	runRules(t, []ruleCase{
		{"seen", pending(), seen, nil, func(l *storage.Login) { l.Seen = now }},
		{"seen later before", pending(func(l *storage.Login) { l.Seen = now.Add(1) }), seen, nil, func(*storage.Login) {}},
		{"seen before any order", pending(open), seen, storage.ErrConflict, nil},
		{"seen when failed", pending(failed), seen, storage.ErrConflict, nil},
		{"seen when complete", pending(complete), seen, storage.ErrConflict, nil},
	})
	noClaim := func(l *storage.Login) { l.Claim = storage.Claim{} }
	runRules(t, []ruleCase{
		{"hint", pending(claimed("o1")), rules["RecordHint"]("o1"), nil, hint(storage.PhaseWorking, "userSign")},
		{"failure", pending(), rules["FailOrder"]("o1"), nil, failed},
		{"failure ends a renewal", pending(claimed("o1")), rules["FailOrder"]("o1"), nil, func(l *storage.Login) { failed(l); noClaim(l) }},
		{"failure leaves a person's claim", pending(claimed("")), rules["FailOrder"]("o1"), nil, failed},
		{"completion ends any claim", pending(claimed("")), rules["CompleteLogin"]("o1"), nil, func(l *storage.Login) { complete(l); noClaim(l) }},
		{"completion may waive the return", pending(withNonce), func(l *storage.Login) error {
			return l.CompleteLogin("o1", storage.Result{Identity: identity, ReturnWaived: true}, now)
		}, nil, func(l *storage.Login) { complete(l); waived(l) }},
		{"completion keeps the return", pending(withNonce, returned), rules["CompleteLogin"]("o1"), nil, complete},
	})
}

func TestAdoptOrder(t *testing.T) {
	adopt := func(l *storage.Login) error { return l.AdoptOrder("b") }
	runRules(t, []ruleCase{
		{"pending", pending(), adopt, nil, func(l *storage.Login) { l.Order.ID, l.Order.Collector = "o1.8", "b" }},
		{"by a third", pending(func(l *storage.Login) { l.Order.ID = "o1.5" }), adopt, nil, func(l *storage.Login) { l.Order.ID, l.Order.Collector = "o1.8", "b" }},
		{"while it is being renewed", pending(claimed("o1")), adopt, nil, func(l *storage.Login) {
			l.Order.ID, l.Order.Collector, l.Claim = "o1.8", "b", storage.Claim{}
		}},
		{"while a person wants another", pending(claimed("")), adopt, nil, func(l *storage.Login) { l.Order.ID, l.Order.Collector = "o1.8", "b" }},
		{"open", pending(open), adopt, storage.ErrConflict, nil},
		{"failed", pending(failed), adopt, storage.ErrConflict, nil},
		{"complete", pending(complete), adopt, storage.ErrConflict, nil},
		{"answered", pending(answered), adopt, storage.ErrConflict, nil},
	})
}

func TestRecordReturn(t *testing.T) {
	comes := func(l *storage.Login) error { return l.RecordReturn(nonce, t0.Add(time.Second)) }
	false1 := func(l *storage.Login) error { return l.RecordReturn(secret.New("another").Hash(), t0) }
	none := func(l *storage.Login) error { return l.RecordReturn([32]byte{}, t0) }
	runRules(t, []ruleCase{
		{"pending", pending(withNonce), comes, nil, returned},
		{"complete", pending(withNonce, complete), comes, nil, returned},
		{"twice", pending(withNonce, returned), comes, storage.ErrConflict, nil},
		{"false nonce", pending(withNonce), false1, storage.ErrMismatch, nil},
		{"false nonce after the return", pending(withNonce, returned), false1, storage.ErrMismatch, nil},
		{"an order without a nonce", pending(), comes, storage.ErrMismatch, nil},
		{"an order without a nonce, none presented", pending(), none, storage.ErrMismatch, nil},
		{"none presented", pending(withNonce), none, storage.ErrMismatch, nil},
		{"open", pending(open), comes, storage.ErrConflict, nil},
		{"failed", pending(withNonce, failed), comes, storage.ErrConflict, nil},
		{"answered", pending(withNonce, answered), comes, storage.ErrConflict, nil},
	})
}

func TestEndings_RowA3(t *testing.T) {
	cancel := func(l *storage.Login) error { return l.CancelOrder(failure) }
	refuse := func(l *storage.Login) error { return l.RefuseLogin() }
	answer := func(l *storage.Login) error {
		grant := storage.Grant{}
		if l.Identity != nil {
			grant.Identity.PersonalNumber = secret.New(l.Identity.PersonalNumber.Reveal())
		}
		return l.AnswerLogin(&grant, nonce)
	}
	answerOther := func(l *storage.Login) error {
		return l.AnswerLogin(&storage.Grant{Identity: storage.Identity{PersonalNumber: secret.New("another")}}, nonce)
	}
	bare := func(l *storage.Login) { l.Claim, l.Identity, l.Completed = storage.Claim{}, nil, time.Time{} }
	fails := func(l *storage.Login) { bare(l); failed(l); l.ReturnWaived = false }
	undone := func(l *storage.Login) { fails(l); unmade(l) }
	refused := func(l *storage.Login) { bare(l); answered(l) }
	noIdentity := func(l *storage.Login) { l.State, l.Identity, l.Code = storage.LoginAnswered, nil, nonce }
	runRules(t, []ruleCase{
		{"cancel pending", pending(), cancel, nil, fails},
		{"cancel pending that is renewed", pending(claimed("o1")), cancel, nil, fails},
		{"cancel pending with a claim", pending(claimed("")), cancel, nil, undone},
		{"cancel complete takes the identity back", pending(complete), cancel, nil, fails},
		{"cancel takes the waiver back", pending(complete, waived), cancel, nil, fails},
		{"cancel a claim before any order", pending(open, claimed("")), cancel, nil, undone},
		{"cancel a claim after a failure", pending(failed, claimed("")), cancel, nil, undone},
		{"cancel open", pending(open), cancel, storage.ErrConflict, nil},
		{"cancel failed", pending(failed), cancel, storage.ErrConflict, nil},
		{"cancel answered", pending(answered), cancel, storage.ErrConflict, nil},
		{"cancel answered with a claim", pending(answered, claimed("")), cancel, storage.ErrConflict, nil},
		{"refuse open", pending(open), refuse, nil, refused},
		{"refuse pending", pending(claimed("")), refuse, nil, refused},
		{"refuse failed", pending(failed), refuse, nil, refused},
		{"refuse complete", pending(complete), refuse, nil, refused},
		{"refuse answered", pending(answered), refuse, storage.ErrConflict, nil},
		{"answer without a nonce", pending(complete), answer, nil, noIdentity},
		{"answer after the return", pending(withNonce, returned, complete), answer, nil, noIdentity},
		{"answer with another person's grant", pending(complete), answerOther, storage.ErrConflict, nil},
		{"answer before the return", pending(withNonce, complete), answer, storage.ErrConflict, nil},
		{"answer without an identity", pending(state(storage.LoginComplete)), answer, storage.ErrConflict, nil},
		{"answer open", pending(open), answer, storage.ErrConflict, nil},
		{"answer pending", pending(), answer, storage.ErrConflict, nil},
		{"answer failed", pending(failed), answer, storage.ErrConflict, nil},
		{"answer twice", pending(answered), answer, storage.ErrConflict, nil},
	})
}

func TestSeenBy(t *testing.T) {
	l := pending(withNonce, complete)
	l.ReturnWaived = true
	if l.SeenBy("").Answerable() {
		t.Error("a browser without the cookie passes for the starter of a login without one")
	}
	l.Order.Starter.DeviceIdentifier = "device"
	if !l.SeenBy("device").Answerable() || l.SeenBy("").Answerable() || l.SeenBy("other").Answerable() || !l.Answerable() {
		t.Error("the device identifier is not compared")
	}
	again := *l
	again.State, again.Identity, again.Code = storage.LoginAnswered, nil, nonce
	if !again.SeenBy("device").Repeatable() || again.SeenBy("").Repeatable() || again.SeenBy("other").Repeatable() {
		t.Error("the device identifier is not compared when the answer is wanted again")
	}
	if returned(l); !l.SeenBy("other").Answerable() {
		t.Error("a return does not count in place of the cookie")
	}
}

func TestLoginLiveAndBound(t *testing.T) {
	l := pending()
	if !l.Live(l.Expires.Add(-1)) || l.Live(l.Expires) {
		t.Error("a login must end exactly at Expires")
	}
	l.BindingHash = secret.New("cookie").Hash()
	if !l.BoundTo(secret.New("cookie")) || l.BoundTo(secret.New("another")) || l.BoundTo(secret.String{}) {
		t.Error("a login must be bound to its cookie alone")
	}
	l.BindingHash = secret.String{}.Hash()
	if l.BoundTo(secret.String{}) {
		t.Error("no cookie must bind to nothing")
	}
}
