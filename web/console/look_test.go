package console

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"brygga/admin"
	"brygga/clients"
	"brygga/storage"
)

// pretendedLooks are pictures that say what they are of.
type pretendedLooks struct{}

func (pretendedLooks) States() []string { return []string{"choose-phone", "qr-wait"} }

func (pretendedLooks) Preview() string { return "http://localhost/preview" }

func (pretendedLooks) Picture(_ context.Context, c *storage.Client, state, lang, theme string) ([]byte, bool) {
	text := fmt.Sprintf("<!DOCTYPE html><title>x</title><header></header>%s %s %s %s %s %s", c.Name, c.Brand.Accent, c.Brand.Logo, state, lang, theme)
	return []byte(text), state == "choose-phone" || state == "qr-wait"
}

// pretendedBrand takes black for white, and no logo but one.
func pretendedBrand(b storage.Brand) (storage.Brand, error) {
	if b.Accent == "#ffffff" {
		b.Accent = "#000000"
	}
	if b.Accent == "white" {
		return b, clients.Problems{clients.BrandFault("accent", "")}
	}
	if len(b.Logo) > 0 && !bytes.HasPrefix(b.Logo, []byte("PICTURE")) {
		return b, clients.Problems{clients.BrandFault("logo", "made of letters")}
	}
	if len(b.Logo) > 0 {
		b.LogoType = "image/png"
	}
	return b, nil
}

// send sends a form with a file in a field, name and value in turn.
func (b *browser) send(path, field, file string, pairs ...string) shown {
	b.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i+1 < len(pairs); i += 2 {
		b.ok(w.WriteField(pairs[i], pairs[i+1]))
	}
	part, err := w.CreateFormFile(field, "logo.png")
	b.ok(err)
	part.Write([]byte(file))
	b.ok(w.Close())
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, b.server.URL+"/admin/"+path, &body)
	b.ok(err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", b.origin)
	r.Header.Set("Accept-Language", b.language)
	return b.sendRequest(r)
}

// TestLook: looks are shown before they are stored, without storing them, and are stored as they can be read. A logo that was chosen is not lost
// when something else is wrong.
func TestLook(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleAdmin)
	carried := func() []string { return append(b.get("clients/app/look").carriedOn(), "name", "Appen") }
	s.says(b.get("clients/app/look"), `enctype="multipart/form-data"`, `type="file"`, `formtarget="picture"`, `<iframe name="picture"`, "/preview?client=app")

	p := b.send("clients/app/look/picture", logoField, "PICTURE 1", append(carried(), "brand.accent", "#ffffff", "picture_state", "qr-wait", "picture_lang", "sv", "picture_theme", "dark")...)
	s.says(p, "Appen #000000 PICTURE 1 qr-wait sv dark", "#FFFFFF → #000000")
	if c, _ := s.store.Client(t.Context(), "app"); !clients.IsPlain(c.Brand) {
		t.Errorf("a picture has stored %+v", c.Brand)
	}
	if policy := p.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'self'") || !strings.Contains(policy, "sandbox") || p.Header.Get("X-Frame-Options") != "SAMEORIGIN" {
		t.Errorf("the picture has the policy %q", policy)
	}
	s.says(b.send("clients/app/look/picture", logoField, "", append(carried(), "brand.accent", "white")...), "is no colour")

	s.now = s.now.Add(time.Second)
	p = b.send("clients/app/look", logoField, "PICTURE 2", append(carried(), "brand.accent", "white")...)
	s.is(p, http.StatusUnprocessableEntity, "Appen")
	s.says(p, `id="fault-brand.accent"`, "is no colour", `value="white"`, "The picture that you chose is kept")
	p = b.send("clients/app/look", logoField, "", append(p.carriedOn(), "name", "Appen", "brand.accent", "#ffffff", "brand.support_url", "https://help.example.se")...)
	s.says(p, "Colours were changed so that they can be read: #FFFFFF → #000000")
	c, err := s.store.Client(t.Context(), "app")
	s.ok(err)
	if string(c.Brand.Logo) != "PICTURE 2" || c.Brand.Accent != "#000000" || c.Brand.SupportURL != "https://help.example.se" {
		t.Errorf("the brand is %+v", c.Brand)
	}
	s.says(b.get("clients/app/look"), "data:image/png;base64,UElDVFVSRSAy", `value="#000000"`)
	s.says(b.get("clients/app/look/picture?picture_lang=en"), "PICTURE 2 choose-phone en")
	s.is(b.get("clients/app/look/picture?picture_state=x"), http.StatusNotFound, "There is no such page")
	s.says(b.get("clients/app/history"), "Colour of buttons", "image/png, 9 bytes")

	p = b.send("clients/app/look", logoField, "a script", append(carried(), "brand.accent", "#000000", "brand.support_url", "https://help.example.se")...)
	s.says(p, `id="fault-brand.logo"`, "is no picture")
	if strings.Contains(p.body, `name="brand.logo_sent"`) {
		t.Error("what is no picture is kept")
	}
	b.send("clients/app/look", logoField, "", append(carried(), "brand.accent", "#000000", "logo_none", "true")...)
	if c, _ = s.store.Client(t.Context(), "app"); len(c.Brand.Logo) > 0 || c.Brand.Accent != "#000000" || c.Brand.SupportURL != "" {
		t.Errorf("the brand is %+v", c.Brand)
	}
}

// TestLookOfOthers: who may not change an app sees how it looks, and sends no draft.
func TestLookOfOthers(t *testing.T) {
	s := newSite(t)
	_, err := s.admin.UpdateClient(t.Context(), root, "app", admin.Demand{}, func(c *storage.Client) error { c.Brand.Accent = "#123456"; return nil })
	s.ok(err)
	b := s.as(storage.RoleHelpdesk)
	p := b.get("clients/app/look")
	s.says(p, "#123456", "<iframe")
	if regexp.MustCompile(`<form[^>]*clients/app`).MatchString(p.body) {
		t.Error("the help desk is offered a form")
	}
	s.says(b.get("clients/app/look/picture"), "#123456")
	s.is(b.post("clients/app/look/picture", "name", "x"), http.StatusForbidden, "You may not do this")
}
