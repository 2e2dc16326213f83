package web_test

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"
)

// TestReferenceIsTheLogins_A13 holds that all pages of a login show one reference, which all of its log lines have too.
func TestReferenceIsTheLogins_A13(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	path := b.begin("app")
	b.post(path+"/start", "device", "other")
	b.post(path + "/cancel")
	want := string(b.login(path).Reference())
	for range 2 {
		if shown := reference.FindString(b.get(path).body); shown != want {
			t.Errorf("the page shows the reference %q, want %q", shown, want)
		}
	}
	b.get(path + "/status")
	b.browser(windowsPC).get(path) // another browser is told nothing, and its line is found all the same
	begun := logLines(t, b.log.String(), "route", "/authorize")
	of := logLines(t, b.log.String(), "reference", want)
	if len(begun) != 1 || begun[0]["reference"] != want {
		t.Errorf("the request that began the login is logged as %v", begun)
	}
	if len(of) < 7 {
		t.Errorf("%d log lines have the reference of 7 requests: %v", len(of), of)
	}
	for _, line := range of {
		// Events of the audit log may be of no request.
		if line["login"] != b.login(path).ID || line["client_id"] != "app" || line["event"] == nil && line["request_id"] == nil {
			t.Errorf("a line with the reference lacks the login, the client or the request: %v", line)
		}
	}
	if other := b.get("/nowhere"); strings.Contains(other.body, want) {
		t.Error("a page of no login shows a login's reference")
	}
}

// logLines returns the lines of a log in which the attribute has that value.
func logLines(t *testing.T, log, attribute, value string) (lines []map[string]any) {
	t.Helper()
	for scan := bufio.NewScanner(strings.NewReader(log)); scan.Scan(); {
		line := make(map[string]any)
		must(t, json.Unmarshal(scan.Bytes(), &line))
		if line[attribute] == value {
			lines = append(lines, line)
		}
	}
	return lines
}
