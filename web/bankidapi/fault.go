package bankidapi

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"brygga/admin"
	"brygga/login"
	"brygga/storage"
)

// fault is an error as JSON:API has it (1.1 §7.2): code and title never change, and nothing of BankID's own words is in it.
type fault struct {
	status                     int
	code, title, detail        string
	pointer, parameter, header string // where it is, at most one of them
	wait                       time.Duration
}

// Error returns the code.
func (f *fault) Error() string { return f.code }

// source leads to what is wrong.
type source struct {
	Pointer   string `json:"pointer,omitempty"`
	Parameter string `json:"parameter,omitempty"`
	Header    string `json:"header,omitempty"`
}

type errorObject struct {
	ID     string  `json:"id,omitempty"`
	Status string  `json:"status"`
	Code   string  `json:"code"`
	Title  string  `json:"title"`
	Detail string  `json:"detail,omitempty"`
	Source *source `json:"source,omitempty"`
}

type errorDocument struct {
	JSONAPI version       `json:"jsonapi"`
	Errors  []errorObject `json:"errors"`
}

// The waits that are asked for where nobody says how long.
const (
	maintenanceWait = 30 * time.Second
	busyWait        = 2 * time.Second
)

// faultOf turns an error into what strangers to it may read, nil for one that is nobody's fault but ours.
func faultOf(err error) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	if many, ok := errors.AsType[*login.LimitError](err); ok {
		return &fault{status: http.StatusTooManyRequests, code: "too_many_requests", title: "Too many requests", wait: many.RetryAfter}
	}
	if full, ok := errors.AsType[*login.OverloadError](err); ok {
		return &fault{status: http.StatusServiceUnavailable, code: "overloaded", title: "Overloaded", wait: full.RetryAfter}
	}
	if unmade, ok := errors.AsType[*login.UnmadeError](err); ok {
		return faultOfOrder(unmade)
	}
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return &fault{status: http.StatusNotFound, code: "order_not_found", title: "Order not found", detail: "there is no such order of this key, or its end was told for long enough"}
	case errors.Is(err, login.ErrDisabled), errors.Is(err, admin.ErrKey):
		return &fault{status: http.StatusForbidden, code: "forbidden_operation", title: "Forbidden operation", detail: "the client is disabled"}
	case errors.Is(err, login.ErrNoOrders):
		return &fault{status: http.StatusForbidden, code: "forbidden_operation", title: "Forbidden operation", detail: "the client may not use BankID for this: it has other eIDs"}
	case errors.Is(err, storage.ErrBusy):
		return &fault{status: http.StatusConflict, code: "already_in_progress", title: "Already in progress", wait: busyWait}
	}
	return nil
}

// faultOfOrder says why BankID made no order.
func faultOfOrder(unmade *login.UnmadeError) *fault {
	switch unmade.Reason {
	case login.ReasonAlreadyInProgress:
		return &fault{status: http.StatusConflict, code: "already_in_progress", title: "Already in progress", detail: "the person has another order"}
	case login.ReasonMaintenance:
		return &fault{status: http.StatusServiceUnavailable, code: "upstream_unavailable", title: "BankID is closed", wait: max(unmade.Wait, maintenanceWait)}
	case login.ReasonRejected:
		return &fault{status: http.StatusUnprocessableEntity, code: "rejected_by_bankid", title: "Rejected by BankID", detail: "BankID does not take such an order, most likely for its text"}
	case login.ReasonTooMany:
		return &fault{status: http.StatusTooManyRequests, code: "too_many_requests", title: "Too many requests", wait: busyWait}
	}
	if late, ok := errors.AsType[net.Error](unmade.Err); ok && late.Timeout() || errors.Is(unmade.Err, context.DeadlineExceeded) {
		return &fault{status: http.StatusGatewayTimeout, code: "upstream_timeout", title: "BankID did not answer in time"}
	}
	return &fault{status: http.StatusBadGateway, code: "upstream_error", title: "BankID could not be used"}
}

// fail answers with an error. One of ours is logged, and told by the name of the request alone.
func (c *call) fail(w http.ResponseWriter, err error) {
	f := faultOf(err)
	if f == nil {
		if c.Context.Err() == nil {
			c.Log.ErrorContext(c, "BankID API failed", "path", c.request.Pattern, "err", err)
		}
		f = &fault{status: http.StatusInternalServerError, code: "internal_error", title: "Internal error"}
	}
	object := errorObject{ID: c.Trace(c), Status: strconv.Itoa(f.status), Code: f.code, Title: f.title, Detail: f.detail}
	if f.pointer != "" || f.parameter != "" || f.header != "" {
		object.Source = &source{f.pointer, f.parameter, f.header}
	}
	header := w.Header()
	if f.wait > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.wait.Seconds()))))
	}
	if f.status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `ApiKey realm="bankid", header="x-api-key"`)
	}
	header.Set("Content-Type", jsonType)
	if c.dialect == strict {
		header.Set("Content-Type", jsonAPIType)
	}
	w.WriteHeader(f.status)
	write(w, errorDocument{c.dialect.version(), []errorObject{object}})
}
