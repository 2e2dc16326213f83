package brygga_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"brygga/bankid"
)

// namesAnEID are what may speak of an eID among the packages that run orders at any: the adaptor of BankID, and operators, who may log in with it.
var namesAnEID = []string{
	"login/bankid.go", "login/bankidpayment.go", "login/bankidtraits.go",
	"storage/operator.go", "storage/operatoraccount.go", "storage/operatorlogin.go", "storage/operatorstep.go",
}

// demands are names of what an eID may be asked for or give, of which only one has it so far. They decide nothing.
var demands = []string{"qr", "qrs", "qrstarttoken", "qrstartsecret", "reasonqrexcluded", "mrtd"}

// ofThePages are names in web that are not an eID's to have: the API that is BankID for back ends, and a format that texts of clients may have.
var ofThePages = []string{"bankidapi", "/api/bankid/v1/", "simplemarkdownv1"}

// TestEngineNamesNoEID reads the identifiers and texts of the packages that run orders at any eID service: those of one service stand in its adaptor.
// Comments may name what a rule was made for.
func TestEngineNamesNoEID(t *testing.T) {
	hints := map[string]bool{}
	for _, hint := range append(bankid.PendingHintCodes(), bankid.FailedHintCodes()...) {
		hints[string(hint)] = true
	}
	for _, common := range []string{"started", "processing", "cancelled"} { // everybody's words
		delete(hints, common)
	}
	read := 0
	for _, dir := range []string{"eid", "login", "storage", "web"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") || slices.Contains(namesAnEID, filepath.ToSlash(path)) {
				continue
			}
			read++
			for _, word := range wordsOf(t, path) {
				lower := strings.ToLower(word)
				switch {
				case slices.Contains(demands, lower):
				case dir == "web" && (strings.HasPrefix(lower, "qr") || slices.Contains(ofThePages, lower)): // which draws the codes of any
				case hints[word], strings.Contains(lower, "bankid"), strings.Contains(lower, "netid"), strings.Contains(lower, "freja"),
					strings.HasPrefix(lower, "qr"), strings.Contains(lower, "simplemarkdown"):
					t.Errorf("%s speaks of one eID: %q", path, word)
				}
			}
		}
	}
	if read < 40 {
		t.Errorf("only %d files were read", read)
	}
}

// wordsOf returns the identifiers of a file, and its texts in pieces without the tags of fields.
func wordsOf(t *testing.T, path string) (words []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			words = append(words, filepath.Base(strings.Trim(n.Path.Value, `"`)))
			return false
		case *ast.Ident:
			words = append(words, n.Name)
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				words = append(words, strings.FieldsFunc(n.Value, func(r rune) bool { return strings.ContainsRune("\"`:, .", r) })...)
			}
		}
		return true
	})
	return words
}
