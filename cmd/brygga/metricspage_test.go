package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"brygga/storage/postgres/pgtest"
)

// The list of metrics stands between these lines of the page.
var updateMetrics = flag.Bool("update", false, "rewrite the list of metrics in docs/observability.md")

const (
	metricsBegin = "<!-- Made of what a server exports: go test ./cmd/brygga -run TestPageListsTheMetrics -update -->\n"
	metricsEnd   = "<!-- The end of the list. -->\n"
)

// mostShown is how many values of a label the page names.
const mostShown = 30

// described is a family as the page describes it.
func described(family *dto.MetricFamily) string {
	kind := strings.ToLower(family.GetType().String())
	if kind == "histogram" {
		var bounds []string
		for _, bucket := range family.GetMetric()[0].GetHistogram().GetBucket() {
			bounds = append(bounds, strconv.FormatFloat(bucket.GetUpperBound(), 'g', -1, 64))
		}
		kind += ": " + strings.Join(bounds, " ")
	}
	values := map[string]map[string]bool{}
	for _, metric := range family.GetMetric() {
		for _, label := range metric.GetLabel() {
			if values[label.GetName()] == nil {
				values[label.GetName()] = map[string]bool{}
			}
			values[label.GetName()][label.GetValue()] = true
		}
	}
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		text := "`" + name + "`"
		if known := slices.Sorted(maps.Keys(values[name])); bounded[name] && len(known) <= mostShown {
			text += ": " + strings.TrimSpace(strings.Join(known, " "))
		}
		labels = append(labels, text)
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", family.GetName(), kind, strings.Join(labels, "; "), family.GetHelp())
}

// bounded are the labels whose values are all there from the start.
var bounded = map[string]bool{"phase": true, "device": true, "limit": true, "work": true, "reason": true, "grant": true, "call": true, "kind": true, "step": true}

// metricsList returns the table of all metrics, as servers on a file and on a database have them.
func metricsList(t *testing.T) string {
	t.Helper()
	s := newMeasured(t)
	s.metrics.request("GET /healthz", 200, time.Millisecond) // its routes are many, so it begins with the first request
	s.metrics.provider("token", "ok", "portal")              // and so do the clients
	known := families(t, s)
	for name, family := range families(t, newWithCards(t)) {
		if strings.HasPrefix(name, "brygga_netid_") {
			known[name] = family
		}
	}
	for name, family := range families(t, newOnDatabase(t, pgtest.Database(t))) {
		if strings.HasPrefix(name, "brygga_database_") {
			known[name] = family
		}
	}
	list := "| metric | type, and bounds of its buckets | labels | what |\n|---|---|---|---|\n"
	for _, name := range slices.Sorted(maps.Keys(known)) {
		list += described(known[name])
	}
	return list
}

// TestPageListsTheMetrics holds docs/observability.md true: every metric with its type, labels and help, and no other. That each of them is
// there before anything has happened shows, too, that counters begin at 0.
func TestPageListsTheMetrics(t *testing.T) {
	const path = "../../docs/observability.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), metricsBegin)
	_, after, ends := strings.Cut(rest, metricsEnd)
	if !found || !ends {
		t.Fatal("docs/observability.md has no place for the list of metrics")
	}
	want := before + metricsBegin + metricsList(t) + metricsEnd + after
	if *updateMetrics {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(page) {
		t.Error("docs/observability.md is not what a server exports: go test ./cmd/brygga -run TestPageListsTheMetrics -update")
	}
}

// TestMetricsKeepTheRules of Prometheus for names, units, help and labels, and each histogram has buckets of its own.
func TestMetricsKeepTheRules(t *testing.T) {
	s := newMeasured(t)
	s.metrics.request("GET /healthz", 200, time.Millisecond)
	for _, of := range []*server{s, newWithCards(t), newOnDatabase(t, pgtest.Database(t))} {
		faults, err := promlint.NewWithMetricFamilies(slices.Collect(maps.Values(families(t, of)))).Lint()
		if err != nil || len(faults) > 0 {
			t.Errorf("Prometheus's own linter says %v, %v", faults, err)
		}
	}
	for name, family := range families(t, s) {
		counts := family.GetType() == dto.MetricType_COUNTER
		if counts != strings.HasSuffix(name, "_total") {
			t.Errorf("%s is a %s", name, family.GetType())
		}
		if help := family.GetHelp(); len(help) < 10 || strings.ContainsAny(help, "|\n") || !strings.HasSuffix(help, ".") {
			t.Errorf("%s has the help %q", name, help)
		}
		if family.GetType() == dto.MetricType_HISTOGRAM && (!strings.HasSuffix(name, "_seconds") || len(family.GetMetric()[0].GetHistogram().GetBucket()) > 15) {
			t.Errorf("%s is a histogram of no seconds, or with too many buckets", name)
		}
		for _, unit := range []string{"_ms", "_milliseconds", "_minutes", "_kib", "_days"} {
			if strings.Contains(name, unit) {
				t.Errorf("%s has no base unit", name)
			}
		}
		if n := len(family.GetMetric()); n > 150 {
			t.Errorf("%s has %d series before anything has happened", name, n)
		}
		for _, label := range family.GetMetric()[0].GetLabel() {
			if slices.Contains([]string{"le", "quantile", "job", "instance"}, label.GetName()) {
				t.Errorf("%s has the label %s", name, label.GetName())
			}
		}
	}
}
