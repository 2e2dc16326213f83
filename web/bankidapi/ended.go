package bankidapi

import (
	"encoding/json"
	"time"

	"brygga/storage"
)

// TypeEnded is the type of the message that an order has ended.
const TypeEnded = "order.ended"

// ended is the message, in the form that Standard Webhooks gives all of them. It says nothing of the person: who gets it asks, with a key.
type ended struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      endedData `json:"data"`
}

// endedData names the order as its resource is named.
type endedData struct {
	Type     string `json:"type"`
	OrderRef string `json:"orderRef"`
	Status   string `json:"status"`
}

// Ended returns the message to a client's webhook that an order has ended, as JSON.
func Ended(order *storage.EndedOrder) ([]byte, error) {
	status := statusFailed
	if order.Completed {
		status = statusComplete
	}
	return json.Marshal(&ended{TypeEnded, order.At.UTC(), endedData{typeOf(order.Kind), reference(order.LoginID), status}})
}
