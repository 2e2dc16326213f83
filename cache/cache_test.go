package cache

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

const size = 1 << 10 // of a value with what it costs beside

// room returns a cache that has room for n values of two-letter keys.
func room(n int) *Cache[*int] { return New[*int](n * size) }

// read asks for the key and adds it as one that was read from elsewhere.
func (c *Cache[V]) read(key string) {
	var value V
	if _, ok, mark := c.Look(key); !ok {
		c.Fill(key, value, size-entryBytes-len(key), mark)
	}
}

// keys returns what is in the cache, and panics when its parts do not agree.
func (c *Cache[V]) keys() (keys []string) {
	bytes, e := 0, c.hand
	for range c.byKey {
		if c.byKey[e.key] != e || e.after.before != e {
			panic("the ring is broken at " + e.key)
		}
		keys, bytes, e = append(keys, e.key), bytes+e.bytes, e.after
	}
	if e != c.hand || bytes != c.bytes || bytes > c.limit {
		panic(fmt.Sprintf("%d bytes in %d entries, counted %d, of %d", bytes, len(keys), c.bytes, c.limit))
	}
	slices.Sort(keys)
	return keys
}

func TestBytesAreBounded(t *testing.T) {
	c := room(8)
	for i := range 100 {
		c.read(fmt.Sprint("c", i))
	}
	if got := c.keys(); len(got) != 8 || c.Len() != 8 {
		t.Errorf("in memory: %v", got)
	}
	c.Put("large", nil, 2*size)
	if _, ok := c.Get("large"); ok || len(c.keys()) != 8 {
		t.Error("a value that would drive out most others was kept")
	}
	c.Put("two", nil, 2*size-entryBytes-3)
	if got := c.keys(); len(got) != 7 || c.bytes != c.limit {
		t.Errorf("in memory: %v, %d bytes", got, c.bytes)
	}
	c.Put("two", nil, 3*size)
	if got := c.keys(); slices.Contains(got, "two") {
		t.Error("a value that grew too large was kept as it was before")
	}
}

func TestKeysCount(t *testing.T) {
	c := room(8)
	for i := range 100 {
		c.Put(fmt.Sprintf("%0*d", size-entryBytes, i), nil, 0)
	}
	if got := len(c.keys()); got != 8 {
		t.Errorf("%d keys of 1 KiB in 8 KiB", got)
	}
}

func TestWhatIsUsedStays(t *testing.T) {
	c := room(8)
	c.read("hot")
	for i := range 100 {
		c.Get("hot")
		c.read(fmt.Sprint("c", i))
	}
	if !slices.Contains(c.keys(), "hot") {
		t.Error("what is asked for most was driven out")
	}
}

// TestTheOldestGoes: of what nobody asks for, what came first.
func TestTheOldestGoes(t *testing.T) {
	c := room(8)
	for i := range 20 {
		c.read(fmt.Sprintf("%02d", i))
	}
	if got := c.keys(); !slices.Equal(got, []string{"12", "13", "14", "15", "16", "17", "18", "19"}) {
		t.Errorf("in memory: %v", got)
	}
	c.Remove("15")
	c.read("20")
	c.read("21")
	if got := c.keys(); !slices.Equal(got, []string{"13", "14", "16", "17", "18", "19", "20", "21"}) {
		t.Errorf("in memory: %v", got)
	}
}

func TestPutAndRemove(t *testing.T) {
	c := room(8)
	c.read("a")
	c.read("b")
	newer := new(int)
	c.Put("a", newer, 1)
	if got, ok := c.Get("a"); got != newer || !ok {
		t.Errorf("got %v", got)
	}
	c.Remove("a")
	c.Remove("unknown")
	if got := c.keys(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("in memory: %v", got)
	}
}

// TestOldReadsAreRefused lets a change come between a look elsewhere and what is made of it.
func TestOldReadsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Cache[*int]){
		"put": func(c *Cache[*int]) { c.Put("a", new(int), 1); c.Remove("a") }, "removed": func(c *Cache[*int]) { c.Remove("a") },
	} {
		c := room(8)
		_, _, mark := c.Look("a")
		change(c)
		c.Fill("a", nil, 1, mark)
		if _, ok := c.Get("a"); ok {
			t.Errorf("%s: a value as it was before is in memory", name)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	c := room(8)
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			for j := range 200 {
				key := fmt.Sprint((i + j) % 20)
				switch j % 4 {
				case 0:
					c.Put(key, nil, size/2)
				case 1:
					c.Remove(key)
				default:
					c.read(key)
				}
			}
		})
	}
	work.Wait()
	c.keys()
}
