package storage_test

import (
	"errors"
	"testing"
	"time"

	"brygga/storage"
)

func TestReference(t *testing.T) {
	created := time.Date(2026, 11, 26, 10, 32, 41, 0, time.UTC)
	l := &storage.Login{ID: "A6ah3dSb2-SjB7y6QNMIuQ", Created: created}
	r := l.Reference()
	if r != l.Reference() {
		t.Fatal("a login has two references")
	}
	changed := *l
	changed.State, changed.Revision, changed.Orders = storage.LoginFailed, 9, 3
	if changed.Reference() != r {
		t.Error("the reference changes with the login's state")
	}
	if other := (&storage.Login{ID: "B6ah3dSb2-SjB7y6QNMIuQ", Created: created}).Reference(); other == r || other[:5] != r[:5] {
		t.Errorf("another login of that minute has %s beside %s: the minute should be the same and the rest not", other, r)
	}
	if next := (&storage.Login{ID: l.ID, Created: created.Add(time.Minute)}).Reference(); next[:5] == r[:5] {
		t.Errorf("a minute later the reference %s begins as %s", next, r)
	}
}

func TestParseReference(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"7QX4-2MKD", "7QX4-2MKD"},
		{"7qx42mkd", "7QX4-2MKD"},
		{"  7qx4 2mkd ", "7QX4-2MKD"},
		{"oIl4-2MKD", "0114-2MKD"},
		{"7QX4-2MK", ""},
		{"7QX4-2MKDA", ""},
		{"7QX4-2MKU", ""}, // U is no digit
		{"7QX4-2MKÅ", ""},
		{"", ""},
		{"--------", ""},
	} {
		got, err := storage.ParseReference(c.text)
		if string(got) != c.want || (c.want == "") != errors.Is(err, storage.ErrReference) {
			t.Errorf("%q is read as %q, %v; want %q", c.text, got, err, c.want)
		}
	}
}

// TestReferenceBegun holds that a reference leads back to the minute of its login, on the edges of minutes and periods.
func TestReferenceBegun(t *testing.T) {
	for _, created := range []time.Time{
		time.Date(2026, 11, 26, 10, 32, 0, 0, time.UTC),
		time.Date(2026, 11, 26, 10, 32, 59, 999999000, time.UTC),
		time.Unix((1<<20-1)*60*28, 0).UTC(),
		time.Unix((1<<20)*60*28, 0).UTC(),
		time.Unix((1<<20)*60*29-1, 0).UTC(),
	} {
		r := (&storage.Login{ID: "A6ah3dSb2-SjB7y6QNMIuQ", Created: created}).Reference()
		begun := created.Truncate(time.Minute)
		for _, later := range []time.Duration{0, time.Minute, 400 * 24 * time.Hour, r.Period() - 2*time.Minute} {
			if got := r.Begun(created.Add(later)); !got.Equal(begun) {
				t.Errorf("%s of %s is said %s later to have begun at %s", r, created, later, got)
			}
		}
		if got := r.Begun(created.Add(r.Period())); !got.Equal(begun.Add(r.Period())) {
			t.Errorf("a period later %s begins at %s", r, got)
		}
	}
	if !storage.Reference("nonsense").Begun(time.Unix(0, 0)).IsZero() {
		t.Error("what is no reference has a beginning")
	}
}
