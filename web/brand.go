package web

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"brygga/cache"
	"brygga/storage"
	"brygga/templates"
)

const (
	// maxStyleSheet bounds the operator's style sheet, in bytes.
	maxStyleSheet = 64 << 10
	// maxLink bounds an address of a brand, in characters.
	maxLink = 512
	// maxEIDLogo bounds the file of an eID's logo as it is served, in bytes: with it and a client's logo, a page weighs no
	// more than 60 KiB.
	maxEIDLogo = 16 << 10
	// brandPrefix is the path below which brands are served.
	brandPrefix = "/brand/"
)

// BrandError says why one setting of a brand cannot be used.
type BrandError struct {
	// Setting is logo, accent, accent_dark, support_url or accessibility_url.
	Setting string
	Err     error
}

// Error returns the setting and the reason.
func (e *BrandError) Error() string { return e.Setting + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *BrandError) Unwrap() error { return e.Err }

// CheckBrand returns b as it may be stored and shown: the logo as ReadLogo writes it, colours that can be read in both themes,
// and links that are https or mailto. corrections says in a sentence each what was changed and why. The error joins a
// *[BrandError] for everything that cannot be used.
func CheckBrand(b storage.Brand) (checked storage.Brand, corrections []string, err error) {
	var faults []error
	add := func(setting string, err error) {
		if err != nil {
			faults = append(faults, &BrandError{setting, err})
		}
	}
	b.LogoType = ""
	if len(b.Logo) > 0 {
		b.Logo, b.LogoType, err = ReadLogo(b.Logo)
		add("logo", err)
	}
	_, _, err = templates.Accents{Light: b.Accent}.Checked()
	add("accent", err)
	_, _, err = templates.Accents{Dark: b.AccentDark}.Checked()
	add("accent_dark", err)
	add("support_url", checkLink(b.SupportURL))
	add("accessibility_url", checkLink(b.AccessibilityURL))
	if len(faults) > 0 {
		return storage.Brand{}, nil, errors.Join(faults...)
	}
	accents, corrections, err := templates.Accents{Light: b.Accent, Dark: b.AccentDark}.Checked()
	b.Accent, b.AccentDark = accents.Light, accents.Dark
	return b, corrections, err
}

func checkLink(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err == nil && utf8.RuneCountInString(address) <= maxLink && u.User == nil &&
		(u.Scheme == "https" && u.Host != "" || u.Scheme == "mailto" && strings.Contains(u.Opaque, "@")) {
		return nil
	}
	return fmt.Errorf("must be an https or mailto address of at most %d characters", maxLink)
}

// outside finds what a style sheet would load from elsewhere, which the pages' policy forbids.
var outside = regexp.MustCompile(`(?i)@import|url\(\s*["']?\s*(https?:|//)`)

// CheckStyleSheet returns an error when the operator's style sheet is too long, is not text, or loads from another origin.
// What it does to the page beyond that is the operator's own matter.
func CheckStyleSheet(sheet []byte) error {
	switch {
	case len(sheet) > maxStyleSheet:
		return fmt.Errorf("the style sheet has %d bytes, at most %d are served", len(sheet), maxStyleSheet)
	case !utf8.Valid(sheet):
		return errors.New("the style sheet is not UTF-8 text")
	}
	if found := outside.FindIndex(sheet); found != nil {
		line := 1 + strings.Count(string(sheet[:found[0]]), "\n")
		return fmt.Errorf("the style sheet loads from elsewhere on line %d: browsers refuse it, as the pages load nothing but their own", line)
	}
	return nil
}

// look is what pages show of a brand.
type look struct {
	sheet, logo string // addresses, "" for none
	links       templates.Links
	files       map[string]templates.Asset // by file name, what is served
}

// newLook names the files of a brand by their content, below prefix.
func newLook(prefix string, b storage.Brand) look {
	l := look{links: templates.Links{Help: b.SupportURL, Accessibility: b.AccessibilityURL}, files: map[string]templates.Asset{}}
	l.sheet = l.add(prefix, templates.BrandSheet(templates.Accents{Light: b.Accent, Dark: b.AccentDark}), "text/css; charset=utf-8")
	switch b.LogoType {
	case typePNG:
		l.logo = l.add(prefix, b.Logo, b.LogoType)
	case typeSVG:
		// What was stored is held to the rules of today. A picture that they refuse is not shown.
		if logo, err := sanitizeSVG(b.Logo); err == nil {
			l.logo = l.add(prefix, logo, b.LogoType)
		}
	}
	return l
}

// add adds a file and returns its address, "" for an empty one.
func (l *look) add(prefix string, body []byte, mediaType string) string {
	if len(body) == 0 {
		return ""
	}
	endings := map[string]string{typePNG: ".png", typeSVG: ".svg"}
	sum := sha256.Sum256(body)
	name := hex.EncodeToString(sum[:8]) + cmp.Or(endings[mediaType], ".css")
	l.files[name] = templates.Asset{Name: name, ContentType: mediaType, Body: body}
	return prefix + name
}

// maxLookBytes bounds the looks of clients in memory, whoever visits their pages.
const maxLookBytes = 16 << 20

// looks has those of the clients that were visited lately.
type looks struct{ all *cache.Cache[storedLook] }

type storedLook struct {
	look
	revision uint64
	updated  time.Time
}

// of returns the look of a client, made anew when the client has changed.
func (k looks) of(client *storage.Client) look {
	b := client.Brand
	if len(b.Logo) == 0 && b.Accent == "" && b.AccentDark == "" {
		return look{links: templates.Links{Help: b.SupportURL, Accessibility: b.AccessibilityURL}}
	}
	known, ok := k.all.Get(client.ID)
	if !ok || known.revision != client.Revision || !known.updated.Equal(client.Updated) {
		known = storedLook{newLook(brandPrefix+url.PathEscape(client.ID)+"/", b), client.Revision, client.Updated}
		k.all.Put(client.ID, known, known.bytes())
	}
	return known.look
}

// bytes returns about what the look takes in memory.
func (l *look) bytes() int {
	bytes := 1 << 10
	for name, file := range l.files {
		bytes += len(name) + len(file.Body)
	}
	return bytes
}

// dress puts the looks of the client, or of the installation, on a page.
func (s *Site) dress(p *templates.Page, client *storage.Client) {
	var l look
	if client != nil {
		l = s.looks.of(client)
	}
	s.wear(p, l)
}

// wear puts the look of a client on a page, and that of the installation where it says nothing.
func (s *Site) wear(p *templates.Page, l look) {
	p.ServiceLogoURL, p.EIDLogoURL, p.ClientLogoURL = s.own.logo, s.eidLogos[templates.BuiltInMethod], l.logo
	sheet := cmp.Or(l.sheet, s.own.sheet)
	links := templates.Links{Help: cmp.Or(l.links.Help, s.own.links.Help), Accessibility: cmp.Or(l.links.Accessibility, s.own.links.Accessibility)}
	p.Links = templates.Links{Help: cmp.Or(links.Help, s.Links.Help), Accessibility: cmp.Or(links.Accessibility, s.Links.Accessibility)}
	p.StyleSheets = [...]string{sheet, s.styleSheet, ""}
}

// prepareLooks checks the installation's brand, style sheet and logos of eIDs, and names their files.
func (s *Site) prepareLooks() error {
	brand, corrections, err := CheckBrand(s.Brand)
	if err != nil {
		return fmt.Errorf("web: brand: %w", err)
	}
	for _, correction := range corrections {
		s.log.Warn("brand corrected", "doing", correction)
	}
	if err := CheckStyleSheet(s.StyleSheet); err != nil {
		return fmt.Errorf("web: style sheet: %w", err)
	}
	s.looks.all = cache.New[storedLook](maxLookBytes)
	s.own = newLook(brandPrefix, brand)
	s.styleSheet = s.own.add(brandPrefix, s.StyleSheet, "text/css; charset=utf-8")
	return s.prepareEIDs()
}

// brandFile serves a file of the installation's looks, or of a client's. Names hold a hash of the content, so browsers keep
// them for good; a stranger to it learns nothing of which clients there are.
func (s *Site) brandFile(w http.ResponseWriter, r *http.Request) {
	files := s.own.files
	if id := r.PathValue("client"); id != "" {
		client, err := s.Store.Client(r.Context(), id)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			s.notFound(w, r)
			return
		case err != nil:
			s.fault(w, r, "read client", err)
			return
		}
		files = s.looks.of(client).files
	}
	file, ok := files[r.PathValue("file")]
	if !ok {
		s.notFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.ContentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox") // for a picture opened by itself
	h.Set("Content-Length", strconv.Itoa(len(file.Body)))
	w.Write(file.Body)
}
