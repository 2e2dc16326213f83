package templates

import (
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// everyReason lists the reasons there are: the constants of the package, the hint codes, and whatever has a text.
func everyReason(t *testing.T) []Reason {
	t.Helper()
	all := map[Reason]bool{}
	files := gotoken.NewFileSet()
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name.Name(), ".go") || strings.HasSuffix(name.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, name.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for n := range ast.Preorder(file) {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				continue
			}
			if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "Reason" && len(spec.Values) == 1 {
				value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				all[Reason(value)] = true
			}
		}
	}
	if len(all) < 10 {
		t.Fatalf("only %d constants of type Reason found", len(all))
	}
	for _, hint := range HintCodesFailed() {
		all[Reason(hint)] = true
	}
	text := regexp.MustCompile(`^failed\.([A-Za-z]+)\.title$`)
	for key := range builtIn().all[DefaultLanguage].texts {
		if m := text.FindStringSubmatch(key); m != nil {
			all[Reason(m[1])] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// everyMachine lists each way to have come to a failure.
func everyMachine() []Failed {
	var all []Failed
	for _, d := range []Device{"", ThisDevice, OtherDevice} {
		for _, on := range []Platform{"", Phone, Tablet, Computer, ScanOnly} {
			all = append(all, Failed{Device: d, Platform: on})
		}
	}
	return all
}

// TestEveryReasonHasAnEnding: each reason has a row of its own, wherever the person stands exactly one large button, the way back to
// the client once, and nothing twice; nothing starts what the machine cannot do.
func TestEveryReasonHasAnEnding(t *testing.T) {
	for _, r := range everyReason(t) {
		if _, ok := endings[r]; !ok {
			t.Errorf("%s has no ending", r)
			continue
		}
		for _, v := range everyMachine() {
			v.Reason = r
			first, more := v.next()
			all := append([]way{first}, more...)
			where := fmt.Sprintf("%s on %q, %q", r, v.Platform, v.Device)
			if first == "" || !slices.Contains(all, goBack) {
				t.Errorf("%s: %v", where, all)
			}
			for i, w := range all {
				if slices.Contains(all[:i], w) {
					t.Errorf("%s: %s stands twice", where, w)
				}
				if v.starts(w) == ThisDevice && v.Platform == ScanOnly {
					t.Errorf("%s: %s starts BankID where there is none", where, w)
				}
			}
			page := fragment(t, Page{Lang: "en", ClientName: "Norrby", BasePath: "/login/x"}, v)
			if strings.Count(page, `class="button"`) != 1 || strings.Count(page, "data-focus") != 1 {
				t.Errorf("%s: not one large button that takes the focus: %s", where, page)
			}
		}
	}
	for r := range endings {
		if !slices.Contains(everyReason(t), r) {
			t.Errorf("%s has an ending and is no reason", r)
		}
	}
}

// TestNoRetryWhereTheTextWarns: where the text asks the person to stop, the large button leads back to the client and a new try
// says what whoever presses it vouches for.
func TestNoRetryWhereTheTextWarns(t *testing.T) {
	warns := regexp.MustCompile(`(?i)nothing more|approve nothing|hang up|cannot log in|try again later|down for`)
	warned := 0
	for _, r := range everyReason(t) {
		for _, v := range everyMachine() {
			v.Reason = r
			p := Page{Lang: "en", ClientName: "Norrby", BasePath: "/login/x"}
			if !warns.MatchString(strings.ReplaceAll(v.heading(p)+v.text(p, "text"), softHyphen, "")) {
				continue
			}
			warned++
			if first, _ := v.next(); first != goBack {
				t.Errorf("%s: %q, but the large button is %s", r, v.text(p, "text"), first)
			}
		}
	}
	if want := 7 * len(everyMachine()); warned != want {
		t.Errorf("%d texts warn, want %d", warned, want)
	}
}

// TestEndings holds the large button and the quiet ways of a few machines against what stands on them.
func TestEndings(t *testing.T) {
	button := regexp.MustCompile(`(?:action="/login/x/(\w+)"|href="([^"]*)")[^>]*>(?:<input[^>]*name="device" value="(\w+)"[^>]*>)?(?:\s*<input[^>]*>)*\s*(?:<button class="[^"]*"[^>]*>)?([^<]+)<`)
	for _, tt := range []struct {
		v    Failed
		want string
	}{
		{Failed{Reason: "certificateErr", Device: OtherDevice, Platform: Computer}, "start other Use another BankID|start this BankID on this computer|leave Back to Norrby"},
		{Failed{Reason: "certificateErr", Device: ThisDevice, Platform: Phone}, "start this Use another BankID|start other Use another device|leave Back to Norrby"},
		{Failed{Reason: ReasonRiskTooHigh, Device: OtherDevice, Platform: Computer}, "leave Back to Norrby|start other It was me, try again"},
		{Failed{Reason: ReasonRiskTooHigh, Device: ThisDevice, Platform: Phone, Final: true}, "leave Back to Norrby"},
		{Failed{Reason: "notSupportedByUserApp", Device: ThisDevice, Platform: Phone}, installPage + " Update the BankID app|start this Try again|start other Use another device|leave Back to Norrby"},
		{Failed{Reason: "notSupportedByUserApp", Device: OtherDevice, Platform: ScanOnly}, "start other Try again|leave Back to Norrby"},
		{Failed{Reason: "nfcNotSupportedByDevice", Device: ThisDevice, Platform: Phone}, "start other Use another device|leave Back to Norrby"},
		{Failed{Reason: "nfcNotSupportedByDevice", Device: OtherDevice, Platform: Computer}, "start other Try again|leave Back to Norrby"},
		{Failed{Reason: "startFailed", Device: OtherDevice, Platform: Phone}, "start other Try again|start this BankID on this phone|" + installPage + " Get the BankID app|leave Back to Norrby"},
		{Failed{Reason: ReasonQRExcluded, Device: OtherDevice, Platform: Computer}, "start this BankID on this computer|leave Back to Norrby"},
		{Failed{Reason: ReasonQRExcluded, Device: OtherDevice, Platform: Phone}, "leave Back to Norrby"},
		{Failed{Reason: ReasonBusy, Device: OtherDevice, Platform: Computer, Wait: 10}, "start other Try again|leave Back to Norrby"},
		{Failed{Reason: "aCodeOfTomorrow", Device: ThisDevice, Platform: Tablet}, "start this Try again|start other Use another device|leave Back to Norrby"},
	} {
		page := fragment(t, Page{Lang: "en", ClientName: "Norrby", BasePath: "/login/x"}, tt.v)
		var got []string
		for _, m := range button.FindAllStringSubmatch(page, -1) {
			got = append(got, strings.Join(strings.Fields(m[1]+m[2]+" "+m[3]+" "+m[4]), " "))
		}
		if strings.Join(got, "|") != tt.want {
			t.Errorf("%s on %s: %q, want %q", tt.v.Reason, tt.v.Platform, strings.Join(got, "|"), tt.want)
		}
	}
}

// TestFinalSaysWhatToDo: when a login can start no more orders, nobody is told to try again here.
func TestFinalSaysWhatToDo(t *testing.T) {
	for _, l := range Languages() {
		p := Page{Lang: l.Tag, ClientName: "Norrby", BasePath: "/login/x"}
		page := fragment(t, p, Failed{Reason: ReasonRateLimited, Final: true})
		if waits := p.text("failed.rateLimited.text"); strings.Contains(page, waits) || !strings.Contains(page, p.text("action.back")) {
			t.Errorf("%s: %s", l.Tag, page)
		}
	}
}

// TestNoticesLeadOn: each notice with somewhere to go has one large button there, and those that may pass have the same address.
func TestNoticesLeadOn(t *testing.T) {
	for _, kind := range notices {
		for _, address := range []string{"", "https://norrby.example/"} {
			page := fragment(t, Page{Lang: "en", ClientName: "Norrby", ClientURL: address, BasePath: "/login/x"}, Notice{Kind: kind})
			want := map[bool]int{true: 1}[address != ""]
			again := kind == NoticeRateLimited || kind == NoticeFault
			switch {
			case kind == NoticeReturnedAstray:
				want = 0
			case again, kind == NoticeOtherTab:
				want = 1
			}
			if got := strings.Count(page, `class="button"`); got != want {
				t.Errorf("%s, client at %q: %d large buttons, want %d", kind, address, got, want)
			}
			if strings.Contains(page, `href=""`) != again || again && strings.Contains(page, `class="quiet"`) != (address != "") {
				t.Errorf("%s, client at %q: %s", kind, address, page)
			}
		}
	}
}

// wayNames are the ways in the words of docs/login.md.
var wayNames = map[way]string{
	tryAgain: "try again", tryBankID: "another BankID", tryMine: "it was me, try again", tryLater: "try again after the wait",
	takeOther: "another device", takeThis: "this computer", takeUnused: "the other device", getApp: "get the app",
	updateApp: "update the app", goBack: "back to the client",
}

// TestEndingsAreDocumented holds the table of docs/login.md against the rows.
func TestEndingsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/login.md")
	if err != nil {
		t.Fatal(err)
	}
	names := func(all []way, between string) string {
		var list []string
		for _, w := range all {
			list = append(list, wayNames[w])
		}
		return strings.Join(list, between)
	}
	for _, r := range everyReason(t) {
		row := fmt.Sprintf("| `%s` | %s | %s |\n", r, names(endings[r].next, ", else "), names(endings[r].more, ", "))
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/login.md lacks the row %s", row)
		}
	}
}
