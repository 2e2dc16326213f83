package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// read reads what the endpoint takes of the query, the preconditions and the body, and refuses all else: what was passed over might have been meant to
// hold a change back.
func (c *call) read(w http.ResponseWriter, e endpoint) (err error) {
	if c.values, err = url.ParseQuery(c.request.URL.RawQuery); err != nil {
		return &problem{Status: http.StatusBadRequest, Title: "not a query", Detail: "the query is no list of names and values, percent-encoded"}
	}
	var faults []fault
	for _, name := range slices.Sorted(maps.Keys(c.values)) {
		switch {
		case !e.takes(name):
			faults = append(faults, fault{Parameter: name, Detail: "there is no such parameter"})
		case len(c.values[name]) > 1:
			faults = append(faults, fault{Parameter: name, Detail: "stands there twice"})
		}
	}
	if faults != nil {
		return invalid(faults...)
	}
	if err := c.checkPreconditions(e); err != nil {
		return err
	}
	if e.body == "" {
		return nil
	}
	return c.readBody(w)
}

// checkPreconditions refuses what is demanded where there is nothing to hold it against: a change that was to be made on a condition must not be
// made without (RFC 9110 §13.1.1).
func (c *call) checkPreconditions(e endpoint) error {
	if e.bound || e.method == http.MethodGet {
		return nil
	}
	if c.header("If-Match") != "" || c.header("If-None-Match") != "" {
		return &problem{Status: http.StatusPreconditionFailed, Title: "no precondition here", Detail: "what this changes has no ETag: send neither If-Match nor If-None-Match"}
	}
	return nil
}

// header returns the values of a header, which may stand there several times, as one list.
func (c *call) header(name string) string {
	return strings.TrimSpace(strings.Join(c.request.Header.Values(name), ", "))
}

// readBody reads the body, which is one JSON object.
func (c *call) readBody(w http.ResponseWriter) error {
	kind, _, _ := mime.ParseMediaType(c.request.Header.Get("Content-Type"))
	if coding := c.header("Content-Encoding"); kind != "application/json" || coding != "" && !strings.EqualFold(coding, "identity") {
		return &problem{Status: http.StatusUnsupportedMediaType, Title: "unsupported media type", Detail: "send application/json, without a Content-Encoding"}
	}
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	text, err := io.ReadAll(http.MaxBytesReader(w, c.request.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return &problem{Status: http.StatusRequestEntityTooLarge, Title: "body too large", Detail: fmt.Sprintf("send at most %d bytes", maxBody)}
	}
	if err != nil || !utf8.Valid(text) {
		return notJSON
	}
	if err := unambiguous(text); err != nil {
		return err
	}
	if json.Unmarshal(text, &c.body) != nil || c.body == nil {
		return notJSON
	}
	return nil
}

// maxDepth is how deep a body may be nested: several times what any has to be.
const maxDepth = 32

// level is an object or a list that a value of the body stands in.
type level struct {
	names map[string]bool // of an object, so far
	name  string          // of the member that comes, or has come
	named bool            // says that the name has come, and its value not
	index int             // in a list
}

// unambiguous refuses JSON that is read differently by different programs (RFC 8259 §4, RFC 7493 §2): with a member that stands there twice, with text that
// is none, or so deep that some give up. What was looked at by one program must be what another does.
func unambiguous(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var at []*level
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return notJSON
		}
		if at, err = step(at, token); err != nil {
			return err
		}
	}
}

// step returns where the token leads.
func step(at []*level, token json.Token) ([]*level, error) {
	last := &level{}
	if len(at) > 0 {
		last = at[len(at)-1]
	}
	text, isText := token.(string)
	if isText && strings.ContainsRune(text, utf8.RuneError) { // half a surrogate pair is read as this
		return nil, ambiguous(at, "has a character that is none")
	}
	switch {
	case token == json.Delim('}'), token == json.Delim(']'):
		return at[:len(at)-1], nil
	case last.names != nil && !last.named: // a member begins
		if last.name, last.named = text, true; last.names[text] {
			return nil, ambiguous(at, "stands there twice")
		}
		last.names[text] = true
		return at, nil
	}
	last.named = false
	last.index++
	switch token {
	case json.Delim('{'):
		at = append(at, &level{names: map[string]bool{}})
	case json.Delim('['):
		at = append(at, &level{})
	}
	if len(at) > maxDepth {
		return nil, ambiguous(at[:maxDepth], "is nested too deep")
	}
	return at, nil
}

func ambiguous(at []*level, detail string) *problem {
	to := ""
	for _, l := range at {
		name := strconv.Itoa(max(l.index-1, 0))
		if l.names != nil {
			name = l.name
		}
		to = child(to, name)
	}
	return &problem{Status: http.StatusBadRequest, Title: "ambiguous JSON", Errors: []fault{{Pointer: to, Detail: detail}}}
}

// members decodes the members of the body into what to has for each, which stays as it is when there is none. It refuses what has another type and all
// other members, and names all of them.
func (c *call) members(to map[string]any) error {
	if faults := decodeMembers("", c.body, to); faults != nil {
		return invalid(faults...)
	}
	return nil
}

// decodeMembers does so with an object that stands at that pointer.
func decodeMembers(before string, body map[string]json.RawMessage, to map[string]any) (faults []fault) {
	for _, name := range slices.Sorted(maps.Keys(body)) {
		target, known := to[name]
		switch {
		case !known:
			faults = append(faults, fault{Pointer: child(before, name), Detail: "there is no such member"})
		case string(body[name]) == "null" || json.Unmarshal(body[name], target) != nil:
			faults = append(faults, fault{Pointer: child(before, name), Detail: "has another type than the document says"})
		}
	}
	return faults
}
