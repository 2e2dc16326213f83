package console

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"brygga/admin"
	"brygga/clients"
	"brygga/storage"
)

// Looks shows how the login page looks for the people of an app.
type Looks interface {
	// States are those that can be shown, in the order in which people see them.
	States() []string
	// Picture returns the page in a state for a client, which need not be stored, in a language and a theme, light, dark or empty for that of the
	// system: one document that refers to nothing. It returns false for what there is not.
	Picture(ctx context.Context, client *storage.Client, state, lang, theme string) ([]byte, bool)
	// Preview is the address of the page with a picture of every state, empty where there is none.
	Preview() string
}

// lookTab is the tab on which looks are changed, brandSection the section of it.
const (
	lookTab      = "look"
	brandSection = "section.brand"
	brandPrefix  = "brand."
)

// The fields of a logo: the file, and the box that takes the stored one away.
const (
	logoField     = "brand.logo"
	logoTakenAway = "logo_none"
)

// The fields that say what is shown, and the name of the frame in which it is.
const (
	pictureState = "picture_state"
	pictureLang  = "picture_lang"
	pictureTheme = "picture_theme"
	pictureFrame = "picture"
)

// maxUpload is how many bytes a form with a file may have.
const maxUpload = maxForm + 1<<20

// lookPages are those on which looks are shown.
func lookPages() []page {
	return []page{
		{pattern: "GET /clients/{id}/look/picture", operation: admin.ShowClient, handle: showPicture},
		{pattern: "POST /clients/{id}/look/picture", operation: admin.UpdateClient, handle: showDraft},
	}
}

// lookChange is the change of the form, with its logo.
func (v *visit) lookChange(f *form, names []string) func(*storage.Client) error {
	change := f.change(names)
	sent := f.file(logoField)
	return func(c *storage.Client) error {
		if err := change(c); err != nil {
			return err
		}
		switch {
		case len(sent) > 0:
			c.Brand.Logo, c.Brand.LogoType = sent, ""
		case f.has(logoTakenAway, "true"):
			c.Brand.Logo, c.Brand.LogoType = nil, ""
		}
		return nil
	}
}

// leaveChanged leads back to the tab, and says which colours could not be read as they were typed.
func (v *visit) leaveChanged(f *form, c *storage.Client, tab string) error {
	if moved := movedColours(f, c); moved != "" {
		return v.leave(clientPath(v.clientID(), tab), "look.moved", "colours", moved)
	}
	return v.leave(clientPath(v.clientID(), tab), "client.changed")
}

// movedColours are the colours that were typed and are stored otherwise, so that they can be read, each with what it is now.
func movedColours(f *form, c *storage.Client) string {
	var moved []string
	for _, name := range []string{"brand.accent", "brand.accent_dark"} {
		typed, stored := f.get(name), strings.Join(fieldOf(name).lines(c), "")
		if typed != "" && !strings.EqualFold(typed, stored) {
			moved = append(moved, strings.ToUpper(typed)+" → "+stored)
		}
	}
	return strings.Join(moved, ", ")
}

// showPicture shows the page in the looks that are stored.
func showPicture(v *visit) error {
	c, err := v.client()
	if err != nil {
		return err
	}
	query := v.r.URL.Query()
	return v.picture(c, query.Get(pictureState), query.Get(pictureLang), query.Get(pictureTheme), "")
}

// showDraft shows the page in the looks that are typed, and stores nothing.
func showDraft(v *visit) error {
	f := v.form()
	names := fieldsOf(sections[lookTab])
	would, err := v.Admin.UpdateClient(v, v.actor, v.clientID(), admin.Demand{DryRun: true}, v.lookChange(f, names))
	if v.clientFaults(f, err, append(names, logoField)...) {
		return v.framed(http.StatusUnprocessableEntity, v.lang, pictureless(v, f))
	}
	if err != nil {
		return err
	}
	note := ""
	if moved := movedColours(f, would.Client); moved != "" {
		note = v.text("look.moving", "colours", moved)
	}
	return v.picture(would.Client, f.get(pictureState), f.get(pictureLang), f.get(pictureTheme), note)
}

// picturePolicy lets a picture have what is written in it, and nothing else; a page of ours frames it.
const picturePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"

// picture sends a state of the login page for a frame; a note stands above it.
func (v *visit) picture(c *storage.Client, state, lang, theme, note string) error {
	if v.Looks == nil {
		return storage.ErrNotFound
	}
	if state == "" {
		state = v.Looks.States()[0]
	}
	if lang == "" {
		lang = v.lang
	}
	html, ok := v.Looks.Picture(v, c, state, lang, theme)
	if !ok {
		return storage.ErrNotFound
	}
	if note == "" {
		return v.framed(http.StatusOK, lang, templ.Raw(string(html)))
	}
	before, after, _ := strings.Cut(string(html), "<header")
	return v.framed(http.StatusOK, lang, templ.Join(templ.Raw(before), pictureNote(v, note), templ.Raw("<header"+after)))
}

// framed sends a document that stands in a frame of ours.
func (v *visit) framed(status int, lang string, document templ.Component) error {
	var b bytes.Buffer
	if err := document.Render(v, &b); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Security-Policy", picturePolicy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", lang)
	v.w.WriteHeader(status)
	v.w.Write(b.Bytes())
	return nil
}

// logoAddress is a logo as an address that holds it, empty for none.
func logoAddress(b storage.Brand) string {
	if len(b.Logo) == 0 || clients.IsPlain(b) {
		return ""
	}
	return "data:" + b.LogoType + ";base64," + base64.StdEncoding.EncodeToString(b.Logo)
}

// stateOptions, languageOptions and themeOptions are what can be shown.
func (v *visit) stateOptions() (all []option) {
	for _, state := range v.Looks.States() {
		all = append(all, option{state, v.text("look.state." + state), ""})
	}
	return all
}

func (v *visit) languageOptions() []option {
	all := []option{{v.lang, textIn(v.lang, "language.name"), ""}}
	for _, tag := range languages {
		if tag != v.lang {
			all = append(all, option{tag, textIn(tag, "language.name"), ""})
		}
	}
	return all
}

func (v *visit) themeOptions() (all []option) {
	for _, theme := range []string{"", "light", "dark"} {
		all = append(all, option{theme, v.text("look.theme." + theme), ""})
	}
	return all
}
