package keys

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"
)

func newSealer(t testing.TB) *Sealer {
	t.Helper()
	key, err := ParseMasterKey(NewMasterKey().Reveal())
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseMasterKey(t *testing.T) {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i * 37)
	}
	tests := []struct {
		name, text string
		ok         bool
	}{
		{"base64", base64.StdEncoding.EncodeToString(key), true},
		{"base64 without padding", base64.RawStdEncoding.EncodeToString(key), true},
		{"base64url", base64.URLEncoding.EncodeToString(key), true},
		{"hexadecimal", hex.EncodeToString(key), true},
		{"upper-case hexadecimal", strings.ToUpper(hex.EncodeToString(key)), true},
		{"with a line end", base64.StdEncoding.EncodeToString(key) + "\r\n", true},
		{"empty", "", false},
		{"space", " \n", false},
		{"31 bytes", base64.StdEncoding.EncodeToString(key[:31]), false},
		{"33 bytes", hex.EncodeToString(append(key, 1)), false},
		{"not encoded", "correct horse battery staple", false},
		{"all zero", base64.StdEncoding.EncodeToString(make([]byte, 32)), false},
		{"all the same", strings.Repeat("aa", 32), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseMasterKey(test.text)
			if test.ok && (err != nil || !bytes.Equal(got, key)) {
				t.Errorf("got %x, %v", got, err)
			}
			if !test.ok && (!errors.Is(err, ErrMasterKey) || got != nil) {
				t.Errorf("got %x, %v; want ErrMasterKey", got, err)
			}
			if err != nil && len(test.text) > 8 && strings.Contains(err.Error(), test.text) {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
}

func TestSealerOpensWhatItSealed(t *testing.T) {
	s := newSealer(t)
	for _, text := range []string{"", "x", strings.Repeat("långt ", 5000)} {
		sealed := s.Seal("login 1", []byte(text))
		if len(text) > 8 && strings.Contains(string(sealed), text) {
			t.Error("the text can be read in its sealed form")
		}
		again := s.Seal("login 1", []byte(text))
		if bytes.Equal(sealed, again) {
			t.Error("the same text was sealed the same way twice")
		}
		got, err := s.Open("login 1", sealed)
		if err != nil || string(got) != text {
			t.Errorf("Open: %d bytes, %v", len(got), err)
		}
	}
}

func TestSealerOpensAfterRestart(t *testing.T) {
	key, _ := ParseMasterKey(NewMasterKey().Reveal())
	before, _ := NewSealer(key)
	sealed := before.Seal("login 1", []byte("text"))
	after, _ := NewSealer(key)
	if got, err := after.Open("login 1", sealed); err != nil || string(got) != "text" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestSealerRefuses(t *testing.T) {
	s := newSealer(t)
	sealed := s.Seal("login 1", []byte("text"))
	if _, err := s.Open("login 2", sealed); !errors.Is(err, ErrSealed) {
		t.Errorf("another label: %v", err)
	}
	if _, err := newSealer(t).Open("login 1", sealed); !errors.Is(err, ErrSealed) {
		t.Errorf("another master key: %v", err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := s.Open("login 1", changed); !errors.Is(err, ErrSealed) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, err := s.Open("login 1", sealed[:i]); !errors.Is(err, ErrSealed) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
}

func TestSealerTakesAnotherKeyInTime(t *testing.T) {
	s := newSealer(t)
	first := s.Seal("x", []byte("text"))
	s.current.Load().seals.Store(epochSeals)
	second := s.Seal("x", []byte("text"))
	if bytes.Equal(first[:1+saltBytes], second[:1+saltBytes]) {
		t.Error("the same key goes on sealing")
	}
	for _, sealed := range [][]byte{first, second} {
		if got, err := s.Open("x", sealed); err != nil || string(got) != "text" {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func TestSealerConcurrently(t *testing.T) {
	s := newSealer(t)
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for i := range 200 {
				if i%50 == 0 {
					s.current.Load().seals.Store(epochSeals)
				}
				if got, err := s.Open("x", s.Seal("x", []byte("text"))); err != nil || string(got) != "text" {
					t.Errorf("got %q, %v", got, err)
					return
				}
			}
		})
	}
	work.Wait()
}

func FuzzOpen(f *testing.F) {
	s := newSealer(f)
	f.Add([]byte{})
	f.Add([]byte{sealVersion})
	f.Add(make([]byte, sealHead+tagBytes))
	f.Add(s.Seal("another", []byte("text")))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if got, err := s.Open("x", sealed); err == nil {
			t.Errorf("opened %x to %q", sealed, got)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	s, text := newSealer(b), make([]byte, 600)
	b.ReportAllocs()
	for b.Loop() {
		s.Seal("login x", text)
	}
}

func BenchmarkOpen(b *testing.B) {
	s := newSealer(b)
	sealed := s.Seal("login x", make([]byte, 600))
	b.ReportAllocs()
	for b.Loop() {
		s.Open("login x", sealed)
	}
}

// sealers returns one with the first key, and one that seals with the second and opens what the first has sealed.
func sealers(t *testing.T) (before, after *Sealer, next []byte) {
	t.Helper()
	old, err := ParseMasterKey(NewMasterKey().Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if next, err = ParseMasterKey(NewMasterKey().Reveal()); err != nil {
		t.Fatal(err)
	}
	if before, err = NewSealer(old); err != nil {
		t.Fatal(err)
	}
	if after, err = NewSealer(next, old); err != nil {
		t.Fatal(err)
	}
	return before, after, next
}

func TestSealerOpensWithOtherKeys(t *testing.T) {
	before, after, next := sealers(t)
	old, fresh := before.Seal("x", []byte("text")), after.Seal("x", []byte("text"))
	for name, sealed := range map[string][]byte{"the other key": old, "its own": fresh} {
		if got, err := after.Open("x", sealed); err != nil || string(got) != "text" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if _, err := after.Open("y", sealed); !errors.Is(err, ErrSealed) {
			t.Errorf("%s under another label: %v", name, err)
		}
	}
	if _, err := before.Open("x", fresh); !errors.Is(err, ErrSealed) {
		t.Errorf("the new key's, with the old one alone: %v", err)
	}
	if after.Current(old) || !after.Current(fresh) || !before.Current(old) || before.Current(fresh) || after.Current(nil) || after.Current([]byte{sealVersion}) {
		t.Error("Current does not tell the keys apart")
	}
	if _, err := NewSealer(next, next); !errors.Is(err, ErrMasterKey) {
		t.Errorf("the same key twice: %v", err)
	}
	if _, err := NewSealer(next, make([]byte, 31)); !errors.Is(err, ErrMasterKey) {
		t.Errorf("a short other key: %v", err)
	}
}

// TestSealerOpensVersion1 opens what was sealed before sealed bytes named their key, with each of the keys.
func TestSealerOpensVersion1(t *testing.T) {
	before, after, _ := sealers(t)
	for name, by := range map[string]*Sealer{"the other key": before, "its own": after} {
		e := by.epoch(epochName{salt: [saltBytes]byte{1, 2, 3}})
		head := append([]byte{oldVersion}, e.salt[:]...)
		head = append(head, "twelve bytes"...)
		sealed := e.aead.Seal(head, head[1+saltBytes:], []byte("text"), []byte("x"))
		if got, err := after.Open("x", sealed); err != nil || string(got) != "text" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if after.Current(sealed) {
			t.Errorf("%s: bytes that name no key are not to be taken for current", name)
		}
	}
}
