package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"brygga/bankid"
	"brygga/keys"
	"brygga/login"
	"brygga/op"
	"brygga/storage"
	"brygga/storage/postgres"
)

// metrics is what operators can watch. Labels come from small fixed sets: no label holds anything of a person or a login.
// docs/observability.md is made of their help texts.
type metrics struct {
	registry *prometheus.Registry
	reasons  map[string]bool

	logins    *prometheus.CounterVec
	durations *prometheus.HistogramVec
	calls     *prometheus.HistogramVec
	requests  *prometheus.HistogramVec
	streams   prometheus.Histogram
	oidc      *prometheus.CounterVec
	clients   *prometheus.CounterVec
	shown     shownClients
	notices   *prometheus.CounterVec
	webhooks  *prometheus.CounterVec
	unposted  prometheus.Counter
	untold    prometheus.Counter
	refusals  *prometheus.CounterVec
	commits   prometheus.Histogram
	late      *prometheus.CounterVec
	swept     prometheus.Counter
	auditErrs prometheus.Counter
	treeErrs  prometheus.Counter
	treeSize  prometheus.Gauge
	sinkErrs  *prometheus.CounterVec
	panics    prometheus.Counter
	lastCall  prometheus.Gauge
	clock     prometheus.Gauge
	reload    prometheus.Gauge
	stepMetrics
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

// newMetrics returns the metrics of s, whose parts need not be there yet. What counts from small sets begins at 0, so that the first
// event is seen as an increase.
func newMetrics(s *server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(), reasons: knownReasons(),
		logins:    counters("brygga_login_events_total", "What happened to logins and orders. device is that of the order: this, other, call or program; reason is a hint code, a reason or a check, and unknown for a hint code that brygga does not know; eid is the one that was asked for.", "eid", "event", "device", "reason"),
		durations: histograms("brygga_login_seconds", "Logins that ended (completed, failed, ended), from the person's press to the end: the one figure that tells of a bad day.", []float64{2, 5, 10, 20, 30, 60, 120, 300}, "eid", "device", "outcome"),
		calls: histograms("brygga_bankid_call_seconds", "Calls to BankID; code is empty for success.",
			[]float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 15}, "call", "code"),
		requests: histograms("brygga_http_request_seconds", "Requests on the public listener, without event streams, and those of the console.",
			[]float64{.001, .005, .025, .1, .5, 2.5, 10}, "route", "status"),
		streams: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "brygga_event_stream_seconds",
			Help: "Event streams that ended.", Buckets: []float64{1, 5, 15, 30, 60, 180, 600}}),
		oidc:     counters("brygga_oidc_requests_total", "Requests to the OpenID Provider; outcome is ok or the OAuth error.", "endpoint", "outcome"),
		clients:  counters("brygga_client_requests_total", "Requests to the OpenID Provider for each registered client: which app fails, and how many logins each has had (endpoint=\"answer\", outcome=\"ok\"). The first 100 clients since the start have names, all others are other.", "client", "endpoint", "outcome"),
		untold:   counter("brygga_backchannel_undelivered_total", "Logouts that an app was never told of, though it wanted to be."),
		reload:   gauge("brygga_configuration_refused", "1 while the configuration that SIGHUP has read is not used, as it is wrong, and an older one is."),
		webhooks: counters("brygga_order_webhooks_total", "Attempts to tell webhooks of apps that an order has ended.", "outcome"),
		unposted: counter("brygga_order_webhooks_undelivered_total", "Ends of orders that the webhook of an app was never told of, though it wanted to be."),
		notices:  counters("brygga_backchannel_notices_total", "Attempts to tell apps of a logout.", "outcome"),
		refusals: counters("brygga_limit_refusals_total", "What was refused because too much was asked for: logins, orders, renewals, requests, streams, and load for more than this process or BankID can bear.", "limit"),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "brygga_store_commit_seconds", Help: "Transactions of the store that write, or with PostgreSQL round trips; the disk's time is most of it.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .5, 2.5}}),
		late:      counters("brygga_late_total", "A frame of a QR code or a collect that this process got to too late: it is overloaded.", "work"),
		swept:     counter("brygga_store_swept_total", "Expired records that were removed."),
		auditErrs: counter("brygga_audit_errors_total", "Audit events that could not be stored."),
		treeErrs:  counter("brygga_audit_signing_errors_total", "Attempts to sign audit events that failed: the store could not be reached, or somebody has changed it."),
		treeSize:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "brygga_audit_signed_events", Help: "Audit events under the signed checkpoint; the same on all processes that share a store."}),
		sinkErrs:  counters("brygga_audit_sink_failures_total", "Deliveries to a sink that failed; they are tried again.", "sink"),
		panics:    counter("brygga_panics_total", "Requests whose handler panicked: a fault of brygga."),
		lastCall:  gauge("brygga_bankid_last_success_timestamp_seconds", "When BankID last answered; 0 when it has not yet."),
		clock:     gauge("brygga_bankid_clock_ahead_seconds", "How far BankID's clock is ahead of ours, right to a second."),
	}
	m.stepMetrics = newStepMetrics()
	m.initialise()
	m.registry.MustRegister(m.collectors()...)
	m.registry.MustRegister(m.logins, m.durations, m.calls, m.requests, m.streams, m.oidc, m.clients, m.notices, m.untold, m.webhooks, m.unposted, m.refusals, m.commits, m.late, m.swept,
		m.auditErrs, m.treeErrs, m.treeSize, m.sinkErrs, m.panics, m.lastCall, m.clock, m.reload, keyCollector{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registerGauges(s)
	return m
}

// watchLogins lets the counters of logins by an eID begin at 0.
func (m *metrics) watchLogins(method string, devices []string) {
	for _, device := range devices {
		for _, event := range []string{login.OrderStarted, login.OrderRenewed, login.LoginCompleted} {
			m.logins.WithLabelValues(method, event, device, "")
		}
		for _, outcome := range []string{login.LoginCompleted, login.LoginFailed, login.LoginEnded} {
			m.durations.WithLabelValues(method, device, outcomes[outcome])
		}
	}
}

// initialise lets every counter whose labels are known begin at 0.
func (m *metrics) initialise() {
	m.watchLogins(login.MethodBankID, storage.Devices())
	for _, device := range []string{storage.DeviceThis, storage.DeviceOther} { // of others, each reason would be a series that hardly anybody has
		for _, hint := range bankid.PendingHintCodes() {
			m.logins.WithLabelValues(login.MethodBankID, login.OrderHint, device, string(hint))
		}
		for _, reason := range endReasons() {
			m.logins.WithLabelValues(login.MethodBankID, login.EndingOf(login.BankIDTraits().Words, reason), device, reason)
		}
		for _, check := range bankid.Checks() {
			m.logins.WithLabelValues(login.MethodBankID, login.ResultUnverified, device, string(check))
		}
	}
	for _, reason := range []string{login.ReasonCancelled, login.ReasonExpired} {
		m.logins.WithLabelValues("", login.LoginEnded, "", reason)
	}
	for _, call := range []string{"auth", "collect", "cancel"} {
		m.calls.WithLabelValues(call, "")
		m.calls.WithLabelValues(call, "unavailable")
	}
	for _, endpoint := range []string{"authorize", "par", "bc_authorize", "token", "userinfo", "introspect", "revoke", "logout", "discovery", "jwks", "answer"} {
		m.oidc.WithLabelValues(endpoint, "ok")
	}
	for _, limit := range []string{limitLogins, limitOrders, limitRenewals, limitRequests, limitStreams, limitLoad} {
		m.refusals.WithLabelValues(limit)
	}
	for _, work := range []string{login.WorkFrame, login.WorkCollect} {
		m.late.WithLabelValues(work)
	}
	for _, cause := range []string{login.OverloadLate, login.OverloadCollects, login.OverloadMemory} {
		m.logins.WithLabelValues("", login.Overloaded, "", cause)
	}
	for _, outcome := range op.NoticeOutcomes() {
		m.notices.WithLabelValues(outcome)
		m.webhooks.WithLabelValues(outcome)
	}
}

// registerGauges registers what is looked up when somebody asks; -1 stands for what cannot be.
func (m *metrics) registerGauges(s *server) {
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "brygga_build_info", Help: "1, with the version of this program and of Go.",
		ConstLabels: prometheus.Labels{"version": buildVersion(), "go": runtime.Version()}})
	build.Set(1)
	m.registry.MustRegister(build)
	add := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	add("brygga_orders_pending", "Logins with a pending BankID order; with PostgreSQL those of all processes.", func() float64 {
		n, err := s.store.PendingOrders(context.Background())
		if err != nil {
			return -1
		}
		return float64(n)
	})
	add("brygga_event_streams", "Pages that follow their login by an event stream.", func() float64 { return float64(s.site.Load().Streams()) })
	add("brygga_proxy_troubles", "What was wrong with the proxies within the last hour: /readyz?verbose says what.", func() float64 { return float64(len(s.proxies.Troubles(s.now()))) })
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "brygga_store_errors_total",
		Help: "Steps that were not stored, as the disk was full, the store broken or the database not reached."}, func() float64 { return float64(s.store.Failures()) }))
	if !s.config.Postgres.Used() {
		add("brygga_store_bytes", "Size of the store's file, if it is one.", func() float64 {
			info, err := os.Stat(filepath.Join(s.config.Data, storeFile))
			if err != nil {
				return -1
			}
			return float64(info.Size())
		})
		add("brygga_store_free_bytes", "What may still be written to the disk of the store's file; -1 where that cannot be told.", func() float64 { return freeBytes(s.config.Data) })
	}
	if s.listener == nil {
		return
	}
	add("brygga_listener_certificate_not_after_timestamp_seconds", "When the certificate of the public listener ends, if it has one.", func() float64 {
		leaf, _ := s.listener.state()
		return seconds(leaf.NotAfter)
	})
	add("brygga_listener_certificate_renewal_failed", "1 while the files of the public listener's certificate cannot be used and an older one is.", func() float64 {
		if _, failed := s.listener.state(); failed != nil {
			return 1
		}
		return 0
	})
}

// watchDatabase adds what there is to know of a database that other processes use too.
func (m *metrics) watchDatabase(store *postgres.Store) {
	add := func(name, help string, value func(postgres.State) float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(store.State()) }))
	}
	count := func(name, help string, value func(postgres.State) float64, labels prometheus.Labels) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels},
			func() float64 { return value(store.State()) }))
	}
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "brygga_database_bytes",
		Help: "Size of the database on the disk of its server; -1 where that cannot be told. What is left there an exporter beside it tells."}, func() float64 {
		size, err := store.Size(context.Background())
		if err != nil {
			return -1
		}
		return float64(size)
	}))
	count("brygga_database_waits_total", "Statements that had to wait for a connection.", func(s postgres.State) float64 { return float64(s.Waited) }, nil)
	count("brygga_database_wait_seconds_total", "How long statements have waited for a connection, all together.", func(s postgres.State) float64 { return s.WaitedFor.Seconds() }, nil)
	for _, reason := range postgres.RetryReasons {
		count("brygga_database_retries_total", "Statements that were sent again: conflict of two transactions, connection lost or the server stopping or starting, standby where writes are refused, full without a connection free on the server.",
			func(s postgres.State) float64 { return float64(s.Retries[reason]) }, prometheus.Labels{"reason": string(reason)})
	}
	count("brygga_database_overtaken_total", "Writes that were refused, as another process had written the login first; the step was made anew on that. A process that was paused has some when it goes on.",
		func(s postgres.State) float64 { return float64(s.Overtaken) }, nil)
	count("brygga_database_orders_taken_over_total", "Orders of silent processes that this one has taken over.",
		func(s postgres.State) float64 { return float64(s.TakenOver) }, nil)
	count("brygga_database_saved_late_total", "Logins that were written for their hint codes alone; those of a single process go along with a step.", func(s postgres.State) float64 { return float64(s.SavedLate) }, nil)
	add("brygga_database_news_lag_seconds", "How long news take from process to process; it grows while they do not arrive, and the others are heard of once a second.", func(s postgres.State) float64 { return s.NewsLag.Seconds() })
	add("brygga_database_connections", "Connections to the database that are open; metrics of this name are there with PostgreSQL alone.", func(s postgres.State) float64 { return float64(s.Connections) })
	add("brygga_database_connections_busy", "Connections to the database that are in use.", func(s postgres.State) float64 { return float64(s.Busy) })
	add("brygga_database_connections_max", "How many connections to the database may be open.", func(s postgres.State) float64 { return float64(s.Max) })
	add("brygga_database_nodes", "Processes that share the database, as this one sees it.", func(s postgres.State) float64 { return float64(s.Nodes) })
	add("brygga_database_clock_offset_seconds", "How far the database's clock is ahead of this machine's.", func(s postgres.State) float64 { return s.Offset.Seconds() })
	add("brygga_database_pulse_age_seconds", "How long ago the others last heard of this process: a second at most while the database is reached.", func(s postgres.State) float64 { return s.PulseAge.Seconds() })
}

// The metrics that say when certificates of ours end.
var (
	bankIDCertificateEnds = [2]string{"brygga_bankid_certificate_not_after_timestamp_seconds", "When a BankID certificate of ours ends."}
	netIDCertificateEnds  = [2]string{"brygga_netid_certificate_not_after_timestamp_seconds", "When a certificate of ours for Net iD Access ends."}
)

// watchEnd adds when one of our certificates ends, to be warned of in time.
func (m *metrics) watchEnd(of [2]string, certificate string, ends func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: of[0], Help: of[1], ConstLabels: prometheus.Labels{"certificate": certificate},
	}, func() float64 { return seconds(ends()) }))
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// keyCollector counts the signing keys when it is asked.
type keyCollector struct{ s *server }

var keysDesc = prometheus.NewDesc("brygga_signing_keys", "Token-signing keys, by algorithm and state.", []string{"algorithm", "state"}, nil)

var keyAgeDesc = prometheus.NewDesc("brygga_signing_key_activated_timestamp_seconds", "When the key that signs now began to: keys.rotate_every later the next does.", []string{"algorithm"}, nil)

// Describe tells of the metrics.
func (keyCollector) Describe(c chan<- *prometheus.Desc) { c <- keysDesc; c <- keyAgeDesc }

// Collect counts.
func (k keyCollector) Collect(c chan<- prometheus.Metric) {
	counts, since := map[[2]string]int{}, map[string]float64{}
	for _, key := range k.s.ring.Keys() {
		counts[[2]string{key.Algorithm, string(key.State)}]++
		if key.State == keys.Active {
			since[key.Algorithm] = max(since[key.Algorithm], seconds(key.Activated))
		}
	}
	for labels, n := range counts {
		c <- prometheus.MustNewConstMetric(keysDesc, prometheus.GaugeValue, float64(n), labels[0], labels[1])
	}
	for algorithm, at := range since {
		c <- prometheus.MustNewConstMetric(keyAgeDesc, prometheus.GaugeValue, at, algorithm)
	}
}
