package templates

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUpdate_U11(t *testing.T) {
	p := Page{Lang: "en", ClientName: "Norrby kommun", BasePath: "/login/x"}
	first := QRWait{Frame: previewFrame(), Left: Left{Seconds: 272, Of: 300}, Platform: Computer}
	u, err := NewUpdate(context.Background(), p, first)
	if err != nil {
		t.Fatal(err)
	}
	if u.View != "qr-wait" || u.Title != "Scan the QR code – Norrby kommun" || u.HTML != fragment(t, p, undrawn(first)) || u.Size != 41 || *u.Seconds != 272 {
		t.Errorf("update is %+v", u)
	}
	if bits, err := base64.StdEncoding.DecodeString(u.QR); err != nil || string(bits) != first.Frame.Bits {
		t.Errorf("the frame came out as %q (%v)", u.QR, err)
	}

	if same := u.Since(u); !same.Empty() {
		t.Errorf("nothing changed, but %+v", same)
	}
	next := first
	next.Left.Seconds--
	tick := NewTick(next)
	if got, want := asJSON(t, tick.Since(u)), `{"view":"qr-wait","seconds":271}`; got != want {
		t.Errorf("a second later: %s, want %s", got, want)
	}
	next.Frame = Frame{Bits: "\x80", Size: 1}
	if got, want := asJSON(t, NewTick(next).Since(tick)), `{"view":"qr-wait","qr":"gA==","size":1}`; got != want {
		t.Errorf("with another frame: %s, want %s", got, want)
	}
	if got, want := string(AppendFrame(nil, "qr-wait", previewFrame())), asJSON(t, Update{View: "qr-wait", QR: u.QR, Size: u.Size}); got != want {
		t.Errorf("a frame alone: %s, want %s", got, want)
	}
	done, err := NewUpdate(context.Background(), p, Complete{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(done, done.Since(tick)); diff != "" {
		t.Errorf("a new view lost something (-want +got):\n%s", diff)
	}
	out := first
	out.Left.Seconds = 0
	if got, want := asJSON(t, NewTick(out).Since(tick)), `{"view":"qr-wait","seconds":0}`; got != want {
		t.Errorf("no time left: %s, want %s", got, want)
	}
}

func asJSON(t *testing.T, u Update) string {
	t.Helper()
	b, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestOrderChangesKey: a renewed order brings its link to the page although the screen is the same.
func TestOrderChangesKey(t *testing.T) {
	if a, b := (AppWait{Order: "1"}).Key(), (AppWait{Order: "2"}).Key(); a == b {
		t.Errorf("both orders give %q", a)
	}
}

// FuzzAppendJSON: the JSON is what encoding/json reads as the update that encoding/json writes, on one line and without escaped brackets.
func FuzzAppendJSON(f *testing.F) {
	f.Add("qr-wait", "Scan – A & \"B\"", "<p class=\"lead\">\\ \u2028 å 😀</p>\n\t\x00\x7f", "gA==", 41, 272)
	f.Add("choose", "", "", "", 0, -1)
	f.Add("\xff", "\xed\xa0\x80", "<\ufffd>", "", 1, 0)
	f.Fuzz(func(t *testing.T, view, title, html, qr string, size, seconds int) {
		u := Update{View: view, Title: title, HTML: html, QR: qr, Size: size}
		if seconds >= 0 {
			u.Seconds = &seconds
		}
		text := u.AppendJSON([]byte("data: "))[len("data: "):]
		var got, want Update
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if err := json.Unmarshal([]byte(asJSON(t, u)), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if bytes.ContainsAny(text, "\n\r") || strings.Count(string(text), "<") != strings.Count(html+title+view+qr, "<") {
			t.Errorf("%s", text)
		}
	})
}
