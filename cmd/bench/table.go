package main

import (
	"fmt"
	"slices"
	"strings"
)

// table holds CPU microseconds by row and column, one value for each round.
type table struct {
	rows   []string
	cells  map[[2]string][]float64
	counts []counts
	// started and idle are seconds from start to first answer and MiB resident of an idle server.
	started, idle []float64
}

func (t *table) add(row, column string, micros float64) {
	if !slices.Contains(t.rows, row) {
		t.rows = append(t.rows, row)
	}
	if t.cells == nil {
		t.cells = map[[2]string][]float64{}
	}
	t.cells[[2]string{row, column}] = append(t.cells[[2]string{row, column}], micros)
}

// last returns the newest value.
func (t *table) last(row, column string) float64 {
	values := t.cells[[2]string{row, column}]
	return values[len(values)-1]
}

// reach is what a row's cost is to be at most, in requests answered with constant bytes and in the same at a peer; 0 for nothing.
var reach = map[string]struct{ constant, peer float64 }{
	rowLogin:                    {constant: 35},
	rowLoginRSA:                 {peer: 2.2},
	"code exchange, 16 callers": {peer: 1.2},
	"code exchange, 64 callers": {peer: 1},
	"refresh, 16 callers":       {peer: 1.2},
	"refresh, 64 callers":       {peer: 1},
	"userinfo, 16 callers":      {constant: 1.1},
	"introspection, 16 callers": {constant: 1.1},
	"discovery, 16 callers":     {constant: 1.3},
	"JWKS, 16 callers":          {constant: 1.15},
}

// String returns the table in Markdown.
func (t *table) String() string {
	var out strings.Builder
	out.WriteString("| CPU µs of the server for one | constant bytes | zitadel | Dex | brygga | ÷ constant bytes | ÷ zitadel | ÷ Dex |\n|---|---|---|---|---|---|---|---|\n")
	for _, row := range t.rows {
		ours := bryggaES256
		if _, found := t.cells[[2]string{row, bryggaRS256}]; found {
			ours = bryggaRS256
		}
		zitadel := zitadelES256
		if _, found := t.cells[[2]string{row, zitadelRS256}]; found {
			zitadel = zitadelRS256
		}
		peer, dex := t.ratio(row, ours, zitadel), t.ratio(row, ours, dexRS256)
		if wanted := reach[row].peer; wanted > 0 && peer != "" {
			peer += fmt.Sprintf(", to be ≤ %g", wanted)
		} else if wanted > 0 {
			dex += fmt.Sprintf(", to be ≤ %g", wanted)
		}
		constant := t.ratio(row, ours, constantBytes)
		if wanted := reach[row].constant; wanted > 0 {
			constant += fmt.Sprintf(", to be ≤ %g", wanted)
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", row, t.median(row, constantBytes), t.median(row, zitadel), t.median(row, dexRS256),
			t.median(row, ours), constant, peer, dex)
	}
	if ratio := t.between(rowSignature, rowLogin, bryggaES256); ratio != "" {
		out.WriteString("\n| ÷ a complete login, to be ≤ 1.2 | |\n|---|---|\n")
		fmt.Fprintf(&out, "| a signature | %s |\n| a login by telephone | %s |\n", ratio, t.between(rowTelephone, rowLogin, bryggaES256))
	}
	t.writeCounts(&out)
	return out.String()
}

func (t *table) writeCounts(out *strings.Builder) {
	if len(t.counts) == 0 {
		return
	}
	out.WriteString("\n| a complete login takes | |\n|---|---|\n")
	for i, name := range countNames {
		if value := median(t.counts, func(c counts) float64 { return *c.fields()[i] }); value > 0 {
			fmt.Fprintf(out, "| %s | %s |\n", name, number(value))
		}
	}
	if len(t.started) > 0 {
		fmt.Fprintf(out, "\n| an idle server | |\n|---|---|\n| seconds from start to first answer, to be ≤ 0.1 | %s |\n| MiB resident, to be ≤ 24 | %s |\n",
			spread(t.started, "%.3f"), spread(t.idle, "%.1f"))
	}
}

// median returns the median of the rounds as text, empty where there is none.
func (t *table) median(row, column string) string {
	values := t.cells[[2]string{row, column}]
	if len(values) == 0 {
		return ""
	}
	return number(median(values, same))
}

// ratio returns the median of the rounds' ratios with the least and the greatest, empty where there is none.
func (t *table) ratio(row, column, to string) string {
	return ratios(t.cells[[2]string{row, column}], t.cells[[2]string{row, to}])
}

// between is ratio for two rows of one column.
func (t *table) between(row, to, column string) string {
	return ratios(t.cells[[2]string{row, column}], t.cells[[2]string{to, column}])
}

// ratios returns what one row costs of another, round by round.
func ratios(over, under []float64) string {
	if len(over) == 0 || len(over) != len(under) {
		return ""
	}
	each := make([]float64, len(over))
	for i := range over {
		each[i] = over[i] / under[i]
	}
	return spread(each, "%.2f")
}

// spread returns the median of the values with the least and the greatest.
func spread(values []float64, format string) string {
	return fmt.Sprintf("**"+format+"** ("+format+"–"+format+")", median(values, same), slices.Min(values), slices.Max(values))
}

func same(v float64) float64 { return v }

// number returns a number with three digits that count.
func number(value float64) string {
	switch {
	case value < 10:
		return fmt.Sprintf("%.2f", value)
	case value < 100:
		return fmt.Sprintf("%.1f", value)
	case value < 10_000:
		return fmt.Sprintf("%.0f", value)
	}
	return fmt.Sprintf("%.0f 000", value/1000)
}
