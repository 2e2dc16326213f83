package tree

import (
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// subtree is a full subtree: its root, and the level that this stands on.
type subtree struct {
	root  tlog.Hash
	level int
}

// subtrees are the largest full subtrees that some leaves have, from the left: all that is needed of them to add more (RFC 6962 §2.1).
type subtrees []subtree

// add adds a leaf.
func (s *subtrees) add(leaf tlog.Hash) {
	last := subtree{leaf, 0}
	for n := len(*s); n > 0 && (*s)[n-1].level == last.level; n-- {
		last = subtree{tlog.NodeHash((*s)[n-1].root, last.root), last.level + 1}
		*s = (*s)[:n-1]
	}
	*s = append(*s, last)
}

// root returns the root over all leaves, of which there is at least one.
func (s subtrees) root() tlog.Hash {
	root := s[len(s)-1].root
	for i := len(s) - 2; i >= 0; i-- {
		root = tlog.NodeHash(s[i].root, root)
	}
	return root
}

// largest returns the level of the largest full subtree of so many leaves.
func largest(leaves int64) int { return bits.Len64(uint64(leaves)) - 1 }

// leftOf returns the subtrees of so many leaves, whose roots these are. It returns nil when there are not as many.
func leftOf(leaves int64, roots []tlog.Hash) (all subtrees) {
	for _, root := range roots {
		if leaves == 0 {
			return nil
		}
		level := largest(leaves)
		all = append(all, subtree{root, level})
		leaves -= 1 << level
	}
	if leaves != 0 {
		return nil
	}
	return all
}
