package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"brygga/bankid"
	"brygga/login"
	"brygga/storage"
)

// metrics is what operators can watch. Labels come from small fixed sets: no label holds anything of a person or a login.
type metrics struct {
	registry *prometheus.Registry
	logins   *prometheus.CounterVec
	calls    *prometheus.HistogramVec
	requests *prometheus.HistogramVec
	oidc     *prometheus.CounterVec
	swept    prometheus.Counter
	reasons  map[string]bool
}

func newMetrics(s *server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "brygga_login_events_total",
			Help: "What happened to logins and their BankID orders, with the hint code, reason or device."}, []string{"event", "reason"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "brygga_bankid_call_seconds",
			Help: "Calls to BankID, by what came of them; code is empty for success.", Buckets: []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 15}},
			[]string{"call", "code"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "brygga_http_request_seconds",
			Help: "Requests on the public listener, by route and status.", Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10}},
			[]string{"route", "status"}),
		oidc: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "brygga_oidc_requests_total",
			Help: "Requests to the OpenID Provider, by endpoint and outcome."}, []string{"endpoint", "outcome"}),
		swept:   prometheus.NewCounter(prometheus.CounterOpts{Name: "brygga_store_swept_total", Help: "Expired records that were removed."}),
		reasons: knownReasons(),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "brygga_build_info", Help: "1, with the version of this program.",
		ConstLabels: prometheus.Labels{"version": buildVersion(), "go": runtime.Version()}})
	build.Set(1)
	m.registry.MustRegister(m.logins, m.calls, m.requests, m.oidc, m.swept, build, keyCollector{s},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "brygga_orders_pending", Help: "Logins with a pending BankID order."}, func() float64 {
			n, err := s.store.PendingOrders(context.Background())
			if err != nil {
				return -1
			}
			return float64(n)
		}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "brygga_store_errors_total",
			Help: "Steps that were not stored because the disk was full or the store broken."}, func() float64 { return float64(s.store.Failures()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "brygga_store_bytes", Help: "Size of the store's file."}, func() float64 {
			info, err := os.Stat(filepath.Join(s.config.Data, storeFile))
			if err != nil {
				return -1
			}
			return float64(info.Size())
		}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// knownReasons are the values that the label "reason" may have. BankID may send any hint code; what is not known is "other".
func knownReasons() map[string]bool {
	known := map[string]bool{
		"": true, storage.DeviceThis: true, storage.DeviceOther: true, login.WorkFrame: true, login.WorkCollect: true,
		login.OverloadLate: true, login.OverloadCollects: true,
	}
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

func (m *metrics) login(event, reason string) {
	if !m.reasons[reason] {
		reason = "other"
	}
	m.logins.WithLabelValues(event, reason).Inc()
}

func (m *metrics) call(call string, _ int, code string, d time.Duration) {
	m.calls.WithLabelValues(call, code).Observe(d.Seconds())
}

func (m *metrics) request(route string, status int, d time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Observe(d.Seconds())
}

func (m *metrics) provider(endpoint, outcome string) { m.oidc.WithLabelValues(endpoint, outcome).Inc() }

// keyCollector counts the signing keys when it is asked.
type keyCollector struct{ s *server }

var keysDesc = prometheus.NewDesc("brygga_signing_keys", "Token-signing keys, by algorithm and state.", []string{"algorithm", "state"}, nil)

// Describe tells of the one metric.
func (keyCollector) Describe(c chan<- *prometheus.Desc) { c <- keysDesc }

// Collect counts.
func (k keyCollector) Collect(c chan<- prometheus.Metric) {
	counts := map[[2]string]int{}
	for _, key := range k.s.ring.Keys() {
		counts[[2]string{key.Algorithm, string(key.State)}]++
	}
	for labels, n := range counts {
		c <- prometheus.MustNewConstMetric(keysDesc, prometheus.GaugeValue, float64(n), labels[0], labels[1])
	}
}
