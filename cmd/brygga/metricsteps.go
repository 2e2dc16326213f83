package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"brygga/account"
	"brygga/audit"
	"brygga/login"
	"brygga/mail"
	"brygga/notice"
	"brygga/op"
)

// stepMetrics are measures of what logins, operators and events wait for.
type stepMetrics struct {
	phases     *prometheus.HistogramVec
	grants     *prometheus.CounterVec
	events     *prometheus.CounterVec
	deliveries *prometheus.CounterVec
	delivering *prometheus.HistogramVec
	mails      *prometheus.CounterVec
	lostSpans  prometheus.Counter
	alarms     *prometheus.GaugeVec
	// stepSeconds and stepFaults are those of measuredStore.
	stepSeconds *prometheus.HistogramVec
	stepFaults  *prometheus.CounterVec
}

// phases are the values of the label "phase": what a login goes through, in order.
var phases = []string{login.StepPage, login.StepApp, login.StepSign, login.StepResult, op.StepAnswer, op.StepToken}

func newStepMetrics() stepMetrics {
	m := stepMetrics{
		phases: histograms("brygga_login_phase_seconds", "How long each phase of a login takes, in order: page, until the person presses a button; app, until an app has the order; sign, until the person has signed; "+
			"result, to judge and store that; answer, until the browser takes the answer to the app; token, until the app asks for its tokens.",
			[]float64{.01, .05, .25, 1, 2.5, 5, 10, 20, 30, 60, 120, 300}, "phase"),
		grants:     counters("brygga_grants_total", "Requests for tokens, by grant type; outcome is ok or the OAuth error.", "grant", "outcome"),
		events:     counters("brygga_audit_events_total", "Audit events of this process, by their number.", "event"),
		deliveries: counters("brygga_audit_sink_events_total", "Audit events that a sink has got from this process.", "sink"),
		delivering: histograms("brygga_audit_sink_seconds", "How long deliveries to a sink take that succeed.", []float64{.005, .025, .1, .5, 1, 2.5, 10}, "sink"),
		mails:      counters("brygga_mail_total", "Attempts to hand mail to operators over: sent, retried when the server could not be reached, refused for good, expired.", "outcome"),
		lostSpans:  counter("brygga_trace_spans_lost_total", "Spans of traces that the collector has not taken and that are gone."),
		alarms: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "brygga_alarms",
			Help: "Alarms that stand, by kind, as last looked at half a minute ago at most; the same on all processes that share a store."}, []string{"kind"}),
	}
	m.stepSeconds = histograms("brygga_store_step_seconds", "Steps of the store that logins and tokens wait for, the wait for its turn included; those from memory as well.",
		[]float64{.0001, .001, .0025, .005, .01, .025, .05, .1, .5, 2.5}, "step")
	m.stepFaults = counters("brygga_store_step_errors_total", "Steps of the store that failed for want of the store; that something is unknown, expired, spent or changed meanwhile is no failure.", "step")
	for _, step := range storeSteps {
		m.stepSeconds.WithLabelValues(step)
		m.stepFaults.WithLabelValues(step)
	}
	for _, kind := range notice.Kinds() {
		m.alarms.WithLabelValues(string(kind))
	}
	for _, phase := range phases {
		m.phases.WithLabelValues(phase)
	}
	for _, grant := range op.Grants() {
		m.grants.WithLabelValues(grant, "ok")
	}
	for _, typ := range audit.Types() {
		m.events.WithLabelValues(string(typ))
	}
	for _, outcome := range mail.Outcomes() {
		m.mails.WithLabelValues(outcome)
	}
	return m
}

func (m *stepMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.phases, m.grants, m.events, m.deliveries, m.delivering, m.mails, m.lostSpans, m.alarms, m.stepSeconds, m.stepFaults}
}

func (m *stepMetrics) loginStep(step login.Step) {
	switch step.Name {
	case login.StepPage, login.StepApp, login.StepSign, login.StepResult:
		m.phases.WithLabelValues(step.Name).Observe(step.Took.Seconds())
	}
}

func (m *stepMetrics) providerStep(step op.Step) {
	if step.Outcome == "" && (step.Name == op.StepAnswer || step.Grant == op.GrantCode) {
		m.phases.WithLabelValues(step.Name).Observe(step.Waited.Seconds())
	}
	if step.Name != op.StepToken {
		return
	}
	outcome := step.Outcome
	if outcome == "" {
		outcome = "ok"
	}
	m.grants.WithLabelValues(step.Grant, outcome).Inc()
}

func (m *stepMetrics) event(typ audit.Type) { m.events.WithLabelValues(string(typ)).Inc() }

func (m *stepMetrics) mail(outcome string) { m.mails.WithLabelValues(outcome).Inc() }

// delivered returns what measures deliveries to the sink.
func (m *stepMetrics) delivered(name string) func(events int, took time.Duration) {
	count, duration := m.deliveries.WithLabelValues(name), m.delivering.WithLabelValues(name)
	return func(events int, took time.Duration) {
		count.Add(float64(events))
		duration.Observe(took.Seconds())
	}
}

// watchOperators adds what operators wait for.
func (m *metrics) watchOperators(hasher *account.Hasher) {
	m.registry.MustRegister(
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "brygga_password_hashes_total", Help: "Passwords of operators that were hashed or compared."},
			func() float64 { return float64(hasher.Made()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "brygga_password_hashes_waiting", Help: "Passwords of operators that wait for their turn to be hashed: memory and processors bound how many are at a time."},
			func() float64 { return float64(hasher.Waiting()) }))
}

// watchNotices adds how many apps have yet to be told of a logout, and how late that is.
func (m *metrics) watchNotices(waiting func(context.Context) (int, time.Time, error), now func() time.Time) {
	add := func(name, help string, value func(n int, due time.Time) float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			n, due, err := waiting(context.Background())
			if err != nil {
				return -1
			}
			return value(n, due)
		}))
	}
	add("brygga_backchannel_waiting", "Logouts, and ends of orders, that apps have yet to be told of, those that are put off after a failure included; with PostgreSQL those of all processes.",
		func(n int, _ time.Time) float64 { return float64(n) })
	add("brygga_backchannel_late_seconds", "How long what is due longest has been due; more than some seconds says that nobody gets to it.", func(n int, due time.Time) float64 {
		if n == 0 {
			return 0
		}
		return max(0, now().Sub(due).Seconds())
	})
}

// watchMail adds how much mail waits.
func (m *metrics) watchMail(waiting func(context.Context) (int, error)) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "brygga_mail_waiting", Help: "Mail to operators that waits to be handed over; with PostgreSQL that of all processes."}, func() float64 {
		n, err := waiting(context.Background())
		if err != nil {
			return -1
		}
		return float64(n)
	}))
}
