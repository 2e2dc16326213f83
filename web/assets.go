package web

import (
	"net/http"
	"strconv"
	"strings"

	"brygga/templates"
)

// The routes whose requests are not worth a line of the log each.
const (
	routeHealth = "GET /healthz"
	routeAssets = "GET " + templates.AssetPrefix + "{name}"
	routeIcon   = "GET /favicon.ico"
	routeRobots = "GET /robots.txt"

	routeBrand       = "GET " + brandPrefix + "{file}"
	routeClientBrand = "GET " + brandPrefix + "{client}/{file}"
)

// presetAsset has a policy for a picture that is opened by itself.
var presetAsset = newPreset("Cache-Control", "public, max-age=31536000, immutable", "Cross-Origin-Resource-Policy", "same-origin",
	"Vary", "Accept-Encoding", "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")

// asset serves a file of the pages. Its name has a hash of its content, so browsers keep it for good.
func (s *Site) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := s.assets[r.PathValue("name")]
	if !ok {
		s.notFound(w, r)
		return
	}
	h, body := w.Header(), a.Body
	h.Set("Content-Type", a.ContentType)
	presetAsset.set(h)
	if len(a.Gzip) > 0 && acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = a.Gzip
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

// plainFile serves a file under a name that others look for: browsers at pages that name no icon, and robots (RFC 9309).
func plainFile(contentType string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Cache-Control", "public, max-age=86400")
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body)
	}
}

// robots keeps search engines away from all: what they could find are logins of others, and error pages.
const robots = "User-agent: *\nDisallow: /\n"

// acceptsGzip reports whether the browser takes gzip (RFC 9110 §12.5.3); one that weighs it with q=0 does not.
func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		weight = strings.ReplaceAll(weight, " ", "")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") && (weight == "" || strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != "") {
			return true
		}
	}
	return false
}
