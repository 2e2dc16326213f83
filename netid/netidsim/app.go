package netidsim

import (
	"bytes"
	"embed"
	"fmt"
	"net/http"
	"slices"
	"time"
)

//go:embed assets/app.html assets/app.css assets/app.js assets/icon.svg
var assets embed.FS

// appPolicy keeps the page to its own files: no inline script or style, no third party, no frames.
const appPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// App returns the virtual card app and its control API below /api/. A launch link may lead to it, as /?autostarttoken=…&redirect=…, and is then
// opened in the app. Whoever reaches it can be any of the people, so it belongs on a loopback listener; it refuses changes that other origins' pages
// ask a browser for.
func (s *Simulator) App() http.Handler {
	mux := http.NewServeMux()
	for pattern, do := range s.controls() {
		mux.HandleFunc(pattern, s.serveControl(do))
	}
	icon := s.icon
	if icon == nil {
		icon = asset("icon.svg")
	}
	mux.HandleFunc("GET /{$}", serve(asset("app.html"), "text/html; charset=utf-8"))
	mux.HandleFunc("GET /assets/app.css", serve(slices.Concat(asset("app.css"), s.styleSheet), "text/css; charset=utf-8"))
	mux.HandleFunc("GET /assets/app.js", serve(asset("app.js"), "text/javascript; charset=utf-8"))
	mux.HandleFunc("GET /assets/icon.svg", serve(icon, "image/svg+xml"))
	mux.HandleFunc("GET /favicon.ico", serve(icon, "image/svg+xml"))
	mux.HandleFunc("GET /certificates/{name}", s.certificate)
	return secured(http.NewCrossOriginProtection().Handler(mux))
}

func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", appPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// asset returns a file of the page. It panics when there is none: the files are part of the program.
func asset(name string) []byte {
	text, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(fmt.Errorf("netidsim: read asset: %w", err))
	}
	return text
}

func serve(content []byte, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

// certificate hands out what a caller needs, in PEM. The key opens nothing but this simulator.
func (s *Simulator) certificate(w http.ResponseWriter, r *http.Request) {
	text, ok := map[string][]byte{
		"server-root.pem": s.ServerRootPEM(), "issuer.pem": s.IssuerPEM(), "mobile-issuer.pem": s.MobileIssuerPEM(), "client.pem": s.client.CertPEM, "client-key.pem": s.client.KeyPEM,
	}[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Write(text)
}
