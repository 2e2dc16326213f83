package netidsim

import (
	"net/http"
	"slices"
	"time"
)

// Busy is what happens to an order for a person who has one: services are set up differently.
type Busy string

// The ways.
const (
	BusyReplaced Busy = "replace" // the older order ends as CANCELLED
	BusyRefused  Busy = "refuse"  // the new one is ALREADY_IN_PROGRESS
	BusyBlocked  Busy = "block"   // for a while the new one is USER_BLOCKED
)

// Settings are how a service is set up, in which servers differ.
type Settings struct {
	// Version is that of the WSDL, 1 or 2.
	Version int `json:"version"`
	// EndsAsFault says that an order has ended by a SOAP fault and not by progressStatus: services do both.
	EndsAsFault bool `json:"endsAsFault"`
	// Busy is what happens to an order for a person who has one, and BlockSeconds for how long after one BusyBlocked refuses the next.
	Busy         Busy `json:"busy"`
	BlockSeconds int  `json:"blockSeconds"`
	// OrderSeconds is how long an order can be signed.
	OrderSeconds int `json:"orderSeconds"`
}

// DefaultSettings are those of servers that their clients tell of.
func DefaultSettings() Settings {
	return Settings{Version: 2, Busy: BusyReplaced, BlockSeconds: 30, OrderSeconds: int(OrderLife / time.Second)}
}

const maxSeconds = 24 * 60 * 60

func (c Settings) check() error {
	switch {
	case c.Version != 1 && c.Version != 2:
		return refuse(http.StatusBadRequest, "badRequest", "version is 1 or 2")
	case !slices.Contains([]Busy{BusyReplaced, BusyRefused, BusyBlocked}, c.Busy):
		return refuse(http.StatusBadRequest, "badRequest", "busy is replace, refuse or block")
	case c.BlockSeconds < 0 || c.OrderSeconds < 1 || c.BlockSeconds > maxSeconds || c.OrderSeconds > maxSeconds:
		return refuse(http.StatusBadRequest, "badRequest", "an order lives from a second to a day, and nobody is blocked for longer")
	}
	return nil
}

// Settings returns how the service is set up.
func (s *Simulator) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set
}

// SetSettings sets the service up in another way; orders that run go on. A *Refusal says what is wrong.
func (s *Simulator) SetSettings(c Settings) error {
	if err := c.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set = c
	return nil
}

// life is how long an order can be signed. The caller holds the lock.
func (s *Simulator) life() time.Duration { return time.Duration(s.set.OrderSeconds) * time.Second }

// postSettings changes the members that the body has.
func (s *Simulator) postSettings(r *http.Request) (any, error) {
	text, err := readControl(r)
	if err != nil {
		return nil, err
	}
	c := s.Settings()
	if err := decodeControl(text, &c); err != nil {
		return nil, err
	}
	return c, s.SetSettings(c)
}
