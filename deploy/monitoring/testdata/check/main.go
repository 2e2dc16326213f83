// Check judges the alert rules and the dashboard beside it with Prometheus' own parser and engine: every query must parse, every
// metric, label and value in it must be one that a server has exported, and every alert must fire in a test and stay silent in another.
//
//	go run . RULES TESTS DASHBOARD METRICS…
//
// TESTS are unit tests of the rules as promtool takes them, METRICS what the /metrics of servers have answered. It prints a line for each
// fault, and ends with 1 if there are any. It is a module of its own, as the engine brings more along than Brygga itself needs.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: check RULES TESTS DASHBOARD METRICS…")
		os.Exit(2)
	}
	faults, err := check(os.Args[1], os.Args[2], os.Args[3], os.Args[4:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, fault := range faults {
		fmt.Println(fault)
	}
	if len(faults) > 0 {
		os.Exit(1)
	}
}

func check(rulesFile, testsFile, dashboardFile string, metricsFiles []string) ([]string, error) {
	known, err := readMetrics(metricsFiles)
	if err != nil {
		return nil, err
	}
	alerts, faults := readAlerts(rulesFile)
	shown, more, err := readDashboard(dashboardFile)
	if err != nil {
		return nil, err
	}
	faults = append(faults, more...)
	for _, q := range append(queriesOf(alerts), shown...) {
		faults = append(faults, known.judge(q)...)
	}
	if len(faults) > 0 {
		return faults, nil
	}
	return runTests(testsFile, alerts)
}
