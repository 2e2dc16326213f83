package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

// patience is how long a test may take to notice a mutant. One that hangs has been noticed.
const patience = 2 * time.Minute

var (
	errUnnoticed = errors.New("no test fails: it survives")
	errNoTest    = errors.New("the test does not pass without the change, or is not there")
)

// lab runs tests, a few at a time. Its files are in dir.
type lab struct {
	dir  string
	busy chan struct{}
}

func newLab(dir string, atOnce int) *lab { return &lab{dir, make(chan struct{}, atOnce)} }

// verdict is nil for a mutant that its test noticed.
type verdict struct {
	err   error
	spent time.Duration
}

// try says of each mutant whether its test notices it. It fails when a build does.
func (l *lab) try(ctx context.Context, tree *tree, listed []*mutant) (map[*mutant]verdict, error) {
	verdicts := map[*mutant]verdict{}
	for _, batch := range batches(tree, listed) {
		tests := batch[0].testPackage
		program, err := tree.build(ctx, l.dir, tests, batch)
		if err != nil {
			return nil, err
		}
		without := program
		if !tree.places[batch[0]].switched() {
			if without, err = tree.build(ctx, l.dir, tests, nil); err != nil {
				return nil, err
			}
		}
		passing, err := l.passing(ctx, without, batch)
		if err != nil {
			return nil, err
		}
		tried := make([]verdict, len(batch))
		l.each(len(batch), func(i int) {
			start := time.Now()
			err := errNoTest
			if passing[batch[i].test] {
				err = l.noticed(ctx, program, tests, batch[i])
			}
			tried[i] = verdict{err, time.Since(start)}
		})
		for i, m := range batch {
			verdicts[m] = tried[i]
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return verdicts, nil
}

// batches returns the mutants by the build that they go into: one for each package with tests, and one for each mutant that
// cannot stand behind the switch.
func batches(tree *tree, listed []*mutant) (all [][]*mutant) {
	at := map[string]int{}
	for _, m := range listed {
		if !tree.places[m].switched() {
			all = append(all, []*mutant{m})
			continue
		}
		i, ok := at[m.testPackage]
		if !ok {
			i = len(all)
			at[m.testPackage], all = i, append(all, nil)
		}
		all[i] = append(all[i], m)
	}
	return all
}

func (l *lab) each(n int, do func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		l.busy <- struct{}{}
		all.Go(func() {
			do(i)
			<-l.busy
		})
	}
	all.Wait()
}

var passed = regexp.MustCompile(`(?m)^\s*--- PASS: (\S+) `)

// passing returns which tests of the mutants pass without any of them.
func (l *lab) passing(ctx context.Context, program string, batch []*mutant) (map[string]bool, error) {
	tests := batch[0].testPackage
	var names []string
	for _, m := range batch {
		names = append(names, m.test)
	}
	out, err := l.run(ctx, program, tests, nil, "-test.timeout=30m", "-test.v", "-test.run", pattern(names))
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		return nil, err
	}
	found := map[string]bool{}
	for _, match := range passed.FindAllSubmatch(out, -1) {
		found[string(match[1])] = true
	}
	return found, nil
}

// noticed returns nil when the mutant's test fails with it.
func (l *lab) noticed(ctx context.Context, program, tests string, m *mutant) error {
	_, err := l.run(ctx, program, tests, []string{"MUTANT=" + m.id}, "-test.timeout="+patience.String(), "-test.failfast", "-test.run", pattern([]string{m.test}))
	var failed *exec.ExitError
	switch {
	case err == nil:
		return errUnnoticed
	case errors.As(err, &failed):
		return nil
	}
	return err
}

func (l *lab) run(ctx context.Context, program, tests string, with []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.WaitDelay = tests, time.Second
	cmd.Env = append(os.Environ(), with...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("run the tests of %s: %w", tests, err)
	}
	return out.Bytes(), nil
}

// pattern returns what -test.run wants for the tests of these names and all that they have below them.
func pattern(names []string) string {
	var all []string
	for _, name := range names {
		var parts []string
		for _, part := range strings.Split(name, "/") {
			parts = append(parts, "^"+regexp.QuoteMeta(part)+"$")
		}
		all = append(all, strings.Join(parts, "/"))
	}
	return strings.Join(all, "|")
}
