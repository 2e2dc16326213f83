package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
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
	userAgent   = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

// countCollects counts the calls of /collect.
type countCollects struct {
	next  http.Handler
	count atomic.Int64
}

func (c *countCollects) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/collect") {
		c.count.Add(1)
	}
	c.next.ServeHTTP(w, r)
}

// run starts a server on a fresh store, lets it idle, and puts the logins and then the code exchanges through it.
func (b *bench) run(ctx context.Context, last bool) (result, error) {
	if err := os.RemoveAll(filepath.Join(b.dir, "data")); err != nil {
		return result{}, err
	}
	if b.database != nil {
		if err := b.database.empty(ctx); err != nil {
			return result{}, err
		}
	}
	s, _, err := b.start(ctx)
	if err != nil {
		return result{}, err
	}
	defer s.stop()
	time.Sleep(3 * time.Second)
	var r result
	if r.idle, err = s.memory(); err != nil {
		return r, err
	}
	if last && b.profile != "" {
		go b.saveProfile(ctx)
	}
	collects, frames := b.collects(), atomic.Int64{}
	codes := make([]string, b.logins)
	begin := time.Now()
	login := func(i int) (err error) {
		if i < b.browsers { // people do not all come at once
			time.Sleep(time.Duration(i) * (b.think + 2*time.Second) / time.Duration(b.browsers))
		}
		person := <-b.people
		defer func() { b.people <- person }()
		codes[i], err = b.login(ctx, person, "openid", &frames)
		return err
	}
	worked, err := b.database.work(ctx)
	if err != nil {
		return r, err
	}
	loginCPU, err := s.using(func() error { return each(b.logins, b.browsers, login) })
	if err != nil {
		return r, fmt.Errorf("login: %w (server: %s)", err, s.stderr)
	}
	r.rate = float64(b.logins) / time.Since(begin).Seconds()
	exchangeCPU, err := s.using(func() error {
		return each(b.logins, workers, func(i int) error {
			_, err := b.exchange(ctx, codes[i])
			return err
		})
	})
	if err != nil {
		return r, fmt.Errorf("exchange: %w (server: %s)", err, s.stderr)
	}
	thousands := float64(b.logins) / 1000
	done, err := b.database.work(ctx)
	if err != nil {
		return r, err
	}
	r.database = work{(done.cpu - worked.cpu) / thousands, (done.commits - worked.commits) / float64(b.logins), (done.wal - worked.wal) / float64(b.logins)}
	r.login, r.exchange = (loginCPU+exchangeCPU)/thousands, exchangeCPU/thousands
	r.collects = float64(b.collects()-collects) / float64(b.logins)
	r.frames = float64(frames.Load()) / float64(b.logins)
	if r.endpoints, err = b.endpoints(ctx, s); err != nil {
		return r, err
	}
	return r, nil
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
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, value := range v.cookies {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
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
	text, err := io.ReadAll(response.Body)
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
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	v := &visit{bench: b, ctx: ctx, cookies: make(map[string]string)}
	challenge := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"client_id": {"bench"}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {scope}, "state": {"s"},
		"nonce": {"n"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	_, page, err := v.load(http.MethodGet, b.issuer+"/authorize?"+query.Encode(), nil)
	if err != nil {
		return "", err
	}
	html, _, err := v.load(http.MethodGet, page, nil)
	if err != nil {
		return "", err
	}
	for _, asset := range assets.FindAllString(html, -1) {
		if _, _, err := v.load(http.MethodGet, b.issuer+asset, nil); err != nil {
			return "", err
		}
	}
	scan := v.scanScripted
	if b.noScript {
		scan = v.scanPlain
	}
	if err := scan(page, person, frames); err != nil {
		return "", err
	}
	_, back, err := v.load(http.MethodPost, page+"/done", url.Values{"automatic": {"1"}})
	if err != nil {
		return "", err
	}
	to, err := url.Parse(back)
	if err != nil || to.Query().Get("code") == "" {
		return "", fmt.Errorf("no code in the answer to the app: %v", err)
	}
	return to.Query().Get("code"), nil
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
