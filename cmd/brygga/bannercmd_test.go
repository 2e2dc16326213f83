package main

import (
	"strings"
	"testing"
	"time"
)

// TestBannerOnPages: a message that is set stands on the login page, in its language and in its time, and is gone when it is taken away.
func TestBannerOnPages(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	v := newVisitor(t, d, computerAgent)
	path := v.begin("")
	set := func(flags ...string) {
		t.Helper()
		if said, code := inServer(d, append([]string{"banner"}, flags...)...); code != exitOK {
			t.Fatalf("banner %q = %d: %s", flags, code, said)
		}
	}
	shows := func(query string, want bool, text string) {
		t.Helper()
		for until := time.Now().Add(30 * time.Second); strings.Contains(v.get(path+query).body, text) != want; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatalf("%s: shows %q: %v, want %v", query, text, !want, want)
			}
		}
	}
	set("set", "--sv", "Underhåll <i> kväll", "--en", "Maintenance tonight")
	shows("?lang=sv", true, "Underhåll &lt;i&gt; kväll")
	shows("?lang=en", true, "Maintenance tonight")
	if said, _ := inServer(d, "banner", "show"); !strings.Contains(said, "Maintenance tonight") {
		t.Errorf("banner show: %s", said)
	}
	set("set", "--sv", "Senare", "--from", time.Now().Add(time.Hour).Format(time.RFC3339))
	shows("?lang=sv", false, "Underhåll")
	shows("?lang=sv", false, "Senare")
	set("set", "--sv", "Nu")
	shows("", true, ">Nu<")
	set("clear")
	shows("", false, ">Nu<")
	for _, flags := range [][]string{{"set"}, {"set", "--sv", "a", "--to", "tonight"}, {"set", "--sv", "a", "--from", "2027-01-02T00:00:00Z", "--to", "2027-01-01T00:00:00Z"}} {
		if said, code := inServer(d, append([]string{"banner"}, flags...)...); code != exitUsage {
			t.Errorf("banner %q = %d: %s", flags, code, said)
		}
	}
}
