package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"brygga/netid"
	"brygga/netid/netidlogin"
	"brygga/storage"
)

// netIDMetrics are those of calls to a Net iD Access. Installations without one have none.
type netIDMetrics struct {
	calls    *prometheus.HistogramVec
	lastCall prometheus.Gauge
}

// watchNetID adds the calls to a Net iD Access, and its words to the reasons by which logins are counted.
func (m *metrics) watchNetID() *netIDMetrics {
	n := &netIDMetrics{
		calls: histograms("brygga_netid_call_seconds", "Calls to Net iD Access, each attempt; code is empty for success.",
			[]float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 15}, "call", "code"),
		lastCall: gauge("brygga_netid_last_success_timestamp_seconds", "When Net iD Access last answered; 0 when it has not yet."),
	}
	m.watchLogins(netidlogin.Name, []string{storage.DeviceThis, storage.DeviceOther})
	for _, call := range netid.Calls() {
		n.calls.WithLabelValues(call, "")
		n.calls.WithLabelValues(call, "unavailable")
	}
	m.registry.MustRegister(n.calls, n.lastCall)
	for _, code := range netid.Codes() {
		m.reasons[string(code)] = true
	}
	for _, check := range netid.Checks() {
		m.reasons[string(check)] = true
	}
	return n
}
