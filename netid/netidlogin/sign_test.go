package netidlogin_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/evidence"
	"brygga/login"
	"brygga/netid"
	"brygga/netid/netidlogin"
	"brygga/netid/netidsim"
	"brygga/secret"
	"brygga/storage"
)

const agreement = "Jag köper en cykel för 100 kr.\n\nAstrid"

func alwaysPIN(o *netidlogin.Options) { o.AlwaysPIN = true }

// keepAll has the client keep what proves its logins too.
func (h *house) keepAll() {
	h.Helper()
	client, err := h.store.Client(h.Context(), "app")
	if err != nil {
		h.Fatal(err)
	}
	client.Evidence = storage.EvidenceAll
	if err := h.store.UpdateClient(h.Context(), *client); err != nil {
		h.Fatal(err)
	}
}

func toSign(text, format string, data []byte) storage.AuthRequest {
	return storage.AuthRequest{ClientID: "app", Nonce: "n", Sign: &storage.SignRequest{
		Message: storage.UserMessage{Text: map[string]string{"": text}, Format: format}, Language: "sv", Data: data, Approval: data == nil,
	}}
}

func (h *house) asked(request storage.AuthRequest, starter storage.Starter) (*storage.Login, error) {
	h.Helper()
	l, err := h.Create(h.Context(), request, secret.New("binding"), starter.IP)
	if err != nil {
		return nil, err
	}
	return h.Start(h.Context(), l.ID, starter)
}

// issuers are those whose certificates are trusted.
func (h *house) issuers() []*x509.Certificate {
	h.Helper()
	block, _ := pem.Decode(h.sim.IssuerPEM())
	one, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		h.Fatal(err)
	}
	return []*x509.Certificate{one}
}

// record returns what is kept of a login, and what it proves.
func (h *house) record(l *storage.Login) (*evidence.Record, *evidence.Report) {
	h.Helper()
	kept, err := h.store.Evidence(h.Context(), l.EvidenceID, time.Now())
	if err != nil {
		h.Fatal(err)
	}
	record, err := evidence.ReadRecord(kept.Line)
	if err != nil {
		h.Fatal(err)
	}
	return record, evidence.Verify(&evidence.File{Line: kept.Line, Record: record}, evidence.Anchors{Issuers: h.issuers()})
}

// TestSignature: what was asked is what the app shows, byte for byte, and what the record proves; OpenSSL finds it in the signature too.
func TestSignature(t *testing.T) {
	t.Parallel()
	h := newHouse(t, alwaysPIN)
	for name, data := range map[string][]byte{"a signature": []byte("contract 17"), "an approval": nil} {
		l, err := h.asked(toSign(agreement, "", data), this)
		if err != nil {
			t.Fatal(err)
		}
		token, _ := h.follow(l)
		if order, err := h.sim.Order(token); err != nil || order.Text != agreement || order.Operation != "Sign" {
			t.Errorf("%s: the app shows %q, %v", name, order.Text, err)
		}
		h.sign(token, astrid)
		if l = h.settled(l); l.State != storage.LoginComplete || l.Identity.PersonalNumber.Reveal() != astrid {
			t.Fatalf("%s: it is %s, for %v", name, l.State, l.Failure)
		}
		record, report := h.record(l)
		if !report.OK || record.Sent.UserVisibleData != agreement || data != nil && !bytes.Equal(record.Sent.UserNonVisibleData, data) || len(record.Sent.UserNonVisibleData) == 0 {
			t.Errorf("%s: %+v", name, report.Findings)
		}
		hidden := record.NetID.Settings.Layout.Hidden(record.NetID.Salt, agreement, record.Sent.UserNonVisibleData)
		if got := h.openSSL(record.Signature); got != agreement+hidden {
			t.Errorf("%s: OpenSSL finds %q", name, got)
		}
	}
}

// openSSL verifies a signature by OpenSSL's command and returns what was signed.
func (h *house) openSSL(signature secret.String) string {
	h.Helper()
	dir := h.TempDir()
	for name, text := range map[string][]byte{"issuer.pem": h.sim.IssuerPEM(), "signature": []byte("-----BEGIN CMS-----\n" + signature.Reveal() + "\n-----END CMS-----\n")} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			h.Fatal(err)
		}
	}
	command := exec.CommandContext(h.Context(), "openssl", "cms", "-verify", "-inform", "PEM", "-in", "signature", "-CAfile", "issuer.pem", "-purpose", "any", "-binary", "-out", "content")
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil || !strings.Contains(strings.ToLower(string(out)), "verification successful") {
		h.Fatalf("openssl: %v\n%s", err, out)
	}
	content, err := os.ReadFile(filepath.Join(dir, "content"))
	if err != nil {
		h.Fatal(err)
	}
	return string(content)
}

// TestLoginLeavesEvidence where the client has it so: also the line of a login proves it by itself.
func TestLoginLeavesEvidence(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.keepAll()
	l := h.started(this, "")
	token, _ := h.follow(l)
	h.sign(token, kim)
	if l = h.settled(l); l.State != storage.LoginComplete {
		t.Fatalf("it is %s, for %v", l.State, l.Failure)
	}
	record, report := h.record(l)
	if !report.OK || record.Person.PersonalNumber.Reveal() != kim || record.Sent.UserVisibleData != "" {
		t.Errorf("%+v", report.Findings)
	}
}

// TestAttacksSignNothing: a signature that is not proven is nobody's, and leaves nothing.
func TestAttacksSignNothing(t *testing.T) {
	for _, attack := range netidsim.Attacks() {
		if attack == netidsim.AttackOtherPerson || attack == netidsim.AttackOtherOrder || attack == netidsim.AttackUnsigned { // the first two have none on this device
			continue
		}
		t.Run(attack, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, alwaysPIN)
			if err := h.sim.SetChaos(netidsim.Chaos{Attacks: []string{attack}}); err != nil {
				t.Fatal(err)
			}
			l, err := h.asked(toSign(agreement, "", []byte("contract 17")), this)
			if err != nil {
				t.Fatal(err)
			}
			token, _ := h.follow(l)
			h.sign(token, astrid)
			if l = h.settled(l); l.State != storage.LoginFailed || l.Failure.Reason != login.ReasonUnverified || l.Identity != nil || l.EvidenceID != "" {
				t.Errorf("it is %s, for %v", l.State, l.Failure)
			}
		})
	}
}

// TestWhatIsNotSigned: what the app cannot show exactly, to the one person, is no order, and nothing is cut or changed.
func TestWhatIsNotSigned(t *testing.T) {
	h := newHouse(t, alwaysPIN)
	forOne := toSign(agreement, "", []byte("x"))
	forOne.RequiredPersonalNumber = secret.New(astrid)
	for name, request := range map[string]storage.AuthRequest{
		"marks":             toSign("# Avtal", "simpleMarkdownV1", []byte("x")),
		"a carriage return": toSign("Avtal\r\nJag köper", "", []byte("x")),
		"a control":         toSign("Avtal\x01", "", []byte("x")),
		"a long text":       toSign(strings.Repeat("x", 40_001), "", []byte("x")),
		"long data":         toSign(agreement, "", make([]byte, 6000)),
		"for one person":    forOne,
	} {
		if _, err := h.asked(request, this); !errors.Is(err, login.ErrNoOrders) || len(h.sim.Orders()) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	l, err := h.asked(toSign(agreement+strings.Repeat("å", 19_900), "", make([]byte, 4000)), this)
	if err != nil || l.State != storage.LoginPending {
		t.Errorf("the longest that fits: %v", err)
	}
}

// TestSignaturesByFormat: a service that is set up for bare signatures has no texts signed.
func TestSignaturesByFormat(t *testing.T) {
	for format, want := range map[string]bool{"": true, "pkcs7": true, "raw-256": false, "raw-512": false} {
		traits := netidlogin.TraitsOf(netidlogin.Options{Format: netid.Format(format)})
		if slices.Contains(traits.Kinds, storage.KindSign) != want {
			t.Errorf("%q has kinds %q", format, traits.Kinds)
		}
	}
}
