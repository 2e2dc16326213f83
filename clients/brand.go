package clients

import (
	"bytes"
	"slices"

	"brygga/storage"
)

// brandSettings are the settings of a brand but its logo, in the order in which they are shown.
var brandSettings = []Setting[storage.Brand]{
	{"accent", "", "colour of its buttons, as #rrggbb", "our own", nil,
		func(b *storage.Brand) any { return &b.Accent }},
	{"accent_dark", "", "the same for the dark theme", "made from accent", nil,
		func(b *storage.Brand) any { return &b.AccentDark }},
	{"support_url", "", "where its people get help: https or mailto", "", nil,
		func(b *storage.Brand) any { return &b.SupportURL }},
	{"accessibility_url", "", "its accessibility statement: https or mailto", "", nil,
		func(b *storage.Brand) any { return &b.AccessibilityURL }},
}

// BrandSettings returns the settings of a brand but its logo, in the order in which they are shown. Whoever stores them has them checked.
func BrandSettings() []Setting[storage.Brand] { return slices.Clone(brandSettings) }

// BrandFault returns what is wrong with a setting of a brand, one of BrandSettings or logo, of which reason says more.
func BrandFault(setting, reason string) Problem {
	key := brandMember + "." + setting
	switch setting {
	case "logo":
		return Fault(key, "brand.logo", reason)
	case "accent", "accent_dark":
		return Fault(key, "brand.colour")
	}
	return Fault(key, "brand.link")
}

// IsPlain reports whether a brand changes nothing.
func IsPlain(b storage.Brand) bool { return SameBrand(b, storage.Brand{}) }

// SameBrand reports whether two brands are the same.
func SameBrand(a, b storage.Brand) bool {
	return bytes.Equal(a.Logo, b.Logo) && a.LogoType == b.LogoType && a.Accent == b.Accent && a.AccentDark == b.AccentDark &&
		a.SupportURL == b.SupportURL && a.AccessibilityURL == b.AccessibilityURL
}
