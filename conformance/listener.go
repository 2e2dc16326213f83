package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// listener is what the suite's clients answer to the provider: key sets, a sector's redirect URIs, and back-channel logouts.
type listener struct {
	cfg    *Config
	server *http.Server

	mu sync.Mutex
	// keys of the clients that publish theirs, by role.
	keys map[string]func() any
	// logouts are the logout requests that came, changed is closed and made anew with each.
	logouts []logoutCall
	changed chan struct{}
	// answers are the statuses to answer the next logout requests of a session with.
	answers map[string][]int
	// strays are paths that nobody may ask for.
	strays []string
}

// logoutCall is a back-channel logout request.
type logoutCall struct {
	Role, Method, ContentType string
	Form                      url.Values
	Token                     string
	Claims                    map[string]any
	At                        time.Time
}

func listen(cfg *Config) (*listener, error) {
	l := &listener{cfg: cfg, changed: make(chan struct{}), answers: make(map[string][]int), keys: make(map[string]func() any)}
	if cfg.Listen.Address == "" {
		return l, nil
	}
	on, err := net.Listen("tcp", cfg.Listen.Address)
	if err != nil {
		return nil, fmt.Errorf("listen.address: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /keys/{role}", l.serveKeys)
	mux.HandleFunc("GET /sector.json", l.serveSector)
	mux.HandleFunc("/logout/{role}", l.serveLogout)
	mux.HandleFunc("/", l.serveStray)
	l.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go l.server.ServeTLS(on, cfg.Listen.CertificateFile, cfg.Listen.KeyFile)
	return l, nil
}

func (l *listener) close() error {
	if l.server == nil {
		return nil
	}
	return l.server.Close()
}

// serveKeys answers a jwks_uri.
func (l *listener) serveKeys(w http.ResponseWriter, r *http.Request) {
	client := l.cfg.Clients[r.PathValue("role")]
	if client == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(client.publicKeys())
}

// serveSector answers a sector_identifier_uri with the redirect URIs of the clients that name it (OIDC Core §8.1).
func (l *listener) serveSector(w http.ResponseWriter, _ *http.Request) {
	uris := append([]string(nil), l.cfg.Clients["sector-one"].RedirectURIs...)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(append(uris, l.cfg.Clients["sector-two"].RedirectURIs...))
}

// serveLogout takes a back-channel logout and answers as it was told to for the session, else 200.
func (l *listener) serveLogout(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "no form", http.StatusBadRequest)
		return
	}
	call := logoutCall{
		Role: r.PathValue("role"), Method: r.Method, ContentType: r.Header.Get("Content-Type"), Form: r.PostForm,
		Token: r.PostForm.Get("logout_token"), At: time.Now(),
	}
	call.Claims, _ = peek(call.Token, 1) // who waits for it says what is wrong
	session, _ := call.Claims["sid"].(string)
	l.mu.Lock()
	status := http.StatusOK
	if queue := l.answers[session]; len(queue) > 0 {
		status, l.answers[session] = queue[0], queue[1:]
	}
	l.logouts = append(l.logouts, call)
	close(l.changed)
	l.changed = make(chan struct{})
	l.mu.Unlock()
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
}

// serveStray notes a request to an address that the provider had no business with.
func (l *listener) serveStray(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	l.strays = append(l.strays, r.URL.Path)
	l.mu.Unlock()
	http.NotFound(w, r)
}

// asked reports whether somebody asked for a path below prefix.
func (l *listener) asked(prefix string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, path := range l.strays {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// answerLogout says what to answer the next logout requests for a session.
func (l *listener) answerLogout(session string, statuses ...int) {
	l.mu.Lock()
	l.answers[session] = statuses
	l.mu.Unlock()
}

// calls returns the logout requests for a session that came so far, and a channel that tells of the next.
func (l *listener) calls(session string) ([]logoutCall, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []logoutCall
	for _, call := range l.logouts {
		if call.Claims["sid"] == session {
			found = append(found, call)
		}
	}
	return found, l.changed
}

// errQuiet means that the request that was waited for did not come.
var errQuiet = errors.New("no back-channel logout came")

// await waits until n logout requests for a session have come.
func (l *listener) await(ctx context.Context, session string, n int, patience time.Duration) ([]logoutCall, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		found, changed := l.calls(session)
		if len(found) >= n {
			return found, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return found, errQuiet
		case <-ctx.Done():
			return found, ctx.Err()
		}
	}
}

// ClientSide returns an address of the suite's own listener.
func (c *Case) ClientSide(path string) string {
	return strings.TrimSuffix(c.cfg.Listen.BaseURL, "/") + path
}
