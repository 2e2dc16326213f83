package sink

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brygga/audit"
	"brygga/audit/tree"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFile: the file has the lines that the tree has signed, is begun anew when it is full, and as many as asked for are kept.
func TestFile(t *testing.T) {
	f := newFixture(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	s := f.sink("a", &File{Path: path, MaxBytes: 200, Keep: 2}, true)
	for range 5 {
		f.happen(2)
		f.drain(s)
	}
	var signed bytes.Buffer
	if _, err := f.tree.Export(t.Context(), &signed, epoch); err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(signed.String(), "\n")
	kept := strings.SplitAfter(lines, "\n")[4:]
	if got := read(t, path+".2") + read(t, path+".1") + read(t, path); got != strings.Join(kept, "") {
		t.Errorf("the files have\n%swant\n%s", got, strings.Join(kept, ""))
	}
	if _, err := os.Stat(path + ".3"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a third file is kept: %v", err)
	}
}

// TestFileRotationCut: a rotation that a crash has broken off after any of its steps costs no file that was to be kept.
func TestFileRotationCut(t *testing.T) {
	for done := range 4 {
		f := newFixture(t)
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		s := f.sink("a", &File{Path: path, MaxBytes: 200, Keep: 3}, true)
		for range 4 {
			f.happen(2)
			f.drain(s)
		}
		want := read(t, path+".2") + read(t, path+".1") + read(t, path)
		for _, step := range [][2]string{{".2", ".3"}, {".1", ".2"}, {"", ".1"}}[:done] {
			if err := os.Rename(path+step[0], path+step[1]); err != nil {
				t.Fatal(err)
			}
		}
		f.happen(2)
		f.drain(s)
		got := ""
		for _, name := range []string{".3", ".2", ".1"} {
			if text, err := os.ReadFile(path + name); err == nil {
				got += string(text)
			}
		}
		if got != want || strings.Count(read(t, path), "\n") != 2 {
			t.Errorf("broken off after %d steps, the files before have\n%swant\n%s", done, got, want)
		}
	}
}

// TestFileCutLine: a line that a crash has cut is removed before the next is written, also in a file that is full, and however long it is.
func TestFileCutLine(t *testing.T) {
	for _, cut := range []string{`{"id":"e0`, strings.Repeat("x", 4<<10), strings.Repeat("x", 9000)} {
		for _, whole := range []string{"", "{}\n", "{}\n{}\n"} {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			if err := os.WriteFile(path, []byte(whole+cut), 0o600); err != nil {
				t.Fatal(err)
			}
			to := &File{Path: path, MaxBytes: 6, Keep: 1}
			if _, err := to.Deliver(t.Context(), []tree.Leaf{{Text: []byte(`{"id":"e000001"}`)}}); err != nil {
				t.Fatal(err)
			}
			got := read(t, path)
			if len(whole) >= 6 {
				got = read(t, path+".1") + got
			}
			if rest, ok := strings.CutPrefix(got, whole); !ok || !strings.HasPrefix(rest, `{"id":"e000001"`) || strings.Count(got, "\n") != strings.Count(whole, "\n")+1 {
				t.Errorf("%q and %d bytes of a line: the file has %.80q", whole, len(cut), got)
			}
		}
	}
}

// TestFileMoved: a file that was moved away is begun anew.
func TestFileMoved(t *testing.T) {
	f := newFixture(t)
	path := filepath.Join(t.TempDir(), "audit.cef")
	s := f.sink("a", &File{Path: path, MaxBytes: 1 << 20, Keep: 1, Line: audit.CEF("1")}, true)
	f.happen(1)
	f.drain(s)
	if err := os.Rename(path, path+".taken"); err != nil {
		t.Fatal(err)
	}
	f.happen(1)
	f.drain(s)
	if got := read(t, path); !strings.HasPrefix(got, "CEF:0|") || !strings.Contains(got, "externalId=e000002") || strings.Count(got, "\n") != 1 {
		t.Errorf("the file has %q", got)
	}
}
