package bankidapi

import (
	"cmp"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The media types.
const (
	jsonType    = "application/json"
	jsonAPIType = "application/vnd.api+json" // JSON:API 1.1 §5
	svgType     = "image/svg+xml"
	pngType     = "image/png"
	textType    = "text/plain"
)

// dialect is the form of a request or an answer.
type dialect int

// The dialects: that of the older contract, and JSON:API.
const (
	compat dialect = iota
	strict
)

// accepted is one media range of Accept (RFC 9110 §12.5.1).
type accepted struct {
	kind   string
	params map[string]string
	weight float64
}

// acceptOf returns the media ranges of the request; one that cannot be read is left out. None is as good as any.
func acceptOf(r *http.Request) (all []accepted) {
	for _, text := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, params, err := mime.ParseMediaType(text)
		if err != nil {
			continue
		}
		weight := 1.0
		if q, given := params["q"]; given {
			if weight, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
			delete(params, "q")
		}
		all = append(all, accepted{kind, params, weight})
	}
	if len(all) == 0 && len(r.Header.Values("Accept")) == 0 {
		all = []accepted{{"*/*", nil, 1}}
	}
	return all
}

// understood reports whether the parameters of JSON:API's media type may be there: of 1.1 they are ext and profile, and we know no extension. A profile that
// nobody knows is ignored (JSON:API 1.1 §5.3, §5.4).
func understood(params map[string]string) bool {
	for name, value := range params {
		if name != "profile" && (name != "ext" || strings.TrimSpace(value) != "") {
			return false
		}
	}
	return true
}

// dialectOf returns the dialect of an error that comes before all else is known: what the request itself speaks.
func dialectOf(r *http.Request) dialect {
	if strings.Contains(r.Header.Get("Content-Type")+strings.Join(r.Header.Values("Accept"), ","), jsonAPIType) {
		return strict
	}
	return compat
}

// sentType returns the media type of the request's body.
func sentType(r *http.Request) (string, map[string]string) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return "", nil
	}
	return kind, params
}

// negotiate decides the dialect of the answer, and its media type.
func (c *call) negotiate(e endpoint) error {
	ranges := acceptOf(c.request)
	if isOnlyModified(ranges) {
		return notAcceptable("the media type of JSON:API is accepted with parameters alone that are not ext or profile, or with an extension that is not known")
	}
	offers := []string{jsonAPIType, jsonType}
	if kind, _ := sentType(c.request); e.isNewer() {
		offers = offers[:1]
	} else if kind != jsonAPIType && c.request.Method == http.MethodPost {
		offers = []string{jsonType, jsonAPIType} // who asks in a dialect, and accepts both, is answered in it
	}
	c.kind = best(append(offers, e.pictures...), ranges)
	if c.kind == "" {
		return notAcceptable("there is " + strings.Join(append(offers, e.pictures...), ", "))
	}
	c.dialect = strict
	if c.kind == jsonType {
		c.dialect = compat
	}
	return nil
}

func notAcceptable(detail string) *fault {
	return &fault{status: http.StatusNotAcceptable, code: "not_acceptable", title: "Not acceptable", detail: detail, header: "Accept"}
}

// isOnlyModified reports whether JSON:API's media type is accepted, and each time with parameters that are not understood (JSON:API 1.1 §5.2).
func isOnlyModified(ranges []accepted) bool {
	named := false
	for _, a := range ranges {
		if a.kind == jsonAPIType {
			if understood(a.params) {
				return false
			}
			named = true
		}
	}
	return named
}

// best returns the offer that is accepted most, the first of those that are equal; empty when none is accepted.
func best(offers []string, ranges []accepted) string {
	type rated struct {
		kind   string
		weight float64
	}
	var all []rated
	for _, offer := range offers {
		all = append(all, rated{offer, weightOf(offer, ranges)})
	}
	first := slices.MaxFunc(all, func(a, b rated) int { return cmp.Compare(a.weight, b.weight) })
	if first.weight <= 0 {
		return ""
	}
	return all[slices.IndexFunc(all, func(r rated) bool { return r.weight == first.weight })].kind
}

// weightOf returns how much an offer is accepted: the range that names it best counts.
func weightOf(offer string, ranges []accepted) (weight float64) {
	before, _, _ := strings.Cut(offer, "/")
	precise := -1
	for _, a := range ranges {
		how := slices.Index([]string{"*/*", before + "/*", offer}, a.kind)
		if how > precise && (offer != jsonAPIType || how < 2 || understood(a.params)) {
			precise, weight = how, a.weight
		}
	}
	return weight
}

// checkQuery refuses parameters: none means anything here (JSON:API 1.1 §3.7).
func (c *call) checkQuery() error {
	for name := range c.request.URL.Query() {
		return &fault{status: http.StatusBadRequest, code: "invalid_parameter", title: "Invalid parameter", detail: "there is no such parameter", parameter: name}
	}
	if c.request.URL.RawQuery != "" {
		return &fault{status: http.StatusBadRequest, code: "invalid_parameter", title: "Invalid parameter", detail: "the query is no list of names and values"}
	}
	return nil
}
