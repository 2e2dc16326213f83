package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// tree holds the files that mutants are of, and where in them.
type tree struct {
	packages map[string]*goPackage
	places   map[*mutant]placed
}

// goPackage is the code of one directory but for its tests.
type goPackage struct {
	name  string
	decls map[string]declaration
}

type source struct {
	path string // absolute, as a build's overlay wants it
	text string
}

// declaration is a function, or the one variable, constant or type that it names.
type declaration struct {
	source     *source
	node       ast.Node
	start, end int // offsets of what may change: of a function, between the braces
	line       int // where start is
}

// placed is a mutant's declaration as it reads with the change.
type placed struct {
	declaration
	body string
}

// place finds the place of each mutant, or reports every one that has none.
func place(listed []*mutant) (*tree, error) {
	t := &tree{packages: map[string]*goPackage{}, places: map[*mutant]placed{}}
	var faults []error
	for _, m := range listed {
		p, err := t.find(m)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", m, err))
			continue
		}
		t.places[m] = p
	}
	return t, errors.Join(faults...)
}

func (t *tree) find(m *mutant) (placed, error) {
	pkg, err := t.open(m.pkg)
	if err != nil {
		return placed{}, err
	}
	decl, ok := pkg.decls[m.decl]
	if !ok {
		return placed{}, fmt.Errorf("package %s declares no %s", m.pkg, m.decl)
	}
	text := decl.source.text[decl.start:decl.end]
	found := spaced(m.was).FindAllStringIndex(text, 2)
	if len(found) != 1 {
		return placed{}, fmt.Errorf("what is to be replaced stands %d times in %s", len(found), m.decl)
	}
	at := found[0]
	return placed{decl, text[:at[0]] + strings.Join(m.now, "\n") + text[at[1]:]}, nil
}

// spaced finds lines of code however they are indented.
func spaced(lines []string) *regexp.Regexp {
	var words []string
	for _, word := range strings.Fields(strings.Join(lines, " ")) {
		words = append(words, regexp.QuoteMeta(word))
	}
	return regexp.MustCompile(strings.Join(words, `\s+`))
}

func (t *tree) open(dir string) (*goPackage, error) {
	if pkg := t.packages[dir]; pkg != nil {
		return pkg, nil
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	pkg := &goPackage{decls: map[string]declaration{}}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_templ.go") {
			continue
		}
		if err := pkg.read(file); err != nil {
			return nil, err
		}
	}
	t.packages[dir] = pkg
	return pkg, nil
}

func (p *goPackage) read(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	s := &source{path, string(text)}
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	p.name = parsed.Name.Name
	add := func(name string, node ast.Node, start, end token.Pos) {
		p.decls[name] = declaration{s, node, files.Position(start).Offset, files.Position(end).Offset, files.Position(start).Line}
	}
	for _, decl := range parsed.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Body != nil {
				add(nameOf(decl), decl, decl.Body.Lbrace+1, decl.Body.Rbrace)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				for _, name := range namesOf(spec) {
					add(name, spec, spec.Pos(), spec.End())
				}
			}
		}
	}
	return nil
}

// nameOf returns a function's name, with its receiver's type before a method's.
func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	of := f.Recv.List[0].Type
	for {
		switch t := of.(type) {
		case *ast.StarExpr:
			of = t.X
		case *ast.IndexExpr:
			of = t.X
		case *ast.IndexListExpr:
			of = t.X
		case *ast.Ident:
			return t.Name + "." + f.Name.Name
		default:
			return f.Name.Name
		}
	}
}

func namesOf(spec ast.Spec) (names []string) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			names = append(names, name.Name)
		}
	case *ast.TypeSpec:
		names = append(names, spec.Name.Name)
	}
	return names
}

// switched reports whether a mutant can stand in one build with others: within a function, which then has two bodies.
func (p placed) switched() bool {
	_, function := p.node.(*ast.FuncDecl)
	return function
}

// edit is a replacement of a part of a file.
type edit struct {
	source     *source
	start, end int
	text       string
}

// edits returns what makes the mutants of one build: for each its own body, run in its own turn. A mutant outside of functions
// takes the place of what it replaces.
func (t *tree) edits(mutants []*mutant) (all []edit) {
	for _, m := range mutants {
		p := t.places[m]
		if !p.switched() {
			all = append(all, edit{p.source, p.start, p.end, p.body})
			continue
		}
		f := p.node.(*ast.FuncDecl)
		open, shut := "func()", "(); return }"
		if results := f.Type.Results; results != nil {
			from, to := int(results.Pos()-f.Pos()), int(results.End()-f.Pos())
			head := p.source.text[p.start-int(f.Body.Lbrace+1-f.Pos()):]
			open, shut = "return func() "+head[from:to], "() }"
		}
		text := fmt.Sprintf("if mutantIs(%q) { %s {\n//line %s:%d\n%s}%s\n//line %s:%d\n",
			m.id, open, m.file, m.line, p.body, shut, p.source.path, p.line)
		all = append(all, edit{p.source, p.start, p.start, text})
	}
	slices.SortStableFunc(all, func(a, b edit) int {
		return cmp.Or(strings.Compare(a.source.path, b.source.path), cmp.Compare(a.start, b.start))
	})
	return all
}
