package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// alert is one rule.
type alert struct {
	rulefmt.Rule
	expr parser.Expr
}

func (a *alert) hold() time.Duration { return time.Duration(a.For) }

// metrics returns the names of the metrics that the alert looks at.
func (a *alert) metrics() (names []string) {
	parser.Inspect(a.expr, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok && !slices.Contains(names, selector.Name) {
			names = append(names, selector.Name)
		}
		return nil
	})
	return names
}

// readAlerts returns the alerts of a file of rules, or what is wrong with it.
func readAlerts(file string) (alerts []*alert, faults []string) {
	groups, errs := rulefmt.ParseFile(file, false, model.UTF8Validation)
	for _, err := range errs {
		faults = append(faults, err.Error())
	}
	if len(faults) > 0 {
		return nil, faults
	}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			expr, err := parser.ParseExpr(rule.Expr)
			if err != nil || rule.Alert == "" {
				faults = append(faults, fmt.Sprintf("%s: %v is no alert", rule.Record, err))
				continue
			}
			a := &alert{rule, expr}
			alerts = append(alerts, a)
			faults = append(faults, a.judge(filepath.Dir(file))...)
		}
	}
	return alerts, faults
}

// judge finds fault with an alert that lacks what whoever is woken by it needs.
func (a *alert) judge(dir string) (faults []string) {
	fault := func(text string) { faults = append(faults, a.Alert+": "+text) }
	if severity := a.Labels["severity"]; severity != "critical" && severity != "warning" {
		fault(fmt.Sprintf("severity is %q", severity))
	}
	if a.For == 0 {
		fault("lacks for")
	}
	for _, name := range []string{"summary", "action", "runbook"} {
		if a.Annotations[name] == "" {
			fault("lacks the annotation " + name)
		}
	}
	page, heading, _ := strings.Cut(a.Annotations["runbook"], "#")
	text, err := os.ReadFile(filepath.Join(dir, "../..", page))
	if err != nil || !hasHeading(string(text), heading) {
		fault(fmt.Sprintf("runbook %q leads nowhere", a.Annotations["runbook"]))
	}
	return faults
}

// hasHeading reports whether a Markdown page has a heading of that anchor.
func hasHeading(page, anchor string) bool {
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		if strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-") == anchor {
			return true
		}
	}
	return false
}

var spokenOf = regexp.MustCompile(`\$labels\.(\w+)|{{\s*(\w+)\s*}}`)

// labelsIn returns the labels that a text of a rule or a legend of a panel speaks of.
func labelsIn(texts ...string) (names []string) {
	for _, found := range spokenOf.FindAllStringSubmatch(strings.Join(texts, " "), -1) {
		names = append(names, found[1]+found[2])
	}
	return names
}

// queriesOf returns the expressions of the alerts.
func queriesOf(alerts []*alert) (queries []query) {
	for _, a := range alerts {
		queries = append(queries, query{a.Alert, a.Expr, labelsIn(a.Annotations["summary"], a.Annotations["action"])})
	}
	return queries
}
