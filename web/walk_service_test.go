package web_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"brygga/bankid"
	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// click is a press on one of the buttons that start an order, as the walk has made it.
type click struct {
	browser int
	device  string
	address string
	slow    time.Duration
}

// approved is an order at the service of a walk, with what became of it.
type walkOrder struct {
	click     int
	returnURL secret.String
	started   time.Time
	via       string // "qr" or "link", once an app has it
	ended     bool
	by        int // the person who approved it; -1 is nobody
	address   string
	risk      string
	handed    bool         // its result was collected
	returned  map[int]bool // browsers that it was brought back to
}

// walkService is BankID as a walk sees it: orders start slowly, die when nobody picks them up, and give their result once. It
// finds out from the user agent which click an order is for. How an app is launched and comes back is the real method's.
type walkService struct {
	eid.Method
	mu     sync.Mutex
	clicks []click
	orders []*walkOrder
	// frameless says that there are no frames, as when an order is dead and no other comes about.
	frameless bool
}

func newWalkService() *walkService {
	real, err := login.BankID(login.BankIDOptions{APIs: map[string]*bankid.API{"": {}}, MobilePolicy: bankid.PolicyTestMobile})
	if err != nil {
		panic(err)
	}
	return &walkService{Method: real}
}

// clickOf returns the number that stands at the end of a user agent.
func clickOf(userAgent string) int {
	n, err := strconv.Atoi(userAgent[strings.LastIndexByte(userAgent, '/')+1:])
	if err != nil {
		panic(err)
	}
	return n
}

func (s *walkService) Start(ctx context.Context, r eid.Request) (storage.Order, error) {
	s.mu.Lock()
	n := clickOf(r.Starter.UserAgent)
	made := s.clicks[n]
	s.mu.Unlock()
	answer := time.NewTimer(made.slow)
	defer answer.Stop()
	select {
	case <-answer.C:
	case <-ctx.Done():
		return storage.Order{}, ctx.Err()
	}
	if r.Starter.Device != made.device || r.Starter.IP != made.address {
		return storage.Order{}, &eid.Fault{Reason: login.ReasonRejected, Err: errors.New("the order is not the click's")}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, &walkOrder{click: n, returnURL: r.ReturnURL, started: time.Now(), by: -1, returned: map[int]bool{}})
	ref := strconv.Itoa(len(s.orders) - 1)
	return storage.Order{
		Method: "walk", Ref: secret.New(ref), AutoStartToken: secret.New("auto-" + ref), QRStartToken: secret.New(ref),
		QRStartSecret: secret.New("secret"), Started: time.Now(),
	}, nil
}

func (s *walkService) order(ref secret.String) *walkOrder {
	n, err := strconv.Atoi(ref.Reveal())
	if err != nil {
		panic(err)
	}
	return s.orders[n]
}

// clicked takes down a press on a button that starts an order.
func (s *walkService) clicked(c click) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clicks = append(s.clicks, c)
}

// made returns how many orders there were, for those who do not hold mu.
func (s *walkService) made() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.orders)
}

// numbered returns the order of that number, for those who do not hold mu.
func (s *walkService) numbered(n int) *walkOrder {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.orders[n]
}

// click returns what the order of that number was made for.
func (s *walkService) click(n int) click {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clicks[s.orders[n].click]
}

// dead reports whether nobody has picked the order up in time.
func (o *walkOrder) dead() bool { return o.via == "" && time.Since(o.started) >= 30*time.Second }

func (s *walkService) Collect(_ context.Context, stored *storage.Order) (eid.Progress, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch o := s.order(stored.Ref); {
	case o.ended || o.handed:
		return eid.Progress{}, &eid.Fault{Reason: login.ReasonLost, Err: errors.New("no such order")}
	case o.dead():
		o.ended = true
		return eid.Progress{Status: eid.Failed, Unstarted: true, HintCode: "startFailed"}, nil
	case o.by >= 0:
		o.handed = true
		return eid.Progress{Status: eid.Complete, Verify: func(storage.Sent) error { return nil }, Identity: storage.Identity{
			PersonalNumber: secret.New(fmt.Sprintf("19900101000%d", o.by)), Name: secret.New("Walker"), GivenName: secret.New("Walker"),
			Surname: stored.Ref, DeviceIP: o.address, Risk: o.risk,
		}}, nil
	case o.via != "":
		return eid.Progress{Phase: storage.PhaseWorking, HintCode: "userSign"}, nil
	}
	return eid.Progress{HintCode: "outstandingTransaction"}, nil
}

func (s *walkService) Cancel(_ context.Context, stored *storage.Order) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.order(stored.Ref); o.by < 0 {
		o.ended = true
	}
	return nil
}

func (s *walkService) QR(stored *storage.Order, elapsed time.Duration) secret.String {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frameless || elapsed >= 30*time.Second {
		return secret.String{}
	}
	return secret.New("qr-" + stored.QRStartToken.Reveal())
}

// pickUp gives the order to an app and reports whether it is there to be had.
func (s *walkService) pickUp(n int, via string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[n]
	if o.ended || o.dead() || o.by >= 0 || o.via != "" {
		return false
	}
	o.via = via
	return true
}

// approve approves the order and reports whether it was still there to be approved.
func (s *walkService) approve(n, person int, address, risk string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[n]
	if o.ended || o.by >= 0 || time.Since(o.started) > 3*time.Minute {
		return false
	}
	o.by, o.address, o.risk = person, address, risk
	return true
}
