package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is a change of one condition. In a list it is a paragraph:
//
//	Verifier.checkTime 2
//	- || at.After(end)
//	+ || false && at.After(end)
//	A signature that was made after the order had ended would count.
//	TestVerify/signed_too_late
//
// The first line names the function, or another declaration, and tells its mutants apart. Then stand what is there, which must be there once,
// and what replaces it, white space aside; what that would let in; and the test that fails, with its package before
// it if that is another one.
type mutant struct {
	pkg         string // a directory of this repository
	decl        string
	id          string // pkg, decl and what tells apart, in one word
	was, now    []string
	lets        string
	testPackage string
	test        string

	file string // where it is written
	line int
}

func (m *mutant) String() string { return fmt.Sprintf("%s:%d: %s", m.file, m.line, m.id) }

// readLists reads the lists in dir, all of them or those of the packages.
func readLists(dir string, pkgs []string) (all []*mutant, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		pkg := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".txt"), "_", "/")
		if len(pkgs) > 0 && !slices.Contains(pkgs, pkg) {
			continue
		}
		listed, err := readList(file, pkg)
		if err != nil {
			return nil, err
		}
		all = append(all, listed...)
	}
	return all, unique(all)
}

func unique(all []*mutant) error {
	seen := map[string]*mutant{}
	for _, m := range all {
		if other := seen[m.id]; other != nil {
			return fmt.Errorf("%s: the name stands at line %d, too", m, other.line)
		}
		seen[m.id] = m
	}
	return nil
}

func readList(file, pkg string) (all []*mutant, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var paragraph []string
	line := 0
	end := func() error {
		if len(paragraph) == 0 {
			return nil
		}
		m, err := readMutant(paragraph, pkg)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", file, line-len(paragraph), err)
		}
		m.file, m.line = file, line-len(paragraph)
		all, paragraph = append(all, m), nil
		return nil
	}
	for scanner := bufio.NewScanner(f); scanner.Scan(); {
		line++
		switch text := scanner.Text(); {
		case strings.HasPrefix(text, "#"):
		case text != "":
			paragraph = append(paragraph, text)
		default:
			if err := end(); err != nil {
				return nil, err
			}
		}
	}
	line++
	return all, end()
}

func readMutant(paragraph []string, pkg string) (*mutant, error) {
	m := &mutant{pkg: pkg, testPackage: pkg}
	head := strings.Fields(paragraph[0])
	m.decl, m.id = head[0], pkg+"/"+strings.Join(head, "-")
	var rest []string
	for _, line := range paragraph[1:] {
		switch {
		case strings.HasPrefix(line, "- "):
			m.was = append(m.was, line[2:])
		case strings.HasPrefix(line, "+"):
			m.now = append(m.now, strings.TrimPrefix(line[1:], " "))
		default:
			rest = append(rest, line)
		}
	}
	if len(m.was) == 0 || len(m.now) == 0 || len(rest) != 2 {
		return nil, fmt.Errorf("%s: wants lines with - and +, what it would let in, and the test", m.id)
	}
	m.lets = rest[0]
	if where, test, other := strings.Cut(rest[1], " "); other {
		m.testPackage, m.test = where, test
	} else {
		m.test = where
	}
	return m, nil
}

// write returns the mutant as readMutant reads it.
func (m *mutant) write() string {
	var b strings.Builder
	fmt.Fprintln(&b, m.decl, strings.TrimPrefix(m.id, m.pkg+"/"+m.decl+"-"))
	for _, line := range m.was {
		fmt.Fprintln(&b, "-", line)
	}
	for _, line := range m.now {
		fmt.Fprintln(&b, "+", line)
	}
	fmt.Fprintln(&b, m.lets)
	if m.testPackage != m.pkg {
		fmt.Fprint(&b, m.testPackage, " ")
	}
	fmt.Fprintln(&b, m.test)
	return b.String()
}
