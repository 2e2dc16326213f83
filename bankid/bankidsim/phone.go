package bankidsim

import (
	"bytes"
	"embed"
	"fmt"
	"net/http"
	"slices"
	"time"
)

//go:embed assets
var assets embed.FS

// phonePolicy keeps the page to its own files: no inline script or style, no third party, no frames.
const phonePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Phone returns the virtual phone and its control API below /api/. A launch link may lead to it, as
// /?autostarttoken=…&redirect=…, and is then opened on the phone. Whoever reaches it can be any of the people, so it
// belongs on a loopback listener; it refuses changes that other origins' pages ask a browser for.
func (s *Simulator) Phone() http.Handler {
	mux := http.NewServeMux()
	for pattern, do := range s.controls() {
		mux.HandleFunc(pattern, s.serveControl(do))
	}
	mux.HandleFunc("GET /{$}", serve(asset("phone.html"), "text/html; charset=utf-8"))
	mux.HandleFunc("GET /assets/phone.css", serve(slices.Concat(asset("phone.css"), s.styleSheet), "text/css; charset=utf-8"))
	for _, script := range []string{"phone.js", "scan.js", "text.js", "words.js"} {
		mux.HandleFunc("GET /assets/"+script, serve(asset(script), "text/javascript; charset=utf-8"))
	}
	icon := s.icon
	if icon == nil {
		icon = asset("icon.svg")
	}
	mux.HandleFunc("GET /assets/icon.svg", serve(icon, "image/svg+xml"))
	mux.HandleFunc("GET /favicon.ico", serve(icon, "image/svg+xml"))
	mux.HandleFunc("GET /certificates/{name}", s.certificate)
	mux.HandleFunc("POST /stamps", s.serveStamps)
	return secured(http.NewCrossOriginProtection().Handler(mux))
}

func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		camera := "()"
		if r.URL.Path == "/" {
			camera = "(self)" // the page films QR codes
		}
		h.Set("Permissions-Policy", "camera="+camera+", microphone=(), geolocation=()")
		h.Set("Content-Security-Policy", phonePolicy)
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
		panic(fmt.Errorf("bankidsim: read asset: %w", err))
	}
	return text
}

func serve(content []byte, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

// certificate hands out what a relying party needs, in PEM. The key opens nothing but this simulator.
func (s *Simulator) certificate(w http.ResponseWriter, r *http.Request) {
	var text []byte
	var err error
	switch r.PathValue("name") {
	case "server-root.pem":
		text = s.ServerRootPEM()
	case "signature-root.pem":
		text, err = s.SignatureRootPEM()
	case "stamp-root.pem":
		text, err = s.StampRootPEM()
	case "client.pem":
		text = s.rp.CertPEM
	case "client-key.pem":
		text = s.rp.KeyPEM
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		s.log.ErrorContext(r.Context(), "certificate cannot be made", "err", err)
		http.Error(w, "the simulator failed; see its log", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Write(text)
}
