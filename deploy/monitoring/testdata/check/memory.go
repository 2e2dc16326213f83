package main

import (
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// memory is a storage of series, by the text of their labels.
type memory map[string]*series

type series struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// sample is a number at a time in milliseconds. What it has of histograms is never asked for.
type sample struct {
	chunks.Sample
	at    int64
	value float64
}

func (s sample) T() int64                      { return s.at }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

func (m memory) add(metric labels.Labels, at time.Time, value float64) {
	key := metric.String()
	if m[key] == nil {
		m[key] = &series{labels: metric}
	}
	m[key].samples = append(m[key].samples, sample{at: at.UnixMilli(), value: value})
}

func (m memory) has(name string) bool {
	for _, s := range m {
		if s.labels.Get(model.MetricNameLabel) == name {
			return true
		}
	}
	return false
}

// Querier returns what answers queries; it looks at all times.
func (m memory) Querier(_, _ int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		found := &found{}
		for _, s := range m {
			if matches(s.labels, matchers) {
				found.all = append(found.all, storage.NewListSeries(s.labels, s.samples))
			}
		}
		return found
	}}, nil
}

func matches(metric labels.Labels, matchers []*labels.Matcher) bool {
	for _, matcher := range matchers {
		if !matcher.Matches(metric.Get(matcher.Name)) {
			return false
		}
	}
	return true
}

// found is a set of series that a query goes through.
type found struct {
	all []storage.Series
	now storage.Series
}

// Next goes to the next one.
func (f *found) Next() bool {
	if len(f.all) == 0 {
		return false
	}
	f.now, f.all = f.all[0], f.all[1:]
	return true
}

// At returns the one that Next went to.
func (f *found) At() storage.Series { return f.now }

// Err returns nil.
func (f *found) Err() error { return nil }

// Warnings returns none.
func (f *found) Warnings() annotations.Annotations { return nil }

var _ storage.Queryable = memory{}
