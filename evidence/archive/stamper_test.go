package archive_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"brygga/audit"
	"brygga/audit/sink"
	"brygga/audit/tree"
	"brygga/bankid/bankidsim"
	"brygga/evidence"
	"brygga/evidence/archive"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// house is a store with evidence, an audit log over it, and a time-stamping authority.
type house struct {
	*testing.T
	store *bolt.Store
	tree  *tree.Tree
	now   time.Time
	sim   *bankidsim.Simulator
	// spoil changes what the authority answers; asked counts how often it was.
	spoil func(http.ResponseWriter, *http.Request) bool
	asked atomic.Int64
	url   string
	dir   string
}

func newHouse(t *testing.T) *house {
	h := &house{T: t, now: time.Now().UTC().Truncate(time.Microsecond), dir: t.TempDir()}
	h.store = must(bolt.Open(filepath.Join(h.dir, "brygga.db"), storagetest.NewSealer(), bolt.Options{}))
	t.Cleanup(func() { h.store.Close() })
	h.tree = must(tree.New(tree.Options{Store: h.store, Key: must(tree.ReadKey(must(tree.NewKey("test")))), Now: func() time.Time { return h.now.Add(time.Minute) }}))
	h.sim = must(bankidsim.New(bankidsim.Options{Now: func() time.Time { return h.now }}))
	t.Cleanup(h.sim.Close)
	phone := h.sim.Phone()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.asked.Add(1)
		if h.spoil == nil || !h.spoil(w, r) {
			phone.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	h.url = server.URL + "/stamps"
	return h
}

func (h *house) clock() time.Time { return h.now }

// authority is the simulator's, which is believed by its own root.
func (h *house) authority() *archive.Authority {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(must(h.sim.StampRootPEM()))
	return &archive.Authority{URL: h.url, Roots: roots, Client: http.DefaultClient, Now: h.clock}
}

// keep stores a record with the event that names it, by its own sum when there is none, and has the log sign that.
func (h *house) keep(id, sum string) storage.EvidenceRecord {
	h.Helper()
	f := must(evidence.Read(must(os.ReadFile("../testdata/signature-1.evidence"))))
	f.Record.ID, f.Record.Transaction = id, id
	record := storage.EvidenceRecord{
		ID: id, ClientID: f.Record.Client.ID, Transaction: id, Login: "7QX4-2MKD", Method: "bankid", Kind: storage.KindSign, Created: h.now, Kept: h.now.AddDate(10, 0, 0), Line: must(f.Record.Line()),
	}.Summed()
	if sum == "" {
		sum = fmt.Sprintf("%x", record.Sum)
	}
	err := storagetest.PutEvidence(h.Context(), h.store, record, storage.AuditEvent{
		ID: "completed " + id, Time: h.now, Type: string(audit.LoginCompleted), Reference: record.Login, Expires: h.now.AddDate(1, 0, 0),
		Fields: map[string]string{"CLIENT_ID": record.ClientID, "TXN": id, evidence.HashField: sum},
	})
	if err != nil {
		h.Fatal(err)
	}
	must(h.tree.Grow(h.Context()))
	return record
}

// deliver hands the whole log over.
func (h *house) deliver(a *archive.Authority) error {
	h.Helper()
	s := archive.Stamper{Store: h.store, Authority: a, Log: slog.New(slog.DiscardHandler), Now: h.clock}
	events := must(h.tree.Follow(h.Context(), 0, 256)).Events
	n, err := s.Deliver(h.Context(), events)
	if (n == len(events)) != (err == nil) {
		h.Errorf("of %d events %d are done, and %v", len(events), n, err)
	}
	return err
}

func (h *house) export(id string) *evidence.File {
	h.Helper()
	a := archive.Archive{Store: h.store, Tree: func(context.Context) (*tree.Tree, error) { return h.tree, nil }}
	a.Audit = must(audit.New(audit.Options{Store: h.store, PseudonymKey: make([]byte, 32), Now: h.clock}))
	f, err := a.Export(h.Context(), id, archive.Recipient{Actor: "root"}, h.now)
	if err != nil {
		h.Fatal(err)
	}
	return must(evidence.Read(must(f.Text())))
}

func (h *house) stamped(id string) bool {
	return len(must(h.store.Evidence(h.Context(), id, h.now)).Attested.Stamp) > 0
}

// TestStampsComeAlong: a record is stamped once, the file has the stamp, our verifier and OpenSSL believe it, and years later, when the log has the event no
// more, the file still has the log's proof.
func TestStampsComeAlong(t *testing.T) {
	h := newHouse(t)
	record := h.keep("txn", "")
	for range 2 {
		if err := h.deliver(h.authority()); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.asked.Load(); n != 1 {
		t.Errorf("the authority was asked %d times", n)
	}
	h.now = h.now.AddDate(2, 0, 0)
	for {
		n := must(h.store.Sweep(t.Context(), h.now, 100))
		if n == 0 {
			break
		}
	}
	f := h.export("txn")
	anchors := evidence.Anchors{AuditKey: h.tree.PublicKey(), StampRoots: h.authority().Roots, Roots: []*x509.Certificate{must(x509.ParseCertificate(f.Record.Root))}}
	if r := evidence.Verify(f, anchors); !r.OK || r.Verdict(evidence.CheckTimeStamp) != evidence.Passed || r.Verdict(evidence.CheckLog) != evidence.Passed || r.Stamp == nil {
		t.Errorf("the file is %+v", r.Findings)
	}
	token, root := filepath.Join(h.dir, "token"), filepath.Join(h.dir, "root.pem")
	for path, text := range map[string][]byte{token: f.Stamp, root: must(h.sim.StampRootPEM())} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for sum, good := range map[string]bool{fmt.Sprintf("%x", record.Sum): true, strings.Repeat("0", 64): false} {
		out, err := exec.CommandContext(t.Context(), "openssl", "ts", "-verify", "-digest", sum, "-token_in", "-in", token, "-CAfile", root).CombinedOutput()
		if (err == nil) != good {
			t.Errorf("OpenSSL on the digest %s: %v\n%s", sum, err, out)
		}
	}
}

// TestStampsAreJudged: what is no stamp of this record by this authority now is not kept, and the record waits.
func TestStampsAreJudged(t *testing.T) {
	h := newHouse(t)
	h.keep("txn", "")
	other := must(bankidsim.New(bankidsim.Options{Now: h.clock}))
	t.Cleanup(other.Close)
	var replayed []byte
	recorded := httptest.NewRecorder()
	h.spoil = func(_ http.ResponseWriter, r *http.Request) bool {
		h.sim.Phone().ServeHTTP(recorded, r)
		replayed = recorded.Body.Bytes()
		return false
	}
	h.deliver(&archive.Authority{URL: h.url, Roots: x509.NewCertPool(), Client: http.DefaultClient, Now: h.clock}) // whose root is none
	if h.stamped("txn") {
		t.Fatal("a stamp is kept that leads to no root")
	}
	for name, spoil := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"it is away": func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true },
		"it sends elsewhere": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
			return true
		},
		"it says nothing":  func(http.ResponseWriter, *http.Request) bool { return true },
		"it says too much": func(w http.ResponseWriter, _ *http.Request) bool { w.Write(make([]byte, 1<<20)); return true },
		"it says it again": func(w http.ResponseWriter, _ *http.Request) bool { w.Write(replayed); return true },
		"another answers":  func(w http.ResponseWriter, r *http.Request) bool { other.Phone().ServeHTTP(w, r); return true },
		"it refuses": func(w http.ResponseWriter, r *http.Request) bool {
			r.Body = io.NopCloser(strings.NewReader("x"))
			return false
		},
		"its clock is behind": nil,
		"by another policy":   nil,
	} {
		h.spoil = spoil
		a := h.authority()
		a.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		switch name {
		case "its clock is behind":
			a.Now = func() time.Time { return h.now.Add(6 * time.Minute) }
		case "by another policy":
			a.Policy = "1.2.752.999.77"
		}
		if err := h.deliver(a); err == nil || h.stamped("txn") {
			t.Errorf("%s: %v, and it is stamped: %v", name, err, h.stamped("txn"))
		}
	}
	h.spoil = nil
	if err := h.deliver(h.authority()); err != nil || !h.stamped("txn") {
		t.Errorf("afterwards: %v, and it is stamped: %v", err, h.stamped("txn"))
	}
}

// TestOnlyWhatWasWrittenIsStamped: a record that is not the one that the log names gets no stamp, and neither does one that was erased; they hold up no other.
func TestOnlyWhatWasWrittenIsStamped(t *testing.T) {
	h := newHouse(t)
	h.keep("altered", strings.Repeat("0", 64))
	h.keep("erased", "")
	must(h.store.EraseEvidence(t.Context(), "erased", storage.Erasure{At: h.now, By: "owner", Reason: "x"}))
	h.keep("good", "")
	if err := h.store.AppendAudit(t.Context(), storage.AuditEvent{
		ID: "z", Time: h.now, Type: string(audit.LoginCompleted), Expires: h.now.AddDate(1, 0, 0), Fields: map[string]string{"TXN": "gone", evidence.HashField: strings.Repeat("1", 64)},
	}); err != nil {
		t.Fatal(err)
	}
	must(h.tree.Grow(t.Context()))
	if err := h.deliver(h.authority()); err != nil {
		t.Fatal(err)
	}
	if h.stamped("altered") || h.stamped("erased") || !h.stamped("good") {
		t.Errorf("stamped are altered %v, erased %v, good %v", h.stamped("altered"), h.stamped("erased"), h.stamped("good"))
	}
}

// TestStampsAfterACrash: what waits for a stamp waits in the log. A process that ends before it has stamped leaves that to the next, which does the rest and no more.
func TestStampsAfterACrash(t *testing.T) {
	h := newHouse(t)
	for i := range 20 {
		h.keep(fmt.Sprint("txn", i), "")
	}
	deliver := func(process string, spoil func(http.ResponseWriter, *http.Request) bool, enough func() bool) {
		h.spoil = spoil
		s := must(sink.New(sink.Options{
			Name: "stamps", Process: process, Log: h.tree, Secrets: h.store, Wants: archive.Wants, FromStart: true, Now: h.clock,
			Receiver: &archive.Stamper{Store: h.store, Authority: h.authority(), Log: slog.New(slog.DiscardHandler), Now: h.clock},
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		done := make(chan struct{})
		go func() { defer close(done); s.Run(ctx) }()
		for !enough() && ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
		<-done
	}
	var answered atomic.Int64
	deliver("first", func(w http.ResponseWriter, _ *http.Request) bool {
		if answered.Add(1) > 10 {
			w.WriteHeader(503)
			return true
		}
		return false
	}, func() bool { return answered.Load() > 11 })
	missing := func() (n int64) {
		for i := range 20 {
			if !h.stamped(fmt.Sprint("txn", i)) {
				n++
			}
		}
		return n
	}
	before, left := h.asked.Load(), missing()
	if left == 0 || left == 20 {
		t.Fatalf("%d of 20 have no stamp", left)
	}
	deliver("second", nil, func() bool { return missing() == 0 })
	if n := h.asked.Load() - before; missing() > 0 || n != left {
		t.Errorf("the second process asked %d times for %d stamps, and %d are missing", n, left, missing())
	}
}

// TestQueriesNameNobody: what the authority is sent is a hash.
func TestQueriesNameNobody(t *testing.T) {
	h := newHouse(t)
	record := h.keep("txn", "")
	h.spoil = func(_ http.ResponseWriter, r *http.Request) bool {
		sent := must(io.ReadAll(r.Body))
		r.Body = io.NopCloser(bytes.NewReader(sent))
		if !bytes.Contains(sent, record.Sum[:]) || len(sent) > 100 {
			t.Errorf("it is sent %s", base64.StdEncoding.EncodeToString(sent))
		}
		return false
	}
	if err := h.deliver(h.authority()); err != nil {
		t.Error(err)
	}
	var event storage.AuditEvent
	if kept := must(h.store.Evidence(t.Context(), "txn", h.now)).Attested.Event; json.Unmarshal([]byte(kept), &event) != nil || event.ID != "completed txn" {
		t.Errorf("the event that is kept is %q", kept)
	}
}
