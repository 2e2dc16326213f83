package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"image"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"brygga/bankid/bankidsim"
)

const (
	computerAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
	phoneAgent    = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)

// visitor is a browser without script: it keeps cookies and follows redirects.
type visitor struct {
	t      *testing.T
	dev    *devInstance
	client *http.Client
	agent  string
}

// sight is what a visitor sees.
type sight struct {
	status int
	url    *url.URL
	body   string
}

func newVisitor(t *testing.T, d *devInstance, agent string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{}}
	if d.ca != nil {
		client.Transport = d.ca.client().Transport
	}
	t.Cleanup(client.CloseIdleConnections)
	return &visitor{t, d, client, agent}
}

func (v *visitor) do(method, address string, form url.Values) sight {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	request.Header.Set("User-Agent", v.agent)
	request.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", request.URL.Scheme+"://"+request.URL.Host)
	}
	response, err := v.client.Do(request)
	if err != nil {
		v.t.Fatalf("%s: %v", method, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return sight{response.StatusCode, response.Request.URL, string(body)}
}

func (v *visitor) get(address string) sight { v.t.Helper(); return v.do(http.MethodGet, address, nil) }

func (v *visitor) post(address string, pairs ...string) sight {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return v.do(http.MethodPost, address, form)
}

// begin presses the demo app's button and returns the address of the hosted page.
func (v *visitor) begin(query string) string {
	v.t.Helper()
	page := v.get(v.dev.DemoURL + "/login" + query)
	if page.status != http.StatusOK || !strings.HasPrefix(page.url.String(), v.dev.Issuer+"/login/") {
		v.t.Fatalf("the demo app leads to %d at %s:\n%s", page.status, page.url, page.body)
	}
	return page.url.String()
}

// update is what the page's script gets.
type update struct {
	View string `json:"view"`
	HTML string `json:"html"`
	QR   string `json:"qr"`
	Size int    `json:"size"`
}

func (v *visitor) look(login string) update {
	v.t.Helper()
	var u update
	if answer := v.get(login + "/status"); json.Unmarshal([]byte(answer.body), &u) != nil {
		v.t.Fatalf("status = %d: %s", answer.status, answer.body)
	}
	return u
}

// await looks until the page shows the view.
func (v *visitor) await(login, view string) {
	v.t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		u := v.look(login)
		if u.View == view {
			return
		}
		if time.Now().After(deadline) {
			v.t.Fatalf("the page shows %q, want %q:\n%s", u.View, view, u.HTML)
		}
	}
}

// frame returns the text of the first QR frame that the page's event stream sends.
func (v *visitor) frame(login string) string {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, login+"/events", nil)
	if err != nil {
		v.t.Fatal(err)
	}
	request.Header.Set("User-Agent", v.agent)
	response, err := v.client.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		var u update
		if ok && json.Unmarshal([]byte(data), &u) == nil && u.QR != "" {
			return readFrame(v.t, u)
		}
	}
	v.t.Fatalf("the event stream (%d) ended without a QR frame", response.StatusCode)
	return ""
}

// readFrame reads a frame as a phone does: from a picture.
func readFrame(t *testing.T, u update) string {
	t.Helper()
	bits, err := base64.StdEncoding.DecodeString(u.QR)
	if err != nil {
		t.Fatal(err)
	}
	const scale, quiet = 4, 4
	side := scale * (u.Size + 2*quiet)
	picture := image.NewGray(image.Rect(0, 0, side, side))
	for i := range picture.Pix {
		x, y := i%side/scale-quiet, i/side/scale-quiet
		picture.Pix[i] = 255
		if n := y*u.Size + x; x >= 0 && y >= 0 && x < u.Size && y < u.Size && bits[n/8]&(0x80>>(n%8)) != 0 {
			picture.Pix[i] = 0
		}
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		t.Fatal(err)
	}
	return result.GetText()
}

var launchLink = regexp.MustCompile(`id="launch"[^>]*href="([^"]+)"`)

// launch returns the launch link on the page.
func (v *visitor) launch(login string) string {
	v.t.Helper()
	found := launchLink.FindStringSubmatch(v.get(login).body)
	if found == nil {
		v.t.Fatalf("no launch link on the page")
	}
	return html.UnescapeString(found[1])
}

// phone calls the simulator's control API and returns the order.
func (v *visitor) phone(call string, body map[string]string) bankidsim.Order {
	v.t.Helper()
	order, status := v.tryPhone(call, body)
	if status != http.StatusOK {
		v.t.Fatalf("%s = %d", call, status)
	}
	return order
}

// tryPhone does the same where the simulator may refuse, and returns the status.
func (v *visitor) tryPhone(call string, body map[string]string) (order bankidsim.Order, status int) {
	v.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		v.t.Fatal(err)
	}
	another := &http.Client{Transport: v.client.Transport}
	response, err := another.Post(v.dev.PhoneURL+"/api/"+call, "application/json", bytes.NewReader(text))
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&order); err != nil {
		v.t.Fatalf("%s = %d, %v", call, response.StatusCode, err)
	}
	return order, response.StatusCode
}
