package bankid

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// authority is a certificate authority of the tests: one plays BankID's server root, another a bank's.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var (
	serverRoot = sync.OnceValue(func() *authority { return newAuthority("Test server root") })
	bankRoot   = sync.OnceValue(func() *authority { return newAuthority("Test bank root") })
	otherRoot  = sync.OnceValue(func() *authority { return newAuthority("Somebody else") })
)

func newAuthority(name string) *authority {
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return &authority{cert: must(x509.ParseCertificate(der)), key: key}
}

// issue returns a leaf certificate made from template, which needs no more than what matters to the test.
func (a *authority) issue(template x509.Certificate) tls.Certificate {
	if template.SerialNumber == nil {
		template.SerialNumber = must(rand.Int(rand.Reader, big.NewInt(1<<62)))
	}
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	der := must(x509.CreateCertificate(rand.Reader, &template, a.cert, key.Public(), a.key))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: must(x509.ParseCertificate(der))}
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// relyingParty is a client certificate with the attributes of a real one.
func relyingParty() tls.Certificate {
	return bankRoot().issue(x509.Certificate{Subject: pkix.Name{
		Country:      []string{"SE"},
		Organization: []string{"Exempelbanken AB"},
		SerialNumber: "5560000001",
		CommonName:   "Exempel FP",
		ExtraNames:   []pkix.AttributeTypeAndValue{{Type: oidName, Value: "Exempeltjänsten"}},
	}})
}

// peer is a BankID for one test: it speaks mutual TLS, and its handler answers.
type peer struct {
	*httptest.Server
	certs struct {
		sync.Mutex
		serials []string // of the client certificate of each request
	}
}

// newPeer starts a server; adjust may change its TLS configuration or listener beforehand.
func newPeer(t *testing.T, handler http.HandlerFunc, adjust ...func(*httptest.Server)) *peer {
	t.Helper()
	p := &peer{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.certs.Lock()
		p.certs.serials = append(p.certs.serials, r.TLS.PeerCertificates[0].SerialNumber.String())
		p.certs.Unlock()
		handler(w, r)
	}))
	p.TLS = &tls.Config{
		Certificates: []tls.Certificate{serverRoot().issue(x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    bankRoot().pool(),
	}
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	for _, f := range adjust {
		f(p.Server)
	}
	p.StartTLS()
	t.Cleanup(p.Close)
	return p
}

// lastSerial is that of the certificate which the newest request came with.
func (p *peer) lastSerial() string {
	p.certs.Lock()
	defer p.certs.Unlock()
	if len(p.certs.serials) == 0 {
		return ""
	}
	return p.certs.serials[len(p.certs.serials)-1]
}

// options are those for p; a test changes what it is about.
func (p *peer) options() Options {
	cert := relyingParty()
	return Options{
		BaseURL:     p.URL + "/rp/v6.0",
		Certificate: CertificateSource{TLS: &cert},
		RootCAsPEM:  serverRoot().pem(),
	}
}

func newAPI(t *testing.T, o Options) *API {
	t.Helper()
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// answer is a handler that always says the same.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// writePEM writes cert and key into dir and returns the two names. The time makes each writing look different.
func writePEM(t *testing.T, dir string, cert tls.Certificate, at time.Time) (certFile, keyFile string) {
	t.Helper()
	certFile, keyFile = filepath.Join(dir, "rp.crt"), filepath.Join(dir, "rp.key")
	writeFile(t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), at)
	writeFile(t, keyFile, keyPEM(cert.PrivateKey), at)
	return certFile, keyFile
}

func keyPEM(key crypto.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))})
}

func writeFile(t *testing.T, name string, content []byte, at time.Time) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, at, at); err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
