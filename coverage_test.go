package brygga_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// requirement is one row that a test must cover. Tests name the rows they cover: a function by suffixes, as in
// TestRenewsWithinWindow_U07_U19, a subtest by words at the start of its name, as in "U-07 renews by itself".
type requirement struct{ id, text string }

// inFunction and inSubtest find rows in names. In functions the rows of the older plug-in are written RowA1.
var (
	inFunction = regexp.MustCompile(`_(?:([UAT])(\d\d)|RowA(\d+))`)
	inSubtest  = regexp.MustCompile(`^(?:[UAT]-\d\d|RowA\d+)(?:[ ,]+(?:[UAT]-\d\d|RowA\d+))*`)
	rowID      = regexp.MustCompile(`[UAT]-\d\d|RowA\d+`)
)

// TestCoverage holds that every requirement is named by a test; go test . -run TestCoverage -v lists which.
func TestCoverage(t *testing.T) {
	found := coveredRows(t)
	for _, group := range requirements {
		for _, row := range group.rows {
			tests := found[row.id]
			if len(tests) == 0 {
				t.Errorf("no test names row %s: %s", row.id, row.text)
			}
			slices.Sort(tests)
			t.Logf("%s %s\n\t%s", row.id, row.text, strings.Join(slices.Compact(tests), "\n\t"))
			delete(found, row.id)
		}
	}
	for id, tests := range found {
		t.Errorf("%s names row %s, which does not exist", tests[0], id)
	}
}

// coveredRows returns the tests that name each row.
func coveredRows(t *testing.T) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, declaration := range file.Decls {
			name := ""
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				name = d.Name.Name
			case *ast.GenDecl: // a table of subtests, such as browserTests
				if len(d.Specs) == 0 {
					continue
				}
				if v, ok := d.Specs[0].(*ast.ValueSpec); ok && strings.HasSuffix(v.Names[0].Name, "Tests") {
					name = v.Names[0].Name
				}
			}
			if name == "" {
				continue
			}
			for id, test := range rowsOf(filepath.Dir(path), name, declaration) {
				found[id] = append(found[id], test...)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// rowsOf returns the rows that a declaration in a test file names, by its own name and by the texts in it that name subtests.
func rowsOf(dir, name string, declaration ast.Decl) map[string][]string {
	rows := make(map[string][]string)
	add := func(id, test string) { rows[id] = append(rows[id], "`"+dir+"` "+test) }
	if strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") {
		for _, m := range inFunction.FindAllStringSubmatch(name, -1) {
			id := m[1] + "-" + m[2]
			if m[3] != "" {
				id = "RowA" + m[3]
			}
			add(id, name)
		}
	}
	ast.Inspect(declaration, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		if text, err := strconv.Unquote(literal.Value); err == nil {
			for _, id := range rowID.FindAllString(inSubtest.FindString(text), -1) {
				add(id, name+": "+text)
			}
		}
		return true
	})
	return rows
}
