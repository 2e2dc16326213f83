package templates

import (
	"context"
	"encoding/base64"
	"encoding/json"
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
