package login_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
)

var (
	other = storage.Starter{Device: storage.DeviceOther, IP: "192.0.2.1", UserAgent: "test", Language: "sv"}
	this  = storage.Starter{Device: storage.DeviceThis, IP: "192.0.2.1", UserAgent: "test", Language: "sv"}
)

// sealer is AES-GCM under a fixed key, so that these tests do not depend on package keys.
type sealer struct{ cipher.AEAD }

func newSealer(t *testing.T) storage.Sealer {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	return sealer{aead}
}

func (s sealer) Seal(label string, text []byte) []byte {
	return s.AEAD.Seal(nil, nil, text, []byte(label))
}
func (s sealer) Open(label string, sealed []byte) ([]byte, error) {
	return s.AEAD.Open(nil, nil, sealed, []byte(label))
}

func (s sealer) Current([]byte) bool { return true }

// house is an engine over a real store and a scripted service.
type house struct {
	*login.Engine
	t       *testing.T
	service *service
	store   storage.Store
	audit   *audit.Log
	stop    func()

	mu sync.Mutex
	// looked are the logins whose page is open.
	looked map[string]bool
}

func openStore(t *testing.T, path string) storage.Store {
	t.Helper()
	store, err := bolt.Open(path, newSealer(t), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// newHouse returns a house over a new store. Call it inside a synctest bubble and close it there.
func newHouse(t *testing.T, change func(*login.Options)) *house {
	t.Helper()
	store := openStore(t, filepath.Join(t.TempDir(), "store"))
	if err := store.CreateClient(t.Context(), storage.Client{ID: "app", Name: "Appen", CustomIdentifier: "tag"}); err != nil {
		t.Fatal(err)
	}
	return runHouse(t, store, newService(), change)
}

func runHouse(t *testing.T, store storage.Store, s *service, change func(*login.Options)) *house {
	t.Helper()
	log, err := audit.New(audit.Options{Store: store, PseudonymKey: bytes.Repeat([]byte{1}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	options := login.Options{
		Store: store, Methods: []eid.Method{s}, Audit: log,
		ReturnURL: func(id string, nonce secret.String) secret.String {
			return secret.New("https://id.example/login/" + id + "/return?n=" + nonce.Reveal())
		},
	}
	if change != nil {
		change(&options)
	}
	engine, err := login.New(options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { engine.Run(ctx) })
	h := &house{Engine: engine, t: t, service: s, store: store, audit: log, looked: map[string]bool{}}
	h.stop = func() { cancel(); running.Wait() }
	running.Go(func() { h.lookOn(ctx) })
	return h
}

// lookOn has the pages that are open ask for their login once a second, as their streams do.
func (h *house) lookOn(ctx context.Context) {
	for tick := time.NewTicker(time.Second); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		h.mu.Lock()
		for id := range h.looked {
			if l, err := h.Login(ctx, id); err == nil {
				h.Seen(ctx, l)
			}
		}
		h.mu.Unlock()
	}
}

// look opens or closes the page of the login.
func (h *house) look(l *storage.Login, open bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.looked[l.ID] = open
	if !open {
		delete(h.looked, l.ID)
	}
}

func (h *house) close() {
	h.stop()
	if err := h.store.Close(); err != nil {
		h.t.Error(err)
	}
	if ref := h.service.hasty(); ref != "" {
		h.t.Errorf("%s was collected twice within a second", ref)
	}
}

// begin returns a new login whose page is open.
func (h *house) begin() *storage.Login {
	h.t.Helper()
	l, err := h.Create(h.t.Context(), storage.AuthRequest{ClientID: "app", Nonce: "n"}, secret.New("binding"), "192.0.2.1")
	if err != nil {
		h.t.Fatal(err)
	}
	h.look(l, true)
	return l
}

// started returns a new login with an order.
func (h *house) started(starter storage.Starter) *storage.Login {
	h.t.Helper()
	l, err := h.Start(h.t.Context(), h.begin().ID, starter)
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

// after lets the time go by and returns the login.
func (h *house) after(d time.Duration, l *storage.Login) *storage.Login {
	h.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	l, err := h.Login(h.t.Context(), l.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

func (h *house) events(types ...audit.Type) []storage.AuditEvent {
	h.t.Helper()
	all, err := h.store.AuditEvents(h.t.Context(), time.Time{}, time.Now().Add(time.Hour), 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	var found []storage.AuditEvent
	for _, e := range all {
		for _, t := range types {
			if e.Type == string(t) {
				found = append(found, e)
			}
		}
	}
	return found
}

func (h *house) wantState(l *storage.Login, state storage.LoginState, reason string) {
	h.t.Helper()
	if l.State != state || l.Failure.Reason != reason {
		h.t.Fatalf("login is %s (%q), want %s (%q)", l.State, l.Failure.Reason, state, reason)
	}
}
