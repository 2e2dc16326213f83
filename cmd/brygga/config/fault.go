package config

import (
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong in a configuration.
type Fault struct {
	// File is the file's name, or the environment variable's.
	File string `json:"file"`
	// Line and Column count from 1; 0 means the file as a whole.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Key is the whole key, such as bankid.url; empty when the fault is in no key.
	Key string `json:"key,omitempty"`
	// Problem says what is wrong, and never the value of a secret. Remedy says what a right value is.
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"`
}

// Error returns place, key, problem and remedy on one line.
func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	b.WriteString(": ")
	if f.Key != "" {
		b.WriteString(f.Key + ": ")
	}
	b.WriteString(f.Problem)
	if f.Remedy != "" {
		b.WriteString(" - " + f.Remedy)
	}
	return b.String()
}

// Faults are all faults of one configuration, in the order of the file.
type Faults []Fault

// Error returns one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// place is where a key stands.
type place struct {
	file         string
	line, column int
}

// places remembers where each key stands. The empty key is the file as a whole.
type places map[string]place

// of returns where the key stands, or else the section around it.
func (p places) of(key string) place {
	for {
		if at, ok := p[key]; ok || key == "" {
			return at
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
}

// reader collects the faults of one configuration while it is read.
type reader struct {
	places places
	faults Faults
}

// sound reports whether the key was set, and to something that could be read.
func (r *reader) sound(key string) bool {
	_, set := r.places[key]
	return set && !r.faulty(key)
}

// faulty reports whether something is wrong with the key.
func (r *reader) faulty(key string) bool {
	return slices.ContainsFunc(r.faults, func(f Fault) bool { return f.Key == key })
}

func (r *reader) fault(key, problem, remedy string) {
	r.faultAt(r.places.of(key), key, problem, remedy)
}

func (r *reader) faultAt(at place, key, problem, remedy string) {
	r.faults = append(r.faults, Fault{File: at.file, Line: at.line, Column: at.column, Key: key, Problem: problem, Remedy: remedy})
}
