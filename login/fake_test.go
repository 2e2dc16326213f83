package login_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"brygga/bankid"
	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// service is an eID service whose answers a test sets. It keeps what was asked of it. As made, it has the pace and words of BankID: an order that nobody picks
// up fails after half a minute, has no QR code then, and is asked for at most once a second.
type service struct {
	name   string
	traits eid.Traits
	// waiting is its word for an order that nobody has, and unstarted for one that nobody picked up in time.
	waiting, unstarted string

	mu sync.Mutex
	// answer is what collecting the order of that number (from 1) brings; nil means pending, outstandingTransaction.
	answer map[int]func() (eid.Progress, error)
	// refuse makes Start fail.
	refuse error
	// refuseNext are the errors of the next starts; asked counts the starts, and slow is how long each takes.
	refuseNext []error
	asked      int
	slow       time.Duration
	// hold, if set, keeps Start waiting until it is closed.
	hold chan time.Time
	// hangs is how long each collect takes.
	hangs time.Duration
	// noReturn makes ReturnURL find no way back.
	noReturn bool

	requests  []eid.Request
	collects  map[string][]time.Time
	cancelled map[string]bool
}

func newService() *service {
	return &service{
		name: "fake", traits: login.BankIDTraits(), waiting: "outstandingTransaction", unstarted: "startFailed",
		answer: make(map[int]func() (eid.Progress, error)), collects: make(map[string][]time.Time), cancelled: make(map[string]bool),
	}
}

// takes lets each order take so long to be made from now on.
func (s *service) takes(slow time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = slow
}

func (s *service) Name() string { return s.name }

func (s *service) Traits() eid.Traits { return s.traits }

func (s *service) Start(ctx context.Context, r eid.Request) (storage.Order, error) {
	s.mu.Lock()
	hold, answer := s.hold, time.NewTimer(s.slow)
	s.mu.Unlock()
	defer answer.Stop()
	for _, wait := range []<-chan time.Time{hold, answer.C} {
		if wait == nil {
			continue
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return storage.Order{}, ctx.Err()
		}
	}
	if ctx.Err() != nil {
		return storage.Order{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if len(s.refuseNext) > 0 {
		err := s.refuseNext[0]
		s.refuseNext = s.refuseNext[1:]
		return storage.Order{}, err
	}
	if s.refuse != nil {
		return storage.Order{}, s.refuse
	}
	s.requests = append(s.requests, r)
	n := len(s.requests)
	return storage.Order{
		Ref: secret.New(fmt.Sprint("order", n)), AutoStartToken: secret.New(fmt.Sprint("auto", n)),
		QRStartToken: secret.New(fmt.Sprint("qr", n)), QRStartSecret: secret.New("secret"), Started: time.Now(),
	}, nil
}

func (s *service) Collect(ctx context.Context, o *storage.Order) (eid.Progress, error) {
	if s.hangs > 0 {
		select {
		case <-time.After(s.hangs):
		case <-ctx.Done():
			return eid.Progress{}, ctx.Err()
		}
	}
	s.mu.Lock()
	ref := o.Ref.Reveal()
	s.collects[ref] = append(s.collects[ref], time.Now())
	var n int
	fmt.Sscanf(ref, "order%d", &n)
	answer := s.answer[n]
	dead := time.Since(o.Started) >= s.traits.StartLife
	s.mu.Unlock()
	if answer == nil && dead {
		return eid.Progress{Status: eid.Failed, HintCode: s.unstarted, Unstarted: true}, nil
	}
	if answer == nil {
		return eid.Progress{HintCode: s.waiting}, nil
	}
	return answer()
}

func (s *service) Cancel(_ context.Context, o *storage.Order) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancelled[o.Ref.Reveal()] = true
	return nil
}

// QR has no frame beyond the time that the service waits for the app, and none without a token.
func (s *service) QR(o *storage.Order, elapsed time.Duration) secret.String {
	if elapsed >= s.traits.StartLife || o.QRStartToken.IsZero() {
		return secret.String{}
	}
	return secret.New(fmt.Sprintf("%s.%d", o.QRStartToken.Reveal(), int(elapsed/time.Second)))
}

func (s *service) Launch(o *storage.Order, _ storage.Starter) eid.Launch {
	if o == nil {
		return eid.Launch{Possible: true}
	}
	return eid.Launch{Possible: true, URL: secret.New("app:" + o.AutoStartToken.Reveal())}
}

func (s *service) ReturnURL(address secret.String, _ storage.Starter) secret.String {
	if s.noReturn {
		return secret.String{}
	}
	return address
}

// set makes collecting the nth order bring that.
func (s *service) set(n int, progress eid.Progress, err error) {
	s.setFunc(n, func() (eid.Progress, error) { return progress, err })
}

func (s *service) setFunc(n int, answer func() (eid.Progress, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer[n] = answer
}

func (s *service) orders() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func (s *service) request(n int) eid.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[n-1]
}

func (s *service) wasCancelled(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cancelled[fmt.Sprint("order", n)]
}

// collected returns when the nth order was collected.
func (s *service) collected(n int) []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.collects[fmt.Sprint("order", n)]...)
}

// hasty returns an order that was collected twice within a second, "" if there is none.
func (s *service) hasty() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ref, times := range s.collects {
		for i := 1; i < len(times); i++ {
			if times[i].Sub(times[i-1]) < time.Second {
				return ref
			}
		}
	}
	return ""
}

// tolvan is a made-up person.
func tolvan() storage.Identity {
	return storage.Identity{
		Method: "fake", PersonalNumber: secret.New("191212121212"), Name: secret.New("Tolvan Tolvansson"),
		GivenName: secret.New("Tolvan"), Surname: secret.New("Tolvansson"), DeviceIP: "192.0.2.1", Risk: "low",
	}
}

func complete(i storage.Identity) eid.Progress {
	return eid.Progress{Status: eid.Complete, Identity: i, Verify: func(storage.Sent) error { return nil }}
}

// pending and failed say what such a hint code of BankID's means.
func pending(hint string) eid.Progress {
	p := eid.Progress{Phase: storage.PhaseInApp, HintCode: hint}
	switch {
	case hint == "" || hint == "outstandingTransaction" || hint == "noClient":
		p.Phase = storage.PhaseWaiting
	case bankid.HintCode(hint).Known():
		p.Phase = storage.PhaseWorking
	}
	return p
}

func failed(hint string) eid.Progress {
	p := eid.Progress{Status: eid.Failed, Phase: storage.PhaseInApp, HintCode: hint, Unstarted: hint == "startFailed"}
	if p.Unstarted || hint == "expiredTransaction" || hint == "cancelled" {
		p.Phase = storage.PhaseWaiting
	}
	return p
}
