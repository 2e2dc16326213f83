package conformance

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// bankID logs people in at a page like brygga's, with a virtual phone that scans the QR code on the screen.
type bankID struct{ phone string }

// update is one event of the login page.
type update struct {
	View, QR string
	Size     int
}

// Act starts an order for another device, scans the picture that is shown, and approves, or lets it come to nothing.
func (d *bankID) Act(ctx context.Context, b *Browser, page *Page, person *Person, do Action) (*Page, error) {
	login := page.URL.Scheme + "://" + page.URL.Host + page.URL.Path
	if do == Cancel {
		return b.Submit(ctx, login+"/leave", url.Values{})
	}
	if started, err := b.Submit(ctx, login+"/start", url.Values{"device": {"other"}}); err != nil || started.Status >= 400 {
		return nil, fmt.Errorf("start an order: %w", unexpected(started, err))
	}
	view, err := d.watch(ctx, b, login, person, do)
	if err != nil {
		return nil, err
	}
	switch {
	case do == Approve && view == "complete":
		return b.Submit(ctx, login+"/done", url.Values{})
	case do == Break && strings.HasPrefix(view, "failed"):
		shown, err := b.Submit(ctx, login, nil)
		if err != nil || shown.Status != http.StatusOK || shown.To != nil {
			return nil, fmt.Errorf("the failure is not shown to the person: %w", unexpected(shown, err))
		}
		return b.Submit(ctx, login+"/leave", url.Values{})
	}
	return nil, fmt.Errorf("the login ended as %s", view)
}

// unexpected tells what came in place of a page.
func unexpected(page *Page, err error) error {
	if err != nil {
		return err
	}
	return errors.New(page.Answer.String())
}

// watch follows the page's events to the end of the login and returns the view it ends with. Meanwhile the phone acts on the first
// QR code.
func (d *bankID) watch(ctx context.Context, b *Browser, login string, person *Person, do Action) (string, error) {
	request, err := b.request(ctx, http.MethodGet, login+"/events", http.NoBody)
	if err != nil {
		return "", err
	}
	streaming := &http.Client{Transport: b.client.Transport}
	response, err := streaming.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	acted := false
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	view := ""
	for lines.Scan() {
		data, found := strings.CutPrefix(lines.Text(), "data:")
		if !found {
			continue
		}
		var news update
		if err := json.Unmarshal([]byte(data), &news); err != nil {
			return "", err
		}
		if news.View != "" {
			view = news.View
		}
		if news.QR != "" && !acted {
			switch err := d.scan(ctx, b, news, person, do); {
			case errors.Is(err, errBlurred), errors.Is(err, errStale): // a person holds the phone still until the next frame
			case err != nil:
				return "", err
			default:
				acted = true
			}
		}
		if view == "complete" || strings.HasPrefix(view, "failed") {
			return view, nil
		}
	}
	return "", fmt.Errorf("the events of the login ended at %q: %w", view, cmp.Or(lines.Err(), ctx.Err(), io.ErrUnexpectedEOF))
}

// scan lets the person's phone scan the code and do what the person wants.
func (d *bankID) scan(ctx context.Context, b *Browser, shown update, person *Person, do Action) error {
	var order struct{ OrderRef, VisibleText string }
	err := errBlurred
	for scale := 3; scale < 7 && errors.Is(err, errBlurred); scale++ {
		picture, drawn := draw(shown, scale)
		if drawn != nil {
			return drawn
		}
		err = d.call(ctx, "scan-image?personalNumber="+url.QueryEscape(person.Name), "image/png", picture, &order)
	}
	if err != nil {
		return err
	}
	b.Shown = order.VisibleText
	if do == Break {
		return d.call(ctx, "orders/"+order.OrderRef+"/fail", "application/json", []byte(`{"hintCode":"certificateErr"}`), nil)
	}
	return d.call(ctx, "orders/"+order.OrderRef+"/sign", "application/json", []byte("{}"), nil)
}

// A scan that failed for these reasons may succeed with the next frame.
var (
	errBlurred = errors.New("the phone finds no QR code in the picture")
	errStale   = errors.New("the QR code is too old")
)

// call makes one call to the virtual phone.
func (d *bankID) call(ctx context.Context, path, kind string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.phone+"/api/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", kind)
	a, err := send(http.DefaultClient, request)
	if err != nil {
		return err
	}
	switch a.Text("error") {
	case "noQR":
		return errBlurred
	case "qrTooOld", "orderEnded":
		return errStale
	}
	if a.Status >= 300 {
		return fmt.Errorf("virtual phone: %s: %s", a, a.Text("message"))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(a.Body, into)
}

// draw paints a QR code as the page does: black modules on white, so many pixels wide, with a quiet zone of four.
func draw(shown update, scale int) ([]byte, error) {
	const quiet = 4
	bits, err := base64.StdEncoding.DecodeString(shown.QR)
	if err != nil {
		return nil, err
	}
	if len(bits)*8 < shown.Size*shown.Size {
		return nil, fmt.Errorf("a QR code of %d modules has %d bytes", shown.Size, len(bits))
	}
	side := (shown.Size + 2*quiet) * scale
	picture := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for i := range shown.Size * shown.Size {
		if bits[i/8]&(0x80>>(i%8)) == 0 {
			continue
		}
		x, y := (i%shown.Size+quiet)*scale, (i/shown.Size+quiet)*scale
		for dy := range scale {
			for dx := range scale {
				picture.SetColorIndex(x+dx, y+dy, 1)
			}
		}
	}
	var text bytes.Buffer
	if err := png.Encode(&text, picture); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}
