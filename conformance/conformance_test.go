package conformance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// started is the brygga that all tests share, and the run of every check against it.
var started struct {
	once    sync.Once
	err     error
	dir     string
	brygga  *Brygga
	runner  *Runner
	running sync.Once
	results []Result
}

// workers is how many checks run at once.
const workers = 32

func TestMain(m *testing.M) {
	code := m.Run()
	if started.runner != nil {
		started.runner.Close()
	}
	if started.brygga != nil {
		if err := started.brygga.Stop(); err != nil { // why a check fails may stand there
			fmt.Fprintln(os.Stderr, "brygga complained:", err)
			code = 1
		}
	}
	os.RemoveAll(started.dir)
	os.Exit(code)
}

// noteSources opens the folders of this repository: what a test opens, "go test" compares before it takes an old result for a new
// one, and of what goes into the program that is started here it knows nothing else.
func noteSources() error {
	return filepath.WalkDir("..", func(_ string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules") {
			return filepath.SkipDir
		}
		return err
	})
}

// provider starts brygga, once.
func provider(t *testing.T) *Runner {
	t.Helper()
	started.once.Do(func() {
		if started.err = noteSources(); started.err != nil {
			return
		}
		ctx := context.Background() // TestMain stops it
		if started.dir, started.err = os.MkdirTemp("", "brygga-conformance"); started.err != nil {
			return
		}
		if started.brygga, started.err = StartBrygga(ctx, started.dir, os.Getenv("CONFORMANCE_BRYGGA")); started.err == nil {
			started.runner, started.err = Open(ctx, started.brygga.Config, Options{})
		}
	})
	if started.err != nil {
		t.Fatal(started.err)
	}
	return started.runner
}

// results runs every check, once.
func results(t *testing.T) []Result {
	t.Helper()
	runner := provider(t)
	started.running.Do(func() { started.results = runner.Run(context.Background(), Suites(runner.cfg), workers) })
	return started.results
}

// TestProvider holds brygga to every check. None may be not applicable: what is optional is there.
func TestProvider(t *testing.T) {
	t.Parallel()
	for _, r := range results(t) {
		t.Run(r.Name(), func(t *testing.T) {
			if r.Verdict != Pass {
				t.Errorf("%s: %s (%s): %s", r.Verdict, r.Rule, r.Section, r.Reason)
			}
		})
	}
}

// TestTable holds the table of checks to its form.
func TestTable(t *testing.T) {
	count := 0
	for _, suite := range Suites(&Config{Short: new(Short), BackEnd: new(BackEnd), Cards: "there"}) {
		seen := make(map[string]bool)
		for _, check := range suite.Checks {
			count++
			name := suite.Name + "/" + check.ID
			if check.ID == "" || seen[check.ID] {
				t.Errorf("%s: the ID is missing or stands twice", name)
			}
			seen[check.ID] = true
			if check.Rule == "" || check.Section == "" || check.Run == nil {
				t.Errorf("%s lacks its rule, its section or its function", name)
			}
		}
	}
	if count < 150 {
		t.Errorf("there are %d checks, want 150 or more", count)
	}
}

// TestConfigIncomplete holds that a configuration without what the suite needs is refused with all that is missing.
func TestConfigIncomplete(t *testing.T) {
	_, err := Open(t.Context(), &Config{Issuer: "http://127.0.0.1:1"}, Options{})
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) != len(Roles) {
		t.Errorf("Open = %v, want an error for the people and each of %d clients but the one for cards", err, len(Roles)-1)
	}
}
