package main

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"brygga/admin"
)

// TestLogLevels: a level lasts until its time is over, goes over that of a configuration which is read meanwhile, and ends when another is asked for.
func TestLogLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		level := new(slog.LevelVar)
		var over []admin.LogLevel
		l := &logLevels{now: time.Now, server: func() string { return "node1" }, level: level, over: func(before admin.LogLevel) { over = append(over, before) }}
		until := time.Now().Add(10 * time.Minute)
		if before := l.SetLogLevel("debug", until); before.Level != "info" || before.Server != "node1" {
			t.Errorf("before it was %+v", before)
		}
		l.configure(slog.LevelError)
		if got := l.LogLevel(); got != (admin.LogLevel{Server: "node1", Level: "debug", Configured: "error", Until: until}) || level.Level() != slog.LevelDebug {
			t.Errorf("while it lasts: %+v", got)
		}
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if got := l.LogLevel(); got.Level != "error" || !got.Until.IsZero() || len(over) != 1 || over[0].Level != "debug" {
			t.Errorf("when it is over: %+v, told of %+v", got, over)
		}

		l.SetLogLevel("debug", time.Now().Add(time.Minute))
		l.SetLogLevel("warn", time.Time{})
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := l.LogLevel(); got.Level != "warn" || len(over) != 1 {
			t.Errorf("another was asked for: %+v, told of %+v", got, over)
		}
		l.SetLogLevel("", time.Time{})
		if got := l.LogLevel(); got.Level != "error" {
			t.Errorf("as configured: %+v", got)
		}
		l.configure(slog.LevelInfo)
		if got := l.LogLevel(); got.Level != "info" {
			t.Errorf("another configuration: %+v", got)
		}
		l.SetLogLevel("debug", time.Now().Add(time.Minute))
		l.close()
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(over) != 1 {
			t.Errorf("told of %+v after the end", over)
		}
	})
}
