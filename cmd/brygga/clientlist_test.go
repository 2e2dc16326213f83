package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"brygga/storage"
)

// TestClientListInPages: a list in pages is the list in one piece, in either form.
func TestClientListInPages(t *testing.T) {
	var all []*storage.Client
	for i := range 5 {
		all = append(all, &storage.Client{ID: fmt.Sprint("app", i), Name: "<&> å", RedirectURIs: []string{"https://app.example/cb?a&b"}})
	}
	for n := range all {
		all := all[:n]
		views := make([]object, n)
		for i, c := range all {
			views[i] = clientView(c)
		}
		var want, json, text bytes.Buffer
		if err := writeJSON(&want, views); err != nil {
			t.Fatal(err)
		}
		for _, list := range []*clientList{{out: &json, json: true}, {out: &text}} {
			for page := range (n + 2) / 2 { // the last is empty when n is even
				if err := list.write(all[2*page : min(2*page+2, n)]); err != nil {
					t.Fatal(err)
				}
			}
			if err := list.end(); err != nil {
				t.Fatal(err)
			}
		}
		if json.String() != want.String() {
			t.Errorf("%d clients: got %s, want %s", n, &json, &want)
		}
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		if len(lines) != n+1 || !strings.HasPrefix(lines[0], "CLIENT") || strings.Count(text.String(), "CLIENT") != 1 {
			t.Errorf("%d clients: %s", n, &text)
		}
		for i, c := range all {
			if !strings.HasPrefix(lines[i+1], c.ID+" ") {
				t.Errorf("line %d: %s", i+1, lines[i+1])
			}
		}
	}
}

// TestClientListTellsDisabled: which clients are switched off is seen in the list.
func TestClientListTellsDisabled(t *testing.T) {
	var text bytes.Buffer
	list := clientList{out: &text}
	if err := list.write([]*storage.Client{{ID: "off", Name: "Off", Disabled: true}, {ID: "on", Name: "On"}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"off Off disabled", "on On active"} {
		if !strings.Contains(strings.Join(strings.Fields(text.String()), " "), want) {
			t.Errorf("no line %q in\n%s", want, &text)
		}
	}
}
