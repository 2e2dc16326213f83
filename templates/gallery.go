package templates

import (
	"context"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/a-h/templ"
)

// Gallery is the designers' and translators' overview: a picture of every state of the pages, dressed and in the language that are
// asked for.
type Gallery struct {
	// Path is where the states are served: {Path}/{State.Name}, with the query of the choices below. With picture=1 besides, a page is
	// one to be framed, without its script.
	Path string
	// Lang is the language of the overview itself, which it has in English and Swedish.
	Lang string
	// Messages are the texts of the pages; Sheets the style sheets of the overview, as in Page.
	Messages *Catalogue
	Sheets   [3]string
	// Shown is the language of the pictures, Theme light, dark or empty for that of the system, Size one of GallerySizes.
	Shown, Theme, Size string
	// Search leaves only states whose name or text has it, without regard to case.
	Search string
	// Client is the ID of the client whose looks are shown, one of Clients; Accent and AccentDark are colours that are tried, as
	// #rrggbb. Empty for those of the installation.
	Client             string
	Clients            []string
	Accent, AccentDark string
	// Fault is what is wrong with the looks or texts as they stand, so that older ones are shown; empty for nothing.
	Fault string
}

// GallerySizes are the screens that pictures are of; the first is what there is to begin with.
func GallerySizes() []string { return []string{"phone", "small", "sideways", "tablet", "computer"} }

// galleryWords are the texts of the overview, in English and in Swedish.
var galleryWords = map[string][2]string{
	"title":    {"All states of the login page", "Alla lägen på inloggningssidan"},
	"lead":     {"Made from made-up values by the same components as the real pages. Press a picture for the page itself.", "Gjorda av påhittade värden med samma delar som de riktiga sidorna. Tryck på en bild för själva sidan."},
	"search":   {"Search names and texts", "Sök bland namn och texter"},
	"language": {"Language", "Språk"},
	"theme":    {"Theme", "Tema"},
	"system":   {"as the system", "som systemet"},
	"light":    {"light", "ljust"},
	"dark":     {"dark", "mörkt"},
	"size":     {"Screen", "Skärm"},
	"phone":    {"phone, 390 × 844", "mobil, 390 × 844"},
	"small":    {"small phone, 320 × 568", "liten mobil, 320 × 568"},
	"sideways": {"phone on its side, 844 × 390", "liggande mobil, 844 × 390"},
	"tablet":   {"tablet, 820 × 1180", "surfplatta, 820 × 1180"},
	"computer": {"computer, 1280 × 800", "dator, 1280 × 800"},
	"client":   {"Looks of", "Utseende för"},
	"own":      {"the installation", "installationen"},
	"accent":   {"Colour", "Färg"},
	"accent2":  {"Colour, dark", "Färg, mörkt"},
	"show":     {"Show", "Visa"},
	"all":      {"Show all", "Visa alla"},
	"none":     {"No state has that text.", "Inget läge har den texten."},
	"fault":    {"The file as it stands is wrong. These are the last good texts and looks.", "Filen är fel som den är nu. Det här är de senaste texterna och utseendet som fungerade."},
	"choose":   {"The choice", "Valet"},
	"wait":     {"Waiting for the app", "Väntan på appen"},
	"progress": {"In the app", "I appen"},
	"done":     {"Done", "Klart"},
	"failed":   {"It did not work", "Det gick inte"},
	"apart":    {"Beside a login", "Vid sidan av en inloggning"},
}

func (g Gallery) text(key string) string {
	if g.Lang == "sv" {
		return galleryWords[key][1]
	}
	return galleryWords[key][0]
}

// language is the tag of the overview's own language.
func (g Gallery) language() string {
	if g.Lang == "sv" {
		return "sv"
	}
	return "en"
}

// query returns the choices as a query, so that a page looks like its picture.
func (g Gallery) query() url.Values {
	values := url.Values{"lang": {g.Shown}}
	for name, value := range map[string]string{"theme": g.Theme, "client": g.Client, "accent": g.Accent, "accent_dark": g.AccentDark} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}

func (g Gallery) address(s State) templ.SafeURL {
	return templ.SafeURL(g.Path + "/" + url.PathEscape(s.Name) + "?" + g.query().Encode())
}

func (g Gallery) picture(s State) templ.SafeURL {
	values := g.query()
	values.Set("picture", "1")
	return templ.SafeURL(g.Path + "/" + url.PathEscape(s.Name) + "?" + values.Encode())
}

// galleryGroup is a part of the course of a login.
type galleryGroup struct {
	key    string
	states []State
}

// groups returns the states that are looked for, in the order of a login.
func (g Gallery) groups(ctx context.Context) []galleryGroup {
	var all []galleryGroup
	for _, key := range []string{"choose", "wait", "progress", "done", "failed", "apart"} {
		all = append(all, galleryGroup{key: key})
	}
	for _, state := range Preview(g.Shown) {
		state.Page.Messages = g.Messages
		if !g.finds(ctx, state) {
			continue
		}
		at := slices.IndexFunc(all, func(group galleryGroup) bool { return group.key == part(state.View) })
		all[at].states = append(all[at].states, state)
	}
	return slices.DeleteFunc(all, func(group galleryGroup) bool { return len(group.states) == 0 })
}

// part is the part of a login that a view belongs to.
func part(v View) string {
	switch v.(type) {
	case Choose:
		return "choose"
	case Starting, QRWait, AppWait:
		return "wait"
	case Progress:
		return "progress"
	case Complete, FormPost, WayOut:
		return "done"
	case Failed:
		return "failed"
	}
	return "apart"
}

var markup = regexp.MustCompile(`<[^>]*>`)

// finds reports whether the state has the text that is looked for, in its name or on its page. Soft hyphens do not count.
func (g Gallery) finds(ctx context.Context, s State) bool {
	wanted := strings.ToLower(strings.TrimSpace(g.Search))
	if wanted == "" || strings.Contains(strings.ToLower(s.Name), wanted) {
		return true
	}
	var page strings.Builder
	if Document(s.Page, s.View).Render(ctx, &page) != nil {
		return false
	}
	_, body, _ := strings.Cut(page.String(), "<main")
	body, _, _ = strings.Cut(body, "</main>")
	text := html.UnescapeString(markup.ReplaceAllString("<main"+body, " "))
	return strings.Contains(strings.ToLower(strings.ReplaceAll(text, "\u00AD", "")), wanted)
}
