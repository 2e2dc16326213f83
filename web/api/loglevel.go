package api

import (
	"context"
	"errors"
	"time"

	"brygga/admin"
	"brygga/duration"
)

// wireLogLevel is the LogLevel of the document.
type wireLogLevel struct {
	Server     string    `json:"server,omitempty"`
	Level      string    `json:"level"`
	Configured string    `json:"configured"`
	Until      time.Time `json:"until,omitzero"`
}

func showLogLevel(c *call) (*answer, error) {
	l, err := c.Admin.LogLevel(c, c.actor)
	if err != nil {
		return nil, err
	}
	return ok(wireLogLevel(l))
}

func putLogLevel(c *call) (*answer, error) {
	var level, text string
	if err := c.members(map[string]any{"level": &level, "for": &text}); err != nil {
		return nil, err
	}
	last := time.Duration(0)
	if text != "" {
		var err error
		if last, err = duration.Parse(text); err != nil {
			return nil, invalid(fault{Pointer: "/for", Detail: "is no duration such as 10m"})
		}
	}
	l, err := c.Admin.SetLogLevel(c, c.actor, level, last)
	if wrong, is := errors.AsType[*admin.LevelError](err); is {
		return nil, invalid(fault{Pointer: "/" + wrong.Field, Detail: wrong.Problem})
	}
	if err != nil {
		return nil, err
	}
	return ok(wireLogLevel(l))
}

// LogLevel returns how much the server writes to its log.
func (r *Remote) LogLevel(ctx context.Context) (admin.LogLevel, error) {
	var l wireLogLevel
	_, err := r.ask(ctx, request{method: "GET", path: "/log"}, &l)
	return admin.LogLevel(l), err
}

// SetLogLevel has the server log that level, for that time if it is not 0; an empty level is the one of its configuration.
func (r *Remote) SetLogLevel(ctx context.Context, level string, last time.Duration) (admin.LogLevel, error) {
	body := map[string]string{"level": level}
	if last != 0 {
		body["for"] = duration.Format(last)
	}
	var l wireLogLevel
	_, err := r.ask(ctx, request{method: "PUT", path: "/log", body: body}, &l)
	return admin.LogLevel(l), err
}
