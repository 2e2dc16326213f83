package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// dashboard is the part of Grafana's format that is judged.
type dashboard struct {
	Panels     []panel `json:"panels"`
	Templating struct {
		List []variable `json:"list"`
	} `json:"templating"`
}

type panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Datasource  datasource `json:"datasource"`
	Grid        grid       `json:"gridPos"`
	Targets     []struct {
		Datasource datasource `json:"datasource"`
		Expr       string     `json:"expr"`
		Legend     string     `json:"legendFormat"`
	} `json:"targets"`
}

type datasource struct {
	UID string `json:"uid"`
}

type grid struct{ X, Y, W, H int }

type variable struct {
	Name, Type string
	Query      json.RawMessage
}

// ours is how each panel names the source that whoever looks has chosen.
const ours = "${datasource}"

// readDashboard returns the queries of a dashboard and what is wrong with it.
func readDashboard(file string) (queries []query, faults []string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	ids := map[int]bool{}
	for i, p := range d.Panels {
		where := fmt.Sprintf("panel %d, %s", p.ID, p.Title)
		if ids[p.ID] || p.Title == "" {
			faults = append(faults, where+": lacks an ID of its own or a title")
		}
		ids[p.ID] = true
		for _, other := range d.Panels[:i] {
			if p.Grid.meets(other.Grid) {
				faults = append(faults, where+": lies upon "+other.Title)
			}
		}
		if p.Type != "row" {
			faults = append(faults, p.judge(where)...)
		}
		for _, target := range p.Targets {
			queries = append(queries, query{where, settled(target.Expr), labelsIn(target.Legend)})
		}
	}
	more, wrong := d.lists()
	return append(queries, more...), append(faults, wrong...), nil
}

func (g grid) meets(o grid) bool {
	return g.X+g.W > 24 || g.W < 1 || g.H < 1 || g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H
}

func (p panel) judge(where string) (faults []string) {
	if p.Description == "" || len(p.Targets) == 0 {
		faults = append(faults, where+": lacks a description or a query")
	}
	for _, target := range p.Targets {
		if p.Datasource.UID != ours || target.Datasource.UID != ours {
			faults = append(faults, where+": does not ask "+ours)
		}
		if strings.Count(target.Expr, `job="$job", instance=~"$instance"`) != strings.Count(target.Expr, "{") {
			faults = append(faults, where+": is not of the chosen nodes alone: "+target.Expr)
		}
	}
	return faults
}

// settled puts values in the place of the variables that Grafana would.
func settled(expr string) string {
	return strings.NewReplacer("$__rate_interval", "5m", "$__interval", "1m", "$__range", "1h").Replace(expr)
}

var listing = regexp.MustCompile(`^label_values\((.*), *(\w+)\)$`)

// lists returns the queries behind the lists that one chooses from.
func (d *dashboard) lists() (queries []query, faults []string) {
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		var asked struct {
			Query string `json:"query"`
		}
		found := listing.FindStringSubmatch("")
		if json.Unmarshal(v.Query, &asked) == nil {
			found = listing.FindStringSubmatch(asked.Query)
		}
		if found == nil {
			faults = append(faults, fmt.Sprintf("variable %s: cannot be read: %s", v.Name, v.Query))
			continue
		}
		queries = append(queries, query{"variable " + v.Name, found[1], []string{found[2]}})
	}
	return queries, faults
}
