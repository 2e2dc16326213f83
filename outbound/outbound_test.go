package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// callerTo returns a TLS server with the handler, and a Caller that trusts it and may reach it.
func callerTo(t *testing.T, handle http.HandlerFunc, change func(*Options)) (*httptest.Server, *Caller) {
	t.Helper()
	server := httptest.NewTLSServer(handle)
	t.Cleanup(server.Close)
	o := Options{Allow: loopback, Roots: x509.NewCertPool()}
	o.Roots.AddCert(server.Certificate())
	if change != nil {
		change(&o)
	}
	out := New(o)
	t.Cleanup(out.Close)
	return server, out
}

// Each address stands for a range, at one of its ends where that is telling.
func TestAddresses(t *testing.T) {
	forbidden := []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.8.8.8", "169.254.169.254",
		"172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255",
		"198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:7f00:1", "64:ff9b::7f00:1",
		"64:ff9b::a9fe:a9fe", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "100::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%lo", "fec0::1",
		"ff02::1", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1", "5f00::1",
	}
	for _, text := range forbidden {
		if err := checkAddress(net.JoinHostPort(text, "443"), nil); !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("%s may be called", text)
		}
	}
	for _, text := range []string{
		"1.1.1.1", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1", "192.167.255.255", "223.255.255.255",
		"2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1", "64:ff9b::101:101",
	} {
		if err := checkAddress(net.JoinHostPort(text, "8443"), nil); err != nil {
			t.Errorf("%s, which is public: %v", text, err)
		}
	}
	allow := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}
	for text, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "64:ff9b::a01:203": true, "fd00:1::7": true, "10.2.0.1": false, "fd00:2::7": false, "127.0.0.1": false,
	} {
		if err := checkAddress(net.JoinHostPort(text, "443"), allow); (err == nil) != want {
			t.Errorf("%s with the allowed networks: %v", text, err)
		}
	}
	for _, text := range []string{"", "localhost:443", "1.1.1.1"} {
		if checkAddress(text, nil) == nil {
			t.Errorf("%q is taken for an address", text)
		}
	}
}

// The real client refuses by the address that it is about to connect to, however that was written or named.
func TestRefusesOwnNetwork(t *testing.T) {
	asked := false
	server, out := callerTo(t, func(http.ResponseWriter, *http.Request) { asked = true }, func(o *Options) { o.Allow = nil })
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254", "0.0.0.0"} {
		address := "https://" + host + ":" + port + "/"
		if _, _, err := out.Get(t.Context(), address, 100); !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("GET %s: %v", address, err)
		}
		if _, err := out.PostForm(t.Context(), address, url.Values{"a": {"b"}}); !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("POST %s: %v", address, err)
		}
	}
	if asked {
		t.Error("the server was asked")
	}
}

func TestCalls(t *testing.T) {
	server, out := callerTo(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" || r.Header.Get("Referer") != "" {
			t.Errorf("the call brings along %v", r.Header)
		}
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("Cache-Control", "max-age=60")
		switch {
		case r.Method == http.MethodPost && r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" && string(body) == "logout_token=x+y":
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodGet && len(body) == 0:
			io.WriteString(w, `{"keys":[]}`)
		default:
			w.WriteHeader(http.StatusTeapot)
		}
	}, nil)
	for range 2 {
		body, header, err := out.Get(t.Context(), server.URL+"/jwks", 11)
		if err != nil || string(body) != `{"keys":[]}` || header.Get("Cache-Control") != "max-age=60" {
			t.Errorf("GET = %q, %v, %v", body, header, err)
		}
		if status, err := out.PostForm(t.Context(), server.URL+"/logout", url.Values{"logout_token": {"x y"}}); status != http.StatusNoContent || err != nil {
			t.Errorf("POST = %d, %v", status, err)
		}
	}
	if _, _, err := out.Get(t.Context(), server.URL+"/jwks", 10); err == nil || strings.Contains(err.Error(), "keys") {
		t.Errorf("an answer that is a byte too long: %v", err)
	}
}

func TestFollowsNoRedirect(t *testing.T) {
	server, out := callerTo(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/there" {
			t.Error("a redirect was followed")
		}
		w.Header().Set("Location", "/there")
		w.WriteHeader(http.StatusTemporaryRedirect)
	}, nil)
	if _, _, err := out.Get(t.Context(), server.URL, 100); err == nil {
		t.Error("GET takes a redirect for an answer")
	}
	if status, err := out.PostForm(t.Context(), server.URL, url.Values{}); status != http.StatusTemporaryRedirect || err != nil {
		t.Errorf("POST = %d, %v", status, err)
	}
}

func TestURLs(t *testing.T) {
	var out, insecure = New(Options{}), New(Options{InsecureHTTP: true})
	for _, address := range []string{
		"", "http://app.example.se/", "ftp://app.example.se/", "file:///etc/passwd", "//app.example.se/", "https:app.example.se", "https://", "https:///x",
		"https://:443/", "https://user@app.example.se/", "https://user:password@app.example.se/", "https://app.example.se/%zz", "https://app.example.se\x00/",
	} {
		if out.checkURL(address) == nil {
			t.Errorf("%q may be called", address)
		}
		if want := address == "http://app.example.se/"; (insecure.checkURL(address) == nil) != want {
			t.Errorf("with http, %q may be called: %t", address, !want)
		}
	}
	if _, _, err := out.Get(t.Context(), "https://user:password@127.0.0.1/", 100); err == nil || errors.Is(err, ErrForbiddenAddress) || strings.Contains(err.Error(), "password") {
		t.Errorf("credentials: %v", err)
	}
}

func TestTimeout(t *testing.T) {
	hold := make(chan struct{})
	server, out := callerTo(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.Write([]byte("{"))
			w.(http.Flusher).Flush()
		}
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}, func(o *Options) { o.Timeout = 50 * time.Millisecond })
	defer close(hold)
	for _, path := range []string{"/header", "/body"} {
		if _, _, err := out.Get(t.Context(), server.URL+path, 100); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("slow %s: %v", path, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := out.PostForm(ctx, server.URL+"/header", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// hungUp answers 200 when the call is given up.
type hungUp struct{}

func (hungUp) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// A server whose handler does nothing but wait until we hang up says 200 to that, and net/http takes the answer if it reads it before it has closed the
// connection, which happens once in some hundred calls on a busy machine. Nobody has been told by it.
func TestAnswerToTheHangUp(t *testing.T) {
	out := New(Options{Timeout: time.Millisecond})
	out.client.Transport = hungUp{}
	if status, err := out.PostForm(t.Context(), "https://app.example.se/", url.Values{"a": {"b"}}); status != 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("status %d, %v", status, err)
	}
	if body, _, err := out.Get(t.Context(), "https://app.example.se/", 100); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("body %q, %v", body, err)
	}
}

// A proxy would make the connection in our place, to whatever address it likes.
func TestUsesNoProxy(t *testing.T) {
	if New(Options{}).client.Transport.(*http.Transport).Proxy != nil {
		t.Error("a proxy may be used")
	}
}

// A server whose certificate leads to no root of ours, or that speaks an old version, is not asked anything.
func TestTLS(t *testing.T) {
	ask := func(w http.ResponseWriter, r *http.Request) { t.Error("the server was asked") }
	server, out := callerTo(t, ask, func(o *Options) { o.Roots = x509.NewCertPool() })
	var untrusted *tls.CertificateVerificationError
	if _, _, err := out.Get(t.Context(), server.URL, 100); !errors.As(err, &untrusted) {
		t.Errorf("unknown root: %v", err)
	}
	old := httptest.NewUnstartedServer(http.HandlerFunc(ask))
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	t.Cleanup(old.Close)
	roots := x509.NewCertPool()
	roots.AddCert(old.Certificate())
	if _, _, err := New(Options{Allow: loopback, Roots: roots}).Get(t.Context(), old.URL, 100); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

// What the other side has sent stays out of errors, however broken it is, and so does a query.
func TestErrorsQuoteNothing(t *testing.T) {
	const mark = "somebody-elses-words"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "220 "+mark+"\r\n\r\n")
			c.Close()
		}
	}()
	out := New(Options{Allow: loopback, InsecureHTTP: true})
	for _, scheme := range []string{"http", "https"} {
		_, _, err := out.Get(t.Context(), scheme+"://"+listener.Addr().String()+"/?"+mark, 100)
		if err == nil || strings.Contains(err.Error(), mark) {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}
