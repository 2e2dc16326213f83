package templates

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

// looks are ways in which pages differ beside state and language.
var looks = map[string]func(*Page){
	"plain":     func(*Page) {},
	"no client": func(p *Page) { p.ClientName, p.ClientURL = "", "" },
	"no login":  func(p *Page) { p.BasePath = "" },
	"no word":   func(p *Page) { p.Reference = "" },
	"dressed": func(p *Page) {
		p.ClientLogoURL, p.ServiceLogoURL, p.EIDLogoURL = "/brand/app/a.png", "/brand/b.svg", "/brand/c.svg"
		p.StyleSheets = [3]string{"/brand/app/d.css", "/brand/e.css", ""}
	},
	"dark":         func(p *Page) { p.Theme = "dark" },
	"paused":       func(p *Page) { p.Paused = true },
	"one language": func(p *Page) { p.OneLanguage = true },
	"simulated":    func(p *Page) { p.Simulated, p.PhoneURL = true, "http://localhost:8082/" },
	"picture":      func(p *Page) { p.Picture = true },
	"escaped":      func(p *Page) { p.ClientName, p.Reference = `A & "B" <C>`, `<&"'>` },
}

// ofAnother returns the same page and state for another login: with other values wherever a login has its own.
func ofAnother(p Page, v View, n int) (Page, View) {
	if p.BasePath != "" {
		p.BasePath = fmt.Sprintf("/login/other-%d", n)
	}
	if p.Reference != "" {
		p.Reference = fmt.Sprintf("OTHR-%04d", n)
	}
	left := func(l *Left) {
		if l.Of > 0 {
			l.Seconds = (l.Seconds + 7*n) % 300
		}
	}
	shown := func(s *Shown) {
		if s.known() {
			s.Name, s.Text = fmt.Sprintf("Party <%d>", n), fmt.Sprintf("## Log in & look %d\n\nfor you alone", n)
		}
	}
	switch view := v.(type) {
	case QRWait:
		left(&view.Left)
		if view.Frame.Size > 0 {
			view.Frame = NewFrame(41, func(x, y int) bool { return (x*y+x*n+y)%3 == 0 })
		}
		v = view
	case AppWait:
		view.LaunchURL = fmt.Sprintf("bankid:///?autostarttoken=%d&redirect=null", n)
		left(&view.Left)
		shown(&view.Shown)
		v = view
	case Progress:
		left(&view.Left)
		shown(&view.Shown)
		v = view
	}
	return p, v
}

// same compares what stencils give with what is rendered afresh.
func same(t *testing.T, s *Stencils, p Page, v View) {
	t.Helper()
	var got, want bytes.Buffer
	if err := s.Document(context.Background(), &got, p, v); err != nil {
		t.Fatal(err)
	}
	if err := Document(p, v).Render(context.Background(), &want); err != nil {
		t.Fatal(err)
	}
	if got.String() != want.String() {
		t.Fatalf("%s: the document is\n%s\nand afresh\n%s", v.Key(), got.String(), want.String())
	}
	update, err := s.Update(context.Background(), p, v)
	if err != nil {
		t.Fatal(err)
	}
	afresh, err := NewUpdate(context.Background(), p, v)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(update, afresh) {
		t.Fatalf("%s: the update is\n%+v\nand afresh\n%+v", v.Key(), update, afresh)
	}
}

// unpacked returns the page that Packed gives, "" where it gives none.
func unpacked(t *testing.T, s *Stencils, p Page, v View) string {
	t.Helper()
	var got bytes.Buffer
	if !s.Packed(&got, p, v) {
		if got.Len() > 0 {
			t.Fatalf("%s: %d bytes of a page that is not packed", v.Key(), got.Len())
		}
		return ""
	}
	reader, err := gzip.NewReader(&got)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(reader)
	if err != nil {
		t.Fatalf("%s: %v", v.Key(), err)
	}
	return string(page)
}

// TestPacked: a page that was packed in pieces is the page, for every login, or there is none.
func TestPacked(t *testing.T) {
	s, packed := NewStencils(64<<20), 0
	for _, state := range Preview("sv") {
		for n := range 3 {
			p, v := ofAnother(state.Page, state.View, n+1)
			page := unpacked(t, s, p, v)
			if page != "" && page != doc(t, p, v) {
				t.Fatalf("%s is another page:\n%s", state.Name, page)
			}
			if page != "" {
				packed++
			}
			switch v.(type) {
			case Choose, Failed, Notice:
				if page == "" {
					t.Errorf("%s is not packed", state.Name)
				}
			case QRWait, AppWait:
				if page != "" && v.left() != (Left{}) {
					t.Errorf("%s is packed, with a secret", state.Name)
				}
			}
		}
	}
	if packed < 200 {
		t.Errorf("%d pages were packed", packed)
	}
	p := Page{Lang: "sv", BasePath: "/login/of-another-size", Reference: "ABCD-EFGH"}
	s.Packed(new(bytes.Buffer), p, Choose{})
	if p.BasePath = "/login/longer-than-the-first"; unpacked(t, s, p, Choose{}) != "" {
		t.Error("a page with a value of another size is packed")
	}
}

// TestStencils compares them with what is rendered afresh, byte for byte: every state, in every language and look, for one login and then for others.
func TestStencils(t *testing.T) {
	for name, look := range looks {
		s := NewStencils(64 << 20)
		for _, l := range Languages() {
			for _, state := range Preview(l.Tag) {
				look(&state.Page)
				for n := range 2 {
					p, v := state.Page, state.View
					if n > 0 {
						p, v = ofAnother(p, v, n)
					}
					if same(t, s, p, v); t.Failed() {
						t.Fatalf("in the look %q, state %s, language %s", name, state.Name, l.Tag)
					}
				}
			}
		}
		if most := 2 * 2 * len(Preview("sv")) * len(Languages()); len(s.all) > most {
			t.Errorf("in the look %q there are %d stencils, more than %d: some hold what only one login has", name, len(s.all), most)
		}
	}
}

// FuzzStencils: whatever a login has, its page is what is rendered afresh, after others have used the same stencils.
func FuzzStencils(f *testing.F) {
	s := NewStencils(1 << 20)
	f.Add("/login/GBmRYSbGSTmXFm9N1P8Xqw", "7QX4-2MKD", "bankid:///?autostarttoken=t", "Norrby kommun", "Logga in", 272, uint64(1))
	f.Add("/login/hole", "holea", "bankid:hole", "hole", "/hole", 59, uint64(2))
	f.Add("//evil.example", "<b>", "javascript:alert(1)", `"><script>`, "{client} {s} \x00\xff", -1, uint64(3))
	f.Add("/login/å?lang=sv&x", "", "", "", "", 60, uint64(4))
	f.Fuzz(func(t *testing.T, base, reference, link, name, text string, seconds int, seed uint64) {
		r := rand.New(rand.NewPCG(seed, seed))
		p := Page{Lang: []string{"sv", "en"}[r.IntN(2)], ClientName: "Appen", BasePath: base, Reference: reference, Paused: r.IntN(2) == 0}
		left, shown := Left{Seconds: seconds, Of: 300}, Shown{Name: name, Text: text, Markdown: r.IntN(2) == 0}
		frame := NewFrame(41, func(int, int) bool { return r.IntN(2) == 0 })
		on := []Platform{Phone, Tablet, Computer, ScanOnly}[r.IntN(4)]
		for _, v := range []View{
			Choose{Platform: on}, Starting{Device: OtherDevice, Platform: on}, Complete{Press: r.IntN(2) == 0}, QRWait{Left: left, Frame: frame, Platform: on},
			AppWait{LaunchURL: link, Order: "2", AutoLaunch: true, Left: left, Platform: on, Shown: shown},
			Progress{Step: StepConfirm, Device: ThisDevice, Platform: on, Left: left, Shown: shown}, Notice{Kind: NoticeOtherTab}, Failed{Reason: ReasonStopped, Platform: on},
		} {
			same(t, s, p, v)
			if page := unpacked(t, s, p, v); page != "" && page != doc(t, p, v) {
				t.Fatalf("%s is another page when it is packed:\n%s", v.Key(), page)
			}
		}
	})
}

// TestStencilsKeepNothing: what is kept for the next login holds no value of one before, and no part of the texts it was made from.
func TestStencilsKeepNothing(t *testing.T) {
	s := NewStencils(64 << 20)
	request := "the whole request, with a cookie; lang=sv; Appen"
	lang, client := request[len(request)-9:len(request)-7], request[len(request)-5:]
	const canary = "CANARY"
	p := Page{Lang: lang, ClientName: client, BasePath: "/login/" + canary, Reference: canary}
	shown := Shown{Name: canary, Text: canary}
	for _, v := range []View{
		Choose{Last: OtherDevice}, Starting{}, QRWait{Frame: Frame{Bits: strings.Repeat(canary, 40), Size: 41}}, Complete{},
		AppWait{LaunchURL: "bankid:///?autostarttoken=" + canary, Platform: Phone, Shown: shown}, Progress{Step: StepConfirm, Shown: shown},
		AppWait{LaunchURL: "bankid:///?autostarttoken=" + canary, Platform: Computer, Shown: shown}, Progress{Step: StepFace, Shown: shown},
	} {
		same(t, s, p, v)
	}
	if len(s.all) < 16 {
		t.Fatalf("%d stencils", len(s.all))
	}
	begin := uintptr(unsafe.Pointer(unsafe.StringData(request)))
	for key, st := range s.all {
		if text := fmt.Sprintf("%+v %+v", key, st); strings.Contains(text, canary) {
			t.Errorf("%s: %s", key.View.Key(), text)
		}
		for _, text := range []string{key.Page.Lang, key.Page.ClientName} {
			if at := uintptr(unsafe.Pointer(unsafe.StringData(text))); at >= begin && at < begin+uintptr(len(request)) {
				t.Errorf("%s: the key holds on to the request", key.View.Key())
			}
		}
	}
}

// TestStencilsAreBounded: clients by the thousand take no more memory than was said.
func TestStencilsAreBounded(t *testing.T) {
	const limit = 100 << 10
	s := NewStencils(limit)
	for n := range 200 {
		same(t, s, Page{Lang: "sv", ClientName: fmt.Sprint("Client ", n), BasePath: "/login/x"}, Choose{})
	}
	sum := 0
	for _, st := range s.all {
		sum += st.bytes()
	}
	if sum != s.bytes || sum > limit || len(s.all) < 2 {
		t.Errorf("%d stencils take %d bytes, counted as %d", len(s.all), sum, s.bytes)
	}
}

// TestStencilsAtOnce: logins that use a stencil at the same time each get their own page.
func TestStencilsAtOnce(t *testing.T) {
	s := NewStencils(1 << 20)
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			for i := range 20 {
				id := fmt.Sprintf("/login/L%dx%d", n, i)
				var page bytes.Buffer
				if err := s.Document(context.Background(), &page, Page{Lang: "sv", BasePath: id}, Choose{}); err != nil || !strings.Contains(page.String(), `data-base="`+id+`"`) {
					t.Errorf("%s: %v", id, err)
				}
			}
		})
	}
	group.Wait()
}

// TestPlainPath: a path that HTML or an address would write otherwise is not put into a hole.
func TestPlainPath(t *testing.T) {
	for path, want := range map[string]bool{
		"": true, "/login/GBmRYSbG_TmXFm9-1P8Xqw": true, "/preview/x": true, "/": false, "//x": false, "/a//b": false, "x": false, "/a?b": false, "/a&b": false, `/a"`: false, "/å": false, "/a/": true,
	} {
		if plainPath(path) != want {
			t.Errorf("%q: %v", path, !want)
		}
	}
}

// BenchmarkStencils renders what one login is shown.
func BenchmarkStencils(b *testing.B) {
	s, ctx := NewStencils(1<<20), context.Background()
	p := Page{Lang: "sv", ClientName: "Appen", BasePath: "/login/GBmRYSbGSTmXFm9N1P8Xqw", Reference: "7QX4-2MKD"}
	var page bytes.Buffer
	views := slices.Collect(func(yield func(View) bool) {
		_ = yield(Starting{}) && yield(QRWait{Frame: previewFrame(), Left: Left{272, 300, ""}}) && yield(Complete{})
	})
	b.ReportAllocs()
	for b.Loop() {
		page.Reset()
		if err := s.Document(ctx, &page, p, Choose{Platform: Computer}); err != nil {
			b.Fatal(err)
		}
		for _, v := range views {
			if _, err := s.Update(ctx, p, v); err != nil {
				b.Fatal(err)
			}
		}
	}
}
