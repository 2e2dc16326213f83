package netidsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

const maxControlBody = 64 << 10

// control does one call of the control API.
type control func(r *http.Request) (any, error)

// controls are the calls of the control API.
func (s *Simulator) controls() map[string]control {
	onOrder := func(do func(string) (Order, error)) control {
		return func(r *http.Request) (any, error) { return do(r.PathValue("ref")) }
	}
	return map[string]control{
		"GET /api/orders":       func(*http.Request) (any, error) { return s.Orders(), nil },
		"GET /api/orders/{ref}": onOrder(s.Order),
		"DELETE /api/orders/{ref}": func(r *http.Request) (any, error) {
			return struct{}{}, s.Delete(r.PathValue("ref"))
		},
		"POST /api/orders/{ref}/open": func(r *http.Request) (any, error) {
			in, err := body[userBody](r)
			if err != nil {
				return nil, err
			}
			return s.Open(r.PathValue("ref"), in.UserID)
		},
		"POST /api/orders/{ref}/sign":   onOrder(s.Sign),
		"POST /api/orders/{ref}/cancel": onOrder(s.Cancel),
		"POST /api/orders/{ref}/status": func(r *http.Request) (any, error) {
			in, err := body[statusBody](r)
			if err != nil {
				return nil, err
			}
			return s.SetStatus(r.PathValue("ref"), in.Status)
		},
		"GET /api/users": func(*http.Request) (any, error) { return s.Users(), nil },
		"POST /api/users": func(r *http.Request) (any, error) {
			in, err := body[User](r)
			if err != nil {
				return nil, err
			}
			return s.AddUser(in)
		},
		"POST /api/users/{id}/script": func(r *http.Request) (any, error) {
			in, err := body[scriptBody](r)
			if err != nil {
				return nil, err
			}
			return in, s.Script(r.PathValue("id"), in.Statuses)
		},
		"GET /api/settings":  func(*http.Request) (any, error) { return s.Settings(), nil },
		"POST /api/settings": s.postSettings,
		"GET /api/chaos":     func(*http.Request) (any, error) { return s.Chaos(), nil },
		"POST /api/chaos":    s.postChaos,
		"GET /api/clock":     func(*http.Request) (any, error) { return clockBody{s.Now()}, nil },
		"POST /api/clock":    s.postClock,
		"/api/": func(*http.Request) (any, error) {
			return nil, refuse(http.StatusNotFound, "notFound", "no such call")
		},
	}
}

type userBody struct {
	UserID string `json:"userId"`
}

type statusBody struct {
	Status string `json:"status"`
}

type scriptBody struct {
	Statuses []string `json:"statuses"`
}

type clockBody struct {
	Now time.Time `json:"now"`
}

func (s *Simulator) postClock(r *http.Request) (any, error) {
	in, err := body[struct {
		Advance string `json:"advance"`
	}](r)
	if err != nil {
		return nil, err
	}
	d, err := time.ParseDuration(in.Advance)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "badRequest", `advance is a duration such as "28s"`)
	}
	now, err := s.Advance(d)
	return clockBody{now}, err
}

// postChaos changes the members that the body has; {"reset":true} first clears everything.
func (s *Simulator) postChaos(r *http.Request) (any, error) {
	text, err := readControl(r)
	if err != nil {
		return nil, err
	}
	return s.changeChaos(func(c *Chaos) error {
		var first struct {
			Reset bool `json:"reset"`
		}
		if err := json.Unmarshal(text, &first); err == nil && first.Reset {
			*c = Chaos{}
		}
		return decodeControl(text, &struct {
			*Chaos
			Reset bool `json:"reset"`
		}{Chaos: c})
	})
}

func body[In any](r *http.Request) (In, error) {
	var in In
	text, err := readControl(r)
	if err == nil {
		err = decodeControl(text, &in)
	}
	return in, err
}

func readControl(r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxControlBody+1))
	if err != nil || len(text) > maxControlBody {
		return nil, refuse(http.StatusBadRequest, "badRequest", "the body cannot be read or is too large")
	}
	return text, nil
}

// decodeControl reads a strict JSON object; no body counts as an empty object.
func decodeControl(text []byte, into any) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return refuse(http.StatusBadRequest, "badRequest", "the body does not fit: "+err.Error())
	}
	if _, err := d.Token(); err != io.EOF {
		return refuse(http.StatusBadRequest, "badRequest", "the body has more than one JSON value")
	}
	return nil
}

// serveControl answers in JSON: 200 with the result, or the status of the refusal with its code and message.
func (s *Simulator) serveControl(do control) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		out, err := do(r)
		if err != nil {
			refusal := &Refusal{http.StatusInternalServerError, "internal", "the simulator failed; see its log"}
			if !errors.As(err, &refusal) {
				s.log.ErrorContext(r.Context(), "control call failed", "err", err)
			}
			status, out = refusal.Status, refusal
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(out)
	}
}
