package logins

import (
	"reflect"
	"testing"

	"brygga/audit"
	"brygga/storage"
)

// TestCounted: the events that have counts of their own are those that change some.
func TestCounted(t *testing.T) {
	changing := 0
	for _, kind := range append(audit.Types(), "OTHER_1") {
		e := &storage.AuditEvent{Type: string(kind), Fields: map[string]string{"MESSAGE": "startFailed", "SECONDS": "3"}}
		var c Counts
		c.add(e)
		if changes := !reflect.DeepEqual(c, Counts{}); changes != counted(e) {
			t.Errorf("%s changes counts: %v, and is counted: %v", kind, changes, counted(e))
		} else if changes {
			changing++
		}
	}
	if changing < 6 {
		t.Errorf("only %d kinds of events are counted", changing)
	}
}
