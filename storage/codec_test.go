package storage_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brygga/storage"
	"brygga/storage/storagetest"
)

// zeroFields returns the paths of fields that Fill left zero: a round trip would not notice their loss.
func zeroFields(v reflect.Value, path string) (zero []string) {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.IsZero() {
		return []string{path}
	}
	if v.Kind() == reflect.Struct && v.NumField() > 0 && v.Type().Field(0).IsExported() {
		for i := range v.NumField() {
			zero = append(zero, zeroFields(v.Field(i), path+"."+v.Type().Field(i).Name)...)
		}
	}
	return zero
}

func roundTrip[T any](t *testing.T, trip func(*T) (*T, error)) {
	t.Helper()
	var want T
	storagetest.Fill(&want)
	if zero := zeroFields(reflect.ValueOf(&want), reflect.TypeFor[T]().Name()); len(zero) > 0 {
		t.Fatalf("these fields are not tested: %v", zero)
	}
	got, err := trip(&want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("a field was lost (-want +got):\n%s", diff)
	}
	zero := new(T)
	empty, err := trip(zero)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(zero, empty); diff != "" {
		t.Errorf("the zero record changed (-want +got):\n%s", diff)
	}
}

func TestCodecKeepsEveryField_RowA3(t *testing.T) {
	codec := storage.NewCodec(storagetest.NewSealer())
	roundTrip(t, func(l *storage.Login) (*storage.Login, error) {
		if l.Request == nil {
			l.Request = new(storage.AuthRequest) // there is always one
		}
		l.Request.Sign = nil // what comes of it is the document
		request, err := codec.EncodeRequest(l)
		if err != nil {
			return nil, err
		}
		state, err := codec.EncodeLogin(l)
		if err != nil {
			return nil, err
		}
		return codec.DecodeLogin(l.ID, request, state)
	})
	roundTrip(t, func(g *storage.Grant) (*storage.Grant, error) {
		sealed, err := codec.EncodeGrant(g)
		if err != nil {
			return nil, err
		}
		return codec.DecodeGrant(g.ID, sealed)
	})
	roundTrip(t, func(s *storage.Session) (*storage.Session, error) {
		sealed, err := codec.EncodeSession(s)
		if err != nil {
			return nil, err
		}
		return codec.DecodeSession(s.ID, sealed)
	})
	roundTrip(t, func(r *storage.PushedRequest) (*storage.PushedRequest, error) {
		sealed, err := codec.EncodePushedRequest(r)
		if err != nil {
			return nil, err
		}
		return codec.DecodePushedRequest(r.Hash, sealed)
	})
	roundTrip(t, func(n *storage.Notice) (*storage.Notice, error) {
		sealed, err := codec.EncodeNotice(n)
		if err != nil {
			return nil, err
		}
		return codec.DecodeNotice(n.ID, sealed)
	})
	roundTrip(t, func(k *storage.SigningKey) (*storage.SigningKey, error) {
		sealed, err := codec.EncodeSigningKeys([]storage.SigningKey{*k})
		if err != nil {
			return nil, err
		}
		keys, err := codec.DecodeSigningKeys(sealed)
		if err != nil || len(keys) != 1 {
			return nil, errors.Join(err, errors.New("not one key"))
		}
		return &keys[0], nil
	})
}

func TestCodecKeepsSecrets_RowA3(t *testing.T) {
	codec := storage.NewCodec(storagetest.NewSealer())
	sealed := codec.EncodeSecret("subject", []byte("value"))
	if bytes.Contains(sealed, []byte("value")) {
		t.Error("the secret lies readable")
	}
	if got, err := codec.DecodeSecret("subject", sealed); err != nil || string(got) != "value" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestCodecBindsRecords_RowA3 swaps sealed records: none may open under the ID or kind of another.
func TestCodecBindsRecords_RowA3(t *testing.T) {
	codec := storage.NewCodec(storagetest.NewSealer())
	login, err := codec.EncodeLogin(&storage.Login{Request: new(storage.AuthRequest), ID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	asked, err := codec.EncodeRequest(&storage.Login{Request: new(storage.AuthRequest), ID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	grant, err := codec.EncodeGrant(&storage.Grant{ID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := codec.EncodeSigningKeys(nil)
	if err != nil {
		t.Fatal(err)
	}
	session, err := codec.EncodeSession(&storage.Session{ID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	pushed, err := codec.EncodePushedRequest(&storage.PushedRequest{Hash: [32]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	notice, err := codec.EncodeNotice(&storage.Notice{ID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	kept := codec.EncodeSecret("a", []byte("[]"))
	changed := bytes.Clone(login)
	changed[len(changed)/2] ^= 1
	for name, open := range map[string]func() error{
		"login of another ID":   func() error { _, err := codec.DecodeLogin("b", asked, login); return err },
		"changed login":         func() error { _, err := codec.DecodeLogin("a", asked, changed); return err },
		"truncated login":       func() error { _, err := codec.DecodeLogin("a", asked, nil); return err },
		"login of no request":   func() error { _, err := codec.DecodeLogin("a", nil, login); return err },
		"state as its request":  func() error { _, err := codec.DecodeLogin("a", login, login); return err },
		"request as its state":  func() error { _, err := codec.DecodeLogin("a", asked, asked); return err },
		"parts as a whole":      func() error { _, err := codec.DecodeWholeLogin("a", login); return err },
		"login as grant":        func() error { _, err := codec.DecodeGrant("a", login); return err },
		"grant as login":        func() error { _, err := codec.DecodeLogin("a", asked, grant); return err },
		"grant of another ID":   func() error { _, err := codec.DecodeGrant("b", grant); return err },
		"session of another ID": func() error { _, err := codec.DecodeSession("b", session); return err },
		"grant as session":      func() error { _, err := codec.DecodeSession("a", grant); return err },
		"notice as session":     func() error { _, err := codec.DecodeSession("a", notice); return err },
		"request of other hash": func() error { _, err := codec.DecodePushedRequest([32]byte{2}, pushed); return err },
		"session as request":    func() error { _, err := codec.DecodePushedRequest([32]byte{1}, session); return err },
		"notice of another ID":  func() error { _, err := codec.DecodeNotice("b", notice); return err },
		"session as notice":     func() error { _, err := codec.DecodeNotice("a", session); return err },
		"secret as keys":        func() error { _, err := codec.DecodeSigningKeys(kept); return err },
		"keys as secret":        func() error { _, err := codec.DecodeSecret("a", keys); return err },
		"secret of other name":  func() error { _, err := codec.DecodeSecret("b", kept); return err },
		"login of another key": func() error {
			_, err := storage.NewCodec(storagetest.NewSealer()).DecodeLogin("a", asked, login)
			return err
		},
		"key check as a secret": func() error { _, err := codec.DecodeSecret("a", codec.KeyCheck()); return err },
	} {
		if open() == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func TestKeyCheck(t *testing.T) {
	codec := storage.NewCodec(storagetest.FixedSealer("one"))
	if _, err := storage.NewCodec(storagetest.FixedSealer("one")).CheckKeys(codec.KeyCheck()); err != nil {
		t.Errorf("the same key was refused: %v", err)
	}
	for _, stored := range [][]byte{storage.NewCodec(storagetest.FixedSealer("two")).KeyCheck(), nil, []byte("brygga")} {
		if _, err := codec.CheckKeys(stored); !errors.Is(err, storage.ErrWrongKey) {
			t.Errorf("got %v, want ErrWrongKey", err)
		}
	}
}

// TestKeyChecks walks through the replacement of a master key.
func TestKeyChecks(t *testing.T) {
	one, two := storagetest.FixedSealer("one"), storagetest.FixedSealer("two")
	old, next := storage.NewCodec(one), storage.NewCodec(storagetest.Replacing(two, one))
	bare := one.Seal("key check", []byte("brygga")) // as earlier versions wrote it
	for name, stored := range map[string][]byte{"a single check": bare, "a list": old.KeyCheck()} {
		if known, err := old.CheckKeys(stored); known != nil || err != nil {
			t.Errorf("%s: the key is to be noted again, %v", name, err)
		}
		both, err := next.CheckKeys(stored)
		if both == nil || err != nil {
			t.Fatalf("%s: the new key is not to be noted, %v", name, err)
		}
		if again, err := next.CheckKeys(both); again != nil || err != nil {
			t.Errorf("%s: the new key is to be noted twice, %v", name, err)
		}
		for _, alone := range []storage.Sealer{one, two} {
			if _, err := storage.NewCodec(alone).CheckKeys(both); !errors.Is(err, storage.ErrKeyNeeded) || !errors.Is(err, storage.ErrWrongKey) {
				t.Errorf("%s: one key alone: %v", name, err)
			}
		}
		last := next.ForgetKeys(both)
		if _, err := storage.NewCodec(two).CheckKeys(last); last == nil || err != nil {
			t.Errorf("%s: the new key alone: %v", name, err)
		}
		if next.ForgetKeys(last) != nil {
			t.Errorf("%s: a key is to be forgotten twice", name)
		}
	}
}

// TestResealLeavesCurrent: what is sealed with the right key stays, what is not opens with the new one alone afterwards.
func TestResealLeavesCurrent(t *testing.T) {
	one, two := storagetest.FixedSealer("one"), storagetest.FixedSealer("two")
	codec := storage.NewCodec(storagetest.Replacing(two, one))
	sealed, err := codec.Reseal(storage.SealedSecret, "a", storage.NewCodec(one).EncodeSecret("a", []byte("value")))
	if err != nil {
		t.Fatal(err)
	}
	if value, err := storage.NewCodec(two).DecodeSecret("a", sealed); string(value) != "value" || err != nil {
		t.Errorf("got %q, %v", value, err)
	}
	if again, err := codec.Reseal(storage.SealedSecret, "a", sealed); again != nil || err != nil {
		t.Errorf("it was sealed anew again, %v", err)
	}
	if _, err := codec.Reseal(storage.SealedSecret, "b", storage.NewCodec(one).EncodeSecret("a", []byte("value"))); err == nil {
		t.Error("a record was sealed anew under another name")
	}
}
