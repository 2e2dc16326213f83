// Command mutants shows that the tests bite. Its lists, one beside this file for each package, hold small changes of security
// and correctness conditions, each with the test that must fail when the change is made:
//
//	go run ./mutants             every list
//	go run ./mutants bankid op   the lists of these packages
//	go run ./mutants -only Redeem
//	                             those with this in their names
//	go run ./mutants -check      whether every change can still be made, without running a test
//	go run ./mutants -discover bankid -n 40
//	                             proposes changes of a package, and looks for tests that notice these and the
//	                             listed ones that have a ? for a test
//
// All changes stand in one build behind a switch, so a list costs one build for each package with tests that it names. It
// ends with 1 when a change has no place any more, does not compile or goes unnoticed, or when a test fails without one.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	check := flags.Bool("check", false, "look for the place of every change, and run nothing")
	only := flags.String("only", "", "a `part` of the names of those to try")
	discover := flags.String("discover", "", "the `package` to propose changes of")
	tests := flags.String("tests", "", "with -discover, the `package` whose tests may notice; the same, unless it is given")
	number := flags.Int("n", 40, "with -discover, how many to propose")
	seed := flags.Uint64("seed", 1, "with -discover, which ones")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	listed, err := readLists("mutants", flags.Args())
	if err != nil {
		return err
	}
	if *discover != "" {
		d := discovery{dir: dir, pkg: *discover, tests: cmp.Or(*tests, *discover), number: *number, seed: *seed, out: out}
		return d.run(ctx, listed)
	}
	listed = slices.DeleteFunc(listed, func(m *mutant) bool { return !strings.Contains(m.id, *only) })
	tree, err := place(listed)
	if err != nil || *check {
		return err
	}
	return kill(ctx, dir, tree, listed, out)
}

// kill runs what must notice each mutant, and prints a line for each list.
func kill(ctx context.Context, dir string, tree *tree, listed []*mutant, out io.Writer) error {
	start := time.Now()
	verdicts, err := newLab(dir, runtime.NumCPU()).try(ctx, tree, listed)
	if err != nil {
		return err
	}
	var faults []error
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "package\tmutants\tkilled\tseconds\t")
	var killed int
	for _, pkg := range packagesOf(listed) {
		var of, dead int
		var spent time.Duration
		for _, m := range listed {
			if m.pkg != pkg {
				continue
			}
			of, spent = of+1, spent+verdicts[m].spent
			if err := verdicts[m].err; err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", m, err))
				continue
			}
			dead++
		}
		killed += dead
		fmt.Fprintf(table, "%s\t%d\t%d\t%.0f\t\n", pkg, of, dead, spent.Seconds())
	}
	fmt.Fprintf(table, "all\t%d\t%d\t%.0f\t\n", len(listed), killed, time.Since(start).Seconds())
	table.Flush()
	return errors.Join(faults...)
}

func packagesOf(listed []*mutant) (pkgs []string) {
	for _, m := range listed {
		if !slices.Contains(pkgs, m.pkg) {
			pkgs = append(pkgs, m.pkg)
		}
	}
	return pkgs
}
