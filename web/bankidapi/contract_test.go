package bankidapi_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	faults "github.com/pb33f/libopenapi-validator/errors"

	"brygga/web/bankidapi"
)

// transportHeaders are those that are no part of the contract: of HTTP itself, and what every answer has.
var transportHeaders = []string{"Content-Type", "Content-Length", "Date", "Transfer-Encoding", "Cache-Control", "X-Content-Type-Options", "User-Agent", "Accept", "Accept-Encoding", "Allow"}

// contract holds requests and answers against the document, with a validator that knows nothing of how the document was made.
type contract struct {
	mu sync.Mutex
	validator.Validator
}

// contractOf reads the document as a caller does: without a key.
func contractOf(url string) (*contract, error) {
	response, err := http.Get(url + bankidapi.Path + "/openapi.json")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(document, config.WithStrictMode(), config.WithStrictIgnoredHeaders(transportHeaders...))
	return &contract{Validator: v}, errors.Join(errs...)
}

// answer returns how an answer differs from what the document says of it, empty when it does not. Paths and methods that there are not, and calls of
// browsers, stand in no document.
func (c *contract) answer(request *http.Request, response *http.Response, body []byte) string {
	if response.StatusCode == http.StatusMethodNotAllowed || request.Method == http.MethodOptions || strings.HasSuffix(request.URL.Path, "/pay") || bytes.Contains(body, []byte("there is no such path")) {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	answered := *response
	answered.Body = io.NopCloser(bytes.NewReader(body))
	if kind := response.Header.Get("Content-Type"); strings.HasPrefix(kind, "image/") || kind == "text/plain" {
		return "" // the validator reads JSON alone
	}
	_, errs := c.ValidateHttpResponse(request, &answered)
	return told(errs)
}

// request returns how a request differs from what the document takes, empty when it does not.
func (c *contract) request(r *http.Request, body string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := r.Clone(r.Context())
	asked.Body = io.NopCloser(strings.NewReader(body))
	_, errs := c.ValidateHttpRequestSync(asked)
	return told(errs)
}

func told(errs []*faults.ValidationError) string {
	var all []string
	for _, e := range errs {
		all = append(all, e.Message+": "+e.Reason)
		for _, s := range e.SchemaValidationErrors {
			all = append(all, s.FieldPath+" "+s.Reason)
		}
	}
	return strings.Join(all, "; ")
}

// TestDocument: the document is one of OpenAPI. What is asked and answered is held against it in every test here.
func TestDocument(t *testing.T) {
	h := newHouse(t, nil)
	if valid, errs := h.contract.ValidateDocument(); !valid {
		t.Error(told(errs))
	}
}
