package clients

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"brygga/storage"
	"brygga/visibletext"
)

// codesIn returns the codes that the files make faults and rules by: the literals that are given to what takes a code, or returned as one.
func codesIn(t *testing.T, pattern string) (codes []string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v", pattern, err)
	}
	take := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil && text != "" {
					codes = append(codes, text)
				}
			}
		}
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				switch called(n) {
				case "add", "suggest", "unread", "Fault":
					if len(n.Args) > 1 {
						take(n.Args[1])
					}
				case "say":
					take(n.Args[0])
				}
			case *ast.CompositeLit:
				if makesProblem(n) && filepath.Base(file) != "texts.go" {
					t.Errorf("%s makes a problem without a code", file)
				}
			case *ast.FuncDecl:
				take(returned(n)...)
			case *ast.ValueSpec:
				if len(n.Names) == 1 && (n.Names[0].Name == "profileRules" || n.Names[0].Name == "keyRules") {
					for _, r := range n.Values[0].(*ast.CompositeLit).Elts {
						take(r.(*ast.CompositeLit).Elts[3])
					}
				}
			}
			return true
		})
	}
	return codes
}

// makesProblem reports whether the literal is a problem in words of its own.
func makesProblem(n *ast.CompositeLit) bool {
	return slices.ContainsFunc(n.Elts, func(e ast.Expr) bool {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return false
		}
		key, ok := pair.Key.(*ast.Ident)
		return ok && key.Name == "Problem"
	})
}

func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// returned are what the function returns as a code.
func returned(f *ast.FuncDecl) (values []ast.Expr) {
	if f.Type.Results == nil || f.Body == nil {
		return nil
	}
	results := f.Type.Results.List
	if id, ok := results[len(results)-1].Type.(*ast.Ident); !ok || id.Name != "code" {
		return nil
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) > 0 {
			values = append(values, r.Results[len(r.Results)-1])
		}
		return true
	})
	return values
}

var filled = regexp.MustCompile(`\{\d\}`)

// TestFaultsInAllLanguages: what the code finds wrong with a client, or with an API key, has a text in each language, and no text is left over.
func TestFaultsInAllLanguages(t *testing.T) {
	codes := slices.Concat(codesIn(t, "*.go"), codesIn(t, "../admin/*.go"))
	for fault := range visibletext.Faults() {
		codes = append(codes, "visible."+string(fault))
	}
	for _, found := range codes {
		texts := faultTexts()[code(found)]
		for _, lang := range []string{"sv", english} {
			if len(texts[lang]) != len(texts[english]) || slices.Contains(texts[lang], "") || len(texts[lang]) == 0 {
				t.Errorf("%s in %s is %q", found, lang, texts[lang])
			}
		}
		for i, text := range texts["sv"] {
			for _, value := range filled.FindAllString(text, -1) {
				if !strings.Contains(texts[english][i], value) {
					t.Errorf("%s in Swedish has %s, which it has not in English", found, value)
				}
			}
		}
	}
	for known := range faultTexts() {
		if !slices.Contains(codes, string(known)) {
			t.Errorf("%s has a text, and nothing is wrong by that code", known)
		}
	}
}

// TestFaultsAreSaidInSwedish: what Check finds is said in another language with the same values, and the rules of the profiles as well.
func TestFaultsAreSaidInSwedish(t *testing.T) {
	c := storage.Client{ID: "app", Profile: storage.ProfileSwedenConnect, RedirectURIs: []string{"http://app.example.se/#x", "a:b", "https://a..b/"}, Scopes: []string{"profil"}}
	Complete(&c)
	for _, p := range Check(&c) {
		if sv := p.In("sv"); sv.Problem == p.Problem || sv.Remedy == p.Remedy || sv.Key != p.Key || sv.At != p.At || strings.Contains(sv.Error(), "{") {
			t.Errorf("%q is %q in Swedish", p, sv)
		}
		if p.In(english) != p || p.In("xx") != p {
			t.Errorf("%q is %q in English", p, p.In(english))
		}
	}
	for _, r := range CheckProfile(&c, Installation{}) {
		if sv := r.In("sv"); sv.Rule == r.Rule || r.Broken != (sv.Remedy != "") || r.Broken && sv.Remedy == r.Remedy {
			t.Errorf("%+v is %+v in Swedish", r, sv)
		}
	}
	if got := (Problem{Key: "name", Problem: "of another server", Remedy: "ask it"}); got.In("sv") != got {
		t.Errorf("a problem without a code becomes %q", got.In("sv"))
	}
}
