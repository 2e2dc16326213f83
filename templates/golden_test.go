package templates

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// assetHash is what changes in an asset's name with its content, which is none of the golden files' business.
var assetHash = regexp.MustCompile(`(/assets/[a-z]+\.)[0-9a-f]{12}`)

// TestGolden compares what changes with the state, for every state and language, and a few whole pages.
func TestGolden(t *testing.T) {
	whole := map[string]bool{"choose-phone": true, "choose-simulated": true, "qr-wait-first": true, "complete": true, "notice-bad-request": true}
	for _, l := range Languages() {
		dir := filepath.Join("testdata", l.Tag)
		expected := map[string]bool{}
		for _, s := range Preview(l.Tag) {
			html := fragment(t, s.Page, s.View)
			if whole[s.Name] {
				html = doc(t, s.Page, s.View)
			}
			if file := s.Name + ".html"; expected[file] {
				t.Errorf("two states are named %q", s.Name)
			} else {
				expected[file] = true
				golden(t, filepath.Join(dir, file), html)
			}
		}
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !expected[f.Name()] {
				t.Errorf("%s belongs to no state", filepath.Join(dir, f.Name()))
			}
		}
	}
}

func golden(t *testing.T, file, html string) {
	t.Helper()
	got := assetHash.ReplaceAllString(strings.ReplaceAll(html, "><", ">\n<"), "${1}HASH") + "\n"
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test ./templates -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
