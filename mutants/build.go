package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// switchFile is added to each package with mutants: the environment says which one is on. With MUTANTS_REACHED, a file, the
// names of those whose functions are called are written there.
const switchFile = `package %s

import (
	"os"
	"sync"
)

var mutantOn = os.Getenv("MUTANT")

var mutantsReached sync.Map

func mutantIs(id string) bool {
	if file := os.Getenv("MUTANTS_REACHED"); file != "" {
		if _, before := mutantsReached.LoadOrStore(id, true); !before {
			if f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
				f.WriteString(id + "\n")
				f.Close()
			}
		}
	}
	return mutantOn == id
}
`

// overlay writes the changed files into dir and returns what tells go build of them.
func (t *tree) overlay(dir string, mutants []*mutant) (string, error) {
	replace := map[string]string{}
	put := func(path, text string) error {
		replace[path] = filepath.Join(dir, strconv.Itoa(len(replace))+".go")
		return os.WriteFile(replace[path], []byte(text), 0o600)
	}
	for path, text := range apply(t.edits(mutants)) {
		if err := put(path, text); err != nil {
			return "", err
		}
	}
	for _, pkg := range packagesOf(mutants) {
		path, err := filepath.Abs(filepath.Join(pkg, "mutant_switch.go"))
		if err != nil {
			return "", err
		}
		if err := put(path, fmt.Sprintf(switchFile, t.packages[pkg].name)); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, text, 0o600)
}

// apply returns the files, by path, with edits in the order of the places.
func apply(edits []edit) map[string]string {
	files, done := map[string]string{}, map[string]int{}
	sources := map[string]*source{}
	for _, e := range edits {
		path := e.source.path
		files[path] += e.source.text[done[path]:e.start] + e.text
		done[path], sources[path] = e.end, e.source
	}
	for path, s := range sources {
		files[path] += s.text[done[path]:]
	}
	return files
}

// build compiles the tests of a package with the mutants in it, and returns the program.
func (t *tree) build(ctx context.Context, dir, tests string, mutants []*mutant) (string, error) {
	dir, err := os.MkdirTemp(dir, "build")
	if err != nil {
		return "", err
	}
	overlay, err := t.overlay(dir, mutants)
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, strings.ReplaceAll(tests, "/", "_")+".test")
	out, err := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", program, "./"+tests).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the tests of %s: %w\n%s", tests, err, out)
	}
	return program, nil
}
