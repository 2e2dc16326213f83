package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pagesDir has a page for each product, and an index.
var pagesDir = filepath.Join("..", "..", "docs", "integrations")

// command is one call of "brygga client add" on a page, with its continued lines.
var command = regexp.MustCompile(`(?m)^brygga client add (?:.*\\\n)*.*$`)

// registerFromPages runs the commands of all pages, as somebody would who copies them.
func registerFromPages(t *testing.T, p *provider) {
	pages, err := filepath.Glob(filepath.Join(pagesDir, "*.md"))
	if err != nil || len(pages) < 11 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	index, err := os.ReadFile(filepath.Join(pagesDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		name := filepath.Base(page)
		if name == "README.md" {
			continue
		}
		if !strings.Contains(string(index), "]("+name+")") {
			t.Errorf("the index does not name %s", name)
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		found := command.FindAllString(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s does not say how to register the product", name)
		}
		for _, line := range found {
			cmd := exec.CommandContext(t.Context(), "sh", "-c", line+` --data "$DATA"`)
			cmd.Env = append(os.Environ(), "DATA="+p.data, "PATH="+filepath.Dir(p.binary)+":"+os.Getenv("PATH"))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s\n%s", name, err, line, out)
			}
		}
	}
}
