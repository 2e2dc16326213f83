package templates

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestCatalogues_RowA6_RowA18 holds every language to the same keys and the same placeholders in each.
func TestCatalogues_RowA6_RowA18(t *testing.T) {
	if _, ok := builtIn().all[DefaultLanguage]; !ok {
		t.Fatalf("no catalogue for the default language %q", DefaultLanguage)
	}
	keys := map[string]bool{}
	for _, c := range builtIn().all {
		for k := range c.texts {
			keys[k] = true
		}
	}
	for lang, c := range builtIn().all {
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			text, ok := c.texts[k]
			switch {
			case !ok:
				t.Errorf("%s: no %s", lang, k)
			case strings.TrimSpace(text) == "":
				t.Errorf("%s: %s is empty", lang, k)
			}
			eid := func(name string) bool { return name == "{eid}" }
			got, want := slices.DeleteFunc(placeholders(text), eid), slices.DeleteFunc(placeholders(builtIn().all[DefaultLanguage].texts[k]), eid)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s fills in %v, want %v", lang, k, got, want)
			}
		}
		if d := c.language.Dir; d != "ltr" && d != "rtl" {
			t.Errorf("%s: language.dir is %q", lang, d)
		}
	}
	if got := Languages(); got[0].Tag != DefaultLanguage || len(got) != len(builtIn().all) {
		t.Errorf("Languages() = %v", got)
	}
}

// TestEveryKeyIsUsed finds texts that no state of any page shows, by their longest piece between placeholders, and so keeps the catalogue from growing stale.
func TestEveryKeyIsUsed(t *testing.T) {
	var shown strings.Builder
	for _, s := range append(Preview("sv"), unseenStates()...) {
		for _, s.Page.Signing = range []bool{false, true} {
			if err := Document(s.Page, s.View).Render(context.Background(), &shown); err != nil {
				t.Fatal(err)
			}
		}
	}
	for k, text := range builtIn().all["sv"].texts {
		if strings.HasPrefix(k, "language.") || k == "app.text" {
			continue
		}
		want := ""
		for _, piece := range placeholder.Split(text, -1) {
			if len(piece) > len(want) {
				want = piece
			}
		}
		if !strings.Contains(shown.String(), escape(want)) {
			t.Errorf("%s is shown nowhere: %q", k, text)
		}
	}
}

// unseenStates are what Preview leaves out because it looks like something else there.
func unseenStates() []State {
	p := Page{Lang: "sv", BasePath: "/login/x"}
	return []State{
		{"", p, Choose{Platform: Phone}},
		{"", Page{Lang: "sv", BasePath: "/login/x", Paused: true}, Starting{Device: OtherDevice}},
		{"", p, Notice{Kind: NoticeRateLimited}},
		{"", p, Failed{Reason: ReasonRateLimited, Device: ThisDevice, Platform: Phone}},
		{"", p, Failed{Reason: ReasonBusy, Device: ThisDevice, Platform: Phone, Wait: 10}},
		{"", p, Failed{Reason: ReasonUnknown, Device: ThisDevice, Platform: Tablet}},
		{"", p, Failed{Reason: ReasonUnknown, Device: OtherDevice, Platform: Tablet}},
		{"", p, Failed{Reason: ReasonUnknown, Device: OtherDevice, Platform: Phone}},
		{"", p, Failed{Reason: ReasonWindowClosed, Device: OtherDevice, Platform: Phone}},
		{"", p, QRWait{Frame: previewFrame(), Platform: Phone}},
		{"", p, Name{Kinds: []string{"hsaId", "employeeNumber", "userPrincipalName"}, Platform: Phone}},
		{"", p, Progress{Step: StepConfirm, Device: OtherDevice, Platform: Computer}},
	}
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(s)
}

// TestHintCodes_RowA6 demands texts of its own for every known hint code in each situation and language, and the neutral ones
// for a code that is not known.
func TestHintCodes_RowA6(t *testing.T) {
	situations := []struct {
		device   Device
		platform Platform
	}{
		{OtherDevice, Computer}, {OtherDevice, Phone}, {OtherDevice, Tablet}, {OtherDevice, ScanOnly},
		{ThisDevice, Phone}, {ThisDevice, Tablet}, {ThisDevice, Computer},
	}
	for _, l := range Languages() {
		p := Page{Lang: l.Tag, ClientName: "Norrby kommun", BasePath: "/login/x"}
		for _, s := range situations {
			wait := Waiting{Device: s.device, Platform: s.platform, Order: "1"}
			neutral := Pending(Waiting{Taken: true, HintCode: "aCodeOfTomorrow", Device: s.device, Platform: s.platform})
			if neutral.Key() != "in-progress" || !neutral.live() {
				t.Errorf("unknown pending hint code gives %q", neutral.Key())
			}
			for _, hint := range HintCodesPending() {
				wait.HintCode, wait.Taken = hint, taken(hint)
				if v := Pending(wait); fragment(t, p, v) == fragment(t, p, neutral) || !v.live() {
					t.Errorf("%s, %s on %s: pending %s has no text of its own", l.Tag, s.device, s.platform, hint)
				}
			}
			unknown := Failed{Reason: "aCodeOfTomorrow", Device: s.device, Platform: s.platform}
			if unknown.Key() != "failed-unknown" {
				t.Errorf("unknown failed hint code gives %q", unknown.Key())
			}
			for _, r := range append(reasons(HintCodesFailed()), ownReasons[:len(ownReasons)-1]...) {
				v := Failed{Reason: r, Device: s.device, Platform: s.platform}
				if v.text(p, "text") == unknown.text(p, "text") || v.heading(p) == unknown.heading(p) {
					t.Errorf("%s, %s on %s: failed %s has no text of its own", l.Tag, s.device, s.platform, r)
				}
			}
		}
	}
}

// taken reports whether such a pending order of BankID's is in an app.
func taken(hint string) bool {
	return hint != "" && hint != "outstandingTransaction" && hint != "noClient"
}

func reasons(hints []string) []Reason {
	var all []Reason
	for _, h := range hints {
		all = append(all, Reason(h))
	}
	return all
}

// TestPendingShowsCodeOnlyWhileWaiting: once an app has the order, neither the QR code nor the launch link is on the page.
func TestPendingShowsCodeOnlyWhileWaiting(t *testing.T) {
	w := Waiting{
		Platform: Phone, Frame: previewFrame(), LaunchURL: "https://app.bankid.com/?autostarttoken=t", Order: "1",
		Left: Left{Seconds: 100, Of: 300},
	}
	for _, d := range []Device{ThisDevice, OtherDevice} {
		w.Device = d
		for _, hint := range append(HintCodesPending(), "", "aCodeOfTomorrow") {
			w.HintCode, w.Taken = hint, taken(hint)
			v := Pending(w)
			html := fragment(t, Page{Lang: "en", BasePath: "/login/x"}, v)
			waiting := !taken(hint)
			if got := strings.Contains(html, `id="qr"`); got != (waiting && d == OtherDevice) {
				t.Errorf("%s, %q: QR code shown: %t", d, hint, got)
			}
			if got := strings.Contains(html, "autostarttoken"); got != (waiting && d == ThisDevice) {
				t.Errorf("%s, %q: launch link shown: %t", d, hint, got)
			}
			if got := NewTick(v).QR != ""; got != (waiting && d == OtherDevice) {
				t.Errorf("%s, %q: QR frame sent: %t", d, hint, got)
			}
		}
	}
}

func fragment(t *testing.T, p Page, v View) string {
	t.Helper()
	var b strings.Builder
	if err := Fragment(p, v).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func doc(t *testing.T, p Page, v View) string {
	t.Helper()
	var b strings.Builder
	if err := Document(p, v).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
