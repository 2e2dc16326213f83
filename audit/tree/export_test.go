package tree

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

// day is a log of some hundred events, the first of which retention has taken.
func day(t *testing.T) (*fixture, *Tree) {
	t.Helper()
	f := newFixture(t)
	tree := f.open()
	f.happen(300, 0)
	f.grow(tree, 10*time.Second)
	f.happen(300, 30*time.Hour)
	f.grow(tree, 31*time.Hour)
	f.all = slices.DeleteFunc(f.all, func(e storage.AuditEvent) bool { return e.Expires.Before(epoch.Add(f.at)) })
	return f, tree
}

func TestExport(t *testing.T) {
	f, tree := day(t)
	earlier := f.tree.Checkpoint
	f.happen(100, 32*time.Hour)
	f.grow(tree, 33*time.Hour)
	whole := f.export(tree, -time.Hour)
	v, err := VerifyExport(bytes.NewReader(whole), f.key.Public, earlier)
	if err != nil {
		t.Fatal(err)
	}
	if v.Log != "login.example.se/audit" || v.Size != 700 || v.Events != 400 || v.Hashes != 300 || v.First != 0 || v.Known != 1 ||
		!v.From.Equal(epoch.Add(30*time.Hour)) || !v.To.Equal(epoch.Add(32*time.Hour+99*time.Millisecond)) {
		t.Errorf("got %+v", v)
	}
	late := f.export(tree, 32*time.Hour)
	if v, err = VerifyExport(bytes.NewReader(late), f.key.Public, earlier); err != nil {
		t.Fatal(err)
	}
	if v.First != 512 || v.Events != 188 || v.Hashes != 0 || v.Known != 1 {
		t.Errorf("since the last hours: got %+v", v)
	}
	if v, err = VerifyExport(bytes.NewReader(f.export(tree, 100*time.Hour)), f.key.Public); err != nil || v.First != 512 {
		t.Errorf("since the future: got %+v, %v", v, err)
	}
}

// TestEveryChangeIsFound changes every byte of an export, leaves out each line, doubles it and changes places, and cuts off the end.
func TestEveryChangeIsFound(t *testing.T) {
	f := newFixture(t)
	tree := f.open()
	f.happen(9, 0)
	f.grow(tree, 10*time.Second)
	f.all = f.all[2:]
	whole := f.export(tree, 0)
	refused := func(what string, changed []byte, known ...[]byte) {
		t.Helper()
		if _, err := VerifyExport(bytes.NewReader(changed), f.key.Public, known...); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", what, err)
		}
	}
	for i := range whole {
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		refused(fmt.Sprintf("byte %d, %q", i, whole[i]), changed)
	}
	lines := bytes.SplitAfter(bytes.TrimSuffix(whole, []byte("\n")), []byte("\n"))
	for i := 1; i < len(lines); i++ {
		refused(fmt.Sprint("without line ", i), slices.Concat(slices.Concat(lines[:i]...), slices.Concat(lines[i+1:]...)))
		refused(fmt.Sprint("line twice ", i), slices.Concat(slices.Concat(lines[:i]...), lines[i], slices.Concat(lines[i:]...)))
		refused(fmt.Sprint("cut at ", i), slices.Concat(lines[:i]...))
		if i > 1 {
			refused(fmt.Sprint("line ", i, " before the one before"), slices.Concat(slices.Concat(lines[:i-1]...), lines[i], lines[i-1], slices.Concat(lines[i+1:]...)))
		}
	}
	f.happen(1, 20*time.Second)
	f.grow(tree, 30*time.Second)
	refused("an end that was cut off with its checkpoint", whole, f.tree.Checkpoint)

	other := newFixture(t)
	other.key = f.key
	other.happen(20, time.Second)
	other.grow(other.open(), 10*time.Second)
	refused("another history", other.export(other.open(), 0), f.tree.Checkpoint)
	refused("nothing", nil)
	refused("another file", []byte("{}\n"))
}

// TestExportOfTamperedLog: what does not lead to the signed root is not exported.
func TestExportOfTamperedLog(t *testing.T) {
	f, tree := day(t)
	f.tiles[string(storage.AuditTileKey(0, 0))].Hashes[3] ^= 1
	if _, err := tree.Export(t.Context(), new(bytes.Buffer), time.Time{}); !errors.Is(err, ErrTampered) {
		t.Errorf("got %v, want ErrTampered", err)
	}
}

// TestIndependentVerifier lets a program that shares nothing with us, in another language, agree on exports, whole and changed.
func TestIndependentVerifier(t *testing.T) {
	f, tree := day(t)
	dir := t.TempDir()
	agrees := func(what string, export []byte, want bool) {
		t.Helper()
		path := filepath.Join(dir, "export.jsonl")
		if err := os.WriteFile(path, export, 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := exec.CommandContext(t.Context(), "node", "testdata/verify.mjs", path, f.key.Public).CombinedOutput()
		if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran || (err == nil) != want {
			t.Errorf("%s: %v: %s", what, err, said)
		}
		if _, err := VerifyExport(bytes.NewReader(export), f.key.Public); (err == nil) != want {
			t.Errorf("%s: we say %v", what, err)
		}
	}
	whole := f.export(tree, -time.Hour)
	agrees("whole", whole, true)
	agrees("the end of it", f.export(tree, 30*time.Hour+200*time.Millisecond), true)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-40] ^= 1
	agrees("a byte flipped", flipped, false)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	agrees("a line dropped", slices.Concat(slices.Concat(lines[:400]...), slices.Concat(lines[401:]...)), false)
	agrees("the end cut", slices.Concat(lines[:500]...), false)
}

func TestProve(t *testing.T) {
	f, tree := day(t)
	events, err := f.AuditEventsOf(t.Context(), "R3", epoch, epoch.Add(99*time.Hour), 5)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := tree.Prove(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(proof)
	if err != nil {
		t.Fatal(err)
	}
	proven, size, err := VerifyProof(text, f.key.Public)
	if err != nil || size != 600 || len(proven) != 5 || !strings.Contains(proven[0], `"reference":"R3"`) {
		t.Errorf("proved %q of %d, %v", proven, size, err)
	}
	for name, change := range map[string]func(*Proof){
		"text":       func(p *Proof) { p.Events[2].Text = strings.Replace(p.Events[2].Text, "app", "apa", 1) },
		"index":      func(p *Proof) { p.Events[2].Index++ },
		"path":       func(p *Proof) { p.Events[2].Path[4][0] ^= 1 },
		"shorter":    func(p *Proof) { p.Events[2].Path = p.Events[2].Path[1:] },
		"checkpoint": func(p *Proof) { p.Checkpoint = strings.Replace(p.Checkpoint, "600", "601", 1) },
		"format":     func(p *Proof) { p.Format = "other" },
	} {
		var changed Proof
		if err := json.Unmarshal(text, &changed); err != nil {
			t.Fatal(err)
		}
		change(&changed)
		other, _ := json.Marshal(changed)
		if _, _, err := VerifyProof(other, f.key.Public); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	f.happen(1, 40*time.Hour)
	if _, err := tree.Prove(t.Context(), f.all[len(f.all)-1:]); !errors.Is(err, ErrUnsigned) {
		t.Errorf("an event without a checkpoint: got %v, want ErrUnsigned", err)
	}
}

// TestProveLateEvent: one that became a leaf a day after its time.
func TestProveLateEvent(t *testing.T) {
	f := newFixture(t)
	tree := f.open()
	f.happen(300, 0)
	f.grow(tree, 10*time.Second)
	f.happen(300, 23*time.Hour)
	f.grow(tree, 23*time.Hour+10*time.Second)
	f.happen(1, time.Second)
	f.grow(tree, 24*time.Hour+10*time.Second)
	late, err := f.AuditEvents(t.Context(), epoch.Add(time.Second), epoch.Add(time.Hour), 1)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := tree.Prove(t.Context(), late)
	if err != nil || proof.Events[0].Index != 600 {
		t.Errorf("got %+v, %v", proof, err)
	}
}

func TestKeysOfOthers(t *testing.T) {
	f, tree := day(t)
	other := newFixture(t)
	whole := f.export(tree, 0)
	if _, err := VerifyExport(bytes.NewReader(whole), other.key.Public); !errors.Is(err, ErrInvalid) {
		t.Errorf("with another's key: got %v", err)
	}
	if _, err := VerifyExport(bytes.NewReader(whole), "login.example.se/audit+nothing"); err == nil || errors.Is(err, ErrInvalid) {
		t.Errorf("without a key: got %v", err)
	}
	// The same name and hash, and other bytes.
	parts := strings.SplitN(f.key.Public, "+", 3)
	forged := strings.Join([]string{parts[0], parts[1], base64.StdEncoding.EncodeToString(make([]byte, 33))}, "+")
	if _, err := VerifyExport(bytes.NewReader(whole), forged); err == nil {
		t.Error("a forged key verifies")
	}
}
