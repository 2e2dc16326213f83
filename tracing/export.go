package tracing

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"brygga/secret"
)

// exporter posts spans as OTLP 1.x writes them in JSON (OTLP specification, "JSON Protobuf Encoding").
type exporter struct {
	endpoint      string
	authorization secret.String
	client        *http.Client
	failed        func(spans int)
	log           *slog.Logger
	failing       atomic.Bool
}

// exportTime is how long one request may take.
const exportTime = 10 * time.Second

func newExporter(o Options) *exporter {
	e := &exporter{endpoint: o.Endpoint, authorization: o.Authorization, failed: o.Failed, log: o.Logger}
	e.client = &http.Client{
		Timeout:       exportTime,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots}, MaxConnsPerHost: 2, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if e.failed == nil {
		e.failed = func(int) {}
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	return e
}

// ExportSpans posts the spans. Those that the collector does not take are gone, and told of: a login must not wait for its trace, nor memory fill
// with traces.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.post(ctx, spans)
	switch {
	case err != nil:
		e.failed(len(spans))
		if !e.failing.Swap(true) {
			e.log.WarnContext(ctx, "traces cannot be sent", "err", err)
		}
	case e.failing.Swap(false):
		e.log.InfoContext(ctx, "traces are sent again")
	}
	return nil
}

func (e *exporter) post(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	body, err := json.Marshal(requestOf(spans))
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "brygga")
	if !e.authorization.IsZero() {
		r.Header.Set("Authorization", e.authorization.Reveal())
	}
	answer, err := e.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	io.CopyN(io.Discard, answer.Body, 4<<10)
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("the collector answered with status %d", answer.StatusCode)
	}
	return nil
}

// Shutdown lets go of connections.
func (e *exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

// The parts of an ExportTraceServiceRequest.
type (
	request struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource struct {
			Attributes []keyValue `json:"attributes"`
		} `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	scopeSpans struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Spans []span `json:"spans"`
	}
	span struct {
		TraceID      string     `json:"traceId"`
		SpanID       string     `json:"spanId"`
		ParentSpanID string     `json:"parentSpanId,omitempty"`
		Name         string     `json:"name"`
		Kind         int        `json:"kind"`
		Start        string     `json:"startTimeUnixNano"`
		End          string     `json:"endTimeUnixNano"`
		Attributes   []keyValue `json:"attributes,omitempty"`
		Links        []link     `json:"links,omitempty"`
		Status       status     `json:"status"`
	}
	link struct {
		TraceID string `json:"traceId"`
		SpanID  string `json:"spanId"`
	}
	status struct {
		Code int `json:"code,omitempty"`
	}
	keyValue struct {
		Key   string         `json:"key"`
		Value map[string]any `json:"value"`
	}
)

// statusError is that of OTLP, which counts otherwise than the SDK.
const statusError = 2

func requestOf(all []sdk.ReadOnlySpan) request {
	var of resourceSpans
	scope := scopeSpans{Spans: make([]span, 0, len(all))}
	for _, s := range all {
		if scope.Scope.Name == "" {
			scope.Scope.Name = s.InstrumentationScope().Name
			of.Resource.Attributes = keyValues(s.Resource().Attributes())
		}
		one := span{
			TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(), Name: s.Name(),
			Kind: int(s.SpanKind()), Start: unixNano(s.StartTime()), End: unixNano(s.EndTime()), Attributes: keyValues(s.Attributes()),
		}
		if above := s.Parent().SpanID(); above.IsValid() {
			one.ParentSpanID = above.String()
		}
		if s.Status().Code == codes.Error {
			one.Status.Code = statusError
		}
		for _, l := range s.Links() {
			one.Links = append(one.Links, link{l.SpanContext.TraceID().String(), l.SpanContext.SpanID().String()})
		}
		scope.Spans = append(scope.Spans, one)
	}
	of.ScopeSpans = []scopeSpans{scope}
	return request{[]resourceSpans{of}}
}

func keyValues(all []attribute.KeyValue) []keyValue {
	pairs := make([]keyValue, len(all))
	for i, a := range all {
		pairs[i] = keyValue{string(a.Key), map[string]any{"stringValue": a.Value.String()}}
		if a.Value.Type() == attribute.INT64 {
			pairs[i].Value = map[string]any{"intValue": a.Value.String()}
		}
	}
	return pairs
}
