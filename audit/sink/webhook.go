package sink

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"brygga/audit/tree"
	"brygga/webhook"
)

// Poster posts a body and returns the status of the answer: an outbound.Caller.
type Poster interface {
	Post(ctx context.Context, address string, header http.Header, body []byte) (status int, err error)
}

// Webhook receives events by HTTP, signed as Standard Webhooks 1.0 says, so that the receiver knows that they are ours and fresh.
type Webhook struct {
	// URL is where they are posted to, by Outbound.
	URL      string
	Outbound Poster
	// Keys are what webhook.ParseSecret has returned: a message is signed with each.
	Keys [][]byte
	// Now is the clock.
	Now func() time.Time
}

// message is what is posted.
type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of the last event
	Data      struct {
		Events []indexed `json:"events"`
	} `json:"data"`
}

// indexed is an event with its place in the tree.
type indexed struct {
	Index int64           `json:"index"`
	Event json.RawMessage `json:"event"`
}

// maxMessage is how many bytes the events of a message have, unless a single one has more.
const maxMessage = 256 << 10

// Deliver posts as many of the events as fit into one message and returns when the receiver has taken it, which is any status 2xx. The ID of
// the message is made of what it says: the same events in one message have the same ID each time.
func (w *Webhook) Deliver(ctx context.Context, events []tree.Leaf) (delivered int, err error) {
	events = fitting(events)
	m := message{Type: "audit.events", Timestamp: events[len(events)-1].Event.Time.UTC()}
	for i := range events {
		m.Data.Events = append(m.Data.Events, indexed{events[i].Index, events[i].Text})
	}
	body, err := json.Marshal(m)
	if err != nil {
		return 0, fmt.Errorf("encode a message: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := w.post(ctx, base64.RawURLEncoding.EncodeToString(sum[:18]), body); err != nil {
		return 0, err
	}
	return len(events), nil
}

// fitting returns the first of the events, as many as fit into one message.
func fitting(events []tree.Leaf) []tree.Leaf {
	size := 0
	for i := range events {
		if size += len(events[i].Text); size > maxMessage && i > 0 {
			return events[:i]
		}
	}
	return events
}

// post posts a signed message, with further headers, and returns nil when it was taken (Standard Webhooks, "Webhook headers").
func (w *Webhook) post(ctx context.Context, id string, body []byte, more ...string) error {
	header := webhook.Header(w.Keys, id, w.Now(), body)
	for i := 0; i+1 < len(more); i += 2 {
		header.Set(more[i], more[i+1])
	}
	status, err := w.Outbound.Post(ctx, w.URL, header, body)
	if err == nil && (status < 200 || status > 299) {
		err = fmt.Errorf("the webhook answered with status %d", status)
	}
	return err
}
