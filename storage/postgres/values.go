package postgres

import "time"

// up returns the time in the microseconds that the database keeps, rounded up: what begins at that time begins never a nanosecond too early.
func up(at time.Time) time.Time { return at.Add(time.Microsecond - 1).Truncate(time.Microsecond) }

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func hashOrNull(hash [32]byte) []byte {
	if hash == [32]byte{} {
		return nil
	}
	return hash[:]
}

func timeOrNull(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}
