package netidsim

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// The codes that the simulator says by itself. A script, or the control API, can have it say any.
const (
	outstanding     = "OUTSTANDING_TRANSACTION"
	userSign        = "USER_SIGN"
	complete        = "COMPLETE"
	userCancel      = "USER_CANCEL"
	cancelled       = "CANCELLED"
	expired         = "EXPIRED_TRANSACTION"
	alreadyDone     = "ALREADY_COLLECTED"
	unknownUser     = "UNKNOWN_USER"
	inProgress      = "ALREADY_IN_PROGRESS"
	userBlocked     = "USER_BLOCKED"
	badParameters   = "INVALID_PARAMETERS"
	internalTrouble = "INTERNAL_ERROR"
)

// ends are the codes after which nothing comes any more. An order goes on with any other one, which may be a word that no client knows.
var ends = []string{
	complete, userCancel, cancelled, expired, "FAILED", "START_FAILED", "CERTIFICATE_ERR", "CLIENT_ERR", "INVALID_DEVICESW", "SIGN_VALIDATION_FAILED",
	alreadyDone, unknownUser, inProgress, userBlocked, badParameters, "ACCESS_DENIED_RP", "RETRY", internalTrouble,
}

// How long orders live.
const (
	// OrderLife is how long an order can be signed.
	OrderLife = 3 * time.Minute
	orderKept = 10 * time.Minute
)

// order is one order. The simulator's lock guards it.
type order struct {
	ref, operation      string
	caller, userID      string
	visible, nonVisible string
	format              string
	created             time.Time
	code                string
	holder              *User // whose app has it
	spent               bool
	script              []string // what the next collects say, one each
}

func (o *order) open() bool { return !slices.Contains(ends, o.code) }

// expire ends an order whose time is over.
func (o *order) expire(now time.Time, life time.Duration) {
	if o.open() && now.Sub(o.created) >= life {
		o.code = expired
	}
}

// Order is an order as the app and scripts see it.
type Order struct {
	OrderRef   string    `json:"orderRef"`
	Operation  string    `json:"operation"`
	Status     string    `json:"status"`
	UserID     string    `json:"userId,omitempty"`
	SameDevice bool      `json:"sameDevice"`
	Holder     string    `json:"holder,omitempty"`
	Caller     string    `json:"caller"`
	Text       string    `json:"text,omitempty"`
	Created    time.Time `json:"created"`
	// Delivered tells that the result, or the end, was collected.
	Delivered   bool `json:"delivered"`
	SecondsLeft int  `json:"secondsLeft"`
}

func (s *Simulator) view(o *order, now time.Time) Order {
	v := Order{
		OrderRef: o.ref, Operation: o.operation, Status: o.code, UserID: o.userID, SameDevice: o.userID == "", Caller: s.callerName(o.caller),
		Text: o.visible, Created: o.created.UTC(), Delivered: o.spent,
	}
	if o.holder != nil {
		v.Holder = o.holder.ID
	}
	if o.open() {
		v.SecondsLeft = int(o.created.Add(s.life()).Sub(now) / time.Second)
	}
	return v
}

// begin makes an order for a call.
func (s *Simulator) begin(in *request) answer {
	o := &order{
		ref: newReference(), operation: in.operation, caller: in.caller, userID: in.fields["personalNumber"],
		visible: in.fields["userVisibleData"], nonVisible: in.fields["userNonVisibleData"], created: s.now(), code: outstanding,
		format: s.formatOf(in.caller),
	}
	if o.operation == "Sign" && o.visible == "" && o.nonVisible == "" || o.visible != "" && o.format != "" && o.format != "pkcs7" {
		return fault(badParameters)
	}
	if o.nonVisible == "" {
		o.nonVisible = rand.Text()
	}
	if o.userID != "" {
		user := s.user(o.userID)
		if user == nil {
			return fault(unknownUser)
		}
		if code := s.makeRoom(user, o.created); code != "" {
			return fault(code)
		}
		o.script = slices.Clone(s.scripts[user.ID])
	}
	s.orders = append(s.orders, o)
	return answer{result: o.ref}
}

// makeRoom does what Options.Busy says of a person who has an order, and returns the code by which a new one is refused.
func (s *Simulator) makeRoom(user *User, now time.Time) string {
	for _, o := range s.orders {
		if o.userID == "" || s.user(o.userID) != user {
			continue
		}
		switch {
		case s.set.Busy == BusyBlocked && now.Sub(o.created) < time.Duration(s.set.BlockSeconds)*time.Second:
			return userBlocked
		case s.set.Busy == BusyRefused && o.open():
			return inProgress
		case o.open():
			o.code = cancelled
		}
	}
	return ""
}

func newReference() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// kept returns an order that is still known, or a *Refusal.
func (s *Simulator) kept(ref string) (*order, error) {
	s.sweep()
	for _, o := range s.orders {
		if o.ref == ref {
			return o, nil
		}
	}
	return nil, refuse(http.StatusNotFound, "notFound", "there is no such order")
}

// sweep ends what has expired and forgets what is old.
func (s *Simulator) sweep() {
	now := s.now()
	s.orders = slices.DeleteFunc(s.orders, func(o *order) bool { return now.Sub(o.created) >= max(orderKept, 2*s.life()) })
	for _, o := range s.orders {
		o.expire(now, s.life())
	}
}

// Orders returns the orders that are kept, newest first.
func (s *Simulator) Orders() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	list := []Order{}
	for _, o := range slices.Backward(s.orders) {
		list = append(list, s.view(o, s.now()))
	}
	return list
}

// change does something with an order that is kept and returns it as it then is.
func (s *Simulator) change(ref string, do func(*order) error) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.kept(ref)
	if err != nil {
		return Order{}, err
	}
	if err := do(o); err != nil {
		return Order{}, err
	}
	return s.view(o, s.now()), nil
}

// Order returns one order, or a *Refusal with status 404.
func (s *Simulator) Order(ref string) (Order, error) {
	return s.change(ref, func(*order) error { return nil })
}

// Open has the app of a person pick an order up: one of that person, or with the autostart token any without a person.
func (s *Simulator) Open(ref, userID string) (Order, error) {
	return s.change(ref, func(o *order) error {
		user := s.user(userID)
		switch {
		case user == nil:
			return refuse(http.StatusNotFound, "notFound", "there is no such person")
		case !o.open():
			return refuse(http.StatusConflict, "ended", "the order has ended")
		case o.userID != "" && s.user(o.userID) != user:
			return refuse(http.StatusConflict, "otherPerson", "the order is for another person")
		}
		o.holder, o.code = user, userSign
		return nil
	})
}

// Sign has the person sign whose app has the order.
func (s *Simulator) Sign(ref string) (Order, error) { return s.finish(ref, complete) }

// Cancel has that person decline.
func (s *Simulator) Cancel(ref string) (Order, error) { return s.finish(ref, userCancel) }

func (s *Simulator) finish(ref, code string) (Order, error) {
	return s.change(ref, func(o *order) error {
		if !o.open() || o.holder == nil {
			return refuse(http.StatusConflict, "notOpen", "no app has the order, or it has ended")
		}
		o.code = code
		return nil
	})
}

// SetStatus has the service say that code of an order from now on. COMPLETE needs a person whose app has it.
func (s *Simulator) SetStatus(ref, code string) (Order, error) {
	return s.change(ref, func(o *order) error {
		if code == "" || code == complete && o.holder == nil {
			return refuse(http.StatusBadRequest, "badRequest", "there is no code, or nobody's app has the order that is to be complete")
		}
		o.code, o.script = code, nil
		return nil
	})
}

// Delete forgets an order.
func (s *Simulator) Delete(ref string) error {
	_, err := s.change(ref, func(o *order) error {
		s.orders = slices.DeleteFunc(s.orders, func(other *order) bool { return other == o })
		return nil
	})
	return err
}
