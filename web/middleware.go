package web

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"brygga/handling"
	"brygga/storage"
	"brygga/templates"
)

// Limits on what strangers send, in bytes.
const (
	maxTarget       = 64 << 10 // path and query
	maxForm         = 4 << 10  // a form of the login page
	maxProviderBody = 64 << 10 // a body for the provider
)

// traceKey is the context key of a *trace.
type traceKey struct{}

// trace is what is known of a request: its own reference and the browser's address, and for its log lines the login that it turned out
// to be about, which is set once, before anything else is started. detached says that what answers it goes on after its handler, and tells
// of it in the end.
type trace struct {
	address   netip.Addr
	requestID string
	began     time.Time
	detached  bool
	login     string
	client    string
	reference storage.Reference
	// begins says that the login began with it, and parent is the traceparent that it came with, when somebody wants to know.
	begins bool
	parent string
	// parsed is what was read of the request so far.
	parsed parsed
}

func traceOf(ctx context.Context) *trace {
	t, _ := ctx.Value(traceKey{}).(*trace)
	return t
}

// isAbout says that the request of ctx is about the login.
func isAbout(ctx context.Context, l *storage.Login) {
	if t := traceOf(ctx); t != nil {
		t.login, t.client, t.reference = l.ID, l.Request.ClientID, l.Reference()
	}
}

// RequestID returns the reference of the request that ctx belongs to, which error pages show and log lines carry; "" when
// ctx belongs to none.
func RequestID(ctx context.Context) string {
	if t := traceOf(ctx); t != nil {
		return t.requestID
	}
	return ""
}

// ClientIP returns the address of the browser that sent r, proxies of ours left out; "" when r did not come through a Site.
func ClientIP(r *http.Request) string {
	t := traceOf(r.Context())
	switch {
	case t == nil || !t.address.IsValid():
		return ""
	case t.parsed.address == "":
		t.parsed.address = t.address.String()
	}
	return t.parsed.address
}

// WithRequestID returns a handler that adds request_id to the log lines of requests, and login and reference to those of requests
// about a login, and passes them on to h. Given its own result it returns that.
func WithRequestID(h slog.Handler) slog.Handler {
	if _, wrapped := h.(requestIDHandler); wrapped {
		return h
	}
	return requestIDHandler{h}
}

type requestIDHandler struct{ slog.Handler }

// Handle adds the attributes that the record has not got.
func (h requestIDHandler) Handle(ctx context.Context, record slog.Record) error {
	t := traceOf(ctx)
	if t == nil {
		return h.Handler.Handle(ctx, record)
	}
	record = record.Clone()
	addMissing(&record, slog.String("request_id", t.requestID)) // another handler around this one may have added it
	if t.login != "" {
		addMissing(&record, slog.String("login", t.login), slog.String("reference", string(t.reference)), slog.String("client_id", t.client))
	}
	return h.Handler.Handle(ctx, record)
}

func addMissing(record *slog.Record, attrs ...slog.Attr) {
	record.Attrs(func(has slog.Attr) bool {
		attrs = slices.DeleteFunc(attrs, func(a slog.Attr) bool { return a.Key == has.Key })
		return true
	})
	record.AddAttrs(attrs...)
}

// WithAttrs keeps the wrapping.
func (h requestIDHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestIDHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the wrapping.
func (h requestIDHandler) WithGroup(name string) slog.Handler {
	return requestIDHandler{h.Handler.WithGroup(name)}
}

// middleware is what every request passes: a reference and the browser's address go into its context, and whatever comes of
// it is logged and observed. A log line has the route and never the path, as paths name logins and queries hold secrets.
func (s *Site) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(inner http.ResponseWriter, r *http.Request) {
		began := time.Now()
		w := &handling.Recorder{ResponseWriter: inner}
		from := peer(r)
		r = r.WithContext(context.WithValue(r.Context(), traceKey{}, &trace{address: s.clientAddress(r, from), requestID: s.requestID(r, from), began: began}))
		r = handling.Semicolons(r)
		if s.Answered != nil {
			traceOf(r.Context()).parent = r.Header.Get("Traceparent")
		}
		defer s.finish(w, r, began)
		s.watchProxies(r, from)
		s.guardAll(w.Header())
		switch {
		case len(r.RequestURI) > maxTarget:
			s.notice(w, r, http.StatusRequestURITooLong, templates.NoticeNotFound)
		case s.forwardedInsecurely(r, from):
			s.toHTTPS(w, r)
		case s.keepLanguage(w, r):
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// toHTTPS sends a browser that came by plain HTTP to the issuer. Nothing else is done for it: what it sent was readable. Only a
// target in origin form (RFC 9112 §3.2.1) may go behind the issuer: one such as "x:.evil.example/" would make another host of it.
func (s *Site) toHTTPS(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		s.notice(w, r, http.StatusForbidden, templates.NoticeNotFound)
	case !strings.HasPrefix(r.RequestURI, "/") || strings.HasPrefix(r.RequestURI, "//"):
		s.notice(w, r, http.StatusBadRequest, templates.NoticeNotFound)
	default:
		w.Header().Set("Location", s.Issuer+r.RequestURI)
		w.WriteHeader(http.StatusPermanentRedirect)
	}
}

// finish tells of a request that has been answered. After a panic it logs what can be logged, which is never the panic's
// own value, and shows the error page if nothing was sent yet.
func (s *Site) finish(w *handling.Recorder, r *http.Request, began time.Time) {
	panicked := recover()
	if panicked != nil && panicked != http.ErrAbortHandler {
		s.panicked(r.Context(), panicked, debug.Stack())
		if w.Status == 0 {
			s.notice(w, r, http.StatusInternalServerError, templates.NoticeFault)
		}
	}
	if w.Status == 0 {
		w.Status = http.StatusOK // what net/http sends for a handler that wrote nothing
	}
	t := traceOf(r.Context())
	if t != nil {
		t.parsed = parsed{} // what is done after the request must not hold on to it
	}
	if t == nil || !t.detached {
		s.tell(r.Context(), method(r), r.Pattern, *w, time.Since(began))
	}
	if panicked == http.ErrAbortHandler {
		panic(panicked)
	}
}

// panicked tells of a panic.
func (s *Site) panicked(ctx context.Context, value any, stack []byte) {
	s.Panicked()
	s.log.ErrorContext(ctx, "panic", "err", handling.Panic(value), "stack", string(stack))
}

// tell logs and observes a request that has been answered.
func (s *Site) tell(ctx context.Context, method, route string, answer handling.Recorder, took time.Duration) {
	if route == "" {
		route = "none"
	}
	level := slog.LevelInfo
	switch route {
	case routeHealth, routeAssets, routeIcon, routeRobots, routeBrand, routeClientBrand, routeStatus, routeDialect:
		level = slog.LevelDebug
	}
	s.log.LogAttrs(ctx, level, "request", slog.String("route", route), slog.String("method", method),
		slog.Int("status", answer.Status), slog.Int64("bytes", answer.Bytes), slog.Float64("took_ms", float64(took.Microseconds())/1000))
	s.Observe(route, answer.Status, took)
	if t := traceOf(ctx); s.Answered != nil && t != nil && t.login != "" {
		s.Answered(Answered{method, route, answer.Status, t.login, t.client, t.reference, t.begins, t.parent, t.began, took})
	}
}

// Answered is a request about a login that has been answered. It holds nothing of the person.
type Answered struct {
	Method, Route string // the route is a pattern, never a path
	Status        int
	// Login, Client and Reference are those of the login, and Begins says that the login began with the request.
	Login, Client string
	Reference     storage.Reference
	Begins        bool
	// Traceparent is the header of that name, as anybody may have written it.
	Traceparent string
	Began       time.Time
	Took        time.Duration
}

// method returns the request's method, or "other" for one that is not usual: it goes into the log as it came.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return r.Method
	}
	return "other"
}

// headerRequestID is X-Request-ID as the map of headers has it.
const headerRequestID = "X-Request-Id"

var goodRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{6,64}$`)

var base32Digits = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// requestID returns the reference that a trusted proxy, which the request comes from, gave it, or a new one of 40 random bits, which a
// person can read to somebody on the phone: "7QX4-2MKD".
func (s *Site) requestID(r *http.Request, from netip.Addr) string {
	if given := r.Header[headerRequestID]; len(given) > 0 && goodRequestID.MatchString(given[0]) && s.trusts(from) {
		return given[0]
	}
	var random [5]byte
	rand.Read(random[:])
	var text [9]byte
	base32Digits.Encode(text[1:], random[:])
	copy(text[:4], text[1:5])
	text[4] = '-'
	return string(text[:])
}
