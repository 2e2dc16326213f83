package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestOutageIsToldOnce: BankID out of reach is one error after a minute and one word when it is back, not a line for each order.
func TestOutageIsToldOnce(t *testing.T) {
	s := newMeasured(t)
	var out bytes.Buffer
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	h := newBankIDHealth(s.metrics, slog.New(slog.NewTextHandler(&out, nil)), func() time.Time { return now })
	after := func(d time.Duration, status int, code string) {
		now = now.Add(d)
		h.call("collect", status, code, time.Millisecond)
	}
	after(0, 200, "")
	after(time.Second, 0, "unavailable")
	after(30*time.Second, 400, "invalidParameters") // a refusal is an answer
	after(time.Second, 0, "unavailable")
	after(59*time.Second, 503, "maintenance")
	if out.Len() > 0 {
		t.Errorf("told too early: %s", out.String())
	}
	for range 5 {
		after(time.Second, 0, "certificate_refused")
		after(time.Second, 0, "other") // given up by its caller: says nothing
	}
	if got := strings.Count(out.String(), "level=ERROR"); got != 1 || !strings.Contains(out.String(), "BankID is out of reach") {
		t.Errorf("%d errors: %s", got, out.String())
	}
	if got := h.detail().Text; got != "no call has succeeded since 2026-03-01T12:00:32Z" {
		t.Errorf("details say %q", got)
	}
	after(time.Second, 200, "")
	after(time.Second, 200, "")
	if got := strings.Count(out.String(), "BankID answers again"); got != 1 {
		t.Errorf("told %d times that it is back: %s", got, out.String())
	}
	if got := value(t, s, "brygga_bankid_last_success_timestamp_seconds"); got != float64(now.Unix()) {
		t.Errorf("last success at %v", got)
	}
}

// TestWordsOfAnOutage: Net iD Access says what is wrong with the status of a failure, so that its words tell of an outage and not the status.
func TestWordsOfAnOutage(t *testing.T) {
	for word, want := range map[string]bool{
		"unavailable": true, "refused": true, "untrusted_server": true, "bad_response": true, "INTERNAL_ERROR": true, "ACCESS_DENIED_RP": true,
		"UNKNOWN_USER": false, "USER_BLOCKED": false, "RETRY": false, "": false,
	} {
		if failingNetID(500, word) != want {
			t.Errorf("%q: %v", word, !want)
		}
	}
}

func TestWrongClockIsTold(t *testing.T) {
	s := newMeasured(t)
	var out bytes.Buffer
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	h := newBankIDHealth(s.metrics, slog.New(slog.NewTextHandler(&out, nil)), func() time.Time { return now })
	h.clock(400 * time.Millisecond)
	if out.Len() > 0 {
		t.Errorf("a right clock is complained of: %s", out.String())
	}
	h.clock(-time.Minute)
	h.clock(-time.Minute)
	now = now.Add(clockEvery)
	h.clock(-time.Minute)
	if got := strings.Count(out.String(), "clock differs from BankID's by -1m0s"); got != 2 {
		t.Errorf("told %d times in an hour and a bit: %s", got, out.String())
	}
	if got := value(t, s, "brygga_bankid_clock_ahead_seconds"); got != -60 {
		t.Errorf("the metric says %v", got)
	}
}
