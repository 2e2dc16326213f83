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

// step evaluates every alert at a moment, and keeps those that fire as series ALERTS, which end when they no longer do.
func (r *run) step(now time.Time) error {
	firing := map[string]labels.Labels{}
	for _, a := range r.alerts {
		vector, err := r.ask(a.Expr, now)
		if err != nil {
			return fmt.Errorf("%s: %w", a.Alert, err)
		}
		since := map[string]time.Time{}
		for _, sample := range vector {
			metric, err := a.about(sample, now)
			if err != nil {
				return err
			}
			key := metric.String()
			if since[key] = now; !r.active[a.Alert][key].IsZero() {
				since[key] = r.active[a.Alert][key]
			}
			if now.Sub(since[key]) >= a.hold() {
				firing[key] = metric
				r.fired[a.Alert] = true
				r.series.add(metric, now, 1)
			}
		}
		r.active[a.Alert] = since
	}
	for key, metric := range r.firing {
		if firing[key].IsEmpty() {
			r.series.add(metric, now, math.Float64frombits(value.StaleNaN))
		}
	}
	r.firing = firing
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
