package login_test

import (
	"sync"
	"testing"
	"testing/synctest"
)

// TestStopMeetsStarts: an engine is stopped while orders are being made and cancelled. What begins is waited for, or does not begin, and nothing
// collects behind the end.
func TestStopMeetsStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		var asking sync.WaitGroup
		for range 8 {
			asking.Go(func() {
				for range 5 {
					l := h.begin()
					if _, err := h.Start(t.Context(), l.ID, other); err != nil {
						t.Error(err)
					}
					if _, err := h.Cancel(t.Context(), l.ID, "192.0.2.1"); err != nil {
						t.Error(err)
					}
				}
			})
		}
		late := h.started(other)
		h.stop()
		asking.Wait()
		h.service.mu.Lock()
		before := len(h.service.cancelled)
		h.service.mu.Unlock()
		if _, err := h.Cancel(t.Context(), late.ID, "192.0.2.1"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if after := len(h.service.cancelled); after != before {
			t.Errorf("%d orders were cancelled behind the end", after-before)
		}
	})
}
