package tree

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// TestFollow: whoever follows the leaves gets each event once and in the order of the tree, also what came late, and learns what retention
// has taken.
func TestFollow(t *testing.T) {
	f := newFixture(t)
	tree := f.open()
	f.happen(300, 0)
	f.grow(tree, 10*time.Second)
	f.happen(1, 200*time.Millisecond+time.Microsecond) // late: its leaf is the last
	f.grow(tree, 12*time.Second)
	f.all = slices.Delete(f.all, 2, 4)

	var got []string
	var at, skipped int64
	for {
		found, err := tree.Follow(t.Context(), at, 100)
		if err != nil || found.Size != 301 {
			t.Fatalf("%d leaves, %v, want 301", found.Size, err)
		}
		if found.Next == at {
			break
		}
		for i, leaf := range found.Events {
			if leaf.Index < at || leaf.Index >= found.Next || i > 0 && leaf.Index <= found.Events[i-1].Index {
				t.Errorf("the leaf %d came from %d on", leaf.Index, at)
			}
			got = append(got, leaf.Event.ID)
		}
		at, skipped = found.Next, skipped+found.Skipped
	}
	if at != 301 || skipped != 2 || len(got) != 299 || got[2] != "e000005" || got[298] != "e000301" || !slices.IsSorted(got) {
		t.Errorf("at %d, %d skipped, %d events, %q to %q", at, skipped, len(got), got[0], got[len(got)-1])
	}
	if _, err := tree.Follow(t.Context(), 302, 1); !errors.Is(err, ErrTampered) {
		t.Errorf("a log whose end was cut off: %v", err)
	}
}
