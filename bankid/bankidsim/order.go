package bankidsim

import (
	"crypto/rand"
	"fmt"
	"time"
)

// Kind is the operation that an order is for.
type Kind string

// The kinds of orders.
const (
	KindAuth      Kind = "auth"
	KindSign      Kind = "sign"
	KindPhoneAuth Kind = "phone/auth"
	KindPhoneSign Kind = "phone/sign"
	KindPayment   Kind = "payment"
	// KindOtherPayment is a payment to somebody who is not on the relying party's page.
	KindOtherPayment Kind = "other/payment"
)

func (k Kind) phone() bool   { return k == KindPhoneAuth || k == KindPhoneSign }
func (k Kind) signing() bool { return k == KindSign || k == KindPhoneSign }
func (k Kind) payment() bool { return k == KindPayment || k == KindOtherPayment }

// pushed says whether the order reaches the person's app by itself, without a token.
func (k Kind) pushed() bool { return k.phone() || k == KindOtherPayment }

// State is the status of an order as collect tells it.
type State string

// The states of orders.
const (
	StatePending  State = "pending"
	StateFailed   State = "failed"
	StateComplete State = "complete"
)

// Hint codes that the simulator sets by itself (BankID API: collect).
const (
	hintOutstanding  = "outstandingTransaction"
	hintStarted      = "started"
	hintUserSign     = "userSign"
	hintUserMRTD     = "userMrtd"
	hintCallConfirm  = "userCallConfirm"
	hintStartFailed  = "startFailed"
	hintExpired      = "expiredTransaction"
	hintCertificate  = "certificateErr"
	hintUserCancel   = "userCancel"
	hintCancelled    = "cancelled"
	hintDeclinedCall = "userDeclinedCall"
)

// Lifetimes (BankID API: collect).
const (
	startWindow        = 30 * time.Second
	finishWindow       = 3 * time.Minute
	keepComplete       = 3 * time.Minute
	keepFailed         = 5 * time.Minute
	keepNeverPickedUp  = 3*time.Minute + 10*time.Second
	maxWrongCodes      = 3
	tooOften           = time.Second - 50*time.Millisecond // leaves room for jitter on the way
	unknownPendingHint = "simulatorPendingHint"
)

// order is one order. The simulator's mutex guards it; advance must run before its state is read.
type order struct {
	ref, autoStartToken, qrStartToken, qrStartSecret string

	kind    Kind
	rp      relyingParty
	request *startRequest
	created time.Time

	state State
	hint  string
	ended time.Time
	spent bool // the final result was delivered, or the relying party cancelled

	cancelledByRP bool
	collects      int
	lastCollect   time.Time

	// Set at pick-up.
	pickedUp  time.Time
	via       string // "qr", "link" or "phone"
	device    string
	person    *Person
	bankID    BankID
	redirect  string
	rpRef     string
	documents bool // the identity document was read
	confirmed bool // the person is on the call
	wrong     int

	// Set at completion.
	ipAddress, risk string
}

func newOrder(k Kind, rp relyingParty, r *startRequest, now time.Time) *order {
	o := &order{kind: k, rp: rp, request: r, created: now, state: StatePending, hint: hintOutstanding, ref: newUUID()}
	if !k.pushed() {
		o.autoStartToken, o.qrStartToken, o.qrStartSecret = newUUID(), newUUID(), newUUID()
	}
	return o
}

// newUUID returns a random UUID (RFC 9562 §5.4) in lower case.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// advance ends the order if its time has run out at now.
func (o *order) advance(now time.Time) {
	if o.state != StatePending {
		return
	}
	if o.pickedUp.IsZero() {
		if end := o.created.Add(startWindow); !now.Before(end) {
			o.fail(hintStartFailed, end)
		}
	} else if end := o.pickedUp.Add(finishWindow); !now.Before(end) {
		o.fail(hintExpired, end)
	}
}

func (o *order) fail(hint string, now time.Time) {
	o.state, o.hint, o.ended = StateFailed, hint, now
}

// gone says whether the order is no longer kept at now.
func (o *order) gone(now time.Time) bool {
	o.advance(now)
	if o.state == StatePending {
		return false
	}
	keep := keepFailed
	switch {
	case o.state == StateComplete:
		keep = keepComplete
	case o.pickedUp.IsZero() && o.hint == hintStartFailed:
		keep = keepNeverPickedUp
	}
	return !now.Before(o.ended.Add(keep))
}

// forget drops what a spent order no longer needs; its texts may be large.
func (o *order) forget() {
	o.request = &startRequest{personalNumber: o.request.personalNumber, returnURL: o.request.returnURL, endUserIP: o.request.endUserIP}
}

// orderTable finds orders by their names. Orders leave it in the order they came, once they are gone.
type orderTable struct {
	byRef, byAutoStart, byQR map[string]*order
	byPerson                 map[string]*order // the order a person was last given
	queue                    []*order
}

func newOrderTable() orderTable {
	return orderTable{
		byRef: make(map[string]*order), byAutoStart: make(map[string]*order), byQR: make(map[string]*order), byPerson: make(map[string]*order),
	}
}

func (t *orderTable) add(o *order, now time.Time) {
	t.sweep(now)
	t.byRef[o.ref] = o
	if !o.kind.pushed() {
		t.byAutoStart[o.autoStartToken], t.byQR[o.qrStartToken] = o, o
	}
	t.queue = append(t.queue, o)
}

// sweep drops orders that are gone. No order outlives another by more than nine minutes, so the queue stays bounded by
// what is started in that time.
func (t *orderTable) sweep(now time.Time) {
	n := 0
	for n < len(t.queue) && t.queue[n].gone(now) {
		o := t.queue[n]
		delete(t.byRef, o.ref)
		delete(t.byAutoStart, o.autoStartToken)
		delete(t.byQR, o.qrStartToken)
		if number := o.holder(); t.byPerson[number] == o {
			delete(t.byPerson, number)
		}
		t.queue[n] = nil
		n++
	}
	t.queue = t.queue[n:]
}

// holder is the personal number of the person whose app has the order, or "".
func (o *order) holder() string {
	switch {
	case o.person != nil:
		return o.person.PersonalNumber
	case o.kind.pushed():
		return o.request.personalNumber
	}
	return ""
}

// openFor returns the order that is open in the app of a person, or nil.
func (t *orderTable) openFor(number string, now time.Time) *order {
	o := t.byPerson[number]
	if o == nil {
		return nil
	}
	if o.advance(now); o.state != StatePending {
		return nil
	}
	return o
}

// give makes o the order in the person's app; the one that was there ends as cancelled.
func (t *orderTable) give(o *order, number string, now time.Time) {
	if former := t.openFor(number, now); former != nil && former != o {
		former.fail(hintCancelled, now)
	}
	t.byPerson[number] = o
}
