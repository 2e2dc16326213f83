package notice

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"brygga/storage"
)

// Banner is a message on every page of a login, such as of planned maintenance. The zero value shows nothing.
type Banner struct {
	// Texts are what it says, by language. One that is missing is shown in another: Swedish first.
	Texts map[string]string `json:"texts,omitempty"`
	// From and To are when it is shown: from inclusive, to exclusive. Zero means from now on, and until it is taken away.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Actor is who has set it, At when.
	Actor string    `json:"actor,omitempty"`
	At    time.Time `json:"at,omitzero"`
}

// Languages are those in which a banner can be written.
var Languages = []string{"sv", "en"}

// maxBanner bounds the text of a banner, in characters.
const maxBanner = 300

// Check returns Problems, or nil.
func (b *Banner) Check() error {
	var all Problems
	said := false
	for language, text := range b.Texts {
		switch {
		case language != "sv" && language != "en":
			all.add("texts", "has a language other than sv and en")
		case utf8.RuneCountInString(text) > maxBanner:
			all.add(language, "is longer than 300 characters")
		case strings.ContainsFunc(text, unicode.IsControl):
			all.add(language, "has line breaks or control characters")
		}
		said = said || strings.TrimSpace(text) != ""
	}
	if !said {
		all.add("sv", "is missing: write at least one text")
	}
	if !b.From.IsZero() && !b.To.IsZero() && !b.From.Before(b.To) {
		all.add("to", "is not after the beginning")
	}
	return all.err()
}

// Shown returns what is shown at a time in a language, "" for nothing.
func (b *Banner) Shown(at time.Time, language string) string {
	if b == nil || at.Before(b.From) || !b.To.IsZero() && !at.Before(b.To) {
		return ""
	}
	base, _, _ := strings.Cut(language, "-")
	for _, of := range append([]string{base}, Languages...) {
		if text := strings.TrimSpace(b.Texts[of]); text != "" {
			return text
		}
	}
	return ""
}

// settings returns the banner as name and value, for the audit log.
func (b *Banner) settings() [][2]string {
	moment := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return [][2]string{{"text_sv", b.Texts["sv"]}, {"text_en", b.Texts["en"]}, {"from", moment(b.From)}, {"to", moment(b.To)}}
}

// Banners keeps the banner. Its methods may be called concurrently.
type Banners struct {
	store Store
	now   func() time.Time
	seen  atomic.Pointer[Banner]
}

// NewBanners returns the banner of the store.
func NewBanners(store Store, now func() time.Time) *Banners { return &Banners{store: store, now: now} }

// Get returns the banner as it is stored.
func (b *Banners) Get(ctx context.Context) (Banner, error) {
	var is Banner
	_, err := read(ctx, b.store, bannerNote, &is)
	return is, err
}

// Look reads the banner for Shown. It is called every few seconds.
func (b *Banners) Look(ctx context.Context) error {
	is, err := b.Get(ctx)
	if err == nil {
		b.seen.Store(&is)
	}
	return err
}

// Shown returns what is shown now in a language, "" for nothing, as the last Look has found it. It costs next to nothing.
func (b *Banners) Shown(language string) string {
	is := b.seen.Load()
	if is == nil || len(is.Texts) == 0 {
		return ""
	}
	return is.Shown(b.now(), language)
}

// Set stores a banner, the zero value for none. Tell makes the audit events of what it was and is, as names and values. It returns Problems, or
// ErrConflict.
func (b *Banners) Set(ctx context.Context, banner Banner, tell func(before, after [][2]string) []storage.AuditEvent) error {
	if len(banner.Texts) > 0 {
		if err := banner.Check(); err != nil {
			return err
		}
	}
	var before Banner
	stored, err := read(ctx, b.store, bannerNote, &before)
	if err != nil {
		return err
	}
	after, err := json.Marshal(banner)
	if err != nil {
		return err
	}
	if err := write(ctx, b.store, storage.NoteChange{Turn: bannerNote, Before: stored, After: after, Events: tell(before.settings(), banner.settings())}); err != nil {
		return err
	}
	b.seen.Store(&banner)
	return nil
}
