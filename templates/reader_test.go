package templates

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// TestScreenReader_A17 goes through a login by QR code and holds what a screen reader meets in each state, in order, with roles
// and names, against a golden file.
func TestScreenReader_A17(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	for _, l := range Languages() {
		t.Run(l.Tag, func(t *testing.T) {
			t.Parallel()
			states := map[string]State{}
			for _, s := range Preview(l.Tag) {
				states[s.Name] = s
			}
			choose := states["choose-computer"]
			choose.Page.BasePath = stagePage.BasePath
			s := newStageOf(t, browser, choose.Page, choose.View)
			var script strings.Builder
			for _, name := range []string{"choose-computer", "qr-wait", "confirm-qr", "complete"} {
				next := states[name]
				if s.set(next.View, 0); name == "qr-wait" {
					s.reload() // the answer to the form is the page
				}
				s.until(view(next.View.Key()))
				if name == "confirm-qr" || name == "complete" {
					s.until(`document.querySelector('#status').textContent.startsWith(document.querySelector('main [data-say]').textContent)`)
				}
				fmt.Fprintf(&script, "== %s\n%s\n", name, s.heard())
			}
			compareScript(t, l.Tag+".txt", script.String())
		})
	}
}

// TestScreenReaderLogOut_A17 does the same for the pages of logging out, each of which is opened by itself.
func TestScreenReaderLogOut_A17(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	for _, l := range Languages() {
		t.Run(l.Tag, func(t *testing.T) {
			t.Parallel()
			var script strings.Builder
			for _, state := range Preview(l.Tag) {
				switch state.Name {
				case "ask-log-out", "ask-log-out-alone", "notice-logged-out", "notice-logged-out-alone":
					s := newStageOf(t, browser, state.Page, state.View)
					s.until(view(state.View.Key()))
					fmt.Fprintf(&script, "== %s\n%s\n", state.Name, s.heard())
				}
			}
			compareScript(t, "logout-"+l.Tag+".txt", script.String())
		})
	}
}

// compareScript holds what was heard against a golden file.
func compareScript(t *testing.T, name, script string) {
	t.Helper()
	file := filepath.Join("testdata", "reader", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test ./templates -run ScreenReader -update writes it", err)
	}
	if diff := cmp.Diff(string(want), script); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// heard returns the tab's accessibility tree when no button waits, a line for each node that says something, indented, and where the focus is.
func (s *stage) heard() (heard string) {
	s.t.Helper()
	s.until(`document.readyState === 'complete'`) // without its styles a page says other things
	s.eventually("no button waits", func() bool {
		heard = s.heardNow()
		busy, err := chromedp.Run(s.ctx, chromedp.Evaluate[string](`document.body.dataset.busy`))
		return err == nil && !strings.Contains(heard, `"`+busy+`"`)
	})
	return heard
}

func (s *stage) heardNow() string {
	s.t.Helper()
	tree, err := chromedp.Call(s.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		s.t.Fatal(err)
	}
	nodes := map[accessibility.NodeID]*accessibility.Node{}
	for _, n := range tree.Nodes {
		nodes[n.NodeID] = n
	}
	if len(nodes) == 0 {
		s.t.Fatal("the page has no accessibility tree")
	}
	var lines strings.Builder
	hear(&lines, nodes, tree.Nodes[0].NodeID, "", false)
	focus, err := chromedp.Run(s.ctx, chromedp.Evaluate[string](`document.activeElement === document.body ? 'the page' : document.activeElement.textContent.trim()`))
	if err != nil {
		s.t.Fatal(err)
	}
	return lines.String() + "focus: " + focus + "\n"
}

// silent are the roles that a reader passes over; digits are what goes on ticking in a timer.
var (
	silent = []string{"none", "generic", "InlineTextBox", "LineBreak", "ListMarker"}
	digits = regexp.MustCompile(`\d+`)
)

// hear writes a node and what is below it. What stands in a timer is written without its numbers.
func hear(w *strings.Builder, nodes map[accessibility.NodeID]*accessibility.Node, id accessibility.NodeID, indent string, ticks bool) {
	n := nodes[id]
	if n == nil {
		return
	}
	role, name := word(n.Role), word(n.Name)
	ticks = ticks || role == "timer"
	if !n.Ignored && !slices.Contains(silent, role) {
		if ticks {
			name = digits.ReplaceAllString(name, "0")
		}
		fmt.Fprintf(w, "%s%s %q\n", indent, role, name)
		indent += "  "
	}
	for _, child := range n.ChildIDs {
		hear(w, nodes, child, indent, ticks)
	}
}

// word returns the text of a value of the tree, "" if there is none.
func word(v *accessibility.Value) string {
	var text string
	if v == nil || json.Unmarshal(v.Value, &text) != nil {
		return ""
	}
	return text
}
