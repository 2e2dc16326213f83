package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	var figures table
	const row = "refresh, 64 callers"
	for _, round := range [][3]float64{{20, 100, 110}, {40, 200, 160}, {30, 100, 120}} {
		figures.add(row, constantBytes, round[0])
		figures.add(row, zitadelES256, round[1])
		figures.add(row, bryggaES256, round[2])
	}
	text := figures.String()
	for _, want := range []string{
		"| refresh, 64 callers | 30.0 | 100 |  | 120 | **4.00** (4.00–5.50) | **1.10** (0.80–1.20), to be ≤ 1 |  |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestSignatureBesideLogin: rounds are compared with themselves.
func TestSignatureBesideLogin(t *testing.T) {
	var figures table
	for _, round := range [][2]float64{{100, 110}, {200, 200}, {100, 130}} {
		figures.add(rowLogin, bryggaES256, round[0])
		figures.add(rowSignature, bryggaES256, round[1])
	}
	if text, want := figures.String(), "| a signature | **1.10** (1.00–1.30) |"; !strings.Contains(text, want) {
		t.Errorf("no %q in\n%s", want, text)
	}
}

func TestBetween(t *testing.T) {
	got, err := between("before\n"+readmeBegin+"old\n"+readmeEnd+"after\n", "new\n")
	if want := "before\n" + readmeBegin + "\nnew\n\n" + readmeEnd + "after\n"; err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	for _, text := range []string{"", readmeBegin, readmeEnd, readmeEnd + readmeBegin} {
		if got, err := between(text, "new"); err == nil {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestCounts(t *testing.T) {
	before, after := counts{calls: 10, frames: 4}, counts{calls: 40, frames: 6}
	if got := after.since(before).each(10); got.calls != 3 || got.frames != 0.2 {
		t.Errorf("%+v", got)
	}
	if n := len(new(counts).fields()); n != len(countNames) {
		t.Errorf("%d counts, %d names", n, len(countNames))
	}
}
