package netidsim

import (
	"os"
	"strings"
	"testing"
)

// TestDocsNameEverything holds that the page on the simulator has each call, counter and attack.
func TestDocsNameEverything(t *testing.T) {
	text, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	_, page, found := strings.Cut(string(text), "## Net iD Access")
	if !found {
		t.Fatal("the page has no part on Net iD Access")
	}
	s, _ := newSimulator(t, Options{})
	for pattern := range s.controls() {
		path := pattern[strings.Index(pattern, "/"):]
		path = strings.NewReplacer("{ref}", "$REF", "{id}", "E-17").Replace(path)
		if path != "/api/" && !strings.Contains(page, path) && !strings.Contains(page, "…"+path[strings.LastIndex(path, "/"):]) {
			t.Errorf("the page lacks %s", pattern)
		}
	}
	for _, word := range append(Attacks(), "faultText", "statusText", "hang", "down", "html", "truncated", "malformed", "otherNamespace", "docType", "dropAnswer",
		"latencyMs", "rejectCertificate", "blockSeconds", "orderSeconds", "endsAsFault") {
		if !strings.Contains(page, word) {
			t.Errorf("the page lacks %s", word)
		}
	}
}
