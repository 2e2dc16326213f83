package netid

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"brygga/secret"
)

// DefaultMaxAnswer is what Options.MaxAnswer means when it is zero.
const DefaultMaxAnswer = 512 << 10

// Options configures an API. URL and Profile must be given.
type Options struct {
	// URL is the address of the web service, such as https://access.example.org/nias/ServiceServer.asmx. It is taken from here and never
	// from a WSDL.
	URL string
	// Profile is how it is called.
	Profile Profile
	// InsecureHTTP lets URL be an http address on this machine, for development.
	InsecureHTTP bool
	// SOAP and Version are what the service speaks; empty means SOAP11 and Version2.
	SOAP    SOAP
	Version Version
	// Format is what signatures we are registered to get; empty means FormatPKCS7.
	Format Format
	// ServiceOptions is sent as the element options with each request that has one: the meaning of its text is not published. Version1 has none.
	ServiceOptions string
	// UnknownEnds ends an order whose progressStatus is a word that this package does not know. Otherwise such an order goes on: when the word
	// meant an end, the next collect says so.
	UnknownEnds bool
	// MaxAnswer bounds an answer, in bytes.
	MaxAnswer int64

	Now func() time.Time // nil means time.Now

	// Observe, if set, is told of every attempt: the call, the HTTP status or 0, a word from a small fixed set ("" for success, a known Code,
	// "unavailable", "bad_response", …) and how long it took. It runs in the caller's goroutine and must be safe for concurrent use.
	Observe func(call string, status int, word string, d time.Duration)
}

// The operations. There is no other, and so no cancel.
const (
	callAuthenticate = "Authenticate"
	callSign         = "Sign"
	callCollect      = "Collect"
	callRegister     = "Register"
	callWSDL         = "WSDL" // the document
)

// API calls one service. It is safe for concurrent use and keeps connections open between calls.
type API struct {
	o      Options
	client *http.Client
}

// New checks o and returns an API. It sends nothing. All faults in o are reported at once.
func New(o Options) (*API, error) {
	o.SOAP, o.Version, o.Format = cmp.Or(o.SOAP, SOAP11), cmp.Or(o.Version, Version2), cmp.Or(o.Format, FormatPKCS7)
	o.MaxAnswer, o.Profile = cmp.Or(o.MaxAnswer, DefaultMaxAnswer), o.Profile.withDefaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observe == nil {
		o.Observe = func(string, int, string, time.Duration) {}
	}
	errURL := o.checkURL()
	client, errClient := o.Profile.client(o.InsecureHTTP && errURL == nil)
	if err := errors.Join(errURL, errClient, o.check()); err != nil {
		return nil, err
	}
	return &API{o: o, client: client}, nil
}

func (o Options) checkURL() error {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("netid: URL must be the address of the web service, without query")
	case u.Scheme == "https" && !o.InsecureHTTP:
		return nil
	case u.Scheme == "http" && o.InsecureHTTP && onLoopback(u.Hostname()):
		return nil
	}
	return errors.New("netid: URL must be an https address; with InsecureHTTP an http address on this machine")
}

func onLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (o Options) check() error {
	var faults []error
	if envelopes[o.SOAP] == "" {
		faults = append(faults, errors.New("netid: SOAP is 1.1 or 1.2"))
	}
	if o.Version != Version1 && o.Version != Version2 {
		faults = append(faults, errors.New("netid: Version is 1 or 2"))
	}
	if !o.Format.known() {
		faults = append(faults, errors.New("netid: Format is pkcs7, raw-256 or raw-512"))
	}
	if o.ServiceOptions != "" && (o.Version == Version1 || !isXMLText(o.ServiceOptions)) {
		faults = append(faults, errors.New("netid: ServiceOptions is text for Version 2 only"))
	}
	if o.MaxAnswer < 0 {
		faults = append(faults, errors.New("netid: MaxAnswer must not be negative"))
	}
	return errors.Join(faults...)
}

// Close closes the connections that are kept for reuse. The API goes on working: the next calls make new ones, and show a certificate that was renewed.
func (a *API) Close() { a.client.CloseIdleConnections() }

// call sends a request and returns the operation's result. It is sent again only when it timed out: an answer that was lost may stand for an
// order, which a second one replaces, as nobody has its reference, and a result that was lost is lost in either case.
func (a *API) call(ctx context.Context, operation string, fields []field) (*element, error) {
	message := a.o.SOAP.message(operation, fields)
	for again := 0; ; again++ {
		start := a.o.Now()
		status, result, err := a.attempt(ctx, operation, message)
		a.o.Observe(operation, status, observed(err), a.o.Now().Sub(start))
		if said, ok := errors.AsType[*ServiceError](err); ok && said.Code == CodeUnknown && said.details.Reveal() != string(CodeUnknown) {
			said.said = plainWords(said.details.Reveal(), fields)
		}
		if err == nil || again == a.o.Profile.Retries || !timedOut(ctx, err) {
			return result, err
		}
	}
}

func (a *API) attempt(ctx context.Context, operation string, message []byte) (int, *element, error) {
	bounded, cancel := a.o.Profile.bounded(ctx)
	defer cancel()
	request, err := http.NewRequestWithContext(bounded, http.MethodPost, a.o.URL, bytes.NewReader(message))
	if err != nil {
		return 0, nil, fmt.Errorf("netid: %s: %w", operation, err)
	}
	request.Header.Set("User-Agent", "brygga")
	a.o.SOAP.header(request.Header, operation)
	response, err := a.client.Do(request)
	if err != nil {
		return 0, nil, networkError(ctx, withoutURL(err))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, a.o.MaxAnswer+1))
	if err != nil {
		return response.StatusCode, nil, networkError(ctx, err)
	}
	result, err := a.read(operation, response, body)
	return response.StatusCode, result, err
}

// withoutURL takes the address, which stands in the configuration, out of an error.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// read takes the result out of an answer. A fault comes with the status 500, and with other ones from some servers.
func (a *API) read(operation string, response *http.Response, body []byte) (*element, error) {
	status := response.StatusCode
	if int64(len(body)) > a.o.MaxAnswer {
		return nil, fmt.Errorf("%w: it is too long", ErrBadResponse)
	}
	if !a.o.SOAP.answered(response.Header) {
		if status >= 400 {
			return nil, &ServiceError{Call: operation, Status: status}
		}
		return nil, fmt.Errorf("%w: HTTP %d and no SOAP", ErrBadResponse, status)
	}
	result, wrong, err := a.o.SOAP.result(operation, body)
	switch {
	case wrong != nil:
		return nil, &ServiceError{Call: operation, Status: status, Code: wrong.code, details: wrong.text}
	case status != http.StatusOK && status >= 400:
		return nil, &ServiceError{Call: operation, Status: status}
	case status != http.StatusOK:
		return nil, fmt.Errorf("%w: HTTP %d", ErrBadResponse, status)
	}
	return result, err
}

// observed returns the word for err that Options.Observe gets.
func observed(err error) string {
	if e, ok := errors.AsType[*ServiceError](err); ok && e.Code != "" {
		if e.Code.Class() == ClassUnknown {
			return string(CodeUnknown)
		}
		return string(e.Code)
	}
	for _, row := range []struct {
		err  error
		word string
	}{
		{nil, ""}, {context.Canceled, "canceled"}, {ErrUnavailable, "unavailable"}, {ErrRefused, "refused"},
		{ErrUntrustedServer, "untrusted_server"}, {ErrBadResponse, "bad_response"},
	} {
		if errors.Is(err, row.err) {
			return row.word
		}
	}
	return "other"
}

// isXMLText reports whether text can stand in XML as it is: writing anything else there would change it, and so what is signed.
func isXMLText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\t' || r == 0xfffe || r == 0xffff
	})
}

// isToken reports whether text is a word that may stand in a link or a header: what an order reference is.
func isToken(text secret.String) bool {
	word := text.Reveal()
	for i := range len(word) {
		if word[i] <= ' ' || word[i] > '~' {
			return false
		}
	}
	return word != "" && len(word) <= maxReference
}

// Calls returns the names of the calls that Options.Observe may be told of.
func Calls() []string {
	return []string{callAuthenticate, callSign, callCollect, callRegister, callWSDL}
}
