package tree

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"brygga/storage"
)

// root returns the root of the hashes by its definition (RFC 6962 §2.1).
func (f *fixture) root(hashes []tlog.Hash) tlog.Hash {
	f.Helper()
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := 1
	for half*2 < len(hashes) {
		half *= 2
	}
	return tlog.NodeHash(f.root(hashes[:half]), f.root(hashes[half:]))
}

// leaves returns all leaves of the tree.
func (f *fixture) leaves() (all []tlog.Hash) {
	f.Helper()
	tiles, err := f.AuditTiles(f.Context(), 0, 0, 1000)
	if err != nil {
		f.Fatal(err)
	}
	for i := range tiles {
		all = append(all, hashesOf(&tiles[i])...)
	}
	return all
}

// check looks that the tree has so many leaves, none twice, and that its root is theirs.
func (f *fixture) check(t *Tree, want int) {
	f.Helper()
	leaves, seen := f.leaves(), map[tlog.Hash]bool{}
	for _, leaf := range leaves {
		seen[leaf] = true
	}
	if len(leaves) != want || len(seen) != want {
		f.Fatalf("%d leaves, %d of them different, want %d", len(leaves), len(seen), want)
	}
	tree, err := t.stored(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	if root, err := tree.Root(); err != nil || root != f.root(leaves) || tree.Size != int64(want) {
		f.Errorf("the tree of %d events has another root, %v", tree.Size, err)
	}
}

func TestGrow(t *testing.T) {
	f := newFixture(t)
	tree := f.open()
	if n := f.grow(tree, 0); n != 0 || f.tree.Checkpoint != nil {
		t.Errorf("a tree of nothing grew by %d", n)
	}
	f.happen(3, 0)
	if n := f.grow(tree, time.Second); n != 0 {
		t.Errorf("%d events became leaves before they had settled", n)
	}
	if n := f.grow(tree, 5*time.Second); n != 3 {
		t.Errorf("grew by %d, want 3", n)
	}
	f.check(tree, 3)
	for i, n := range []int{252, 1, 1, 600, 5000} {
		f.happen(n, time.Duration(10+10*i)*time.Second)
		f.grow(tree, time.Duration(17+10*i)*time.Second)
	}
	f.check(tree, 3+252+1+1+600+5000)
	if n := f.grow(f.open(), time.Hour); n != 0 {
		t.Errorf("after a restart %d events became leaves again", n)
	}
}

// TestLateEvents: what a step stores after others of its time became leaves becomes one too, once.
func TestLateEvents(t *testing.T) {
	f := newFixture(t)
	tree := f.open()
	f.happen(400, 0)
	f.grow(tree, 10*time.Second)
	f.happen(1, 200*time.Millisecond+time.Microsecond) // in the midst of them
	if n := f.grow(tree, 12*time.Second); n != 1 {
		t.Errorf("an event that came a little late: grew by %d", n)
	}
	f.happen(400, 90*time.Second)
	f.grow(tree, 100*time.Second)
	f.happen(1, 50*time.Second)
	f.grow(tree, 101*time.Second)
	if n := f.grow(tree, 170*time.Second); n != 0 {
		f.check(tree, 802)
	}
	f.happen(1, 3*time.Second) // by a process that had been stopped
	f.happen(1, 3*time.Hour)
	f.grow(tree, 4*time.Hour)
	before := len(f.leaves())
	if r, err := tree.Check(t.Context(), time.Time{}); err != nil || r.Late != 1 || r.Missing != 0 || r.Leaves != int64(before) {
		t.Errorf("the check found %+v, %v, want one late event", r, err)
	}
	if n := f.grow(tree, 24*time.Hour-time.Minute); n != 0 {
		t.Errorf("grew by %d", n)
	}
	if n := f.grow(tree, 25*time.Hour-time.Minute); n != 1 {
		t.Errorf("a day later the tree grew by %d, want by the one that came late", n)
	}
	f.check(tree, before+1)
	if r, err := tree.Check(t.Context(), time.Time{}); err != nil || r.Late != 0 {
		t.Errorf("the check found %+v, %v, want no late event", r, err)
	}
}

// TestGrowersTakeTurns: of two processes one makes the tree grow, and the other when that one does no more.
func TestGrowersTakeTurns(t *testing.T) {
	f := newFixture(t)
	one, other := f.open(), f.open()
	total := 0
	for i := range 20 {
		at := time.Duration(10*i) * time.Second
		f.happen(30, at)
		total += 30
		if n := f.grow(one, at+5*time.Second); n != 30 {
			t.Fatalf("round %d: grew by %d", i, n)
		}
		if n := f.grow(other, at+6*time.Second); n != 0 {
			t.Fatalf("round %d: the other grew it by %d", i, n)
		}
	}
	f.happen(30, 300*time.Second) // and the one is dead
	if n := f.grow(other, 310*time.Second) + f.grow(other, 341*time.Second); n != 30 {
		t.Errorf("the other took over with %d", n)
	}
	f.check(other, total+30)
}

// TestGrowRace: both make leaves of the same events; one is refused, and nothing is there twice.
func TestGrowRace(t *testing.T) {
	f := newFixture(t)
	one, other := f.open(), f.open()
	f.grow(one, 0)
	f.grow(other, 0)
	f.happen(300, 0)
	f.at = 10 * time.Second
	done := make(chan error)
	for _, tree := range []*Tree{one, other} {
		go func() { _, err := tree.Grow(t.Context()); done <- err }()
	}
	if err := errors.Join(<-done, <-done); err != nil {
		t.Error(err)
	}
	f.check(one, 300)
}

// TestTamperedTreeGrowsNoFurther: nobody signs what somebody else has put there.
func TestTamperedTreeGrowsNoFurther(t *testing.T) {
	for name, tamper := range map[string]func(*fixture){
		"hash":       func(f *fixture) { f.tiles[string(storage.AuditTileKey(0, 1))].Hashes[40] ^= 1 },
		"checkpoint": func(f *fixture) { f.tree.Checkpoint[70] ^= 1 },
		"size":       func(f *fixture) { f.tree.Size-- },
		"no tile":    func(f *fixture) { delete(f.tiles, string(storage.AuditTileKey(0, 1))) },
		"other key": func(f *fixture) {
			other := newFixture(f.T)
			other.happen(300, 0)
			other.grow(other.open(), 10*time.Second)
			f.tree, f.tiles = other.tree, other.tiles
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.happen(300, 0)
			f.grow(f.open(), 10*time.Second)
			tamper(f)
			f.happen(1, 20*time.Second)
			f.at = 30 * time.Second
			if n, err := f.open().Grow(t.Context()); !errors.Is(err, ErrTampered) || n != 0 {
				t.Errorf("grew by %d, %v, want ErrTampered", n, err)
			}
		})
	}
}

// TestCheckFindsWhatIsGone: an event that was changed or removed before its time, and none that has expired.
func TestCheckFindsWhatIsGone(t *testing.T) {
	f := newFixture(t)
	tree := f.open()
	f.happen(600, 0)
	f.grow(tree, 10*time.Second)
	f.all[17].Fields = map[string]string{"CLIENT_ID": "other"}
	f.all = append(f.all[:300], f.all[301:]...)
	if r, err := tree.Check(t.Context(), time.Time{}); err != nil || r.Missing != 2 || r.Expired != 0 || r.Leaves != 600 {
		t.Errorf("the check found %+v, %v, want two missing", r, err)
	}
	f.at = 25 * time.Hour
	f.all = nil // swept
	if r, err := tree.Check(t.Context(), time.Time{}); err != nil || r.Missing != 0 || r.Expired != 600 {
		t.Errorf("the check found %+v, %v, want all expired", r, err)
	}
	f.tiles[string(storage.AuditTileKey(0, 0))].Hashes[3] ^= 1
	if _, err := tree.Check(t.Context(), time.Time{}); !errors.Is(err, ErrTampered) {
		t.Errorf("got %v, want ErrTampered", err)
	}
}

// TestGrowsFromTheStart: a tree that is begun over a log which is there already reads each event about once, however many there are.
func TestGrowsFromTheStart(t *testing.T) {
	f := newFixture(t)
	const n = 3*maxLeaves + 100
	f.happen(n, time.Minute)
	f.at = time.Hour
	tree := f.open()
	if added, err := tree.Grow(t.Context()); added != n || err != nil {
		t.Fatalf("%d leaves, %v", added, err)
	}
	f.check(tree, n)
	if f.read > n+n/2 {
		t.Errorf("%d events were read of %d", f.read, n)
	}
}
