package bolt

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/storagetest"
)

// TestMarkTakesNoRoom: the mark is written over, in the file that it has once got, so that a full disk does not keep it from being written.
func TestMarkTakesNoRoom(t *testing.T) {
	s := openTest(t, Options{})
	stat := func() os.FileInfo {
		t.Helper()
		info, err := os.Stat(markPath(s.path))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	first, _ := readMark(s.path)
	file := stat()
	for i := range 3 {
		if _, err := s.Backup(io.Discard); err != nil {
			t.Fatal(err)
		}
		if err := s.UseOnce(t.Context(), [32]byte{byte(i)}, time.Now().Add(time.Hour), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	last, err := readMark(s.path)
	if err != nil || last.Transaction < first.Transaction+3 || last.Written < first.Written+3 {
		t.Errorf("after three copies and steps the mark is %+v, %v, and was %+v", last, err, first)
	}
	if now := stat(); !os.SameFile(file, now) || now.Size() != file.Size() {
		t.Errorf("the mark has another file, or one of %d bytes and not %d", now.Size(), file.Size())
	}
}

// TestTornMark: wherever a crash ends the writing of a mark, the one before counts, or the new one whole.
func TestTornMark(t *testing.T) {
	s := openTest(t, Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := readFile(t, markPath(s.path))
	old, _, _ := parseMark(before)
	next := mark{Store: old.Store, Run: storage.NewID(), Transaction: old.Transaction + 1}
	if err := next.write(s.path); err != nil {
		t.Fatal(err)
	}
	after := readFile(t, markPath(s.path))
	from := 0
	for before[from] == after[from] {
		from++
	}
	for end := from; end <= len(after); end++ {
		m, _, ok := parseMark(append(bytes.Clone(after[:end]), before[end:]...))
		if !ok || m != old && m.Run != next.Run {
			t.Fatalf("%d bytes written: %+v, %t", end, m, ok)
		}
	}
	if m, err := readMark(s.path); err != nil || m.Run != next.Run {
		t.Errorf("in the end the mark is %+v, %v", m, err)
	}
}

// TestMarkOfBefore: the single line of earlier versions is a mark, and gives way to one of two lines.
func TestMarkOfBefore(t *testing.T) {
	s := openTest(t, Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := readMark(s.path)
	line := []byte(`{"store":"` + m.Store + `","run":"` + m.Run + `","transaction":1}` + "\n")
	if err := errors.Join(err, os.WriteFile(markPath(s.path), line, 0o600)); err != nil {
		t.Fatal(err)
	}
	s, err = Open(s.path, storagetest.FixedSealer("test"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if raw := readFile(t, markPath(s.path)); len(raw) != 2*markLine {
		t.Errorf("the mark has %d bytes", len(raw))
	}
}
