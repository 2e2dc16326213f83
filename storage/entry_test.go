package storage

import (
	"strconv"
	"testing"
	"time"
)

// TestTwice: two events of one time and ID are found among few and among many, and nothing else counts as such.
func TestTwice(t *testing.T) {
	at := time.UnixMicro(1_000_000)
	for _, n := range []int{2, 16, 17, 5000} {
		events := make([]AuditEvent, n)
		for i := range events {
			events[i] = AuditEvent{ID: strconv.Itoa(i / 2), Time: at.Add(time.Duration(i%2) * time.Microsecond)}
		}
		if Twice(events) {
			t.Errorf("of %d events that differ in ID or time two are the same", n)
		}
		events[n-1] = events[0]
		events[n-1].Time = events[0].Time.Add(time.Microsecond - 1) // the same to every store
		if !Twice(events) {
			t.Errorf("of %d events the first and the last are the same", n)
		}
	}
	if Twice(nil) {
		t.Error("of no events two are the same")
	}
}
