package bankid

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"

	"brygga/secret"
)

var updateMatrix = flag.Bool("update", false, "rewrite testdata/matrix.txt")

// TestMatrix_RowA17 compares what every known browser is given with the table that people read in review: how the app is launched,
// whether a tap is needed, whether the page is loaded anew on the return, and where the return leads.
func TestMatrix_RowA17(t *testing.T) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "machine\tsystem\tbrowser\tkind\tlaunch\ttap\treload\tfocus\treturn\tredirect\tadvice")
	yes := func(on bool) string { return map[bool]string{true: "yes", false: "-"}[on] }
	for _, a := range agents {
		agent := DetectAgent(a.hints)
		l := LaunchFor(agent)
		launch := map[Form]string{AppLink: "app link", Scheme: "bankid:///", "": "QR code only"}[l.Form]
		address := l.ReturnURL(secret.New("https://id.example/r")).Reveal()
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", a.name, or(string(agent.OS)), or(string(agent.Browser)), agent.Device, launch,
			yes(l.NeedsTap), yes(l.ReloadsOnReturn), yes(l.FocusReturns), or(address), l.Redirect, map[bool]string{true: "open in a browser", false: "-"}[agent.Browser.InApp()])
	}
	w.Flush()
	var got strings.Builder
	for line := range strings.Lines(b.String()) {
		got.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	const file = "testdata/matrix.txt"
	if *updateMatrix {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test ./bankid -run Matrix -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func or(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
