package clients_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"brygga/clients"
	"brygga/outbound"
	"brygga/storage"
)

func TestCheckSector(t *testing.T) {
	answer, status := "", http.StatusOK
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	calls := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: roots})
	c := storage.Client{SectorIdentifierURI: server.URL + "/uris", RedirectURIs: []string{"https://a.example/", "https://b.example/"}}
	for text, want := range map[string]error{
		`["https://b.example/","https://c.example/","https://a.example/"]`: nil,
		`["https://a.example/"]`:                     clients.ErrSector,
		`["https://a.example/","https://b.example"]`: clients.ErrSector,
		`[]`:                         clients.ErrSector,
		`null`:                       clients.ErrSector,
		`{"a":"https://a.example/"}`: clients.ErrSector,
		`nonsense`:                   clients.ErrSector,
	} {
		answer = text
		if err := clients.CheckSector(t.Context(), calls, &c); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	answer, status = `["https://a.example/","https://b.example/"]`, http.StatusNotFound
	if err := clients.CheckSector(t.Context(), calls, &c); err == nil || errors.Is(err, clients.ErrSector) {
		t.Errorf("a document that is not there: %v", err)
	}
	status = http.StatusOK
	answer = "[\"" + strings.Repeat("x", 256<<10) + "\"]"
	if err := clients.CheckSector(t.Context(), calls, &c); err == nil || errors.Is(err, clients.ErrSector) {
		t.Errorf("a document without end: %v", err)
	}
	for name, err := range map[string]error{
		"without the setting": clients.CheckSector(t.Context(), calls, &storage.Client{RedirectURIs: c.RedirectURIs}),
		"without calls":       clients.CheckSector(t.Context(), nil, &c),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
