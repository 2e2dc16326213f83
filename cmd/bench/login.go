package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"

	"brygga/bankid/bankidsim"
)

const (
	redirectURI = "http://127.0.0.1:9/callback"
	verifier    = "a-code-verifier-that-is-long-enough-for-rfc-7636-0123456789"
	challenge   = "h62Yt8nmIJSTofN9gOeZm1fiBvjhz9pOPFbp4LF8pp8"
	userAgent   = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

// countCalls counts the calls of BankID, and those of /collect among them.
type countCalls struct {
	next            http.Handler
	calls, collects atomic.Int64
}

func (c *countCalls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.calls.Add(1)
	if strings.HasSuffix(r.URL.Path, "/collect") {
		c.collects.Add(1)
	}
	c.next.ServeHTTP(w, r)
}

// each runs do n times, so many at once, and returns the first error of each worker's.
func each(n, workers int, do func(i int) error) error {
	var next atomic.Int64
	var group sync.WaitGroup
	faults := make(chan error, workers)
	for range workers {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := do(int(i)); err != nil {
					faults <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(faults)
	return <-faults
}

// visit is one browser's visit: requests with its cookies.
type visit struct {
	*bench
	ctx     context.Context
	cookies map[string]string
}

func (v *visit) do(method, address string, form url.Values) (*http.Response, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(v.ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("Accept-Language", "sv-SE,sv;q=0.9")
	request.Header.Set("Accept-Encoding", "gzip, deflate, br, zstd")
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, value := range v.cookies {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	v.requests.Add(1)
	response, err := v.browser.Do(request)
	if err != nil {
		return nil, err
	}
	for _, c := range response.Cookies() {
		v.cookies[c.Name] = c.Value
	}
	return response, nil
}

// load does a request, reads the whole answer and returns it with where it redirects to.
func (v *visit) load(method, address string, form url.Values) (body, location string, err error) {
	response, err := v.do(method, address, form)
	if err != nil {
		return "", "", err
	}
	defer response.Body.Close()
	var content io.Reader = response.Body
	if response.Header.Get("Content-Encoding") == "gzip" {
		if content, err = gzip.NewReader(response.Body); err != nil {
			return "", "", err
		}
	}
	text, err := io.ReadAll(content)
	if err != nil {
		return "", "", err
	}
	if response.StatusCode >= 400 {
		return "", "", fmt.Errorf("%s: %s", response.Request.URL.Path, response.Status)
	}
	if to, err := response.Location(); err == nil {
		location = to.String()
	}
	return string(text), location, nil
}

// login logs the person in by QR code, as a browser without cached assets would, and returns the code that the app gets.
func (b *bench) login(ctx context.Context, person, scope string, frames *atomic.Int64) (string, error) {
	return b.visit(ctx).login(b.es256, person, scope, frames)
}

// visit returns the visit of a browser without cookies.
func (b *bench) visit(ctx context.Context) *visit {
	return &visit{bench: b, ctx: ctx, cookies: make(map[string]string)}
}

// login logs the person in for the app, in this browser.
func (v *visit) login(app *provider, person, scope string, frames *atomic.Int64) (string, error) {
	return v.through(app.authorization(scope), person, frames)
}

// through has the person answer an auth request, and returns the code that the app gets.
func (v *visit) through(where, person string, frames *atomic.Int64) (string, error) {
	ctx := v.ctx
	defer func() { v.ctx = ctx }()
	var cancel context.CancelFunc
	v.ctx, cancel = context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, page, err := v.load(http.MethodGet, where, nil)
	if err != nil {
		return "", err
	}
	html, _, err := v.load(http.MethodGet, page, nil)
	if err != nil {
		return "", err
	}
	for _, asset := range assets.FindAllString(html, -1) {
		if _, _, err := v.load(http.MethodGet, v.issuer+asset, nil); err != nil {
			return "", err
		}
	}
	scan := v.scanScripted
	if v.noScript {
		scan = v.scanPlain
	}
	if err := scan(page, person, frames); err != nil {
		return "", err
	}
	_, back, err := v.load(http.MethodPost, page+"/done", url.Values{"automatic": {"1"}})
	if err != nil {
		return "", err
	}
	return codeIn(back)
}

// assets finds the style sheet, script and images of a page.
var assets = regexp.MustCompile(`/assets/[a-z0-9.-]+\.(css|js|svg)`)

// scanScripted logs in as the page's script does: it follows the events from the first page on, sends the form of the choice from there,
// reads the events until the login is complete, and loads nothing more. Meanwhile the person scans the first frame and approves.
func (v *visit) scanScripted(page, person string, frames *atomic.Int64) error {
	response, err := v.do(http.MethodGet, page+"/events?view=choose&looking=0&touch_points=0", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	approved := make(chan error, 1)
	pressed, scanned := false, false
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !pressed {
			pressed = true
			if err := v.press(page); err != nil {
				return err
			}
		}
		data, found := strings.CutPrefix(lines.Text(), "data:")
		if !found {
			continue
		}
		var update struct {
			View, QR string
			Size     int
		}
		if err := json.Unmarshal([]byte(data), &update); err != nil {
			return err
		}
		if update.QR != "" {
			frames.Add(1)
			if !scanned {
				scanned = true
				go func() { approved <- v.approve(update.QR, update.Size, person) }()
			}
		}
		if update.View == "complete" {
			return <-approved
		}
		if strings.HasPrefix(update.View, "failed") {
			return errors.New("the login ended as " + update.View)
		}
	}
	return fmt.Errorf("events ended: %w", cmpErr(lines.Err(), io.ErrUnexpectedEOF))
}

// press sends the form that starts an order with a QR code.
func (v *visit) press(page string) error {
	_, _, err := v.load(http.MethodPost, page+"/start", url.Values{"device": {"other"}, "first": {"1"}, "touch_points": {"0"}})
	return err
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// approve reads the QR code that is shown, scans it with the person's phone and approves after a while.
func (v *visit) approve(qr string, size int, person string) error {
	text, err := readQR(qr, size)
	if err != nil {
		return err
	}
	order, err := v.sim.Scan(bankidsim.Pickup{QR: text, PersonalNumber: person})
	if err != nil {
		return err
	}
	time.Sleep(v.think)
	_, err = v.sim.Sign(order.OrderRef, bankidsim.Approval{})
	return err
}

// readQR decodes the modules of a frame: base64 of bits, row by row.
func readQR(qr string, size int) (string, error) {
	bits, err := base64.StdEncoding.DecodeString(qr)
	if err != nil {
		return "", err
	}
	matrix, err := gozxing.NewBitMatrix(size, size)
	if err != nil {
		return "", err
	}
	for i := range size * size {
		if bits[i/8]&(0x80>>(i%8)) != 0 {
			matrix.Set(i%size, i/size)
		}
	}
	decoded, err := decoder.NewDecoder().DecodeWithoutHint(matrix)
	if err != nil {
		return "", err
	}
	return decoded.GetText(), nil
}

// saveProfile writes ten seconds of the server's CPU profile.
func (b *bench) saveProfile(ctx context.Context) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.admin+"/debug/pprof/profile?seconds=15", nil)
	if err != nil {
		return
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: profile:", err)
		return
	}
	defer response.Body.Close()
	file, err := os.Create(b.profile)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: profile:", err)
		return
	}
	defer file.Close()
	io.Copy(file, response.Body)
}
