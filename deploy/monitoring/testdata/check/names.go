package main

import (
	"fmt"
	"os"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// query is an expression and where it stands, with the labels that a text beside it speaks of.
type query struct {
	where, expr string
	shown       []string
}

// exported are the values that each label of each series had.
type exported map[string]map[string][]string

// target are the labels that Prometheus gives to whatever it scrapes. Their values are the operator's.
var target = []string{"job", "instance"}

// readMetrics reads what the /metrics of servers have answered.
func readMetrics(files []string) (exported, error) {
	known := exported{"up": {}} // made by Prometheus itself
	for _, file := range files {
		if err := known.read(file); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return known, nil
}

func (e exported) read(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	text := expfmt.NewTextParser(model.UTF8Validation)
	families, err := text.TextToMetricFamilies(f)
	for name, family := range families {
		for _, metric := range family.GetMetric() {
			e.add(name, family.GetType(), metric)
		}
	}
	return err
}

func (e exported) add(name string, kind dto.MetricType, metric *dto.Metric) {
	names := []string{name}
	switch kind {
	case dto.MetricType_HISTOGRAM:
		names = []string{name + "_count", name + "_sum", name + "_bucket"}
	case dto.MetricType_SUMMARY:
		names = []string{name + "_count", name + "_sum", name}
	}
	for _, name := range names {
		if e[name] == nil {
			e[name] = map[string][]string{}
		}
		for _, label := range metric.GetLabel() {
			e[name][label.GetName()] = append(e[name][label.GetName()], label.GetValue())
		}
	}
	if kind == dto.MetricType_HISTOGRAM {
		for _, bucket := range metric.GetHistogram().GetBucket() {
			e[name+"_bucket"]["le"] = append(e[name+"_bucket"]["le"], fmt.Sprint(bucket.GetUpperBound()))
		}
	}
}

// judge returns what is wrong with a query.
func (e exported) judge(q query) (faults []string) {
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Sprintf("%s: %s in: %s", q.where, fmt.Sprintf(format, args...), q.expr))
	}
	expr, err := parser.ParseExpr(q.expr)
	if err != nil {
		fault("%v", err)
		return faults
	}
	names := e.judgeSelectors(expr, fault)
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		for _, label := range joinedBy(node) {
			if !slices.Contains(names, label) {
				fault("no series has the label %s", label)
			}
		}
		return nil
	})
	for _, label := range q.shown {
		if !slices.Contains(names, label) {
			fault("its text shows the label %s, which no series has", label)
		}
	}
	return faults
}

// judgeSelectors returns the labels that the selected series have.
func (e exported) judgeSelectors(expr parser.Expr, fault func(string, ...any)) []string {
	names := slices.Clone(target)
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		has, ok := e[selector.Name]
		if !ok {
			fault("there is no metric %q", selector.Name)
			return nil
		}
		for label := range has {
			names = append(names, label)
		}
		for _, matcher := range selector.LabelMatchers {
			if matcher.Name == model.MetricNameLabel || slices.Contains(target, matcher.Name) {
				continue
			}
			judgeMatcher(matcher, has, fault)
		}
		return nil
	})
	return names
}

// judgeMatcher finds fault with a label that there is not, and with values of it that have not been seen: each of those listed, and at
// least one for a pattern.
func judgeMatcher(matcher *labels.Matcher, has map[string][]string, fault func(string, ...any)) {
	values, ok := has[matcher.Name]
	if !ok {
		fault("the metric has no label %s", matcher.Name)
		return
	}
	listed := []string{matcher.Value}
	if matcher.Type == labels.MatchRegexp || matcher.Type == labels.MatchNotRegexp {
		listed = matcher.SetMatches()
	}
	for _, value := range listed {
		if !slices.Contains(values, value) {
			fault("%s is never %q", matcher.Name, value)
		}
	}
	if len(listed) > 0 {
		return
	}
	pattern := labels.MustNewMatcher(labels.MatchRegexp, matcher.Name, matcher.Value)
	if !slices.ContainsFunc(values, pattern.Matches) {
		fault("%s is never like %q", matcher.Name, matcher.Value)
	}
}

// joinedBy returns the labels that a node groups or joins series by.
func joinedBy(node parser.Node) []string {
	switch n := node.(type) {
	case *parser.AggregateExpr:
		return n.Grouping
	case *parser.BinaryExpr:
		if n.VectorMatching != nil {
			return slices.Concat(n.VectorMatching.MatchingLabels, n.VectorMatching.Include)
		}
	}
	return nil
}
