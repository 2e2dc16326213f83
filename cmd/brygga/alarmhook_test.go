package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// alarmHook is a webhook that refuses the first message.
type alarmHook struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex
	bodies []string
}

func newAlarmHook(t *testing.T) *alarmHook {
	h := &alarmHook{t: t}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.bodies = append(h.bodies, string(body)); len(h.bodies) == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// await returns what has come when it is so much.
func (h *alarmHook) await(count int) []string {
	h.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		h.mu.Lock()
		bodies := h.bodies
		h.mu.Unlock()
		if len(bodies) >= count {
			return bodies
		} else if time.Now().After(deadline) {
			h.t.Fatalf("%d of %d messages have come", len(bodies), count)
		}
	}
}
