package bankidsim

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

// controls are the calls of the control API; docs/simulator.md has a line on each.
func (s *Simulator) controls() map[string]control {
	return map[string]control{
		"GET /api/orders":             func(r *http.Request) (any, error) { return s.listOrders(r) },
		"GET /api/orders/{ref}":       func(r *http.Request) (any, error) { return s.Order(r.PathValue("ref")) },
		"GET /api/people":             func(*http.Request) (any, error) { return s.People(), nil },
		"POST /api/people":            with(s.AddPerson),
		"POST /api/scan":              with(s.Scan),
		"POST /api/scan-image":        s.postPicture,
		"POST /api/open":              with(s.Open),
		"POST /api/orders/{ref}/sign": onOrder(s.Sign),
		"POST /api/orders/{ref}/cancel": onOrder(func(ref string, in struct {
			PersonalNumber string `json:"personalNumber"`
		}) (Order, error) {
			return s.Cancel(ref, in.PersonalNumber)
		}),
		"POST /api/orders/{ref}/fail": onOrder(func(ref string, in hintBody) (Order, error) { return s.Fail(ref, in.HintCode) }),
		"POST /api/orders/{ref}/hint": onOrder(func(ref string, in hintBody) (Order, error) { return s.SetHint(ref, in.HintCode) }),
		"POST /api/orders/{ref}/confirm": onOrder(func(ref string, in struct {
			OnCall *bool `json:"onCall"`
		}) (Order, error) {
			return s.ConfirmCall(ref, in.OnCall == nil || *in.OnCall)
		}),
		"POST /api/orders/{ref}/document": onOrder(func(ref string, in struct {
			Good *bool `json:"good"`
		}) (Order, error) {
			return s.ReadDocument(ref, in.Good == nil || *in.Good)
		}),
		"GET /api/chaos":  func(*http.Request) (any, error) { return s.Chaos(), nil },
		"POST /api/chaos": s.postChaos,
		"GET /api/misuse": func(*http.Request) (any, error) { return s.Misuse(), nil },
		"GET /api/clock":  func(*http.Request) (any, error) { return clockBody{Now: s.Now()}, nil },
		"POST /api/clock": with(s.advanceClock),
		"/api/": func(*http.Request) (any, error) {
			return nil, refuse(http.StatusNotFound, "notFound", "no such call; \"brygga help phone-api\" lists them")
		},
	}
}

type hintBody struct {
	HintCode string `json:"hintCode"`
}

type clockBody struct {
	Now time.Time `json:"now"`
}

type advanceBody struct {
	Advance string `json:"advance"`
}

func (s *Simulator) listOrders(r *http.Request) (any, error) {
	state := State(r.URL.Query().Get("state"))
	switch state {
	case "", StatePending, StateFailed, StateComplete:
		return s.Orders(state), nil
	}
	return nil, refuse(http.StatusBadRequest, "badRequest", "state is pending, failed or complete")
}

func (s *Simulator) advanceClock(in advanceBody) (clockBody, error) {
	d, err := time.ParseDuration(in.Advance)
	if err != nil || d < 0 {
		return clockBody{}, refuse(http.StatusBadRequest, "badRequest", `advance is a duration such as "28s", and not negative`)
	}
	now, err := s.Advance(d)
	return clockBody{Now: now}, err
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

// with makes a control of a function of the body.
func with[In, Out any](do func(In) (Out, error)) control {
	return func(r *http.Request) (any, error) {
		in, err := body[In](r)
		if err != nil {
			return nil, err
		}
		return do(in)
	}
}

// onOrder makes a control of a function of the order in the path and the body.
func onOrder[In any](do func(string, In) (Order, error)) control {
	return func(r *http.Request) (any, error) {
		in, err := body[In](r)
		if err != nil {
			return nil, err
		}
		return do(r.PathValue("ref"), in)
	}
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
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.Encode(out)
	}
}
