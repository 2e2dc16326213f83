package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"brygga/admin"
	"brygga/netid"
)

const (
	// outageTime is how long every call to an eID service must fail before that is told.
	outageTime = time.Minute
	// clockEvery is how often a clock that is wrong is told of.
	clockEvery = time.Hour
)

// eidHealth follows the calls to an eID service: since when none succeeds, and, where the service tells its time, whether our clocks agree.
type eidHealth struct {
	service string // as operators call it
	// failing says of which answers the service is out of reach, or lets nobody in.
	failing    func(status int, word string) bool
	calls      prometheus.ObserverVec // by call and word
	answered   prometheus.Gauge
	clockAhead prometheus.Gauge // nil where no clock is told
	log        *slog.Logger
	now        func() time.Time

	mu                      sync.Mutex
	succeeded, failingSince time.Time
	told                    bool // that the service is out of reach
	ahead                   time.Duration
	took                    time.Duration // by a call of late, each counting for a sixteenth
	clockTold               time.Time
}

// newBankIDHealth follows BankID.
func newBankIDHealth(m *metrics, log *slog.Logger, now func() time.Time) *eidHealth {
	return &eidHealth{service: "BankID", failing: failingBankID, calls: m.calls, answered: m.lastCall, clockAhead: m.clock, log: log, now: now}
}

func failingBankID(status int, code string) bool {
	return code == "unavailable" || code == "certificate_refused" || code == "untrusted_server" || status == 401 || status == 403 || status >= 500
}

// newNetIDHealth follows a Net iD Access.
func newNetIDHealth(m *netIDMetrics, log *slog.Logger, now func() time.Time) *eidHealth {
	return &eidHealth{service: "Net iD Access", failing: failingNetID, calls: m.calls, answered: m.lastCall, log: log, now: now}
}

// failingNetID looks at the word alone: the service says with the status of a failure, too, that somebody is not known.
func failingNetID(_ int, word string) bool {
	switch word {
	case "unavailable", "refused", "untrusted_server", "bad_response", string(netid.CodeInternalError), string(netid.CodeAccessDenied):
		return true
	}
	return false
}

// call takes in a call, as the options of the eID's API tell of it. A refusal proves that the service answers.
func (h *eidHealth) call(call string, status int, code string, d time.Duration) {
	h.calls.WithLabelValues(call, code).Observe(d.Seconds())
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	switch {
	case h.failing(status, code):
		h.failed(now)
		return
	case status == 0:
		return // given up by the caller
	}
	if h.told {
		h.log.LogAttrs(context.Background(), slog.LevelInfo, h.service+" answers again", slog.String("after", now.Sub(h.failingSince).Round(time.Second).String()))
	}
	if h.took == 0 {
		h.took = d
	}
	h.took += (d - h.took) / 16
	h.succeeded, h.failingSince, h.told = now, time.Time{}, false
	h.answered.Set(seconds(now))
}

func (h *eidHealth) failed(now time.Time) {
	if h.failingSince.IsZero() {
		h.failingSince = now
	}
	if h.told || now.Sub(h.failingSince) < outageTime {
		return
	}
	h.told = true
	h.log.LogAttrs(context.Background(), slog.LevelError, h.service+" is out of reach: no call has succeeded for a minute, and logins fail",
		slog.Time("since", h.failingSince.UTC()))
}

// outage returns since when the service is out of reach, zero when it is not. known is false while that cannot be told: no call has succeeded since the
// start, and none has failed for long enough.
func (h *eidHealth) outage() (since time.Time, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.told {
		return h.failingSince, true
	}
	return time.Time{}, !h.succeeded.IsZero()
}

// clock takes in how far the service's clock is ahead of ours.
func (h *eidHealth) clock(ahead time.Duration) {
	h.clockAhead.Set(ahead.Seconds())
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

// detail says how the service is.
func (h *eidHealth) detail() admin.Detail {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !h.failingSince.IsZero():
		return admin.Detail{State: "silent", At: h.failingSince, Text: "no call has succeeded since " + h.failingSince.UTC().Format(time.RFC3339)}
	case !h.succeeded.IsZero():
		took, ahead := h.took.Round(time.Millisecond).String(), h.ahead.Round(100*time.Millisecond).String()
		if h.clockAhead == nil {
			return admin.Detail{
				State: "answers-untimed", At: h.succeeded, Values: map[string]string{"took": took},
				Text: "last answered " + h.succeeded.UTC().Format(time.RFC3339) + ", within " + took + " of late",
			}
		}
		return admin.Detail{
			State: "answers", At: h.succeeded, Values: map[string]string{"took": took, "ahead": ahead},
			Text: "last answered " + h.succeeded.UTC().Format(time.RFC3339) + ", within " + took + " of late, its clock is " + ahead + " ahead of ours",
		}
	}
	return admin.Detail{State: "unasked", Text: "not asked yet"}
}
