package bolt

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"brygga/storage"
)

// cacheOf returns a cache that has room for n clients without a row.
func cacheOf(n int) *clientCache { return &clientCache{limit: n * clientOverhead} }

func (c *clientCache) read(id string) {
	_, changes := c.get(id)
	c.put(&storage.Client{ID: id}, 0, changes)
}

func (c *clientCache) ids() (ids []string) {
	for id, entry := range c.byID {
		if c.ring[entry.place] != entry {
			panic("the ring has lost " + id)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func TestClientCacheIsBounded(t *testing.T) {
	cache := cacheOf(8)
	for i := range 100 {
		cache.read(fmt.Sprint("c", i))
	}
	if got := len(cache.ids()); got != 8 || len(cache.ring) != 8 || cache.bytes != cache.limit {
		t.Errorf("%d clients of %d bytes in memory, want 8 of %d", got, cache.bytes, cache.limit)
	}
	_, changes := cache.get("large")
	cache.put(&storage.Client{ID: "large"}, 6*clientOverhead, changes)
	if client, _ := cache.get("large"); client != nil || len(cache.ids()) != 8 {
		t.Error("a client that would drive out most others was kept")
	}
	cache.put(&storage.Client{ID: "two"}, clientOverhead, changes)
	if got := cache.bytes; len(cache.ids()) != 7 || got != cache.limit {
		t.Errorf("%d clients of %d bytes in memory, want 7 of %d", len(cache.ids()), got, cache.limit)
	}
}

func TestClientCacheKeepsWhatIsUsed(t *testing.T) {
	cache := cacheOf(8)
	cache.read("hot")
	for i := range 100 {
		cache.get("hot")
		cache.read(fmt.Sprint("c", i))
	}
	if !slices.Contains(cache.ids(), "hot") {
		t.Error("the client that is asked for most was driven out")
	}
}

func TestClientCacheFollowsTheWriter(t *testing.T) {
	cache := cacheOf(8)
	cache.read("a")
	cache.read("b")
	newer := &storage.Client{ID: "a", Revision: 2}
	cache.changed("a", newer, 0)
	if got, _ := cache.get("a"); got != newer {
		t.Errorf("got %+v", got)
	}
	cache.changed("a", nil, 0)
	if got, _ := cache.get("a"); got != nil {
		t.Errorf("a removed client is in memory: %+v", got)
	}
	cache.changed("unread", &storage.Client{ID: "unread"}, 0)
	if got := cache.ids(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("in memory: %v", got)
	}
	if cache.bytes != clientOverhead {
		t.Errorf("%d bytes counted", cache.bytes)
	}
}

// TestClientCacheRefusesOldReads lets a change come between a look into the file and what is made of it.
func TestClientCacheRefusesOldReads(t *testing.T) {
	for name, next := range map[string]*storage.Client{"changed": {ID: "a", Revision: 2}, "removed": nil} {
		cache := cacheOf(8)
		_, changes := cache.get("a")
		cache.changed("a", next, 0)
		cache.put(&storage.Client{ID: "a", Revision: 1}, 0, changes)
		if got, _ := cache.get("a"); got != nil {
			t.Errorf("%s: a client as it was before is in memory: %+v", name, got)
		}
	}
}

// TestUnknownClientsCostNoMemory: anybody may ask for any client_id.
func TestUnknownClientsCostNoMemory(t *testing.T) {
	s := openTest(t, Options{})
	for i := range 100 {
		if _, err := s.Client(t.Context(), fmt.Sprint("unknown", i)); !errors.Is(err, storage.ErrNotFound) {
			t.Fatal(err)
		}
	}
	if got := len(s.clients.byID); got != 0 {
		t.Errorf("%d entries in memory", got)
	}
}

// TestClientsAreReadOnce: a second read comes from memory, and so does one after an update.
func TestClientsAreReadOnce(t *testing.T) {
	s := openTest(t, Options{})
	if err := s.CreateClient(t.Context(), storage.Client{ID: "app"}); err != nil {
		t.Fatal(err)
	}
	read := func() *storage.Client {
		client, err := s.Client(t.Context(), "app")
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
	if len(s.clients.byID) != 0 {
		t.Error("a client that nobody has read is in memory")
	}
	if first := read(); read() != first {
		t.Error("the client was read twice")
	}
	if err := s.UpdateClient(t.Context(), storage.Client{ID: "app", Name: "new", Revision: 1}); err != nil {
		t.Fatal(err)
	}
	if first := read(); first.Name != "new" || read() != first {
		t.Errorf("after the update: %+v", first)
	}
	if err := s.RemoveClient(t.Context(), "app", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client(t.Context(), "app"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("after the removal: %v", err)
	}
}
