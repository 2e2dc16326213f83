package main

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// outageTime is how long every call to BankID must fail before that is told.
	outageTime = time.Minute
	// clockEvery is how often a clock that is wrong is told of.
	clockEvery = time.Hour
)

// bankIDHealth follows the calls to BankID: since when none succeeds, and whether our clocks agree.
type bankIDHealth struct {
	metrics *metrics
	log     *slog.Logger
	now     func() time.Time

	mu                      sync.Mutex
	succeeded, failingSince time.Time
	told                    bool // that BankID is out of reach
	ahead                   time.Duration
	took                    time.Duration // by a call of late, each counting for a sixteenth
	clockTold               time.Time
}

// call takes in a call; see bankid.Options. A refusal proves that BankID answers.
func (h *bankIDHealth) call(call string, status int, code string, d time.Duration) {
	h.metrics.calls.WithLabelValues(call, code).Observe(d.Seconds())
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	switch {
	case code == "unavailable", code == "certificate_refused", code == "untrusted_server", status == 401, status == 403, status >= 500:
		h.failed(now)
		return
	case status == 0:
		return // given up by the caller
	}
	if h.told {
		h.log.LogAttrs(context.Background(), slog.LevelInfo, "BankID answers again", slog.String("after", now.Sub(h.failingSince).Round(time.Second).String()))
	}
	if h.took == 0 {
		h.took = d
	}
	h.took += (d - h.took) / 16
	h.succeeded, h.failingSince, h.told = now, time.Time{}, false
	h.metrics.lastCall.Set(seconds(now))
}

func (h *bankIDHealth) failed(now time.Time) {
	if h.failingSince.IsZero() {
		h.failingSince = now
	}
	if h.told || now.Sub(h.failingSince) < outageTime {
		return
	}
	h.told = true
	h.log.LogAttrs(context.Background(), slog.LevelError, "BankID is out of reach: no call has succeeded for a minute, and logins fail",
		slog.Time("since", h.failingSince.UTC()))
}

// outage returns since when BankID is out of reach, zero when it is not.
func (h *bankIDHealth) outage() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.told {
		return time.Time{}
	}
	return h.failingSince
}

// clock takes in how far BankID's clock is ahead of ours.
func (h *bankIDHealth) clock(ahead time.Duration) {
	h.metrics.clock.Set(ahead.Seconds())
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ahead = ahead
	text, now := checkSkew(ahead), h.now()
	if text == "" || !h.clockTold.IsZero() && now.Sub(h.clockTold) < clockEvery {
		return
	}
	h.clockTold = now
	h.log.Warn(text)
}

// String says it for /readyz?verbose.
func (h *bankIDHealth) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := "not asked yet"
	switch {
	case !h.failingSince.IsZero():
		text = "no call has succeeded since " + h.failingSince.UTC().Format(time.RFC3339)
	case !h.succeeded.IsZero():
		text = "last answered " + h.succeeded.UTC().Format(time.RFC3339) + ", within " + h.took.Round(time.Millisecond).String() + " of late, its clock is " + h.ahead.Round(100*time.Millisecond).String() + " ahead of ours"
	}
	return text
}
