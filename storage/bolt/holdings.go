package bolt

import (
	"context"
	"encoding/binary"
	"time"

	"brygga/storage"
)

// Holdings counts what the client holds; see storage.Clients. A grant is opened when it carries the client's generation.
func (s *Store) Holdings(_ context.Context, id string, now time.Time, most int) (held storage.Holdings, err error) {
	err = s.view(func(t *tx) error {
		generation := t.generation(id)
		cursor := t.bucket(grantsBucket).Cursor()
		for key, whole := cursor.First(); key != nil && held.Grants < most; key, whole = cursor.Next() {
			row, err := plain(grantsBucket, key, whole)
			if err != nil {
				return err
			}
			if len(row) < generationSize || binary.BigEndian.Uint64(row) != generation {
				continue
			}
			grant, err := s.codec.DecodeGrant(string(key), row[generationSize:])
			if err != nil {
				return err
			}
			if grant.ClientID == id && grant.Live(now) {
				held.Grants++
				if grant.Offline {
					held.Offline++
				}
			}
		}
		cursor = t.bucket(pushedBucket).Cursor()
		for key, sealed := cursor.First(); key != nil && held.Pushed < most; key, sealed = cursor.Next() {
			request, err := s.codec.DecodePushedRequest([32]byte(key), sealed)
			if err == nil && request.ClientID == id && storage.Unexpired(request.Expires, now) == nil {
				held.Pushed++
			}
		}
		return nil
	})
	return held, err
}
