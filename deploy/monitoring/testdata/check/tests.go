package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// testFile is what promtool takes for unit tests of rules, as far as ours use it.
type testFile struct {
	RuleFiles []string       `yaml:"rule_files"`
	Every     model.Duration `yaml:"evaluation_interval"`
	Tests     []test         `yaml:"tests"`
}

type test struct {
	Name     string         `yaml:"name"`
	Interval model.Duration `yaml:"interval"`
	Input    []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	Wants []want `yaml:"promql_expr_test"`
}

type want struct {
	Expr    string         `yaml:"expr"`
	At      model.Duration `yaml:"eval_time"`
	Samples []struct {
		Labels string  `yaml:"labels"`
		Value  float64 `yaml:"value"`
	} `yaml:"exp_samples"`
}

// runTests returns what is wrong with the alerts by the tests of a file, and the alerts that it does not test: each must fire in one,
// and stay silent in another that has all its metrics.
func runTests(file string, alerts []*alert) (faults []string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var tests testFile
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&tests); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	fired, silent := map[string]bool{}, map[string]bool{}
	for _, t := range tests.Tests {
		r, err := newRun(&t, time.Duration(tests.Every), alerts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		for _, fault := range r.play(t.Wants) {
			faults = append(faults, t.Name+": "+fault)
		}
		for _, a := range alerts {
			fired[a.Alert] = fired[a.Alert] || r.fired[a.Alert]
			silent[a.Alert] = silent[a.Alert] || !r.fired[a.Alert] && r.has(a.metrics())
		}
	}
	for _, a := range alerts {
		if !fired[a.Alert] || !silent[a.Alert] {
			faults = append(faults, fmt.Sprintf("%s: fires in a test: %t, is silent in another that has its metrics: %t", a.Alert, fired[a.Alert], silent[a.Alert]))
		}
	}
	return faults, nil
}

// run is one test in motion.
type run struct {
	engine *promql.Engine
	series memory
	every  time.Duration
	alerts []*alert
	fired  map[string]bool // by alert, at any time
}

func newRun(t *test, every time.Duration, alerts []*alert) (*run, error) {
	r := &run{
		engine: promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true}),
		series: memory{}, every: every, alerts: alerts, fired: map[string]bool{},
	}
	for _, input := range t.Input {
		metric, values, err := parser.ParseSeriesDesc(input.Series + " " + input.Values)
		if err != nil {
			return nil, err
		}
		for i, value := range values {
			if !value.Omitted {
				r.series.add(metric, time.Unix(0, 0).Add(time.Duration(i)*time.Duration(t.Interval)), value.Value)
			}
		}
	}
	return r, nil
}

// has reports whether the test has a series of each metric.
func (r *run) has(metrics []string) bool {
	return !slices.ContainsFunc(metrics, func(name string) bool { return !r.series.has(name) })
}

// play lets the alerts watch the whole test, and then compares.
func (r *run) play(wants []want) (faults []string) {
	last := time.Duration(0)
	for _, w := range wants {
		last = max(last, time.Duration(w.At))
	}
	for _, a := range r.alerts {
		if err := r.watch(a, last); err != nil {
			return append(faults, err.Error())
		}
	}
	for _, w := range wants {
		got, err := r.ask(w.Expr, time.Unix(0, 0).Add(time.Duration(w.At)))
		if err != nil {
			return append(faults, err.Error())
		}
		if has, wanted := texts(got), w.texts(); !slices.Equal(has, wanted) {
			faults = append(faults, fmt.Sprintf("%s after %s is %q, want %q", w.Expr, w.At, has, wanted))
		}
	}
	return faults
}

func (r *run) ask(expr string, at time.Time) (promql.Vector, error) {
	query, err := r.engine.NewInstantQuery(context.Background(), r.series, nil, expr, at)
	if err != nil {
		return nil, err
	}
	defer query.Close()
	return query.Exec(context.Background()).Vector()
}

func texts(vector promql.Vector) (all []string) {
	for _, sample := range vector {
		all = append(all, fmt.Sprintf("%s %g", sample.Metric, sample.F))
	}
	slices.Sort(all)
	return all
}

func (w want) texts() (all []string) {
	for _, sample := range w.Samples {
		metric, err := parser.ParseMetric(sample.Labels)
		if err != nil {
			return []string{err.Error()}
		}
		all = append(all, fmt.Sprintf("%s %g", metric, sample.Value))
	}
	slices.Sort(all)
	return all
}
