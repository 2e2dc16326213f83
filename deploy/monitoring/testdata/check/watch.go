package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
)

// watch evaluates an alert at each step of a test, as Prometheus does, and keeps where it fires as series ALERTS.
func (r *run) watch(a *alert, last time.Duration) error {
	query, err := r.engine.NewRangeQuery(context.Background(), r.series, nil, a.Expr, time.Unix(0, 0), time.Unix(0, 0).Add(last), r.every)
	if err != nil {
		return err
	}
	defer query.Close()
	matrix, err := query.Exec(context.Background()).Matrix()
	if err != nil {
		return fmt.Errorf("%s: %w", a.Alert, err)
	}
	for _, found := range matrix {
		if err := r.fire(a, found); err != nil {
			return err
		}
	}
	return nil
}

// fire goes through the moments at which the alert's expression is true for one set of labels. The alert fires from when that has lasted
// as long as it says, and no longer than it lasts.
func (r *run) fire(a *alert, found promql.Series) error {
	var since time.Time
	for i, point := range found.Floats {
		now := time.UnixMilli(point.T)
		if i == 0 || point.T-found.Floats[i-1].T > r.every.Milliseconds() {
			since = now
		}
		if now.Sub(since) < a.hold() {
			continue
		}
		metric, err := a.about(promql.Sample{Metric: found.Metric, F: point.F}, now)
		if err != nil {
			return err
		}
		r.fired[a.Alert] = true
		r.series.add(metric, now, 1)
		if next := now.Add(r.every); i == len(found.Floats)-1 || found.Floats[i+1].T > next.UnixMilli() {
			r.series.add(metric, next, math.Float64frombits(value.StaleNaN))
		}
	}
	return nil
}

// about returns the series ALERTS of an alert for a sample. Its texts must say all they mean to.
func (a *alert) about(sample promql.Sample, now time.Time) (labels.Labels, error) {
	data := template.AlertTemplateData(sample.Metric.Map(), nil, "", sample)
	for name, text := range a.Annotations {
		expander := template.NewTemplateExpander(context.Background(), "{{$labels := .Labels}}{{$value := .Value}}"+text, a.Alert, data,
			model.TimeFromUnix(now.Unix()), nil, nil, []string{"missingkey=error"})
		shown, err := expander.Expand()
		if err != nil || strings.Contains(shown, "NaN") || strings.Contains(shown, "Inf") {
			return labels.EmptyLabels(), fmt.Errorf("%s: %s says %q: %v", a.Alert, name, shown, err)
		}
	}
	b := labels.NewBuilder(sample.Metric)
	for name, text := range a.Labels {
		b.Set(name, text)
	}
	b.Set(model.MetricNameLabel, "ALERTS").Set(labels.AlertName, a.Alert).Set("alertstate", "firing")
	return b.Labels(), nil
}
