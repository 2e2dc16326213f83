package bolt

import (
	"sync"
	"sync/atomic"

	"brygga/storage"
)

const (
	// maxClientBytes bounds the clients in memory, by the rough size of what they hold: some ten thousand of the usual kind.
	maxClientBytes = 32 << 20
	// clientOverhead is what a client costs beside the bytes of its row.
	clientOverhead = 1 << 10
)

// clientCache holds clients as committed, so that a request does not parse its client's record each time. It is bounded:
// what has not been asked for since the hand came by last goes first. Clients that are not in it are read from the file;
// nothing is kept about those that do not exist. The records in it are never changed.
type clientCache struct {
	limit int

	mu      sync.RWMutex
	byID    map[string]*cachedClient
	ring    []*cachedClient // in any order
	hand    int             // in ring: who is asked next to leave
	bytes   int
	changes uint64 // counts what the writer told of
}

type cachedClient struct {
	client *storage.Client
	bytes  int
	place  int // in ring
	used   atomic.Bool
}

// get returns the client, or nil and what put demands of those who then read it from the file.
func (c *clientCache) get(id string) (client *storage.Client, changes uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	entry := c.byID[id]
	if entry == nil {
		return nil, c.changes
	}
	if !entry.used.Load() { // a store would take the cache line from other readers
		entry.used.Store(true)
	}
	return entry.client, c.changes
}

// put adds a client that was read from the file after get had returned changes. If the writer has told of a change since
// then, what was read may be old and is not kept.
func (c *clientCache) put(client *storage.Client, rowBytes int, changes uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes != changes || c.byID[client.ID] != nil {
		return
	}
	c.add(client, rowBytes)
}

// changed makes client what the cache knows of that ID, if it knows it; nil means that it is removed. Only the writer calls
// it, when the change is on disk and before anybody is told.
func (c *clientCache) changed(id string, client *storage.Client, rowBytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	if entry := c.byID[id]; entry != nil {
		c.drop(entry)
		if client != nil {
			c.add(client, rowBytes)
		}
	}
}

func (c *clientCache) add(client *storage.Client, rowBytes int) {
	bytes := rowBytes + clientOverhead
	if bytes > c.limit/4 {
		return
	}
	for c.bytes+bytes > c.limit {
		c.hand %= len(c.ring)
		if entry := c.ring[c.hand]; entry.used.Swap(false) {
			c.hand++
		} else {
			c.drop(entry)
		}
	}
	entry := &cachedClient{client: client, bytes: bytes, place: len(c.ring)}
	c.ring = append(c.ring, entry)
	c.bytes += bytes
	if c.byID == nil {
		c.byID = make(map[string]*cachedClient)
	}
	c.byID[client.ID] = entry
}

// drop removes the entry; the last of the ring takes its place.
func (c *clientCache) drop(entry *cachedClient) {
	last := len(c.ring) - 1
	c.ring[entry.place] = c.ring[last]
	c.ring[entry.place].place = entry.place
	c.ring[last] = nil
	c.ring = c.ring[:last]
	c.bytes -= entry.bytes
	delete(c.byID, entry.client.ID)
}
