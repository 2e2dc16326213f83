// Package tracing sends the course of logins to a collector of OpenTelemetry, by OTLP over HTTP.
//
// It owns which spans there are and what they may say: a span has the fields of [Span] and no others, so that nothing of a person can get into
// one. The spans of a login are raised on several machines and by requests that know nothing of each other, so its trace is derived
// from what all of them know, the transaction ID. It must not know who raises them.
package tracing

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"brygga/secret"
)

// Options are the parts of a Tracer. Endpoint and Share are required.
type Options struct {
	// Endpoint is where spans are posted to, such as https://otel.example.se/v1/traces.
	Endpoint string
	// Authorization is the value of the header of that name; zero for none.
	Authorization secret.String
	// Roots vouch for the collector; nil means those of the system.
	Roots *x509.CertPool
	// Share is of how many logins spans are sent: 1 for all. All servers of an installation choose the same ones.
	Share float64
	// Version is that of this program.
	Version string
	// Failed is told of spans that could not be sent and are gone, how many. Nil for nobody.
	Failed func(spans int)
	// Logger is told when the collector cannot be reached, and when it can again. Nil discards it.
	Logger *slog.Logger
}

// Tracer sends spans. A nil one sends none, at no cost. Its methods may be called concurrently.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	sampler  sdk.Sampler
}

// New returns a tracer. The caller closes it.
func New(o Options) (*Tracer, error) {
	if o.Endpoint == "" || o.Share <= 0 || o.Share > 1 {
		return nil, errors.New("tracing: no endpoint, or a share that is not above 0 and at most 1")
	}
	return newTracer(o, newExporter(o)), nil
}

func newTracer(o Options, to sdk.SpanExporter) *Tracer {
	t := &Tracer{sampler: sdk.TraceIDRatioBased(o.Share)}
	t.provider = sdk.NewTracerProvider(
		sdk.WithSpanProcessor(newQueue(to, o.Failed)), sdk.WithSampler(t.sampler), sdk.WithIDGenerator(derived{}), sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "brygga"), attribute.String("service.version", o.Version), attribute.String("service.instance.id", rand.Text()),
		)))
	t.tracer = t.provider.Tracer("brygga")
	return t
}

// Close sends what is left, for as long as ctx allows.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Span is something that took its time, and all that may be said of it.
type Span struct {
	// Transaction is what the app knows the login by; all spans of the same one are of the same trace. Required.
	Transaction string
	// Name is from a small fixed set, such as a route.
	Name string
	// Root says that the login began with it: all others lie below it. Server and Client say that it answers a request, or is one to others.
	Root, Server, Client bool
	Began                time.Time
	Took                 time.Duration
	// Failed says that it is to be shown as a fault; Outcome is a reason, a hint code or an OAuth error.
	Failed  bool
	Outcome string
	// Method, Route and Status are those of a request.
	Method, Route string
	Status        int
	// ClientID is the app, Reference what people call the login, Device where BankID was to be, and Grant a grant type.
	ClientID, Reference, Device, Grant string
	// Traceparent is that header of a request, as anybody may have written it. What it names is linked to, and decides nothing.
	Traceparent string
}

// Record sends the span, if its login is one of those that are traced.
func (t *Tracer) Record(s *Span) {
	if t == nil || !t.traced(s.Transaction) {
		return
	}
	id, root := ids(s.Transaction)
	options := []trace.SpanStartOption{trace.WithTimestamp(s.Began), trace.WithAttributes(s.attributes()...), trace.WithSpanKind(s.kind())}
	if link := linked(s.Traceparent); link.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: link}))
	}
	ctx := context.WithValue(context.Background(), rootKey{}, s.Transaction)
	if !s.Root {
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: root, TraceFlags: trace.FlagsSampled, Remote: true}))
	}
	_, span := t.tracer.Start(ctx, s.Name, options...)
	if s.Failed {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(s.Began.Add(max(0, s.Took))))
}

// Traceparent returns the header of that name for a request that comes of the login (W3C Trace Context §3.2), "" when it is not traced.
func (t *Tracer) Traceparent(transaction string) string {
	if t == nil || !t.traced(transaction) {
		return ""
	}
	id, root := ids(transaction)
	return fmt.Sprintf("00-%s-%s-01", id, root)
}

func (t *Tracer) traced(transaction string) bool {
	if transaction == "" {
		return false
	}
	id, _ := ids(transaction)
	return t.sampler.ShouldSample(sdk.SamplingParameters{ParentContext: context.Background(), TraceID: id}).Decision == sdk.RecordAndSample
}

// ids returns the trace of a login, and the span that it begins with. Neither leads back to the transaction ID.
func ids(transaction string) (id trace.TraceID, root trace.SpanID) {
	sum := sha256.Sum256([]byte("brygga trace\n" + transaction))
	copy(id[:], sum[:])
	copy(root[:], sum[len(id):])
	return id, root
}

// word is what a value looks like that is set. Others, which only a stranger can have chosen, are written as "other".
var word = regexp.MustCompile(`^[A-Za-z0-9 /{}._:$-]{1,100}$`)

func (s *Span) attributes() (all []attribute.KeyValue) {
	add := func(key, value string) {
		switch {
		case value == "":
		case !word.MatchString(value):
			all = append(all, attribute.String(key, "other"))
		default:
			all = append(all, attribute.String(key, value))
		}
	}
	add("http.request.method", s.Method)
	add("http.route", s.Route)
	if s.Status != 0 {
		all = append(all, attribute.Int("http.response.status_code", s.Status))
	}
	add("brygga.client_id", s.ClientID)
	add("brygga.reference", s.Reference)
	add("brygga.device", s.Device)
	add("brygga.outcome", s.Outcome)
	add("brygga.grant_type", s.Grant)
	return all
}

func (s *Span) kind() trace.SpanKind {
	switch {
	case s.Server:
		return trace.SpanKindServer
	case s.Client:
		return trace.SpanKindClient
	}
	return trace.SpanKindInternal
}

// linked returns the span that a traceparent names, an invalid one when it names none.
func linked(traceparent string) trace.SpanContext {
	if len(traceparent) > 64 {
		return trace.SpanContext{}
	}
	carrier := propagation.MapCarrier{"traceparent": traceparent}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

type rootKey struct{}

// derived makes the IDs of the first span of a login of its transaction ID, and others by chance.
type derived struct{}

// NewIDs returns those of a span that has no other above it.
func (derived) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	transaction, _ := ctx.Value(rootKey{}).(string)
	return ids(transaction)
}

// NewSpanID returns one for a span below another.
func (derived) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	for !id.IsValid() {
		rand.Read(id[:])
	}
	return id
}

// unixNano returns a time as OTLP writes it.
func unixNano(at time.Time) string { return strconv.FormatInt(at.UnixNano(), 10) }
