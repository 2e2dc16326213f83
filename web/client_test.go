package web_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"brygga/templates"
)

// browser is a browser with cookies of its own, that follows no redirect by itself.
type browser struct {
	*house
	http   *http.Client
	agent  string
	header http.Header // sent along with every request
}

func (h *house) browser(agent string) *browser {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	must(h.t, err)
	return &browser{h, &http.Client{
		Jar: jar, Transport: h.server.Client().Transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, agent, http.Header{}}
}

// page is what a browser got.
type page struct {
	status   int
	header   http.Header
	location string
	body     string
}

func (p page) has(texts ...string) bool {
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			return false
		}
	}
	return true
}

func (b *browser) do(method, path, contentType, body string) page {
	b.t.Helper()
	target := path
	if strings.HasPrefix(path, "/") {
		target = b.url + path
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, target, strings.NewReader(body))
	must(b.t, err)
	for name, values := range b.header {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", b.agent)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	answer, err := b.http.Do(r)
	must(b.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(b.t, err)
	return page{answer.StatusCode, answer.Header, answer.Header.Get("Location"), string(text)}
}

func (b *browser) get(path string) page { b.t.Helper(); return b.do("GET", path, "", "") }

func (b *browser) post(path string, pairs ...string) page {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.do("POST", path, "application/x-www-form-urlencoded", form.Encode())
}

// begin begins a login at the client and returns the path of its page.
func (b *browser) begin(client string) string {
	b.t.Helper()
	answer := b.get("/authorize?client_id=" + client + "&state=" + client)
	if answer.status != http.StatusSeeOther || !strings.HasPrefix(answer.location, "/login/") {
		b.t.Fatalf("authorize = %d to %q, want a redirect to a login", answer.status, answer.location)
	}
	return answer.location
}

func (b *browser) status(path string) templates.Update {
	b.t.Helper()
	if !strings.Contains(path, "/status") {
		path += "/status"
	}
	answer := b.get(path)
	var u templates.Update
	if answer.status != http.StatusOK {
		b.t.Fatalf("status = %d: %s", answer.status, answer.body)
	}
	must(b.t, json.Unmarshal([]byte(answer.body), &u))
	return u
}

// await waits until the page shows the view.
func (b *browser) await(path, view string) templates.Update {
	b.t.Helper()
	var u templates.Update
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		if u = b.status(path); u.View == view || strings.HasPrefix(u.View, view+".") {
			return u
		}
	}
	b.t.Fatalf("the page shows %q, never %q", u.View, view)
	return u
}
