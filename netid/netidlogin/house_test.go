package netidlogin_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/tls"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/login"
	"brygga/netid"
	"brygga/netid/netidlogin"
	"brygga/netid/netidsim"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
)

const (
	astrid = "199001012385"
	omar   = "198507309865"
	kim    = "SE2321000016-KIM1"
	issuer = "Bryggans prov card CA"
	iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
	// device is where the simulator's people hold their cards.
	device = "192.0.2.17"
)

var (
	this  = storage.Starter{Device: storage.DeviceThis, IP: device, UserAgent: iphone, Language: "sv"}
	other = storage.Starter{Device: storage.DeviceOther, IP: "192.0.2.1", UserAgent: "test", Language: "sv"}
)

// sealer is AES-GCM under a fixed key, so that these tests do not depend on package keys.
type sealer struct{ cipher.AEAD }

func (s sealer) Seal(label string, text []byte) []byte {
	return s.AEAD.Seal(nil, nil, text, []byte(label))
}

func (s sealer) Open(label string, sealed []byte) ([]byte, error) {
	return s.AEAD.Open(nil, nil, sealed, []byte(label))
}

func (s sealer) Current([]byte) bool { return true }

// house is an engine over a real store, with the method against a simulator.
type house struct {
	*testing.T
	*login.Engine
	method eid.Method
	sim    *netidsim.Simulator
	store  storage.Store

	mu  sync.Mutex
	now time.Duration // what the method's clock is ahead
}

// newMethod starts a simulator and returns the method against it, with everything allowed that change leaves.
func newMethod(t *testing.T, change func(*netidlogin.Options)) *house {
	t.Helper()
	sim, err := netidsim.New(netidsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := sim.Server()
	go server.ServeTLS(listener, "", "")
	t.Cleanup(func() { server.Close() })
	api, err := netid.New(netid.Options{
		URL: "https://" + listener.Addr().String() + netidsim.ServicePath,
		Profile: netid.Profile{RootCAsPEM: sim.ServerRootPEM(), Certificate: func() (*tls.Certificate, error) {
			c := sim.ClientCertificate().TLS
			return &c, nil
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	issuers, err := netid.ParseIssuers(sim.IssuerPEM())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := netid.NewVerifier(netid.VerifierOptions{Issuers: issuers})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{T: t, sim: sim}
	o := netidlogin.Options{
		APIs: map[string]*netid.API{"": api}, Verifier: verifier, SerialNumberKey: "hsaId", OtherDevice: true,
		Now: func() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return time.Now().Add(h.now) },
	}
	if change != nil {
		change(&o)
	}
	if h.method, err = netidlogin.New(o); err != nil {
		t.Fatal(err)
	}
	return h
}

// newHouse returns the method with an engine that runs. The client knows people by their personal number, else by their HSA-ID.
func newHouse(t *testing.T, changes ...func(*netidlogin.Options)) *house {
	t.Helper()
	h := newMethod(t, func(o *netidlogin.Options) {
		for _, change := range changes {
			change(o)
		}
	})
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	if h.store, err = bolt.Open(filepath.Join(t.TempDir(), "store"), sealer{aead}, bolt.Options{}); err != nil {
		t.Fatal(err)
	}
	client := storage.Client{ID: "app", Name: "Appen", TypedIdentifiers: true, Policy: storage.Policy{PersonKeys: []string{storage.KeyPersonalNumber, "hsaId"}}}
	if err := h.store.CreateClient(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	log, err := audit.New(audit.Options{Store: h.store, PseudonymKey: bytes.Repeat([]byte{1}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	h.Engine, err = login.New(login.Options{
		Store: h.store, Methods: []eid.Method{h.method}, Audit: log, Issuer: "https://id.example", CollectEvery: 2 * time.Second,
		Now: func() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return time.Now().Add(h.now) },
		ReturnURL: func(id string, nonce secret.String) secret.String {
			return secret.New("https://id.example/login/" + id + "/return?n=" + nonce.Reveal())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.Engine.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		if err := h.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// started returns a login with an order. With a person it is for that person alone.
func (h *house) started(starter storage.Starter, person string) *storage.Login {
	h.Helper()
	request := storage.AuthRequest{ClientID: "app", Nonce: "n"}
	if person != "" {
		request.RequiredPersonalNumber = secret.New(person)
	}
	l, err := h.Create(h.Context(), request, secret.New("binding"), starter.IP)
	if err != nil {
		h.Fatal(err)
	}
	if l, err = h.Start(h.Context(), l.ID, starter); err != nil {
		h.Fatal(err)
	}
	return l
}

// settled waits until the login has come to its end and returns it.
func (h *house) settled(l *storage.Login) *storage.Login {
	h.Helper()
	for range 300 {
		now, err := h.Login(h.Context(), l.ID)
		if err != nil {
			h.Fatal(err)
		}
		if now.State != storage.LoginPending {
			return now
		}
		time.Sleep(100 * time.Millisecond)
	}
	h.Fatal("the login does not end")
	return nil
}

// follow returns the token and the way back in the link of a login.
func (h *house) follow(l *storage.Login) (token, back string) {
	h.Helper()
	link, err := url.Parse(h.Launch(l).URL.Reveal())
	if err != nil || link.Scheme != "netid" {
		h.Fatalf("the link is %v, %v", link, err)
	}
	return link.Query().Get("autostarttoken"), link.Query().Get("redirect")
}

// sign has a person sign with a card, on the order of that reference.
func (h *house) sign(ref, person string) {
	h.Helper()
	if _, err := h.sim.Open(ref, person); err != nil {
		h.Fatal(err)
	}
	if _, err := h.sim.Sign(ref); err != nil {
		h.Fatal(err)
	}
}
