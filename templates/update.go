package templates

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Update is what GET {BasePath}/events and {BasePath}/status tell the page script, as JSON. A field left out has not
// changed since the one before.
type Update struct {
	// View is the key of the state. The script swaps the page's main part when it differs from what is shown.
	View string `json:"view"`
	// Title is the document's title and HTML the inner HTML of the main part, both wanted when View is new.
	Title string `json:"title,omitempty"`
	HTML  string `json:"html,omitempty"`
	// QR is the base64 (standard, padded) of [Frame].Bits, Size its side in modules.
	QR   string `json:"qr,omitempty"`
	Size int    `json:"size,omitempty"`
	// Seconds is the time left, nil where none is shown.
	Seconds *int `json:"seconds,omitempty"`
}

// NewUpdate returns all there is to say about v. The HTML of a QR code has no drawing, as QR says what it is. Its error is that of
// rendering, which for views of this package means that ctx ended.
func NewUpdate(ctx context.Context, p Page, v View) (Update, error) {
	var html strings.Builder
	if err := Fragment(p, undrawn(v)).Render(ctx, &html); err != nil {
		return Update{}, fmt.Errorf("render view %q: %w", v.Key(), err)
	}
	u := NewTick(v)
	u.Title, u.HTML = Title(p, v), html.String()
	return u, nil
}

// NewTick returns what changes while the view stays: the QR frame and the time left. It renders nothing.
func NewTick(v View) Update {
	u := Update{View: v.Key()}
	if q, ok := v.(QRWait); ok && q.Frame.Size > 0 {
		u.QR, u.Size = base64.StdEncoding.EncodeToString([]byte(q.Frame.Bits)), q.Frame.Size
	}
	if l := v.left(); l.Of > 0 {
		s := max(l.Seconds, 0)
		u.Seconds = &s
	}
	return u
}

// Since returns u without what prev already said, for a stream of events. Of a view that prev did not show, it returns
// everything.
func (u Update) Since(prev Update) Update {
	if u.View != prev.View {
		return u
	}
	u.Title, u.HTML = "", ""
	if u.QR == prev.QR && u.Size == prev.Size {
		u.QR, u.Size = "", 0
	}
	if u.Seconds != nil && prev.Seconds != nil && *u.Seconds == *prev.Seconds {
		u.Seconds = nil
	}
	return u
}

// Empty reports whether u says nothing beyond the name of the view, so that it need not be sent.
func (u Update) Empty() bool {
	return u.Title == "" && u.HTML == "" && u.QR == "" && u.Seconds == nil
}

// AppendFrame appends the JSON of the update which says no more than that a view has another QR code, as it is made for each second of
// every open page.
func AppendFrame(text []byte, view string, f Frame) []byte {
	text = append(text, `{"view":"`...)
	text = append(text, view...)
	text = append(text, `","qr":"`...)
	text = base64.StdEncoding.AppendEncode(text, []byte(f.Bits))
	text = append(text, `","size":`...)
	text = strconv.AppendInt(text, int64(f.Size), 10)
	return append(text, '}')
}

// AppendJSON appends the update as JSON. Angle brackets stand in it as they are, as the HTML would be a third longer otherwise: it is read by
// the script alone, and no browser takes it for HTML by its media type, which answers forbid to guess (nosniff).
func (u Update) AppendJSON(text []byte) []byte {
	text = appendString(append(text, `{"view":`...), u.View)
	for _, field := range [...]struct{ name, value string }{{`,"title":`, u.Title}, {`,"html":`, u.HTML}, {`,"qr":`, u.QR}} {
		if field.value != "" {
			text = appendString(append(text, field.name...), field.value)
		}
	}
	if u.Size != 0 {
		text = strconv.AppendInt(append(text, `,"size":`...), int64(u.Size), 10)
	}
	if u.Seconds != nil {
		text = strconv.AppendInt(append(text, `,"seconds":`...), int64(*u.Seconds), 10)
	}
	return append(text, '}')
}

// appendString appends a string of JSON (RFC 8259 §7), with U+FFFD for what is not UTF-8.
func appendString(text []byte, s string) []byte {
	text = append(text, '"')
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			text = append(text, '\\', byte(r))
		case r < ' ':
			text = append(text, '\\', 'u', '0', '0', "0123456789abcdef"[r>>4], "0123456789abcdef"[r&0xf])
		case r < utf8.RuneSelf:
			text = append(text, s[i])
		default:
			text = utf8.AppendRune(text, r)
		}
	}
	return append(text, '"')
}
