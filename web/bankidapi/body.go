package bankidapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// sent is what a request says: its attributes, and where they stand in the body.
type sent struct {
	attributes map[string]json.RawMessage
	at         string // JSON pointer to them
	id         string // of the resource, of JSON:API alone
}

// readBody reads the body in the dialect that it says it has. kind is the type that a resource must have.
func (c *call) readBody(w http.ResponseWriter, kind string) (*sent, error) {
	mediaType, params := sentType(c.request)
	if coding := strings.Join(c.request.Header.Values("Content-Encoding"), ","); coding != "" && !strings.EqualFold(coding, "identity") || !readable(mediaType, params) || mediaType == jsonType && kind == typePayment {
		kinds := jsonAPIType + ", or " + jsonType + " in UTF-8"
		if kind == typePayment {
			kinds = jsonAPIType
		}
		return nil, &fault{status: http.StatusUnsupportedMediaType, code: "unsupported_media_type", title: "Unsupported media type",
			detail: "send " + kinds + ", without an extension that is not known and without a Content-Encoding", header: "Content-Type"}
	}
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	text, err := io.ReadAll(http.MaxBytesReader(w, c.request.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, &fault{status: http.StatusRequestEntityTooLarge, code: "too_large", title: "Body too large"}
	}
	if err != nil || !utf8.Valid(text) || isAmbiguous(text) {
		return nil, malformed("the body is not one JSON object in UTF-8 whose members stand there once", "")
	}
	var body map[string]json.RawMessage
	if json.Unmarshal(text, &body) != nil || body == nil {
		return nil, malformed("the body is not a JSON object", "")
	}
	if mediaType == jsonType {
		return &sent{attributes: body}, nil
	}
	return resourceOf(body, kind)
}

func malformed(detail, pointer string) *fault {
	return &fault{status: http.StatusBadRequest, code: "invalid_request", title: "Invalid request", detail: detail, pointer: pointer}
}

// readable reports whether a body of that media type is read.
func readable(kind string, params map[string]string) bool {
	switch kind {
	case jsonAPIType:
		return understood(params)
	case jsonType:
		charset, given := params["charset"]
		return !given || strings.EqualFold(charset, "utf-8")
	}
	return false
}

// resourceOf returns what a document of JSON:API says: one resource of that type (JSON:API 1.1 §9.1).
func resourceOf(body map[string]json.RawMessage, kind string) (*sent, error) {
	var data map[string]json.RawMessage // and no struct, into which other spellings of a name would be read too
	var resource struct {
		kind, id   *string
		attributes map[string]json.RawMessage
	}
	read := func(name string, to any) bool { return data[name] == nil || json.Unmarshal(data[name], to) == nil }
	switch {
	case body["data"] == nil:
		return nil, malformed("the body is no document of JSON:API: it has no data", "/data")
	case json.Unmarshal(body["data"], &data) != nil, !read("type", &resource.kind), !read("id", &resource.id), !read("attributes", &resource.attributes):
		return nil, malformed("data is not one resource", "/data")
	case resource.kind == nil:
		return nil, malformed("the resource has no type", "/data/type")
	case *resource.kind != kind:
		return nil, &fault{status: http.StatusConflict, code: "type_conflict", title: "Type conflict", detail: "here the type is " + kind, pointer: "/data/type"}
	}
	s := &sent{attributes: resource.attributes, at: "/data/attributes"}
	if resource.id != nil {
		s.id = *resource.id
	}
	return s, nil
}

// isAmbiguous reports whether a text is read differently by different programs: no JSON, a member that stands there twice, or half a surrogate pair (RFC 8259
// §4, RFC 7493 §2). What was checked must be what is signed.
func isAmbiguous(text []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if walk(decoder, 0) != nil {
		return true
	}
	_, err := decoder.Token()
	return !errors.Is(err, io.EOF)
}

var errAmbiguous = errors.New("bankidapi: ambiguous JSON")

// maxDepth is how deep a body may be nested.
const maxDepth = 16

// walk reads one value, and returns an error when it is ambiguous.
func walk(decoder *json.Decoder, depth int) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	if text, ok := token.(string); ok && strings.ContainsRune(text, utf8.RuneError) {
		return errAmbiguous
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	if depth == maxDepth {
		return errAmbiguous
	}
	names := map[any]bool{}
	for decoder.More() {
		if open == '{' {
			name, err := decoder.Token()
			if err != nil || names[name] {
				return errAmbiguous
			}
			names[name] = true
		}
		if err := walk(decoder, depth+1); err != nil {
			return err
		}
	}
	_, err = decoder.Token()
	return err
}

// texts decodes the attributes into what to has for each. It refuses all others, and what is no text.
func (s *sent) texts(to map[string]*string) error {
	for _, name := range slices.Sorted(maps.Keys(s.attributes)) {
		target := to[name]
		if target == nil {
			return malformed("there is no such attribute", s.pointer(name))
		}
		if string(s.attributes[name]) == "null" {
			continue // as if it were not there: older clients send what they have not
		}
		if json.Unmarshal(s.attributes[name], target) != nil {
			return malformed("is no text", s.pointer(name))
		}
	}
	return nil
}

// pointer leads to an attribute (RFC 6901 §3).
func (s *sent) pointer(name string) string {
	return s.at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// wrong says that an attribute has no right value.
func (s *sent) wrong(code, name, detail string) *fault {
	return &fault{status: http.StatusUnprocessableEntity, code: code, title: "Invalid attribute", detail: detail, pointer: s.pointer(name)}
}
