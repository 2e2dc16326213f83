package templates

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"path"
	"regexp"
	"strings"
)

// AssetPrefix is the path below which assets are served.
const AssetPrefix = "/assets/"

// Asset is a file that pages refer to. Its name changes with its content, so it may be cached for ever.
type Asset struct {
	Name        string // with the hash: "page.0123456789ab.css"
	ContentType string
	Body        []byte // must not be changed
	Gzip        []byte // Body compressed, for those who accept gzip; must not be changed
}

//go:embed assets/*
var assetFiles embed.FS

// assets holds every asset by its name in the source tree; it is read once and never changed.
var assets = mustReadAssets()

// Assets returns every asset by its name with the hash: what GET /assets/{name} serves. The map is the caller's own.
func Assets() map[string]Asset {
	all := make(map[string]Asset, len(assets))
	for _, a := range assets {
		all[a.Name] = a
	}
	return all
}

// AssetPath returns the address of the asset known in the source tree as file: "page.css", "page.js", "themes.css", "gallery.css" or "mark.svg". It
// panics on any other, as the pages would not work.
func AssetPath(file string) string {
	a, ok := assets[file]
	if !ok {
		panic(fmt.Sprintf("templates: no asset %q", file))
	}
	return AssetPrefix + a.Name
}

// Tokens returns the style sheet of what all pages have in common, as custom properties: the colours of both themes, the shadow
// of a card, its corners (--round), those of controls (--bend) and the type (--type). It is for pages that stand beside ours and
// should look like them. The caller must not change it.
func Tokens() []byte {
	sheet := assets["page.css"].Body
	const last = "\n}\n}\n"
	begin, dark := bytes.Index(sheet, []byte(":root {")), bytes.Index(sheet, []byte("@media (prefers-color-scheme: dark)"))
	end := dark + bytes.Index(sheet[dark:], []byte(last)) + len(last)
	return sheet[begin:end:end]
}

// Mark returns our mark as SVG, for the icons of such pages. The caller must not change it.
func Mark() []byte { return assets["mark.svg"].Body }

// Icon returns our mark in the format of favicon.ico, for browsers that know no other. The caller must not change it.
func Icon() []byte { return assets["favicon.ico"].Body }

// mustReadAssets panics on a fault: the files are part of the program and the tests read them first.
func mustReadAssets() map[string]Asset {
	files, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic(fmt.Errorf("templates: list assets: %w", err))
	}
	var c compressor
	all := make(map[string]Asset, len(files)+1)
	for _, f := range files {
		body, err := assetFiles.ReadFile("assets/" + f.Name())
		if err != nil {
			panic(fmt.Errorf("templates: read asset: %w", err))
		}
		ext := path.Ext(f.Name())
		switch ext {
		case ".js":
			body = stripComments(body)
		case ".css":
			body = styleIndent.ReplaceAll(styleComment.ReplaceAll(body, []byte("\n")), nil)
		}
		all[f.Name()] = newAsset(f.Name(), body, &c)
	}
	all["themes.css"] = newAsset("themes.css", themesSheet(all["page.css"].Body), &c)
	return all
}

func newAsset(file string, body []byte, c *compressor) Asset {
	ext, sum := path.Ext(file), sha256.Sum256(body)
	return Asset{
		Name:        strings.TrimSuffix(file, ext) + "." + hex.EncodeToString(sum[:6]) + ext,
		ContentType: contentType(ext),
		Body:        body,
		Gzip:        c.compress(body),
	}
}

// styleComment is a comment of a style sheet, with the space around it.
var styleComment = regexp.MustCompile(`(?s)\s*/\*.*?\*/\s*`)

// styleIndent is the space before a line of a style sheet.
var styleIndent = regexp.MustCompile(`(?m)^[ \t]+`)

// stripComments leaves out what only readers of the source need: lines that are a comment, empty lines and indentation. The
// script has no string over several lines, which a test holds.
func stripComments(script []byte) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(script) {
		line = bytes.TrimLeft(line, " ")
		if len(bytes.TrimSpace(line)) > 0 && !bytes.HasPrefix(line, []byte("//")) {
			b.Write(line)
		}
	}
	return b.Bytes()
}

// contentType names the types we have ourselves, as the system's table may differ.
func contentType(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".ico":
		return "image/x-icon"
	}
	return mime.TypeByExtension(ext)
}

// compressor compresses one body after the other. What it needs for that is most of what the program's start takes in memory, so there
// is one for all.
type compressor struct{ *gzip.Writer }

func (c *compressor) compress(body []byte) []byte {
	var b bytes.Buffer
	var err error
	if c.Writer == nil {
		c.Writer, err = gzip.NewWriterLevel(&b, gzip.BestCompression)
	} else {
		c.Reset(&b)
	}
	if err == nil {
		_, err = c.Write(body)
	}
	if err == nil {
		err = c.Close()
	}
	if err != nil {
		panic(fmt.Errorf("templates: compress asset: %w", err))
	}
	return b.Bytes()
}
