package main

import (
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// refreshTime is how often a page without the script loads itself anew.
const refreshTime = 2 * time.Second

// shownView finds the state that a page is in.
var shownView = regexp.MustCompile(`<main id="main" data-view="([^"]+)"`)

// scanPlain logs in as a browser without the script does: the form leads back to the page, which loads itself anew until the login is
// complete. Meanwhile the person scans the first frame and approves.
func (v *visit) scanPlain(page, person string, frames *atomic.Int64) error {
	if err := v.press(page); err != nil {
		return err
	}
	approved := make(chan error, 1)
	for scanned := false; ; time.Sleep(refreshTime) {
		html, _, err := v.load(http.MethodGet, page, nil)
		if err != nil {
			return err
		}
		view := shownView.FindStringSubmatch(html)
		switch {
		case view == nil:
			return errors.New("the page has no view")
		case view[1] == "complete":
			return <-approved
		case strings.HasPrefix(view[1], "failed"):
			return errors.New("the login ended as " + view[1])
		case view[1] != "qr-wait":
			continue
		}
		frames.Add(1)
		if bits, ok := drawnFrame(html); ok && !scanned {
			scanned = true
			go func() { approved <- v.approve(bits, drawnSize, person) }()
		}
	}
}

// drawnSize is the number of modules on a side of BankID's codes, drawnMargin the light ones around them.
const drawnSize, drawnMargin = 41, 4

// drawn finds the runs of dark modules in the drawing of a code: column, row and length.
var drawn = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-\d+z`)

// drawnFrame reads the QR code that is drawn on a page: base64 of bits, row by row.
func drawnFrame(html string) (qr string, ok bool) {
	_, picture, ok := strings.Cut(html, `id="qr"`)
	picture, _, _ = strings.Cut(picture, "</svg>")
	bits := make([]byte, (drawnSize*drawnSize+7)/8)
	runs := drawn.FindAllStringSubmatch(picture, -1)
	for _, run := range runs {
		x, _ := strconv.Atoi(run[1]) // the pattern lets digits alone through
		y, _ := strconv.Atoi(run[2])
		length, _ := strconv.Atoi(run[3])
		first := (y-drawnMargin)*drawnSize + x - drawnMargin
		if first < 0 || first+length > drawnSize*drawnSize {
			return "", false
		}
		for i := first; i < first+length; i++ {
			bits[i/8] |= 0x80 >> (i % 8)
		}
	}
	return base64.StdEncoding.EncodeToString(bits), ok && len(runs) > 0
}
