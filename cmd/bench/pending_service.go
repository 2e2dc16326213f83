package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"sync"
	"time"
)

// service watches what the server asks of BankID.
type service struct {
	next http.Handler

	mu sync.Mutex
	// orders are those that were made, by the token of their QR code.
	orders map[string]*madeOrder
	// collected is when each order was last collected, and gaps the times between two collects of one.
	collected map[string]time.Time
	gaps      []time.Duration
	calls     map[string]int
	failed    map[string]int
}

// madeOrder is an order as /auth has answered.
type madeOrder struct {
	OrderRef, QRStartToken, QRStartSecret string
	// answered is when the answer went out: the server counts the seconds of the QR code from a moment later.
	answered time.Time
}

func newService(next http.Handler) *service {
	s := &service{next: next, orders: make(map[string]*madeOrder), collected: make(map[string]time.Time)}
	s.reset()
	return s
}

// reset forgets all counts. Orders stay.
func (s *service) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gaps, s.calls, s.failed = nil, make(map[string]int), make(map[string]int)
}

func (s *service) order(token string) *madeOrder {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.orders[token]
}

// ServeHTTP passes the call on and notes it.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	came, call := time.Now(), path.Base(r.URL.Path)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server has gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if call == "collect" {
		s.noteCollect(body, came)
		s.next.ServeHTTP(w, r)
		return
	}
	answer := &copied{ResponseWriter: w, status: http.StatusOK}
	s.next.ServeHTTP(answer, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[call]++
	if answer.status != http.StatusOK {
		s.failed[call]++
		return
	}
	if made := new(madeOrder); call == "auth" && json.Unmarshal(answer.body.Bytes(), made) == nil {
		made.answered = time.Now()
		s.orders[made.QRStartToken] = made
	}
}

func (s *service) noteCollect(body []byte, came time.Time) {
	var of struct{ OrderRef string }
	if json.Unmarshal(body, &of) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls["collect"]++
	if last, again := s.collected[of.OrderRef]; again {
		s.gaps = append(s.gaps, came.Sub(last))
	}
	s.collected[of.OrderRef] = came
}

func (s *service) print(seconds float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Printf("collects: %.0f a second, one order again after %s (p1), %s (p50), %s (p99), %s (max)\n",
		float64(s.calls["collect"])/seconds, at(s.gaps, 0.01), at(s.gaps, 0.5), at(s.gaps, 0.99), at(s.gaps, 1))
	fmt.Printf("renewals and starts: %d, failed %d; cancels: %d, of orders that had ended %d\n",
		s.calls["auth"], s.failed["auth"], s.calls["cancel"], s.failed["cancel"])
}

// copied keeps a copy of what is answered.
type copied struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (c *copied) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *copied) Write(text []byte) (int, error) {
	c.body.Write(text)
	return c.ResponseWriter.Write(text)
}
