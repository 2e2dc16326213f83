package login_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// service is an eID service whose answers a test sets. It keeps what was asked of it. As with BankID, an order that nobody picks
// up fails after half a minute, has no QR code then, and is asked for at most once a second.
type service struct {
	mu sync.Mutex
	// answer is what collecting the order of that number (from 1) brings; nil means pending, outstandingTransaction.
	answer map[int]func() (login.Progress, error)
	// refuse makes Start fail.
	refuse error
	// refuseNext are the errors of the next starts; asked counts the starts, and slow is how long each takes.
	refuseNext []error
	asked      int
	slow       time.Duration
	// hold, if set, keeps Start waiting until it is closed.
	hold chan time.Time
	// noReturn makes ReturnURL find no way back.
	noReturn bool

	requests  []login.Request
	collects  map[string][]time.Time
	cancelled map[string]bool
}

func newService() *service {
	return &service{
		answer: make(map[int]func() (login.Progress, error)), collects: make(map[string][]time.Time), cancelled: make(map[string]bool),
	}
}

// takes lets each order take so long to be made from now on.
func (s *service) takes(slow time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = slow
}

func (s *service) Name() string { return "fake" }

func (s *service) Start(ctx context.Context, r login.Request) (storage.Order, error) {
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
		Method: "fake", Ref: secret.New(fmt.Sprint("order", n)), AutoStartToken: secret.New(fmt.Sprint("auto", n)),
		QRStartToken: secret.New(fmt.Sprint("qr", n)), QRStartSecret: secret.New("secret"), Started: time.Now(),
	}, nil
}

func (s *service) Collect(_ context.Context, o *storage.Order) (login.Progress, error) {
	s.mu.Lock()
	ref := o.Ref.Reveal()
	s.collects[ref] = append(s.collects[ref], time.Now())
	var n int
	fmt.Sscanf(ref, "order%d", &n)
	answer := s.answer[n]
	dead := time.Since(o.Started) >= 30*time.Second
	s.mu.Unlock()
	if answer == nil && dead {
		return failed("startFailed"), nil
	}
	if answer == nil {
		return login.Progress{HintCode: "outstandingTransaction"}, nil
	}
	return answer()
}

func (s *service) Cancel(_ context.Context, o *storage.Order) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancelled[o.Ref.Reveal()] = true
	return nil
}

// QR has no frame beyond the 30 seconds that the service waits for the app, and none without a token.
func (s *service) QR(o *storage.Order, elapsed time.Duration) secret.String {
	if elapsed >= 30*time.Second || o.QRStartToken.IsZero() {
		return secret.String{}
	}
	if elapsed >= 30*time.Second {
		return secret.String{}
	}
	return secret.New(fmt.Sprintf("%s.%d", o.QRStartToken.Reveal(), int(elapsed/time.Second)))
}

func (s *service) Launch(o *storage.Order, _ storage.Starter) login.Launch {
	if o == nil {
		return login.Launch{Possible: true}
	}
	return login.Launch{Possible: true, URL: secret.New("app:" + o.AutoStartToken.Reveal())}
}

func (s *service) ReturnURL(address secret.String, _ storage.Starter) secret.String {
	if s.noReturn {
		return secret.String{}
	}
	return address
}

// set makes collecting the nth order bring that.
func (s *service) set(n int, progress login.Progress, err error) {
	s.setFunc(n, func() (login.Progress, error) { return progress, err })
}

func (s *service) setFunc(n int, answer func() (login.Progress, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer[n] = answer
}

func (s *service) orders() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func (s *service) request(n int) login.Request {
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

func complete(i storage.Identity) login.Progress {
	return login.Progress{Status: login.Complete, Identity: i, Verify: func() error { return nil }}
}

func pending(hint string) login.Progress { return login.Progress{HintCode: hint} }

func failed(hint string) login.Progress {
	return login.Progress{Status: login.Failed, HintCode: hint}
}
