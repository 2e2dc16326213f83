// Package webhook is Standard Webhooks 1.0: how a message that is posted to an address of others proves that it is ours and fresh.
//
// It must not know what is said, or how it gets there. The library of Standard Webhooks for Go signs with one secret, where two are live while one is
// being replaced, and its sum of a few lines is what other parts are held against.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"brygga/secret"
)

// prefix marks a secret, and its length is between the two, in bytes (Standard Webhooks, "Signature scheme").
const (
	prefix = "whsec_"
	minKey = 24
	maxKey = 64
	// maxKeys are live at once: one, and while it is being replaced the one before.
	maxKeys = 2
)

// ParseSecret returns the keys in a secret as Standard Webhooks writes it: whsec_ and 24 to 64 bytes in base64. While it is being replaced
// there are two, the new one first, with white space between: receivers that know either believe what is signed with both.
func ParseSecret(text secret.String) (keys [][]byte, err error) {
	for one := range strings.FieldsSeq(text.Reveal()) {
		encoded, ok := strings.CutPrefix(one, prefix)
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(key) < minKey || len(key) > maxKey {
			return nil, errors.New("is no secret of a webhook") // the decoder's error may quote it
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 || len(keys) > maxKeys {
		return nil, errors.New("is no secret of a webhook, nor two of them")
	}
	return keys, nil
}

// Secret writes a key of 24 to 64 bytes as ParseSecret reads it.
func Secret(key []byte) secret.String {
	return secret.New(prefix + base64.StdEncoding.EncodeToString(key))
}

// Header returns the header of a message that is posted at that time, signed with each of the keys (Standard Webhooks, "Webhook headers"). The ID
// is the same each time that the message is sent.
func Header(keys [][]byte, id string, at time.Time, body []byte) http.Header {
	id = "msg_" + id
	seconds := strconv.FormatInt(at.Unix(), 10)
	return http.Header{
		"Content-Type": {"application/json"}, "Webhook-Id": {id}, "Webhook-Timestamp": {seconds}, "Webhook-Signature": {signatures(keys, id, seconds, body)},
	}
}

// signatures returns those with each key, as the header has them.
func signatures(keys [][]byte, id, at string, body []byte) string {
	all := make([]string, len(keys))
	for i, key := range keys {
		all[i] = signature(key, id, at, body)
	}
	return strings.Join(all, " ")
}

// signature returns what proves the message (Standard Webhooks, "Signature scheme").
func signature(key []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
