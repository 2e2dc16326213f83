package conformance

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Report writes the results as a table with a summary, and returns how many failed.
func Report(w io.Writer, results []Result) (failed int) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "suite\tcheck\tsection\tverdict\ttime")
	counts := make(map[Verdict]int)
	for _, r := range results {
		counts[r.Verdict]++
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.Suite, r.ID, r.Section, r.Verdict, r.Took.Round(time.Millisecond))
	}
	table.Flush()
	for _, r := range results {
		if r.Verdict == Pass {
			continue
		}
		fmt.Fprintf(w, "\n%s %s\n  rule     %s (%s)\n", r.Verdict, r.Name(), r.Rule, r.Section)
		if r.Module != "" {
			fmt.Fprintf(w, "  module   %s\n", r.Module)
		}
		fmt.Fprintf(w, "  because  %s\n", strings.ReplaceAll(r.Reason, "\n", "\n           "))
	}
	fmt.Fprintf(w, "\n%d checks: %d passed, %d failed, %d not applicable\n", len(results), counts[Pass], counts[Fail], counts[NotApplicable])
	return counts[Fail]
}
