package storage_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/storagetest"
)

// TestEvidenceKept: what proves a signature or a payment is kept always, and what proves a login where the client has it so.
func TestEvidenceKept(t *testing.T) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		client         storage.Client
		sign, identify time.Duration
	}{
		{storage.Client{}, 3653 * day, 0},
		{storage.Client{Evidence: storage.EvidenceSignatures}, 3653 * day, 0},
		{storage.Client{EvidenceDays: 30}, 30 * day, 0},
		{storage.Client{Evidence: storage.EvidenceAll}, 3653 * day, 400 * day},
		{storage.Client{Evidence: storage.EvidenceAll, EvidenceDays: 30}, 30 * day, 30 * day},
	} {
		if sign, identify := test.client.EvidenceKept(storage.KindSign), test.client.EvidenceKept(storage.KindIdentify); sign != test.sign || test.client.EvidenceKept(storage.KindPayment) != sign || identify != test.identify {
			t.Errorf("%q for %d days: %s and %s", test.client.Evidence, test.client.EvidenceDays, sign, identify)
		}
	}
}

// TestEvidenceIsWhole: a record that is not what its sum says is not whole, nor one that was erased and has something in it.
func TestEvidenceIsWhole(t *testing.T) {
	record := func() storage.EvidenceRecord {
		return storage.EvidenceRecord{ID: "e", ClientID: "app", Created: t0, Kept: t0.Add(time.Hour), Line: []byte("signature")}.Summed()
	}
	whole := record()
	if err := whole.Whole(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*storage.EvidenceRecord){
		"line":   func(e *storage.EvidenceRecord) { e.Line[0] ^= 1 },
		"cut":    func(e *storage.EvidenceRecord) { e.Line = e.Line[1:] },
		"erased": func(e *storage.EvidenceRecord) { e.Erased.By = "somebody" },
	} {
		changed := record()
		if change(&changed); changed.Whole() == nil {
			t.Errorf("%s: it is taken for whole", name)
		}
	}
	if err := whole.Erase(storage.Erasure{At: t0, By: "owner"}); err != nil || whole.Whole() != nil || whole.Line != nil || whole.Sum != record().Sum {
		t.Errorf("erased it is %+v, %v", whole, err)
	}
	if err := whole.Erase(storage.Erasure{At: t0, By: "owner"}); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("erased twice: %v", err)
	}
}

// TestEvidenceRows: a row has the line byte for byte, whatever stands in it, and one of an earlier version is read.
func TestEvidenceRows(t *testing.T) {
	sealer := storagetest.NewSealer()
	codec := storage.NewCodec(sealer)
	for _, line := range []string{"{\"signature\":\"PD94\"}", "a\nb\n", "\n", "\x00\xff"} {
		record := storage.EvidenceRecord{ID: "e", ClientID: "app\n", Created: t0, Kept: t0.Add(time.Hour), Line: []byte(line)}.Summed()
		record.Attested = storage.Attestation{Event: "{}\n", Stamp: []byte("\n")}
		sealed, err := codec.EncodeEvidence(&record)
		if err != nil {
			t.Fatal(err)
		}
		earlier, err := json.Marshal(&record)
		if err != nil {
			t.Fatal(err)
		}
		for version, row := range map[string][]byte{"this": sealed, "earlier": sealer.Seal("evidence e", earlier)} {
			read, err := codec.DecodeEvidence("e", row)
			if err != nil || string(read.Line) != line || read.Whole() != nil || read.ClientID != record.ClientID || read.Attested.Event != record.Attested.Event {
				t.Errorf("%q by the %s version: %+v, %v", line, version, read, err)
			}
			if err := codec.Check(storage.SealedEvidence, "e", row); err != nil {
				t.Errorf("%q by the %s version: %v", line, version, err)
			}
		}
	}
}

// TestDocumentSum: documents that differ in anything that is shown or signed have different sums.
func TestDocumentSum(t *testing.T) {
	seen := map[storage.Hash]bool{}
	for _, d := range []storage.Document{
		{Visible: []byte("ab")}, {Visible: []byte("a"), Hidden: []byte("b")}, {Hidden: []byte("ab")}, {Visible: []byte("ab"), Format: "plaintext"},
		{Visible: []byte("abplaintext")}, {Visible: []byte("ab "), Format: "plaintext"},
	} {
		if sum := d.Sum(); seen[sum] {
			t.Errorf("%q has the sum of another", d.Visible)
		} else {
			seen[sum] = true
		}
	}
}

// TestEvidenceOfClient: a record is its client's, and not that of another which got its ID later.
func TestEvidenceOfClient(t *testing.T) {
	record := storage.EvidenceRecord{ClientID: "app", Created: t0}
	for client, want := range map[*storage.Client]bool{
		{ID: "app", Created: t0}: true, {ID: "app"}: true, {ID: "other"}: false, {ID: "app", Created: t0.Add(1)}: false,
		{ID: "app", Created: t0.Add(1), Static: true}: true, // it is made anew at each start
	} {
		if record.Of(client) != want {
			t.Errorf("of %s, made %s: %t", client.ID, client.Created, !want)
		}
	}
}
