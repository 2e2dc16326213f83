package bankidsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	apiPrefix   = "/rp/v6.0/"
	maxBodySize = 512 << 10
)

// endpoint does one call of the API on a parsed body.
type endpoint struct {
	starts bool
	do     func(s *Simulator, rp relyingParty, body *object, sp spoiling) (any, *apiError)
}

// endpoints are the calls that exist, by path below apiPrefix.
var endpoints = map[string]endpoint{
	"auth":          {true, start(KindAuth)},
	"sign":          {true, start(KindSign)},
	"phone/auth":    {true, start(KindPhoneAuth)},
	"phone/sign":    {true, start(KindPhoneSign)},
	"payment":       {true, start(KindPayment)},
	"other/payment": {true, start(KindOtherPayment)},
	"collect":       {false, (*Simulator).collect},
	"cancel":        {false, (*Simulator).cancelOrder},
}

// API returns BankID's Relying Party API below /rp/v6.0/. It must be served with TLSConfig: a request without a client
// certificate is answered 401.
func (s *Simulator) API() http.Handler { return http.HandlerFunc(s.serveAPI) }

func (s *Simulator) serveAPI(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, apiPrefix)
	e, known := endpoints[name]
	known = known && strings.HasPrefix(r.URL.Path, apiPrefix)
	sp := s.chaos.next(name, e.starts)
	if pause(r.Context(), sp.delay) != nil {
		return
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		s.answer(w, r, sp, nil, &apiError{http.StatusUnauthorized, "unauthorized", "A client certificate is needed"})
		return
	}
	rp, err := readRP(r.TLS.PeerCertificates[0])
	if err != nil {
		s.answer(w, r, sp, nil, &apiError{http.StatusUnauthorized, "unauthorized", "The subject of the client certificate cannot be written"})
		return
	}
	refusal := sp.refusal
	if refusal == nil {
		refusal = checkTransport(w, r, known)
	}
	if refusal != nil {
		s.answer(w, r, sp, nil, refusal)
		return
	}
	result, fault := s.call(rp, r, name, e, sp)
	s.log.DebugContext(r.Context(), "bankid call", "endpoint", name, "ok", fault == nil)
	s.answer(w, r, sp, result, fault)
}

// checkTransport refuses what is wrong before the body is read (BankID API: errors).
func checkTransport(w http.ResponseWriter, r *http.Request, known bool) *apiError {
	if !known {
		return &apiError{http.StatusNotFound, "notFound", "No such path"}
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &apiError{http.StatusMethodNotAllowed, "methodNotAllowed", "Only POST is allowed"}
	}
	if types := r.Header.Values("Content-Type"); len(types) != 1 || types[0] != "application/json" {
		return &apiError{http.StatusUnsupportedMediaType, "unsupportedMediaType", "Content-Type must be application/json, without parameters"}
	}
	return nil
}

// call reads the body, does the call and notes a refusal for its content.
func (s *Simulator) call(rp relyingParty, r *http.Request, name string, e endpoint, sp spoiling) (any, *apiError) {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxBodySize+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &apiError{http.StatusRequestTimeout, "requestTimeout", "The request took too long to arrive"}
	case err != nil:
		return nil, invalid("The body cannot be read")
	case len(text) > maxBodySize:
		return nil, invalid("The body is too large")
	}
	body, fault := parseObject(text, s.lenient || s.chaos.lenient())
	var result any
	if fault == nil {
		result, fault = e.do(s, rp, body, sp)
	}
	if fault != nil && fault.Code == "invalidParameters" && fault != errNoOrder {
		s.misuse.add(Misuse{Kind: MisuseInvalidRequest, Time: s.Now(), RP: rp.displayName, Endpoint: name, Details: fault.Details})
	}
	return result, fault
}

// answer writes a result or a fault, spoiled as decided.
func (s *Simulator) answer(w http.ResponseWriter, r *http.Request, sp spoiling, result any, fault *apiError) {
	status, value := http.StatusOK, result
	if fault != nil {
		status, value = fault.status, fault
	}
	if sp.dropAnswer {
		panic(http.ErrAbortHandler) // net/http closes the connection without a word
	}
	body, err := json.Marshal(value)
	if err != nil {
		s.log.ErrorContext(r.Context(), "answer cannot be written", "err", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusTooManyRequests {
		// As BankID's other API tells it (BankID API: errors).
		w.Header().Set("RateLimit-Limit", "10")
		w.Header().Set("RateLimit-Remaining", "0")
		w.Header().Set("RateLimit-Reset", "2")
	}
	switch {
	case fault != nil && fault.status != http.StatusBadRequest && s.Chaos().EmptyErrors, sp.empty:
		body = nil
	case sp.garbage:
		body = append(body[:len(body)/2], "\x00\xff{{"...)
	case sp.rejectPage:
		w.Header().Set("Content-Type", "text/html")
		body = []byte("<html><head><title>403 Forbidden</title></head><body><center><h1>403 Forbidden</h1></center><hr><center>nginx</center></body></html>")
	case sp.html:
		w.Header().Set("Content-Type", "text/html")
		body = []byte("<!doctype html><title>Gateway</title><p>Try again later.</p>")
	case sp.extraMembers:
		body = withExtraMember(body)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	send(w, r, body, sp.slow)
}

// withExtraMember adds a member to a JSON object that its reader cannot know.
func withExtraMember(body []byte) []byte {
	extra := []byte(`"simulatorExtra":{"since":"6.99","values":[1,null]}`)
	if bytes.Equal(body, []byte("{}")) {
		return append(append([]byte("{"), extra...), '}')
	}
	return append(append(append([]byte("{"), extra...), ','), body[1:]...)
}

// send writes body, in pieces over the duration slow if that is not zero.
func send(w http.ResponseWriter, r *http.Request, body []byte, slow time.Duration) {
	if slow == 0 {
		w.Write(body)
		return
	}
	const pieces = 20
	flush := http.NewResponseController(w)
	for i := range pieces {
		w.Write(body[len(body)*i/pieces : len(body)*(i+1)/pieces])
		flush.Flush()
		if pause(r.Context(), slow/pieces) != nil {
			return
		}
	}
}
