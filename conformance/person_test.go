package conformance

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// formSite is a provider with a login of two plain forms.
func formSite(t *testing.T) (*httptest.Server, *Browser) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`<html><form method="post" action="/check"><input type="hidden" name="id" value="7"><input name="user"><input name="word"></form></html>`))
	})
	mux.HandleFunc("POST /check", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("id") != "7" || r.FormValue("user") != "bo" || r.FormValue("word") != "secret" {
			http.Error(w, "wrong", http.StatusForbidden)
			return
		}
		http.Redirect(w, r, "/consent", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /consent", func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`<html><form method="post" action="consent"><button name="answer" value="yes">Yes</button></form></html>`))
	})
	mux.HandleFunc("POST /consent", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://app.example.se/callback?answer="+r.FormValue("answer"), http.StatusSeeOther)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	origin, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := server.Client()
	client.CheckRedirect = stay
	return server, &Browser{client: client, jar: jar, origin: origin}
}

func TestFormDriver(t *testing.T) {
	server, b := formSite(t)
	driver := formDriver{
		{Match: "/login$", Fields: map[string]string{"user": "{name}", "word": "{password}"}},
		{Match: "/consent$", Fields: map[string]string{}, Deny: map[string]string{"answer": "no"}},
	}
	for _, c := range []struct {
		name     string
		password string
		do       Action
		want     string
	}{
		{"approve", "secret", Approve, "https://app.example.se/callback?answer=yes"},
		{"decline", "secret", Cancel, "https://app.example.se/callback?answer=no"},
		{"wrong password", "guess", Approve, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			page, err := b.Visit(t.Context(), server.URL+"/login", nil)
			if err != nil {
				t.Fatal(err)
			}
			page, err = driver.Act(t.Context(), b, page, &Person{Name: "bo", Password: c.password}, c.do)
			if err != nil {
				t.Fatal(err)
			}
			if to := page.To; c.want == "" && to != nil || c.want != "" && (to == nil || to.String() != c.want) {
				t.Errorf("the browser was sent to %v, want %q", to, c.want)
			}
		})
	}
	page, err := b.Visit(t.Context(), server.URL+"/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := driver[1:].Act(t.Context(), b, page, &Person{}, Approve); err == nil {
		t.Error("a page that no step matches is no error")
	}
}

func TestCommandDriver(t *testing.T) {
	server, b := formSite(t)
	page, err := b.Visit(t.Context(), server.URL+"/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	script := `read request; case $request in *'"name":"bo"'*'"action":"approve"'*) ;; *) exit 1;; esac
echo '{"location":"https://app.example.se/callback?code=1","cookies":{"session":"x"}}'`
	driver := &hook{run: runCommand([]string{"sh", "-c", script})}
	after, err := driver.Act(t.Context(), b, page, &Person{Name: "bo"}, Approve)
	if err != nil {
		t.Fatal(err)
	}
	if r := newReply(&AuthRequest{}, after); r.Params.Get("code") != "1" {
		t.Errorf("the reply is %v, want code=1", r.Params)
	}
	if cookies := b.jar.Cookies(cookieURL(b.origin)); len(cookies) != 1 || cookies[0].Value != "x" {
		t.Errorf("the browser has %d cookies, want the one that the command told", len(cookies))
	}
	if _, err := driver.Act(t.Context(), b, page, &Person{Name: "li"}, Approve); err == nil {
		t.Error("a command that fails is no error")
	}
}

func TestPageForms(t *testing.T) {
	page := `<p><form method=POST action="/a?b=1&amp;c=2"><input name=state value="&#34;&gt;x"><input value=nameless></form><form><input name=q></form>`
	action, fields, ok := pageForm([]byte(page))
	if !ok || action != "/a?b=1&c=2" || fields.Get("state") != `">x` || len(fields) != 1 {
		t.Errorf("pageForm = %q, %v, %t", action, fields, ok)
	}
	if _, _, ok := pageForm([]byte(strings.Repeat("<form><", 3))); ok {
		t.Error("a form of GET is taken for a reply by POST")
	}
}
