package bolt

import (
	"context"
	"errors"
	"time"

	"brygga/storage"
)

// PushRequest stores the request, or returns storage.ErrExists.
func (s *Store) PushRequest(ctx context.Context, request storage.PushedRequest) error {
	sealed, err := s.codec.EncodePushedRequest(&request)
	if err != nil {
		return err
	}
	return s.update(ctx, func(t *tx) error {
		if t.get(pushedBucket, request.Hash[:]) != nil {
			return storage.ErrExists
		}
		return errors.Join(t.put(pushedBucket, request.Hash[:], sealed), t.putExpiry(request.Expires, pushedKind, request.Hash[:], nil))
	})
}

// TakePushedRequest returns the request and removes it; see storage.PushedRequests.
func (s *Store) TakePushedRequest(ctx context.Context, hash [32]byte, clientID string, now time.Time) (*storage.PushedRequest, error) {
	var result *storage.PushedRequest
	err := s.update(ctx, func(t *tx) error {
		sealed := t.get(pushedBucket, hash[:])
		if sealed == nil {
			return storage.ErrNotFound
		}
		request, err := s.codec.DecodePushedRequest(hash, sealed)
		if err != nil {
			return err
		}
		if request.ClientID != clientID {
			return storage.ErrNotFound
		}
		if err := storage.Unexpired(request.Expires, now); err != nil {
			return err
		}
		result = request
		return errors.Join(t.remove(pushedBucket, hash[:]), t.removeExpiry(request.Expires, pushedKind, hash[:]))
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// dropPushed removes the requests that the client has pushed. One that does not open cannot be taken either, and is left.
func (s *Store) dropPushed(t *tx, clientID string) error {
	var pushed []*storage.PushedRequest
	cursor := t.bucket(pushedBucket).Cursor()
	for key, sealed := cursor.First(); key != nil; key, sealed = cursor.Next() {
		if request, err := s.codec.DecodePushedRequest([32]byte(key), sealed); err == nil && request.ClientID == clientID {
			pushed = append(pushed, request)
		}
	}
	for _, request := range pushed {
		if err := errors.Join(t.remove(pushedBucket, request.Hash[:]), t.removeExpiry(request.Expires, pushedKind, request.Hash[:])); err != nil {
			return err
		}
	}
	return nil
}

// ForgottenBefore returns when the file was accepted as a copy; see storage.Replays.
func (s *Store) ForgottenBefore(context.Context) (at time.Time, err error) {
	err = s.view(func(t *tx) error {
		at = t.forgotten()
		return nil
	})
	return at, err
}

// forgotten returns the time before which keys may have been used that the store does not know, zero for none.
func (t *tx) forgotten() time.Time {
	row := t.get(metaBucket, metaForgotten)
	if len(row) < 8 {
		return time.Time{}
	}
	if len(row) > 8 { // since format 6
		text, err := withoutSum(metaForgotten, row)
		if err != nil {
			t.damaged = damage("the time of the last restore %w", err)
			return time.Time{}
		}
		row = text
	}
	return micros(row)
}

func (t *tx) putForgotten(at time.Time) error {
	return t.put(metaBucket, metaForgotten, withSum(metaForgotten, appendUp(nil, at)))
}

// UseOnce remembers the key until expires; see storage.Replays. The row holds that time, as the expiry index has it.
func (s *Store) UseOnce(ctx context.Context, key [32]byte, expires, now time.Time) error {
	if !now.Before(expires) {
		return storage.ErrExists
	}
	return s.update(ctx, func(t *tx) error {
		if row := t.get(replaysBucket, key[:]); len(row) >= 8 {
			until := micros(row)
			if now.Before(until) {
				return storage.ErrExists
			}
			if err := t.removeExpiry(until, replayKind, key[:]); err != nil {
				return err
			}
		}
		return errors.Join(t.put(replaysBucket, key[:], appendUp(nil, expires)), t.putExpiry(expires, replayKind, key[:], nil))
	})
}
