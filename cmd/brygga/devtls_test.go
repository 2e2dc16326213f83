package main

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A whole login over https: provider, demo app and phone, by a browser that trusts the development authority and nothing else.
func TestDevOverTLS(t *testing.T) {
	t.Parallel()
	d := newDev(t, func(o *devOptions) { o.tls = true })
	for _, address := range []string{d.Issuer, d.DemoURL, d.PhoneURL} {
		if !strings.HasPrefix(address, "https://localhost:") {
			t.Errorf("%s is not https", address)
		}
	}
	v := newVisitor(t, d, computerAgent)
	var named []string
	transport := v.client.Transport
	v.client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := transport.RoundTrip(r)
		if err == nil && strings.HasPrefix(r.URL.String(), d.Issuer+"/authorize?") {
			for _, cookie := range response.Cookies() {
				named = append(named, cookie.Name)
				if !cookie.Secure {
					t.Errorf("cookie %s is not Secure", cookie.Name)
				}
			}
		}
		return response, err
	})
	shown := loginByQR(v)
	checkClaims(t, d, claims(t, shown))
	if len(named) == 0 || !strings.HasPrefix(named[0], "__Host-") {
		t.Errorf("the login's cookies are %v", named)
	}
	if preview := v.get(d.Issuer + "/preview"); preview.status != http.StatusOK {
		t.Errorf("preview = %d", preview.status)
	}
	logOut(t, v, shown)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The authority is made once, so that it is trusted once, and again before it ends.
func TestDevAuthority(t *testing.T) {
	t.Parallel()
	dir, now := filepath.Join(t.TempDir(), "data"), time.Now()
	open := func(at time.Time) *devAuthority {
		t.Helper()
		a, err := openDevAuthority(dir, at)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	first := open(now)
	if again := open(now.Add(365 * 24 * time.Hour)); !again.certificate.Equal(first.certificate) {
		t.Error("the second start has another authority")
	}
	if later := open(now.Add(devCALife - devCertificateLife + time.Hour)); later.certificate.Equal(first.certificate) {
		t.Error("an authority that is about to end is kept")
	}
	if info, err := os.Stat(filepath.Join(dir, devCAKeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
	if err := os.Remove(filepath.Join(dir, devCAKeyFile)); err != nil {
		t.Fatal(err)
	}
	open(now)
	if err := os.WriteFile(filepath.Join(dir, devCAFile), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	var fault *failure
	if _, err := openDevAuthority(dir, now); !errors.As(err, &fault) || fault.code != exitUsage {
		t.Errorf("rubbish for an authority: %v", err)
	}
}

// Whoever gets hold of the authority's key can still not play any other host to a browser that trusts it.
func TestDevAuthorityIsForThisMachine(t *testing.T) {
	t.Parallel()
	a, err := openDevAuthority(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.certificate)
	for host, want := range map[string]bool{"localhost": true, "app.localhost": true, "bank.example": false, "localhost.example": false} {
		leaf, err := issueDev(&x509.Certificate{
			Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour),
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}, a.certificate, a.key, a.key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); (err == nil) != want {
			t.Errorf("a certificate for %s: %v", host, err)
		}
	}
}
