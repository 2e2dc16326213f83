package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// discovery proposes mutants of a package and looks in the tests of another, or the same, for one that notices each, and for
// those that are listed with a ? in place of a test.
type discovery struct {
	dir, pkg, tests string
	number          int
	seed            uint64
	out             io.Writer
}

// slowest is the longest that a test may take to be asked whether it notices something.
const slowest = 20 * time.Second

func (d *discovery) run(ctx context.Context, listed []*mutant) error {
	untested := slices.DeleteFunc(slices.Clone(listed), func(m *mutant) bool { return m.pkg != d.pkg || m.test != "?" })
	tree, err := place(untested)
	if err != nil {
		return err
	}
	all, err := propose(tree, d.pkg)
	if err != nil {
		return err
	}
	all = d.fresh(tree, all, listed)
	rand.New(rand.NewPCG(d.seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	program, proposed, err := d.build(ctx, tree, append(untested, all[:min(len(all), d.number)]...))
	if err != nil {
		return err
	}
	tests, err := d.reach(ctx, program)
	if err != nil {
		return err
	}
	lab, noticed := newLab(d.dir, 2), make([]string, len(proposed))
	lab.each(len(proposed), func(i int) { noticed[i] = d.whoNotices(ctx, lab, program, tests, proposed[i]) })
	for _, survived := range []bool{false, true} {
		if survived {
			fmt.Fprintln(d.out, "# Those that no test notices:")
		}
		for i, m := range proposed {
			m.testPackage, m.test = d.tests, noticed[i]
			if survived == (m.test == "") {
				fmt.Fprintln(d.out, m.write())
			}
		}
	}
	return ctx.Err()
}

// fresh returns those of the proposals that have a place and are not listed, under another name perhaps.
func (d *discovery) fresh(tree *tree, all, listed []*mutant) (fresh []*mutant) {
	known := map[string]bool{}
	for _, m := range listed {
		if p, err := tree.find(m); err == nil {
			known[m.pkg+m.decl+p.body] = true
		}
	}
	for _, m := range all {
		p, err := tree.find(m)
		if err != nil || known[m.pkg+m.decl+p.body] {
			continue
		}
		known[m.pkg+m.decl+p.body] = true
		tree.places[m] = p
		fresh = append(fresh, m)
	}
	return fresh
}

// build leaves out what does not compile: the lines that the compiler names are those of the mutants.
func (d *discovery) build(ctx context.Context, tree *tree, proposed []*mutant) (string, []*mutant, error) {
	for i, m := range proposed {
		m.file, m.line = "proposed", (i+1)*1000
	}
	wrong := regexp.MustCompile(`proposed:(\d+)`)
	for {
		program, err := tree.build(ctx, d.dir, d.tests, proposed)
		if err == nil {
			return program, proposed, nil
		}
		bad := map[int]bool{}
		for _, match := range wrong.FindAllStringSubmatch(err.Error(), -1) {
			line, _ := strconv.Atoi(match[1])
			bad[line/1000] = true
		}
		if len(bad) == 0 {
			return "", nil, err
		}
		proposed = slices.DeleteFunc(slices.Clone(proposed), func(m *mutant) bool { return bad[m.line/1000] })
	}
}

// timed is a test with what it takes and the mutants whose functions it calls.
type timed struct {
	name    string
	took    time.Duration
	reached map[string]bool
}

// reach runs each test by itself, the quick ones first in what it returns.
func (d *discovery) reach(ctx context.Context, program string) (tests []timed, err error) {
	l := newLab(d.dir, 2)
	out, err := l.run(ctx, program, d.tests, nil, "-test.list", "^Test")
	if err != nil {
		return nil, err
	}
	names := strings.Fields(string(out))
	tests = make([]timed, len(names))
	l.each(len(names), func(i int) {
		file := filepath.Join(d.dir, names[i]+".reached")
		start := time.Now()
		_, err := l.run(ctx, program, d.tests, []string{"MUTANTS_REACHED=" + file}, "-test.timeout="+slowest.String(), "-test.run", pattern(names[i:i+1]))
		if err == nil {
			tests[i] = timed{names[i], time.Since(start), lines(file)}
		}
	})
	tests = slices.DeleteFunc(tests, func(t timed) bool { return t.name == "" })
	slices.SortFunc(tests, func(a, b timed) int { return int(a.took - b.took) })
	return tests, ctx.Err()
}

func lines(file string) map[string]bool {
	found := map[string]bool{}
	f, err := os.Open(file)
	if err != nil {
		return found
	}
	defer f.Close()
	for scanner := bufio.NewScanner(f); scanner.Scan(); {
		found[scanner.Text()] = true
	}
	return found
}

var (
	failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+) `)
)

// whoNotices returns the name of a test, or of a part of one, that fails with the mutant, and nothing when none does.
func (d *discovery) whoNotices(ctx context.Context, l *lab, program string, tests []timed, m *mutant) string {
	for _, t := range tests {
		if !t.reached[m.id] {
			continue
		}
		out, err := l.run(ctx, program, d.tests, []string{"MUTANT=" + m.id}, "-test.timeout="+slowest.String(), "-test.failfast", "-test.run", pattern([]string{t.name}))
		var failed *exec.ExitError
		if !errors.As(err, &failed) {
			continue
		}
		name := t.name
		for _, match := range failedTest.FindAllSubmatch(out, -1) {
			if part := string(match[1]); strings.HasPrefix(part, name+"/") {
				name = part
				break
			}
		}
		m.testPackage, m.test = d.tests, name
		if l.noticed(ctx, program, d.tests, m) == nil {
			return name
		}
		return t.name
	}
	return ""
}
