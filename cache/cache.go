// Package cache keeps values in memory, bounded by the bytes that they take and not by their number: what strangers make large
// drives out other values and never the process.
//
// It owns the choice of who leaves. It must not know what the values are or where else they stand.
package cache

import (
	"strings"
	"sync"
	"sync/atomic"
)

// entryBytes is about what an entry takes beside its key and what the caller counts: its own memory, its place in the map.
const entryBytes = 160

// Cache holds values by key. What has not been asked for since it was last looked over goes first when room is needed (second
// chance). The methods may be called concurrently. A value in it must not be changed, and must share no memory with anything that
// is not counted: a text cut out of a request keeps the whole request. Of the key the cache makes a copy of its own.
type Cache[V any] struct {
	limit int

	mu      sync.RWMutex
	byKey   map[string]*entry[V]
	hand    *entry[V] // who is asked next to leave; all entries are a ring from there
	bytes   int
	changes uint64
}

type entry[V any] struct {
	key   string
	value V
	bytes int
	used  atomic.Bool
	// before and after are the neighbours in the ring.
	before, after *entry[V]
}

// Mark stands for the moment of a [Cache.Look].
type Mark uint64

// New returns a cache of that many bytes.
func New[V any](limit int) *Cache[V] {
	return &Cache[V]{limit: limit, byKey: make(map[string]*entry[V])}
}

// Get returns the value of the key, and false when it is not here.
func (c *Cache[V]) Get(key string) (value V, ok bool) {
	value, ok, _ = c.Look(key)
	return value, ok
}

// Look is Get for those who read what is not here from elsewhere, and then hand it to Fill with the mark.
func (c *Cache[V]) Look(key string) (value V, ok bool, mark Mark) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e := c.byKey[key]
	if e == nil {
		return value, false, Mark(c.changes)
	}
	if !e.used.Load() { // a store would take the cache line from other readers
		e.used.Store(true)
	}
	return e.value, true, Mark(c.changes)
}

// Fill adds a value that was read from elsewhere after Look had returned the mark. If anything was put or removed since then, what
// was read may be old and is not kept.
func (c *Cache[V]) Fill(key string, value V, bytes int, mark Mark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if Mark(c.changes) == mark && c.byKey[key] == nil {
		c.add(key, value, bytes)
	}
}

// Put makes value the one of the key. Bytes is what it takes, all that it refers to included. One that takes more than a quarter of
// the cache is not kept, and none that was there before.
func (c *Cache[V]) Put(key string, value V, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	c.drop(c.byKey[key])
	c.add(key, value, bytes)
}

// Remove takes the key out.
func (c *Cache[V]) Remove(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	c.drop(c.byKey[key])
}

// Clear takes everything out.
func (c *Cache[V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	c.byKey, c.hand, c.bytes = make(map[string]*entry[V]), nil, 0
}

// Len returns how many values are here.
func (c *Cache[V]) Len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.byKey)
}

func (c *Cache[V]) add(key string, value V, bytes int) {
	bytes += entryBytes + len(key)
	if bytes > c.limit/4 {
		return
	}
	for c.bytes+bytes > c.limit {
		if c.hand.used.Swap(false) {
			c.hand = c.hand.after
		} else {
			c.drop(c.hand)
		}
	}
	e := &entry[V]{key: strings.Clone(key), value: value, bytes: bytes}
	c.link(e)
	c.bytes += bytes
	c.byKey[e.key] = e
}

// link puts the entry where the hand comes last.
func (c *Cache[V]) link(e *entry[V]) {
	if c.hand == nil {
		c.hand, e.before, e.after = e, e, e
		return
	}
	e.before, e.after = c.hand.before, c.hand
	e.before.after, e.after.before = e, e
}

// drop removes the entry, if there is one.
func (c *Cache[V]) drop(e *entry[V]) {
	if e == nil {
		return
	}
	e.before.after, e.after.before = e.after, e.before
	if c.hand == e {
		if c.hand = e.after; c.hand == e {
			c.hand = nil
		}
	}
	c.bytes -= e.bytes
	delete(c.byKey, e.key)
}
