package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"brygga/audit"
	"brygga/audit/tree"
	"brygga/storage"
)

// Hooks receive events by HTTP, each as a message of its own that tells nothing of a person, signed as those of the webhook are.
type Hooks struct {
	Webhook
	// Traceparent returns the header of that name for a message about the login that an app knows by the transaction ID, "" for none. Nil means
	// none ever.
	Traceparent func(transaction string) string
}

// hookMessage is what is posted. Its type is the name of the hook.
type hookMessage struct {
	Type      string        `json:"type"`
	Timestamp time.Time     `json:"timestamp"`
	Data      audit.Outline `json:"data"`
}

// trace returns the headers that lead to the trace of the event's login, pair by pair.
func (h *Hooks) trace(e *storage.AuditEvent) []string {
	if h.Traceparent == nil || e.Fields["TXN"] == "" {
		return nil
	}
	if parent := h.Traceparent(e.Fields["TXN"]); parent != "" {
		return []string{"Traceparent", parent}
	}
	return nil
}

// Deliver posts the events one after the other and returns how many were taken. It stops at the first that was not, and when half of its
// time has passed. The ID of a message is that of its event.
func (h *Hooks) Deliver(ctx context.Context, events []tree.Leaf) (delivered int, err error) {
	began := time.Now()
	deadline, bounded := ctx.Deadline()
	for i := range events {
		if bounded && i > 0 && time.Since(began) > time.Until(deadline) {
			return i, nil
		}
		e := &events[i].Event
		body, err := json.Marshal(hookMessage{audit.HookOf(audit.Type(e.Type)), e.Time.UTC(), audit.OutlineOf(e)})
		if err != nil {
			return i, fmt.Errorf("encode a message: %w", err)
		}
		if err := h.post(ctx, e.ID, body, h.trace(e)...); err != nil {
			return i, err
		}
	}
	return len(events), nil
}
