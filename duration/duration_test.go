package duration_test

import (
	"testing"
	"time"

	"brygga/duration"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90d": 90 * 24 * time.Hour, "1d": 24 * time.Hour, "12h": 12 * time.Hour, "90m": 90 * time.Minute, "30m": 30 * time.Minute, "90s": 90 * time.Second, "0s": 0,
		"1.5s": 1500 * time.Millisecond, "-1h": -time.Hour,
	} {
		got, err := duration.Parse(text)
		if err != nil || got != want {
			t.Errorf("%q reads as %s, %v", text, got, err)
		}
		again, err := duration.Parse(duration.Format(want))
		if err != nil || again != want {
			t.Errorf("%s is written %q, which reads as %s, %v", want, duration.Format(want), again, err)
		}
	}
	for d, want := range map[time.Duration]string{
		90 * 24 * time.Hour: "90d", 36 * time.Hour: "36h", 90 * time.Minute: "90m", 90 * time.Second: "1m30s", 0: "0s", time.Minute: "1m",
	} {
		if got := duration.Format(d); got != want {
			t.Errorf("%s is written %q, want %q", d, got, want)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1.5d", "65536d", "90", "soon", "1d12h"} {
		if d, err := duration.Parse(text); err == nil {
			t.Errorf("%q reads as %s", text, d)
		}
	}
}
