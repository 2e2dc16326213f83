package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"

	"brygga/storage"
	"brygga/templates"
)

// Pictured are the states of the login page that Picture shows, in the order in which people see them.
func Pictured() []string {
	return []string{"choose-phone", "choose-computer", "qr-wait", "app-wait-device", "confirm-device", "complete", "failed-certificateErr-device"}
}

// Picture returns a state of the login page as it would be for the client, whose looks need not be stored and were checked by CheckBrand. Theme is
// light, dark or empty for that of the system. The document refers to nothing outside of itself, has no script, and its forms lead nowhere. It returns false
// for a state or a language that there is not.
func (s *Site) Picture(ctx context.Context, client *storage.Client, state, lang, theme string) ([]byte, bool) {
	if !s.knownLanguage(lang) || !slices.Contains(Pictured(), state) {
		return nil, false
	}
	all := templates.Preview(lang)
	at := slices.IndexFunc(all, func(of templates.State) bool { return of.Name == state })
	if at < 0 {
		return nil, false
	}
	page, view := all[at].Page, all[at].View
	page.ClientName, page.ClientURL, page.Messages, page.ServiceName = client.NameIn(lang), "", s.Messages, s.ServiceName
	page.Theme, page.Picture, page.OneLanguage = theme, true, true
	own := newLook(brandPrefix+"draft/", client.Brand)
	s.wear(&page, own)
	if v, is := view.(templates.AppWait); is {
		v.LaunchURL, v.Shown.Text = "", s.Messages.AppText(lang, page.ClientName)
		view = v
	}
	var html bytes.Buffer
	if err := s.pages.Document(ctx, &html, page, view); err != nil {
		return nil, false
	}
	files := map[string]templates.Asset{}
	for name, file := range s.own.files {
		files[brandPrefix+name] = file
	}
	for name, file := range own.files {
		files[brandPrefix+"draft/"+name] = file
	}
	for name, file := range templates.Assets() {
		files[templates.AssetPrefix+name] = file
	}
	return whole(html.Bytes(), files), true
}

var (
	sheetLink   = regexp.MustCompile(`<link rel="stylesheet" href="([^"]*)">`)
	fileAddress = regexp.MustCompile(`(src|href)="(/[^"]*)"`)
)

// whole returns a document with the files that it refers to in it: style sheets as elements, pictures as addresses that hold them.
func whole(html []byte, files map[string]templates.Asset) []byte {
	html = sheetLink.ReplaceAllFunc(html, func(link []byte) []byte {
		sheet := files[string(sheetLink.FindSubmatch(link)[1])].Body
		return slices.Concat([]byte("<style>"), sheet, []byte("</style>"))
	})
	return fileAddress.ReplaceAllFunc(html, func(attribute []byte) []byte {
		parts := fileAddress.FindSubmatch(attribute)
		file, there := files[string(parts[2])]
		if !there || strings.HasPrefix(file.ContentType, "text/") {
			return []byte(string(parts[1]) + `="#"`)
		}
		return []byte(string(parts[1]) + `="data:` + file.ContentType + ";base64," + base64.StdEncoding.EncodeToString(file.Body) + `"`)
	})
}
