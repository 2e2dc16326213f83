package netid

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brygga/secret"
)

// station is a service that answers as a test says.
type station struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string // bodies of requests
	header http.Header
}

func newStation(t *testing.T, answer http.HandlerFunc) *station {
	s := &station{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.asked, s.header = append(s.asked, string(body)), r.Header
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// requests returns the bodies that came, and the header of the last.
func (s *station) requests() ([]string, http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked), s.header.Clone()
}

func (s *station) api(t *testing.T, change func(*Options)) *API {
	t.Helper()
	o := Options{URL: s.URL + "/nias/ServiceServer.asmx", InsecureHTTP: true}
	if change != nil {
		change(&o)
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// saying answers with a body of that version of SOAP.
func saying(version SOAP, status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		kind := "text/xml; charset=utf-8"
		if version == SOAP12 {
			kind = "application/soap+xml; charset=utf-8"
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="%s"><s:Body>%s</s:Body></s:Envelope>`, envelopes[version], body)
	}
}

func faulting(version SOAP, text string) http.HandlerFunc {
	if version == SOAP12 {
		return saying(version, 500, `<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason><s:Text xml:lang="en">`+text+`</s:Text></s:Reason></s:Fault>`)
	}
	return saying(version, 500, `<s:Fault><faultcode>s:Server</faultcode><faultstring>`+text+`</faultstring><detail/></s:Fault>`)
}

func collecting(inner string) http.HandlerFunc {
	return saying(SOAP11, 200, `<CollectResponse xmlns="http://netid.secmaker.com/nias/"><CollectResult>`+inner+`</CollectResult></CollectResponse>`)
}

func authenticate(t *testing.T, a *API) (Order, error) {
	t.Helper()
	return a.Authenticate(t.Context(), AuthenticateRequest{UserID: secret.New(testNumber), NonVisible: testNonce})
}

var versions = []SOAP{SOAP11, SOAP12}

// hanging is a transport that never answers.
type hanging struct{ tries int }

func (h *hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	h.tries++
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestHangingServiceIsAskedThrice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ retries, tries int }{{0, 3}, {-1, 1}, {1, 2}} {
			h := &hanging{}
			a, err := New(Options{URL: "http://localhost/", InsecureHTTP: true, Profile: Profile{Retries: c.retries}})
			if err != nil {
				t.Fatal(err)
			}
			a.client.Transport = h
			start := time.Now()
			if _, err := authenticate(t, a); !errors.Is(err, ErrUnavailable) || h.tries != c.tries || time.Since(start) != time.Duration(c.tries)*DefaultTimeout {
				t.Errorf("%d retries: %v after %d attempts in %v", c.retries, err, h.tries, time.Since(start))
			}
		}
	})
}

func TestCallersTimeIsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{}
		a, err := New(Options{URL: "http://localhost/", InsecureHTTP: true})
		if err != nil {
			t.Fatal(err)
		}
		a.client.Transport = h
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		if _, err := a.Collect(ctx, secret.New("order-1")); !errors.Is(err, ErrUnavailable) || h.tries != 2 {
			t.Errorf("%v after %d attempts", err, h.tries)
		}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, stop)
		if _, err := a.Collect(ctx, secret.New("order-1")); err != context.Canceled || h.tries != 3 {
			t.Errorf("given up: %v after %d attempts", err, h.tries)
		}
	})
}

func TestOptions(t *testing.T) {
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: newAuthority(t, "Server root").cert.Raw})
	good := func() Options {
		return Options{URL: "https://nias.example/nias/ServiceServer.asmx", Profile: Profile{Name: "inside", RootCAsPEM: root}}
	}
	if _, err := New(good()); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Options){
		"no address":                func(o *Options) { o.URL = "" },
		"a query":                   func(o *Options) { o.URL += "?WSDL" },
		"a password in it":          func(o *Options) { o.URL = "https://a:b@nias.example/" },
		"no TLS":                    func(o *Options) { o.URL = "http://nias.example/" },
		"no TLS to another machine": func(o *Options) { o.URL, o.InsecureHTTP = "http://nias.example/", true },
		"no roots":                  func(o *Options) { o.Profile.RootCAsPEM = nil },
		"a key for a root": func(o *Options) {
			o.Profile.RootCAsPEM = bytes.ReplaceAll(root, []byte("CERTIFICATE"), []byte("PRIVATE KEY"))
		},
		"no certificate":          func(o *Options) { o.Profile.Certificate = CertificateFiles("/nowhere", "") },
		"a proxy of another kind": func(o *Options) { o.Profile.Proxy = secret.New("socks5://proxy:1080") },
		"many retries":            func(o *Options) { o.Profile.Retries = 3 },
		"a negative time":         func(o *Options) { o.Profile.Timeout = -1 },
		"another SOAP":            func(o *Options) { o.SOAP = "1.0" },
		"another version":         func(o *Options) { o.Version = "3" },
		"another format":          func(o *Options) { o.Format = "xml" },
		"options of the older":    func(o *Options) { o.Version, o.ServiceOptions = Version1, "a" },
		"a negative size":         func(o *Options) { o.MaxAnswer = -1 },
	} {
		o := good()
		spoil(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// secured is a service over mutual TLS.
func secured(t *testing.T, root *authority) *httptest.Server {
	server := httptest.NewUnstartedServer(faulting(SOAP11, "USER_BLOCKED"))
	leaf := root.issue(t, func(c *x509.Certificate) {
		c.Subject, c.DNSNames, c.ExtKeyUsage = pkix.Name{CommonName: "nias"}, []string{"localhost"}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}, nil)
	clients := x509.NewCertPool()
	clients.AddCert(root.cert)
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.cert.Raw}, PrivateKey: leaf.key}}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients,
	}
	server.Config.ErrorLog = quiet
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestMutualTLS(t *testing.T) {
	root, other := newAuthority(t, "Root"), newAuthority(t, "Other root")
	server := secured(t, root)
	address := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	shown := func(a *authority) func() (*tls.Certificate, error) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := a.issue(t, nil, key)
		return func() (*tls.Certificate, error) {
			return &tls.Certificate{Certificate: [][]byte{c.cert.Raw}, PrivateKey: key}, nil
		}
	}
	for name, c := range map[string]struct {
		url   string
		roots *authority
		cert  func() (*tls.Certificate, error)
		want  error
	}{
		"each knows the other":          {address, root, shown(root), ErrUserBlocked},
		"a root that is not pinned":     {address, other, shown(root), ErrUntrustedServer},
		"another name":                  {server.URL, root, shown(root), ErrUntrustedServer},
		"no certificate":                {address, root, nil, ErrRefused},
		"a certificate that it refuses": {address, root, shown(other), ErrRefused},
	} {
		a, err := New(Options{URL: c.url, Profile: Profile{
			RootCAsPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.roots.cert.Raw}), Certificate: c.cert,
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := authenticate(t, a); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		a.Close()
	}
}

func TestProxyOfTheProfile(t *testing.T) {
	proxy := newStation(t, faulting(SOAP11, "USER_BLOCKED"))
	a, err := New(Options{URL: "http://localhost:1/nias", InsecureHTTP: true, Profile: Profile{
		Proxy: secret.New(strings.Replace(proxy.URL, "http://", "http://kim:word@", 1)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = authenticate(t, a)
	if _, header := proxy.requests(); !errors.Is(err, ErrUserBlocked) || header.Get("Proxy-Authorization") == "" {
		t.Errorf("through the proxy: %v", err)
	}
}

// TestTunnelThroughTheProxy has TLS go through a proxy that sees nothing of it.
func TestTunnelThroughTheProxy(t *testing.T) {
	root := newAuthority(t, "Root")
	server := secured(t, root)
	var asked string
	proxy := newStation(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.Host
		there, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		w.WriteHeader(http.StatusOK)
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		go func() { io.Copy(there, here); there.Close() }()
		io.Copy(here, there)
		here.Close()
	})
	a, err := New(Options{URL: "https://localhost:7/nias", Profile: Profile{
		RootCAsPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.cert.Raw}), Proxy: secret.New(proxy.URL),
		Certificate: func() (*tls.Certificate, error) {
			c := root.issue(t, nil, nil)
			return &tls.Certificate{Certificate: [][]byte{c.cert.Raw}, PrivateKey: c.key}, nil
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := authenticate(t, a); !errors.Is(err, ErrUserBlocked) {
		t.Errorf("through the tunnel: %v", err)
	}
	a.Close()
	server.CloseClientConnections()
	if asked != "CONNECT localhost:7" {
		t.Errorf("the proxy was asked for %q", asked)
	}
}

func TestObserve(t *testing.T) {
	var words []string
	for _, answer := range []http.HandlerFunc{
		faulting(SOAP11, "USER_BLOCKED"), faulting(SOAP11, "SOMETHING_NEW"), faulting(SOAP11, "who knows"), collecting("<progressStatus>PENDING</progressStatus>"),
		saying(SOAP11, 200, "<x/>"), func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusServiceUnavailable) },
	} {
		a := newStation(t, answer).api(t, func(o *Options) {
			o.Observe = func(call string, status int, word string, _ time.Duration) {
				words = append(words, fmt.Sprint(call, status, word))
			}
		})
		a.Collect(t.Context(), secret.New("order-1"))
	}
	want := []string{"Collect500USER_BLOCKED", "Collect500UNKNOWN", "Collect500UNKNOWN", "Collect200", "Collect200bad_response", "Collect503unavailable"}
	if !slices.Equal(words, want) {
		t.Errorf("told %q", words)
	}
}
