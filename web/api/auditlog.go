package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"brygga/admin"
	"brygga/audit/tree"
	"brygga/storage"
)

// exportLog answers with the signed log as a file that can be verified anywhere.
func exportLog(c *call) (*answer, error) {
	from, _, err := c.times()
	if err != nil {
		return nil, err
	}
	if _, err := c.Admin.ShowLog(c, c.actor); err != nil { // so that a refusal is an answer of its own
		return nil, err
	}
	return &answer{kind: forms["json"], stream: func(w io.Writer) error {
		_, err := c.Admin.ExportLog(c, c.actor, w, from)
		return err
	}}, nil
}

func checkLog(c *call) (*answer, error) {
	r, err := c.Admin.CheckLog(c, c.actor)
	if err != nil {
		return nil, err
	}
	return ok(wireResult{r.Leaves, r.Expired, r.Missing, r.Late, r.From, r.To})
}

// wireResult is the LogCheck of the document.
type wireResult struct {
	Leaves  int64     `json:"signed"`
	Expired int64     `json:"expired"`
	Missing int64     `json:"missing"`
	Late    int64     `json:"late"`
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`
}

func listSinks(c *call) (*answer, error) {
	all, err := c.Admin.Sinks(c, c.actor)
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{"items": append([]admin.Sink{}, all...)})
}

func forgetSink(c *call) (*answer, error) {
	err := c.Admin.ForgetSink(c, c.actor, c.request.PathValue("name"))
	switch {
	case errors.Is(err, admin.ErrSinkUsed):
		err = conflict("the configuration has it: remove it from audit.sinks first, on all servers")
	case errors.Is(err, storage.ErrConflict):
		err = conflict("a server delivers to it: remove it from audit.sinks there and wait half a minute")
	}
	return &answer{}, err
}

// ExportLog writes the signed log of the server to w, since that time, or whole for the zero time. It counts the lines.
func (r *Remote) ExportLog(ctx context.Context, w io.Writer, since time.Time) (done tree.Exported, err error) {
	lines := &exportCounter{w: w}
	err = r.copy(ctx, request{method: http.MethodGet, path: "/audit/log", query: span(since, time.Time{})}, lines)
	return lines.done(), err
}

// exportCounter counts the lines of an export as it hands them on: the first is a header, one that begins with {"hash is of an event that is gone.
type exportCounter struct {
	w             io.Writer
	begun         []byte // of the line that comes
	lines, hashes int64
}

func (c *exportCounter) Write(text []byte) (int, error) {
	for _, b := range text {
		if b == '\n' {
			c.lines++
			if string(c.begun) == `{"hash` {
				c.hashes++
			}
			c.begun = c.begun[:0]
		} else if len(c.begun) < len(`{"hash`) {
			c.begun = append(c.begun, b)
		}
	}
	return c.w.Write(text)
}

func (c *exportCounter) done() tree.Exported {
	return tree.Exported{Events: max(c.lines-1, 0) - c.hashes, Hashes: c.hashes}
}

// CheckLog has the server hold the events that are stored against what was signed.
func (r *Remote) CheckLog(ctx context.Context) (tree.Result, error) {
	var found wireResult
	_, err := r.ask(ctx, request{method: http.MethodGet, path: "/audit/check"}, &found)
	return tree.Result{Leaves: found.Leaves, Expired: found.Expired, Missing: found.Missing, Late: found.Late, From: found.From, To: found.To}, err
}

// Sinks returns where audit events are handed over to.
func (r *Remote) Sinks(ctx context.Context) ([]admin.Sink, error) {
	var all struct{ Items []admin.Sink }
	_, err := r.ask(ctx, request{method: http.MethodGet, path: "/audit/sinks"}, &all)
	return all.Items, err
}

// ForgetSink makes a sink that the configuration has no more a new one.
func (r *Remote) ForgetSink(ctx context.Context, name string) error {
	return r.act(ctx, http.MethodDelete, "audit", "sinks", name)
}
