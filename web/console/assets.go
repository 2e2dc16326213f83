package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"

	"brygga/templates"
)

const assetPrefix = Path + "assets/"

//go:embed assets/*
var assetFiles embed.FS

type asset struct {
	path, contentType string
	body              []byte
}

// assets are the files of the pages by their names in the source tree. They are read once and never changed.
var assets = mustReadAssets()

// mustReadAssets panics on a fault: the files are part of the program and the tests read them first.
func mustReadAssets() map[string]asset {
	all := map[string]asset{"mark.svg": newAsset("mark.svg", templates.Mark())}
	for _, name := range []string{"console.css", "console.js"} {
		body, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			panic(fmt.Errorf("console: read asset: %w", err))
		}
		if name == "console.css" {
			body = append(templates.Tokens(), body...) // the colours and type of the login page
		}
		all[name] = newAsset(name, body)
	}
	return all
}

func newAsset(name string, body []byte) asset {
	sum, ext := sha256.Sum256(body), path.Ext(name)
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	return asset{assetPrefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext, types[ext], body}
}

// assetPath returns the address of an asset, which changes with its content.
func assetPath(name string) string {
	a, ok := assets[name]
	if !ok {
		panic("console: no asset " + name)
	}
	return a.path
}

// asset serves a file of the pages. Its name has a hash of its content, so browsers keep it for good.
func (c *Console) asset(w http.ResponseWriter, r *http.Request) {
	for _, a := range assets {
		if a.path == r.URL.Path {
			h := w.Header()
			h.Set("Content-Type", a.contentType)
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
			h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			h.Set("X-Content-Type-Options", "nosniff")
			w.Write(a.body)
			return
		}
	}
	c.serve(w, r, page{access: anybody, handle: notFound})
}
