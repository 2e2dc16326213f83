package netid_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"

	"brygga/netid"
	"brygga/netid/netidsim"
	"brygga/secret"
)

// house is a simulator that runs, with a client of it.
type house struct {
	*testing.T
	sim     *netidsim.Simulator
	address string
	api     *netid.API
	options netid.Options

	mu       sync.Mutex
	messages [][]byte // bodies that went over the wire, in both directions
}

// open starts a simulator and makes a client with its certificates.
func open(t *testing.T, o netidsim.Options, change func(*netid.Options)) *house {
	t.Helper()
	sim, err := netidsim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{T: t, sim: sim, address: listener.Addr().String()}
	server := sim.Server()
	server.Handler = h.recording(server.Handler)
	go server.ServeTLS(listener, "", "")
	t.Cleanup(func() { server.Close() })
	h.options = netid.Options{
		URL: "https://" + h.address + netidsim.ServicePath,
		Profile: netid.Profile{Name: "sim", RootCAsPEM: sim.ServerRootPEM(), Certificate: func() (*tls.Certificate, error) {
			c := sim.ClientCertificate().TLS
			return &c, nil
		}},
	}
	if o.Settings != nil && o.Settings.Version == 1 {
		h.options.Version = netid.Version1
	}
	if change != nil {
		change(&h.options)
	}
	h.api = h.client(h.options)
	return h
}

// set returns settings of the simulator that differ from the usual ones.
func set(change func(*netidsim.Settings)) *netidsim.Settings {
	c := netidsim.DefaultSettings()
	change(&c)
	return &c
}

func (h *house) client(o netid.Options) *netid.API {
	h.Helper()
	api, err := netid.New(o)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(api.Close)
	return api
}

func (h *house) recording(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		var answer bytes.Buffer
		next.ServeHTTP(&teeWriter{w, &answer}, r)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.messages = append(h.messages, body, answer.Bytes())
	})
}

// sent returns the messages so far.
func (h *house) sent() [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.messages)
}

type teeWriter struct {
	http.ResponseWriter
	also io.Writer
}

func (w *teeWriter) Write(text []byte) (int, error) {
	w.also.Write(text)
	return w.ResponseWriter.Write(text)
}

func (h *house) verifier(change func(*netid.VerifierOptions)) *netid.Verifier {
	h.Helper()
	issuers, err := netid.ParseIssuers(h.sim.IssuerPEM())
	if err != nil {
		h.Fatal(err)
	}
	o := netid.VerifierOptions{Issuers: issuers, Format: h.options.Format}
	if change != nil {
		change(&o)
	}
	v, err := netid.NewVerifier(o)
	if err != nil {
		h.Fatal(err)
	}
	return v
}

// begin starts an order for a person, or with "" for whoever is at the same device.
func (h *house) begin(id string) netid.Order {
	h.Helper()
	r := netid.AuthenticateRequest{NonVisible: nonce}
	if id != "" {
		r.UserID = secret.New(id)
	}
	order, err := h.api.Authenticate(h.Context(), r)
	if err != nil {
		h.Fatal(err)
	}
	return order
}

func (h *house) collect(o netid.Order) netid.Collection {
	h.Helper()
	c, err := h.api.Collect(h.Context(), o.Ref)
	if err != nil {
		h.Fatal(err)
	}
	return c
}

// sign has a person's app open an order and sign it.
func (h *house) sign(o netid.Order, by string) {
	h.Helper()
	_, errOpen := h.sim.Open(o.Ref.Reveal(), by)
	_, errSign := h.sim.Sign(o.Ref.Reveal())
	if err := errors.Join(errOpen, errSign); err != nil {
		h.Fatal(err)
	}
}

func expected(o netid.Order, id string) netid.Expected {
	want := netid.Expected{Visible: o.Visible, NonVisible: o.NonVisible, StartedAt: o.StartedAt}
	if id != "" {
		want.UserID = secret.New(id)
	}
	return want
}

func (h *house) register() netid.Registered {
	h.Helper()
	var logo bytes.Buffer
	if err := png.Encode(&logo, image.NewGray(image.Rect(0, 0, 16, 16))); err != nil {
		h.Fatal(err)
	}
	got, err := h.api.Register(h.Context(), netid.Registration{Name: "Provkommunen", Image: logo.Bytes()})
	if err != nil {
		h.Fatal(err)
	}
	return got
}

func refusedBy(err error) netid.Check {
	if failed, ok := errors.AsType[*netid.VerificationError](err); ok {
		return failed.Check
	}
	return netid.Check(fmt.Sprint(err))
}
