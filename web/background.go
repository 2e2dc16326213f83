package web

import "sync"

// background is work that outlives its request. The zero value is ready; all methods may be called concurrently.
type background struct {
	mu   sync.Mutex
	over bool
	all  sync.WaitGroup
}

// begin counts one more piece of work, which ends with end. It returns false when nobody waits for it any more.
func (b *background) begin() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return false
	}
	b.all.Add(1)
	return true
}

func (b *background) end() { b.all.Done() }

// do does work beside its request, or within it when nobody would wait for it.
func (b *background) do(work func()) {
	if !b.begin() {
		work()
		return
	}
	go func() {
		defer b.end()
		work()
	}()
}

// wait waits for what has begun. Nothing begins after it.
func (b *background) wait() {
	b.mu.Lock()
	b.over = true
	b.mu.Unlock()
	b.all.Wait()
}
