package op

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/storage"
)

// maxLoggedValue is how many bytes of a refused value are logged.
const maxLoggedValue = 200

// note remembers the error that a request is answered with, for Options.Observe and for the one log line that finish writes. That
// nothing can be stored is a fault of ours and no limit, though clients are told both by one code.
func note(w http.ResponseWriter, e *oauthError) {
	if w, ok := w.(*response); ok {
		w.refused, w.outcome = e, e.code
		if e.status == http.StatusServiceUnavailable {
			w.outcome = string(oidc.ServerError)
		}
	}
}

// noteClient remembers in whose name a request was sent.
func noteClient(w http.ResponseWriter, client *storage.Client) {
	if w, ok := w.(*response); ok && client != nil {
		w.client, w.party = client.ID, client
	}
}

// logRefusal writes the log line of a request that was refused. Limits and faults of ours have lines and counters of their own.
func (p *Provider) logRefusal(ctx context.Context, endpoint, client string, e *oauthError) {
	if e == nil || e.code == errTooMany || e.code == string(oidc.ServerError) {
		return
	}
	attrs := []slog.Attr{slog.String("doing", endpoint), slog.String("error", e.code), slog.String("reason", e.description)}
	if e.cause != "" {
		attrs = append(attrs, slog.String("cause", e.cause))
	}
	if client != "" {
		attrs = append(attrs, slog.String("client_id", client))
	}
	if e.value != "" {
		attrs = append(attrs, slog.String("value", loggable(e.value)))
	}
	p.log.LogAttrs(ctx, p.o.RefusalLevel, "request refused", attrs...)
}

var (
	// digits may be a personal number, however it is written; secretly is text that may be a token.
	digits   = regexp.MustCompile(`\p{Nd}(?:[-+_ \x{2010}-\x{2015}]{0,2}\p{Nd}){7,}`)
	secretly = regexp.MustCompile(`[A-Za-z0-9_=-]{32,}|eyJ[\w.=-]*`)
	encoded  = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	userinfo = regexp.MustCompile(`//[^/]*@`)
)

// loggable returns a stranger's value as the log may have it: quoted, cut, without a query, and without what may be a personal number
// or a token, encoded or not.
func loggable(value string) string {
	for range 3 {
		value = encoded.ReplaceAllStringFunc(value, func(code string) string {
			b, _ := hex.DecodeString(code[1:])
			return string(b)
		})
	}
	if end := strings.IndexAny(value, "?#"); end >= 0 {
		value = value[:end+1] + "…"
	}
	value = userinfo.ReplaceAllString(value, "//…@")
	value = secretly.ReplaceAllString(digits.ReplaceAllString(value, "[digits]"), "[secret]")
	if len(value) > maxLoggedValue {
		value = strings.ToValidUTF8(value[:maxLoggedValue], "") + "…"
	}
	quoted := strconv.QuoteToGraphic(value)
	return quoted[1 : len(quoted)-1]
}
