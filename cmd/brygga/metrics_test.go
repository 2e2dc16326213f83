package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"brygga/cmd/brygga/config"
	"brygga/login"
	"brygga/op"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/postgres/pgtest"
	"brygga/web"
)

// newMeasured is a server with every part that has a metric.
func newMeasured(t *testing.T) *server {
	t.Helper()
	o := newOptions(t)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writePair(t, certFile, keyFile, time.Hour)
	o.config.Audit.Sinks = []config.Sink{{Name: "archive", Kind: config.KindFile, FromStart: true, Path: filepath.Join(dir, "audit.jsonl"), MaxMiB: 1, Keep: 1}}
	var err error
	if o.listener, err = newCertificateFiles(certFile, keyFile, o.log); err != nil {
		t.Fatal(err)
	}
	s, err := newServer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	return s
}

// newWithCards is a server with a Net iD Access that nobody runs.
func newWithCards(t *testing.T) *server {
	t.Helper()
	o := newOptions(t)
	withCardParts(t, &o)
	s, err := newServer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	return s
}

// newOnDatabase is a server whose store is in a database.
func newOnDatabase(t *testing.T, dsn string) *server {
	t.Helper()
	o := newOptions(t)
	o.config.Postgres.DSN = secret.New(dsn)
	s, err := newServer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	return s
}

// families returns our metrics by name.
func families(t *testing.T, s *server) map[string]*dto.MetricFamily {
	t.Helper()
	all, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string]*dto.MetricFamily{}
	for _, family := range all {
		if strings.HasPrefix(family.GetName(), "brygga_") {
			ours[family.GetName()] = family
		}
	}
	return ours
}

// value returns the value, or the count, of the metric with these labels; -1 when there is none.
func value(t *testing.T, s *server, name string, labels ...string) float64 {
	t.Helper()
	for _, metric := range families(t, s)[name].GetMetric() {
		var has []string
		for _, label := range metric.GetLabel() {
			has = append(has, label.GetName()+"="+label.GetValue())
		}
		if slices.Sort(labels); !slices.Equal(has, labels) {
			continue
		}
		switch {
		case metric.GetCounter() != nil:
			return metric.GetCounter().GetValue()
		case metric.GetHistogram() != nil:
			return float64(metric.GetHistogram().GetSampleCount())
		}
		return metric.GetGauge().GetValue()
	}
	return -1
}

func TestObservations(t *testing.T) {
	s := newMeasured(t)
	m := s.metrics
	before := value(t, s, "brygga_store_commit_seconds")
	m.login(login.Observation{Event: login.LoginCompleted, Method: login.MethodBankID, Device: storage.DeviceOther, Took: 9 * time.Second})
	m.login(login.Observation{Event: login.LoginEnded, Reason: login.ReasonCancelled})
	m.login(login.Observation{Event: login.LimitReached, Reason: limitOrders})
	m.request(web.RouteEvents, 200, time.Minute)
	m.request(web.RouteEvents, 429, time.Millisecond)
	m.request("/token", 429, time.Millisecond)
	m.provider("token", op.OutcomeTooMany, "portal")
	m.provider("token", "invalid_client", "")
	m.provider(op.EndpointNotices, "timeout", "portal")
	m.provider(op.EndpointUndelivered, "refused", "portal")
	m.provider(op.EndpointWebhooks, "timeout", "portal")
	m.provider(op.EndpointWebhooksLost, "refused", "portal")
	m.commit(time.Millisecond)
	m.login(login.Observation{Event: login.Late, Reason: login.WorkFrame})
	m.login(login.Observation{Event: login.Overloaded, Reason: login.OverloadLate})
	m.auditFailed(3)
	for _, want := range []struct {
		name   string
		labels []string
		value  float64
	}{
		{"brygga_login_events_total", []string{"eid=bankid", "event=login_completed", "device=other", "reason="}, 1},
		{"brygga_login_events_total", []string{"eid=bankid", "event=login_completed", "device=this", "reason="}, 0},
		{"brygga_login_events_total", []string{"eid=", "event=login_ended", "device=", "reason=pageCancel"}, 1},
		{"brygga_login_events_total", []string{"eid=bankid", "event=login_failed", "device=this", "reason=certificateErr"}, 0},
		{"brygga_login_events_total", []string{"eid=bankid", "event=login_ended", "device=this", "reason=userCancel"}, 0},
		{"brygga_login_events_total", []string{"eid=bankid", "event=login_failed", "device=this", "reason=userCancel"}, -1},
		{"brygga_login_events_total", []string{"eid=", "event=login_ended", "device=", "reason=windowExpired"}, 0},
		{"brygga_login_seconds", []string{"eid=bankid", "device=other", "outcome=completed"}, 1},
		{"brygga_login_seconds", []string{"eid=bankid", "device=this", "outcome=failed"}, 0},
		{"brygga_limit_refusals_total", []string{"limit=orders"}, 1},
		{"brygga_limit_refusals_total", []string{"limit=logins"}, 0},
		{"brygga_limit_refusals_total", []string{"limit=streams"}, 1},
		{"brygga_limit_refusals_total", []string{"limit=requests"}, 1},
		{"brygga_event_stream_seconds", nil, 1},
		{"brygga_http_request_seconds", []string{"route=/token", "status=429"}, 1},
		{"brygga_http_request_seconds", []string{"route=/login/{id}/events", "status=200"}, -1},
		{"brygga_oidc_requests_total", []string{"endpoint=token", "outcome=ok"}, 0},
		{"brygga_backchannel_notices_total", []string{"outcome=timeout"}, 1},
		{"brygga_oidc_requests_total", []string{"endpoint=backchannel_logout", "outcome=timeout"}, -1},
		{"brygga_client_requests_total", []string{"client=portal", "endpoint=token", "outcome=temporarily_unavailable"}, 1},
		{"brygga_client_requests_total", []string{"client=", "endpoint=token", "outcome=invalid_client"}, -1},
		{"brygga_client_requests_total", []string{"client=portal", "endpoint=backchannel_logout", "outcome=timeout"}, -1},
		{"brygga_backchannel_undelivered_total", nil, 1},
		{"brygga_backchannel_notices_total", []string{"outcome=refused"}, 0},
		{"brygga_order_webhooks_total", []string{"outcome=timeout"}, 1},
		{"brygga_order_webhooks_undelivered_total", nil, 1},
		{"brygga_client_requests_total", []string{"client=portal", "endpoint=order_webhook", "outcome=timeout"}, -1},
		{"brygga_configuration_refused", nil, 0},
		{"brygga_proxy_troubles", nil, 0},
		{"brygga_store_errors_total", nil, 0},
		{"brygga_late_total", []string{"work=frame"}, 1},
		{"brygga_limit_refusals_total", []string{"limit=load"}, 1},
		{"brygga_login_events_total", []string{"eid=", "event=overloaded", "device=", "reason=late"}, 1},
		{"brygga_audit_errors_total", nil, 3},
		{"brygga_panics_total", nil, 0},
		{"brygga_listener_certificate_renewal_failed", nil, 0},
	} {
		if got := value(t, s, want.name, want.labels...); got != want.value {
			t.Errorf("%s%v = %v, want %v", want.name, want.labels, got, want.value)
		}
	}
	if after := value(t, s, "brygga_store_commit_seconds"); before < 1 || after <= before {
		t.Errorf("%v commits were measured at the start, %v later", before, after)
	}
	if free := value(t, s, "brygga_store_free_bytes"); free <= 0 {
		t.Errorf("%v bytes are free", free)
	}
}

// TestClientsOfMetricsAreBounded: however many clients there are, few have a series of their own.
func TestClientsOfMetricsAreBounded(t *testing.T) {
	s := newMeasured(t)
	for range 2 {
		for i := range mostClients + 20 {
			s.metrics.provider("token", "ok", fmt.Sprintf("app-%d", i))
		}
	}
	if n := len(families(t, s)["brygga_client_requests_total"].GetMetric()); n != mostClients+1 {
		t.Errorf("%d clients have metrics", n)
	}
	for client, want := range map[string]float64{"app-0": 2, fmt.Sprintf("app-%d", mostClients-1): 2, otherClients: 40} {
		if got := value(t, s, "brygga_client_requests_total", "client="+client, "endpoint=token", "outcome=ok"); got != want {
			t.Errorf("%s: %v requests, want %v", client, got, want)
		}
	}
}

// TestRefusedConfigurationIsMeasured until one that is right has been read.
func TestRefusedConfigurationIsMeasured(t *testing.T) {
	s := newMeasured(t)
	for _, wrong := range []error{errors.New("a fault"), nil} {
		s.read = func() (*config.Config, *looks, error) { return s.config, &looks{}, wrong }
		s.reload(t.Context())
		want := 0.0
		if wrong != nil {
			want = 1
		}
		if got := value(t, s, "brygga_configuration_refused"); got != want {
			t.Errorf("after %v: %v, want %v", wrong, got, want)
		}
	}
}

// TestProxyTroublesAreMeasured: one that is not named, and is not believed.
func TestProxyTroublesAreMeasured(t *testing.T) {
	d := newDev(t, nil)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.Issuer+"/jwks.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Forwarded-For", "192.0.2.7")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := value(t, d.server, "brygga_proxy_troubles"); got != 1 {
		t.Errorf("%v troubles", got)
	}
}

// TestAbsentDatabaseIsMeasured: by how long ago the others heard of this server, and by what could not be stored.
func TestAbsentDatabaseIsMeasured(t *testing.T) {
	t.Parallel()
	database, err := pgtest.Start(pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { database.Close() })
	s := newOnDatabase(t, database.DSN("postgres"))
	age := func() float64 { return value(t, s, "brygga_database_pulse_age_seconds") }
	for deadline := time.Now().Add(time.Minute); age() >= 1; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no pulse, for %v s", age())
		}
	}
	if size := value(t, s, "brygga_database_bytes"); size < 1<<20 {
		t.Errorf("the database has %v bytes", size)
	}
	if err := database.Kill(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); age() < 3 || value(t, s, "brygga_store_errors_total") < 1; time.Sleep(50 * time.Millisecond) {
		s.store.Ping(t.Context())
		if time.Now().After(deadline) {
			t.Fatalf("the last pulse was %v s ago, %v steps were not stored", age(), value(t, s, "brygga_store_errors_total"))
		}
	}
}

// TestWaitingLogoutsAreMeasured: how many there are, and how late the first is, which is never before its time.
func TestWaitingLogoutsAreMeasured(t *testing.T) {
	now := time.Unix(1000, 0)
	for _, tt := range []struct {
		n             int
		due           time.Time
		err           error
		waiting, late float64
	}{
		{0, time.Time{}, nil, 0, 0},
		{3, now.Add(-90 * time.Second), nil, 3, 90},
		{2, now.Add(time.Hour), nil, 2, 0},
		{0, time.Time{}, errors.New("away"), -1, -1},
	} {
		s := &server{metrics: &metrics{registry: prometheus.NewRegistry()}}
		s.metrics.watchNotices(func(context.Context) (int, time.Time, error) { return tt.n, tt.due, tt.err }, func() time.Time { return now })
		if waiting, late := value(t, s, "brygga_backchannel_waiting"), value(t, s, "brygga_backchannel_late_seconds"); waiting != tt.waiting || late != tt.late {
			t.Errorf("of %+v: %v waiting, %v late", tt, waiting, late)
		}
	}
}
