package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"brygga/storage"
)

// Of two presses on the way back at once the browser may drop the answer of the one that came first. The other is told how the login
// stands, and that the answer can be had again: it is not over before the client has it.
func TestPressThatIsOvertaken(t *testing.T) {
	t.Parallel()
	var h *house
	overtaken := func(w http.ResponseWriter, r *http.Request, l *storage.Login) {
		if !l.Repeatable() { // the press that came first
			h.answer(httptest.NewRecorder(), r, l)
		}
		h.answer(w, r, l)
	}
	h = newHouse(t, shared, func(s *settings) { s.web.Answer = overtaken })
	b := h.browser(windowsPC)
	path := b.begin("app")
	b.sign(b.scan(path))
	b.await(path, "complete")
	second := b.post(path + "/done")
	if second.status != http.StatusSeeOther || second.location != path {
		t.Fatalf("the second press = %d to %q:\n%s", second.status, second.location, second.body)
	}
	if p := b.get(path); !p.has(`data-view="complete.press"`, path+"/done") {
		t.Errorf("the page shows:\n%s", p.body)
	}
	if again := b.post(path + "/done"); again.location != callback+"/app?code=code-app" {
		t.Errorf("pressed again: %d to %q", again.status, again.location)
	}
}
