package templates

import (
	"context"
	"strings"
	"testing"

	"github.com/a-h/templ"
)

// TestPicturesTellStatesApart: every picture that a state names is drawn, its mark too, and two states have the same one only where
// they say the same.
func TestPicturesTellStatesApart(t *testing.T) {
	same := map[string]string{"notice rate-limited": "failed rateLimited", "notice expired": "failed windowClosed"}
	states := map[string]string{"complete": "check", "starting": "link", "app-wait, phone": "phone/open", "app-wait, computer": "computer/open"}
	for step, name := range stepIcons {
		states["step "+string(step)] = name
	}
	for reason, name := range reasonIcons {
		states["failed "+string(reason)] = name
	}
	for kind, name := range noticeIcons {
		states["notice "+string(kind)] = name
	}
	for _, hint := range HintCodesFailed() {
		if reasonIcons[Reason(hint)] == "" {
			t.Errorf("%s has no picture of its own", hint)
		}
	}
	by := map[string]string{}
	for state, name := range states {
		if same[state] != "" {
			continue
		}
		if other := by[name]; other != "" {
			t.Errorf("%s and %s have the same picture", state, other)
		}
		by[name] = state
		base, corner, marked := strings.Cut(name, "/")
		if !draws(t, drawing(base)) || marked && !draws(t, mark(corner)) {
			t.Errorf("%s: %q is not drawn", state, name)
		}
	}
}

func draws(t *testing.T, c templ.Component) bool {
	t.Helper()
	var b strings.Builder
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return strings.Contains(b.String(), "<path")
}
