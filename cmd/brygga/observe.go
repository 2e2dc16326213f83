package main

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"brygga/bankid"
	"brygga/login"
	"brygga/op"
	"brygga/web"
)

// The values of the label "limit".
const (
	limitLogins   = "logins"
	limitOrders   = "orders"
	limitRenewals = "renewals"
	limitRequests = "requests"
	limitStreams  = "streams"
	limitLoad     = "load" // what this process or BankID can bear
)

// outcomes are the values of the label "outcome" of logins that ended, by event.
var outcomes = map[string]string{login.LoginCompleted: "completed", login.LoginFailed: "failed", login.LoginEnded: "ended"}

// knownReasons are the values that the label "reason" may have. BankID may send any hint code; what is not known is "unknown".
func knownReasons() map[string]bool {
	known := map[string]bool{"": true, login.OverloadLate: true, login.OverloadCollects: true, login.OverloadMemory: true}
	for _, hint := range append(bankid.PendingHintCodes(), bankid.FailedHintCodes()...) {
		known[string(hint)] = true
	}
	for _, reason := range login.Reasons() {
		known[reason] = true
	}
	for _, check := range bankid.Checks() {
		known[string(check)] = true
	}
	return known
}

// endReasons are the values of the label "reason" of logins that ended without a result.
func endReasons() []string {
	reasons := login.Reasons()
	for _, hint := range bankid.FailedHintCodes() {
		reasons = append(reasons, string(hint))
	}
	return reasons
}

func (m *metrics) login(o login.Observation) {
	switch o.Event {
	case login.Late:
		m.late.WithLabelValues(o.Reason).Inc()
		return
	case login.LimitReached:
		m.refusals.WithLabelValues(o.Reason).Inc()
		return
	case login.Overloaded:
		m.refusals.WithLabelValues(limitLoad).Inc()
	}
	if !m.reasons[o.Reason] {
		o.Reason = "unknown"
	}
	m.logins.WithLabelValues(o.Method, o.Event, o.Device, o.Reason).Inc()
	if outcome := outcomes[o.Event]; outcome != "" && o.Device != "" {
		m.durations.WithLabelValues(o.Method, o.Device, outcome).Observe(o.Took.Seconds())
	}
}

// mostClients is how many clients have metrics of their own. The others share one name, so that thousands of them burden no Prometheus.
const (
	mostClients  = 100
	otherClients = "other"
)

// shownClients are the clients that have metrics of their own: those that came first. It may be used concurrently.
type shownClients struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (s *shownClients) label(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ids[id]:
		return id
	case len(s.ids) >= mostClients:
		return otherClients
	case s.ids == nil:
		s.ids = map[string]bool{}
	}
	s.ids[id] = true
	return id
}

func (m *metrics) request(route string, status int, d time.Duration) {
	if route == web.RouteEvents {
		switch status {
		case http.StatusOK:
			m.streams.Observe(d.Seconds())
			return
		case http.StatusTooManyRequests:
			m.refusals.WithLabelValues(limitStreams).Inc()
		}
	}
	_, path, found := strings.Cut(route, " ") // patterns name a method or none
	if !found {
		path = route
	}
	m.requests.WithLabelValues(path, strconv.Itoa(status)).Observe(d.Seconds())
}

func (m *metrics) provider(endpoint, outcome, client string) {
	switch endpoint {
	case op.EndpointNotices:
		m.notices.WithLabelValues(outcome).Inc()
		return
	case op.EndpointUndelivered:
		m.untold.Inc()
		return
	case op.EndpointWebhooks:
		m.webhooks.WithLabelValues(outcome).Inc()
		return
	case op.EndpointWebhooksLost:
		m.unposted.Inc()
		return
	}
	if client != "" {
		m.clients.WithLabelValues(m.shown.label(client), endpoint, outcome).Inc()
	}
	if outcome == op.OutcomeTooMany {
		m.refusals.WithLabelValues(limitRequests).Inc()
	}
	m.oidc.WithLabelValues(endpoint, outcome).Inc()
}

func (m *metrics) commit(took time.Duration) { m.commits.Observe(took.Seconds()) }

func (m *metrics) auditFailed(events int) { m.auditErrs.Add(float64(events)) }
