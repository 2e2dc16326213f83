package api

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"brygga/account"
	"brygga/admin"
	"brygga/audit/tree"
	"brygga/clients"
	"brygga/keys"
	"brygga/storage"
)

// problem is an error as RFC 9457 has it.
type problem struct {
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail,omitempty"`
	Errors []fault `json:"errors,omitempty"`
}

// fault is one thing that is wrong: Pointer leads to it in the body (RFC 6901), or Parameter names it in the query.
type fault struct {
	Pointer   string `json:"pointer,omitempty"`
	Parameter string `json:"parameter,omitempty"`
	Detail    string `json:"detail"`
	Remedy    string `json:"remedy,omitempty"`
}

// Error returns the title.
func (p *problem) Error() string { return p.Title }

// Times after which it is worth to ask again, in seconds.
const (
	busyTime = "1"
	downTime = "10"
	restTime = "60"
)

var (
	noSuchPath   = notFound("there is no such path")
	notJSON      = &problem{Status: http.StatusBadRequest, Title: "not a JSON object", Detail: "the body is not one JSON object in UTF-8"}
	unauthorized = &problem{Status: http.StatusUnauthorized, Title: "no valid key", Detail: "send a key for the API, or an access token for it, as Authorization: Bearer; a key as x-api-key, too"}
	tooMany      = &problem{Status: http.StatusTooManyRequests, Title: "too many requests"}
	existing     = &problem{Status: http.StatusPreconditionFailed, Title: "there is one already"}
	stale        = &problem{Status: http.StatusPreconditionFailed, Title: "changed meanwhile", Detail: "read it again and decide anew"}
	unbound      = &problem{Status: http.StatusPreconditionRequired, Title: "precondition required", Detail: "send If-Match with the ETag of what was read, or * for whatever is there"}
)

func invalid(faults ...fault) *problem {
	return &problem{Status: http.StatusUnprocessableEntity, Title: "invalid", Errors: faults}
}

func notFound(detail string) *problem {
	return &problem{Status: http.StatusNotFound, Title: "not found", Detail: detail}
}

func conflict(detail string) *problem {
	return &problem{Status: http.StatusConflict, Title: "conflict", Detail: detail}
}

// pointer leads to the member that a key of a setting names, below the parts before it, and within it to what has that name (RFC 6901).
func pointer(before, key string, within ...string) string {
	at, parts := before, []string{key}
	if section, _, ok := strings.Cut(key, "."); ok && (section == policySection || clients.SettingOf(section) != nil) {
		parts = strings.Split(key, ".")
	}
	for _, name := range append(parts, within...) {
		if name != "" {
			at = child(at, name)
		}
	}
	return at
}

// policySection is the member of a client that has members of its own, which are named below it.
const policySection = "policy"

// child leads to what has that name within what at leads to (RFC 6901 §3).
func child(at, name string) string {
	return at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// faultsOf returns what is wrong with a client that stands at that pointer, nil when err says nothing of the kind.
func faultsOf(before string, err error) (faults []fault) {
	if one, ok := errors.AsType[clients.Problem](err); ok {
		err = clients.Problems{one}
	}
	all, _ := errors.AsType[clients.Problems](err)
	for _, p := range all {
		faults = append(faults, fault{Pointer: pointer(before, p.Key, p.At), Detail: p.Problem, Remedy: p.Remedy})
	}
	return faults
}

// accountTexts are what is wrong with a field of an operator, and what helps.
var accountTexts = map[string][2]string{
	"user_name":       {"is no user name", "write 2 to 60 letters, digits and signs, without spaces and @"},
	"email":           {"is no e-mail address", "write one such as asa@example.se"},
	"name":            {"cannot be shown", "write at most 100 characters, on one line"},
	"language":        {"is none that there is", "write " + strings.Join(account.Languages, " or ")},
	"roles":           {"are none that there are", "write owner, admin, helpdesk or auditor"},
	"personal_number": {"is no personal number", "write twelve digits"},
}

func accountFaults(wrong account.Problems) (faults []fault) {
	for _, p := range wrong {
		text := accountTexts[p.Field]
		faults = append(faults, fault{Pointer: "/" + p.Field, Detail: text[0], Remedy: text[1]})
	}
	return faults
}

// problemOf turns an error into what strangers to it may read, nil for one that is nobody's fault but ours.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if refused, ok := errors.AsType[*admin.RefusedError](err); ok {
		return &problem{Status: http.StatusForbidden, Title: "forbidden", Detail: refused.Reason()}
	}
	if full, ok := errors.AsType[*clients.SecretsError](err); ok {
		return conflict("as many secrets work as there may be; the first ends at " + full.FirstEnd.String())
	}
	if soon, ok := errors.AsType[*keys.TooSoonError](err); ok {
		return conflict("apps may not have fetched the next keys yet; try again at " + soon.At.String())
	}
	if wrong, ok := errors.AsType[account.Problems](err); ok {
		return invalid(accountFaults(wrong)...)
	}
	if faults := faultsOf("", err); len(faults) > 0 {
		return invalid(faults...)
	}
	switch {
	case errors.Is(err, storage.ErrForbidden):
		return &problem{Status: http.StatusForbidden, Title: "forbidden", Detail: "it is out of reach of the key"}
	case errors.Is(err, storage.ErrNotFound):
		return notFound("there is none, or none for this key")
	case errors.Is(err, storage.ErrExists):
		return existing
	case errors.Is(err, storage.ErrConflict):
		return stale
	case errors.Is(err, storage.ErrStatic):
		return conflict("it stands in the configuration file: change it there")
	case errors.Is(err, tree.ErrUnsigned):
		return conflict("it is not signed yet: try again in some seconds")
	case errors.Is(err, admin.ErrAltered):
		return conflict("the store has another record than the one that was written: keep the store as it is, and look into the audit log")
	case errors.Is(err, admin.ErrOwnClient):
		return conflict("prune would remove the client that asks: name it too, or remove it by itself")
	case errors.Is(err, clients.ErrNamedTwice):
		return conflict("another change is of the same client")
	case errors.Is(err, clients.ErrNoSecret):
		return conflict("the client does not prove itself by a secret")
	case errors.Is(err, clients.ErrNoWebhook):
		return conflict("the client has no webhook: set webhook_uri first")
	case errors.Is(err, clients.ErrLastSecret):
		return conflict("it is the only secret that works: make another first")
	case errors.Is(err, storage.ErrUnavailable):
		return &problem{Status: http.StatusServiceUnavailable, Title: "unavailable", Detail: "nothing can be stored now; try again later"}
	}
	return nil
}

// challenge says what would be needed (RFC 6750 §3): that scope, or a key or token that works. Where access tokens come from is described at
// resource_metadata (RFC 9728 §5.1).
func (a *api) challenge(r *http.Request, scope string) string {
	challenge := `Bearer realm="brygga"`
	switch {
	case scope != "":
		challenge += `, error="insufficient_scope", scope="` + scope + `"`
	case !presented(r).IsZero():
		challenge += `, error="invalid_token"`
	}
	if a.Metadata != "" {
		challenge += `, resource_metadata="` + a.Metadata + `"`
	}
	return challenge
}

// fail answers with the error. What it is when it is our own stands in the log alone.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p == nil {
		a.Log.ErrorContext(r.Context(), "management API failed", "doing", r.Method+" "+r.Pattern, "err", err)
		p = &problem{Status: http.StatusInternalServerError, Title: "internal error"}
	}
	switch p.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", a.challenge(r, ""))
	case http.StatusForbidden:
		if refused, ok := errors.AsType[*admin.RefusedError](err); ok && refused.Operation.Scope != "" {
			w.Header().Set("WWW-Authenticate", a.challenge(r, refused.Operation.Scope))
		}
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", restTime)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", downTime)
	case http.StatusUnsupportedMediaType: // RFC 9110 §15.5.16
		w.Header().Set("Accept", "application/json")
	}
	write(w, p)
}

func write(w http.ResponseWriter, p *problem) {
	shown := *p
	shown.Type = "about:blank"
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(shown)
}

func allowed(methods map[string]endpoint) string {
	names := slices.Collect(maps.Keys(methods))
	if _, readable := methods[http.MethodGet]; readable {
		names = append(names, http.MethodHead)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
