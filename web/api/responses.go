package api

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"brygga/admin"
)

// problemKinds are the statuses of problems, with what each says and the headers that it has.
var problemKinds = map[int]struct {
	description string
	headers     []string
}{
	http.StatusBadRequest:            {"the query or the body cannot be read, or a precondition is none", nil},
	http.StatusUnauthorized:          {"no key or token that works", []string{"WWW-Authenticate"}},
	http.StatusForbidden:             {"the key or token is not for this", nil},
	http.StatusNotFound:              {"there is none, or none for this key", nil},
	http.StatusConflict:              {"it cannot be so as things stand", nil},
	http.StatusPreconditionFailed:    {"somebody else was first: what is there is not what was seen", nil},
	http.StatusRequestEntityTooLarge: {"the body is too large", nil},
	http.StatusUnsupportedMediaType:  {"the body is none that is taken", []string{"Accept"}},
	http.StatusUnprocessableEntity:   {"something is wrong with what was sent: see errors", nil},
	http.StatusPreconditionRequired:  {"send If-Match", nil},
	http.StatusTooManyRequests:       {"too many requests, or too many keys that are none", []string{"Retry-After"}},
	http.StatusInternalServerError:   {"the fault is here", nil},
	http.StatusServiceUnavailable:    {"too much at once, or something that is needed is away", []string{"Retry-After"}},
}

// refusalName is the name of such a response in the document.
func refusalName(status int) string {
	return strings.ReplaceAll(http.StatusText(status), " ", "")
}

// refusalResponses returns the responses that are problems, by name.
func refusalResponses() object {
	all := object{}
	for status, r := range problemKinds {
		described := object{"description": r.description + " (RFC 9457)", "content": object{"application/problem+json": object{"schema": ref("Problem")}}}
		if status == http.StatusForbidden {
			described["headers"] = object{"WWW-Authenticate": headerRef("ScopeChallenge")}
		}
		for _, name := range r.headers {
			described["headers"] = object{name: headerRef(name)}
		}
		all[refusalName(status)] = described
	}
	return all
}

func headerRef(name string) object { return object{"$ref": "#/components/headers/" + name} }

// headers returns the headers of answers, by name.
func headers() object {
	of := func(required bool, schema object, description string) object {
		return object{"required": required, "schema": schema, "description": description}
	}
	return object{
		"ETag":             of(true, text(), "what to send as If-Match to change just this (RFC 9110 §8.8.3)"),
		"ETagIfThere":      of(false, text(), "the same; none where a dry run speaks of what there is not"),
		"Location":         of(true, text("uri-reference"), "where it is (RFC 9110 §10.2.2)"),
		"Retry-After":      of(true, object{"type": "integer", "minimum": 1}, "seconds after which to ask again (RFC 9110 §10.2.3)"),
		"Accept":           of(true, text(), "the media type that is taken (RFC 9110 §15.5.16)"),
		"WWW-Authenticate": of(true, text(), "how to prove oneself (RFC 6750 §3), and where access tokens come from (RFC 9728 §5.1)"),
		"ScopeChallenge":   of(false, text(), "the scope that is missing (RFC 6750 §3.1)"),
	}
}

// responses returns what the endpoint may answer, by status.
func responses(e *endpoint) object {
	all := object{}
	for _, status := range e.refusals() {
		all[strconv.Itoa(status)] = object{"$ref": "#/components/responses/" + refusalName(status)}
	}
	all[strconv.Itoa(e.status)] = e.success(e.status)
	if e.creates() {
		all[strconv.Itoa(http.StatusCreated)] = e.success(http.StatusCreated)
	}
	return all
}

// creates reports whether something new is answered with 201 at an address of its own.
func (e *endpoint) creates() bool { return e.method == http.MethodPut && e.answer == "ClientChange" }

// success returns what the endpoint answers with when it does what was asked.
func (e *endpoint) success(status int) object {
	described := object{"description": "done"}
	with := object{}
	switch e.answer {
	case "Client", "Operator":
		with["ETag"] = headerRef("ETag")
	case "ClientChange":
		with["ETag"] = headerRef("ETagIfThere")
	}
	if status == http.StatusCreated && (e.creates() || e.answer == "Operator") {
		with["Location"] = headerRef("Location")
	}
	if len(with) > 0 {
		described["headers"] = with
	}
	if e.answer == "" {
		return described
	}
	content := object{}
	if e.answer != export {
		content["application/json"] = object{"schema": ref(e.answer)}
	}
	for _, kind := range otherKinds[e.answer] {
		content[kind] = object{"schema": text()}
	}
	described["content"] = content
	return described
}

// export is the answer of endpoints that answer with no JSON at all.
const export = "Export"

// otherKinds are the media types of answers that are no JSON.
var otherKinds = map[string][]string{export: slices.Sorted(maps.Values(forms)), "Statistics": {forms["csv"]}}

// refusals returns the statuses with which the endpoint may refuse.
func (e *endpoint) refusals() []int {
	all := []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusServiceUnavailable,
	}
	if e.body != "" {
		all = append(all, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if placeholder.MatchString(e.path) {
		all = append(all, http.StatusNotFound)
	}
	if e.method != http.MethodGet {
		all = append(all, http.StatusConflict, http.StatusPreconditionFailed)
	} else if e.signed() || strings.HasPrefix(e.path, "/evidence/") {
		all = append(all, http.StatusConflict)
	}
	if e.demanding() {
		all = append(all, http.StatusPreconditionRequired)
	}
	return all
}

// signed reports whether the endpoint answers with what has to be signed first.
func (e *endpoint) signed() bool { return e.path == "/audit/log" || e.operation == admin.ProveEvents }

// demanding reports whether the endpoint refuses to change what is there without If-Match: it could undo what somebody else has done unseen.
func (e *endpoint) demanding() bool {
	return e.bound && (e.body == "Client" || e.operation == admin.RemoveClient)
}
