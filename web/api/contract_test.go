package api_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	faults "github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/paths"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"brygga/admin"
	"brygga/web/api"
)

// transportHeaders are those of answers that are no part of the contract: of HTTP itself, and what every answer has.
var transportHeaders = []string{"Content-Type", "Content-Length", "Date", "Transfer-Encoding", "Cache-Control", "X-Content-Type-Options"}

// openObjects are those whose members have names of their own, which the validator would have listed one by one.
var openObjects = []string{"$.body.**.fields", "$.body.**.fields.*", "$.body.**.causes.*", "$.body.**.devices.*", "$.body.details.*", "$.body.**.policy.*", "$.body.**.local_names.*", "$.body.policy.*", "$.body.local_names.*"}

// checker holds requests and answers against the document, with a validator that knows nothing of how the document was made.
type checker struct {
	mu sync.Mutex
	validator.Validator
	model *v3.Document
}

var theChecker = sync.OnceValues(func() (*checker, error) {
	handler, err := api.New(api.Options{Admin: new(admin.Service)})
	if err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
	document, err := libopenapi.NewDocument(w.Body.Bytes())
	if err != nil {
		return nil, err
	}
	model, err := document.BuildV3Model()
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(document, config.WithStrictMode(), config.WithFormatAssertions(), config.WithStrictIgnorePaths(openObjects...), config.WithStrictIgnoredHeaders(append(transportHeaders, "User-Agent", "Accept-Encoding")...))
	return &checker{Validator: v, model: &model.Model}, errors.Join(errs...)
})

func (h *harness) checker() *checker {
	h.Helper()
	c, err := theChecker()
	h.ok(err)
	return c
}

// request returns how the request differs from what the document takes, empty when it does not.
func (c *checker) request(r *http.Request, body string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := r.Clone(r.Context())
	asked.Body = io.NopCloser(strings.NewReader(body))
	_, errs := c.ValidateHttpRequestSync(asked)
	return told(errs)
}

// described returns the operation that the document has for a request, nil for none.
func (c *checker) described(r *http.Request) *v3.Operation {
	item, _, _ := paths.FindPath(r, c.model, config.NewValidationOptions())
	if item == nil {
		return nil
	}
	return item.GetOperations().GetOrZero(strings.ToLower(r.Method))
}

// answer returns how the answer differs from what the document says of it, empty when it does not. What the validator does not look at are bodies where the
// document has none, and headers where it has none.
func (c *checker) answer(r *http.Response, body string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.StatusCode == http.StatusMethodNotAllowed || r.StatusCode == http.StatusNotFound && strings.Contains(body, "there is no such path") {
		return ""
	}
	operation := c.described(r.Request)
	if operation == nil {
		return "no such operation is documented"
	}
	if strings.HasSuffix(r.Header.Get("Content-Type"), "/jsonl") { // the document knows it as text, and the validator would read it as one value
		body = strconv.Quote("lines")
	}
	answered := *r
	answered.Body = io.NopCloser(strings.NewReader(body))
	if _, errs := c.ValidateHttpResponse(r.Request, &answered); len(errs) > 0 {
		return told(errs)
	}
	documented := operation.Responses.Codes.GetOrZero(fmt.Sprint(r.StatusCode))
	if body != "" && documented.Content.Len() == 0 {
		return "it has a body"
	}
	for name := range r.Header {
		known := slices.Contains(transportHeaders, name)
		for key := range documented.Headers.KeysFromOldest() {
			known = known || http.CanonicalHeaderKey(key) == name
		}
		if !known {
			return "it has the header " + name
		}
	}
	return ""
}

func told(errs []*faults.ValidationError) string {
	var all []string
	for _, err := range errs {
		all = append(all, err.Message+": "+err.Reason)
		for _, one := range err.SchemaValidationErrors {
			all = append(all, fmt.Sprintf("%s: %s", strings.Join(one.InstancePath, "/"), one.Reason))
		}
	}
	return strings.Join(all, "; ")
}

// TestDocument: the document is one of OpenAPI 3.1, by the schema that the OpenAPI Initiative has published for it.
func TestDocument(t *testing.T) {
	h := newHarness(t)
	if valid, errs := h.checker().ValidateDocument(); !valid {
		t.Error(told(errs))
	}
}

// TestContract asks for every operation of the document as it should be asked for, wrongly, without a key and with one for something else. Each answer is
// held against the document, as all are that this package's tests get.
func TestContract(t *testing.T) {
	model := newHarness(t).checker().model
	covered := map[string]bool{}
	for path, item := range model.Paths.PathItems.FromOldest() {
		for method, o := range item.GetOperations().FromOldest() {
			covered[o.OperationId] = true
			t.Run(o.OperationId, func(t *testing.T) { contract(t, o, strings.ToUpper(method), path) })
		}
	}
	for id := range examples {
		if !covered[id] {
			t.Errorf("%s stands in no document", id)
		}
	}
}

func contract(t *testing.T, o *v3.Operation, method, path string) {
	example, known := examples[o.OperationId]
	if !known {
		t.Fatalf("%s %s has no example", method, path)
	}
	h := newHarness(t)
	keyID := h.prepare()
	if strings.HasSuffix(path, "/secrets/{created}") { // another has to be there
		h.want(h.ask(h.key, "POST", "/clients/app/secrets", `{}`), 201)
	}
	if strings.HasSuffix(path, "/proof") || strings.HasSuffix(path, "/audit/log") {
		h.grow()
	}
	at := strings.Replace(example.path, "KEY", keyID, 1)
	var headers []string
	if example.match != "" {
		headers = []string{"If-Match", example.match}
	}
	h.want(h.ask("", method, at, example.body, headers...), 401)
	h.want(h.ask("brygga_x_y", method, at, example.body, headers...), 401)
	scope := extension(o, "x-scope")
	others := slices.DeleteFunc(admin.Scopes(), func(s string) bool { return s == scope })
	h.want(h.ask(h.made(admin.NewAPIKey{Name: "others", Scopes: others}), method, at, example.body, headers...), 403)
	h.want(h.ask(h.key, method, example.wrong, example.body, headers...), example.status)
	h.want(h.ask(h.key, method, at+"?%", example.body, headers...), 400)
	if method != "GET" {
		h.want(h.ask(h.key, method, at, example.body, "If-Match", `"77"`), 412)
	}
	if example.body != "" {
		h.want(h.ask(h.key, method, at, "[]", headers...), 400)
		h.want(h.ask(h.key, method, at, `{"a":1} {}`, headers...), 400)
		wrong := h.ask(h.key, method, at, `{"no such member":1}`, headers...)
		h.want(wrong, 422)
		if h.checker().request(wrong.Request, `{"no such member":1}`) == "" {
			t.Error("the document takes a member that is refused")
		}
		h.want(h.ask(h.key, method, at, example.body, append(headers, "Content-Type", "text/plain")...), 415)
		h.want(h.ask(h.key, method, at, `{"a":"`+strings.Repeat("x", 5<<20)+`"}`, headers...), 413)
	}
	r := h.ask(h.key, method, at, example.body, headers...)
	if r.StatusCode >= 300 {
		t.Errorf("%s %s answers %d: %s", method, at, r.StatusCode, r.text)
	}
	if fault := h.checker().request(r.Request, example.body); fault != "" {
		t.Errorf("the document does not take what is taken: %s", fault)
	}
}

func extension(o *v3.Operation, name string) string {
	if node := o.Extensions.GetOrZero(name); node != nil {
		return node.Value
	}
	return ""
}

// TestOnlyWhatTheDocumentHas: a method or a path that the document has not is none.
func TestOnlyWhatTheDocumentHas(t *testing.T) {
	h := newHarness(t)
	for path, item := range h.checker().model.Paths.PathItems.FromOldest() {
		at := strings.TrimPrefix(strings.NewReplacer("{", "", "}", "").Replace(path), "/api/v1")
		for _, method := range []string{"GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
			if item.GetOperations().GetOrZero(strings.ToLower(method)) == nil {
				h.want(h.ask(h.key, method, at, ""), 405)
			}
		}
	}
	h.want(h.ask(h.key, "GET", "/nothing", ""), 404)
}
