package netid

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"brygga/secret"
)

// TestCodes says every code in each place and version where it may be said.
func TestCodes(t *testing.T) {
	for _, code := range append(Codes(), "SOMETHING_NEW") {
		t.Run(string(code), func(t *testing.T) {
			for _, version := range versions {
				a := newStation(t, faulting(version, " "+string(code)+"\n")).api(t, func(o *Options) { o.SOAP = version })
				_, err := authenticate(t, a)
				if failed, ok := errors.AsType[*ServiceError](err); !ok || failed.Code != code || failed.Status != 500 {
					t.Errorf("SOAP %s: starting is %v", version, err)
				}
				collectedCode(t, a, code, true)
			}
			a := newStation(t, collecting(`<progressStatus>`+string(code)+`</progressStatus><signature>c2ln</signature>`)).api(t, nil)
			collectedCode(t, a, code, false)
		})
	}
}

// collectedCode collects an order of which the service says code, as a fault or in its answer.
func collectedCode(t *testing.T, a *API, code Code, asFault bool) {
	t.Helper()
	c, err := a.Collect(t.Context(), secret.New("order-1"))
	failed, _ := errors.AsType[*ServiceError](err)
	switch class := code.Class(); {
	case class == ClassFault:
		if failed == nil || failed.Code != code {
			t.Errorf("collecting is %v, want the code as an error", err)
		}
	case asFault && (class == ClassProgress || class == ClassComplete):
		if !errors.Is(err, ErrBadResponse) {
			t.Errorf("collecting is %v; a fault has no result", err)
		}
	default:
		want := map[Class]State{ClassProgress: Pending, ClassComplete: Complete, ClassEnded: Failed}[class]
		if class == ClassUnknown && asFault {
			want = Failed
		}
		if err != nil || c.State != want || c.Code != code || (c.Result != nil) != (want == Complete) {
			t.Errorf("collecting brings %v %s, %v; want %v", c.State, c.Code, err, want)
		}
	}
}

func TestMeaningOfCodes(t *testing.T) {
	all := []error{ErrUnavailable, ErrRefused, ErrUntrustedServer, ErrBadResponse, ErrRetry, ErrUnknownUser, ErrAlreadyInProgress, ErrUserBlocked, ErrOrderGone, ErrRejected}
	for _, c := range []struct {
		code Code
		call string
		want []error
	}{
		{CodeAccessDenied, callAuthenticate, []error{ErrRefused}},
		{CodeRetry, callSign, []error{ErrRetry, ErrUnavailable}},
		{CodeInternalError, callCollect, []error{ErrUnavailable}},
		{CodeUnknown, callCollect, []error{ErrUnavailable}},
		{CodeUnknownUser, callAuthenticate, []error{ErrUnknownUser}},
		{CodeAlreadyInProgress, callAuthenticate, []error{ErrAlreadyInProgress}},
		{CodeUserBlocked, callAuthenticate, []error{ErrUserBlocked}},
		{CodeAlreadyCollected, callCollect, []error{ErrOrderGone}},
		{CodeInvalidParameters, callCollect, []error{ErrOrderGone}},
		{CodeInvalidParameters, callAuthenticate, []error{ErrRejected}},
		{CodeSignValidation, callAuthenticate, nil},
	} {
		err := &ServiceError{Call: c.call, Status: 500, Code: c.code}
		for _, target := range all {
			if errors.Is(err, target) != slices.Contains(c.want, target) {
				t.Errorf("%s by %s: is %q %v", c.code, c.call, target, errors.Is(err, target))
			}
		}
	}
}

func TestUnknownWords(t *testing.T) {
	a := newStation(t, collecting(`<progressStatus>SOMETHING_NEW</progressStatus>`)).api(t, func(o *Options) { o.UnknownEnds = true })
	if c, err := a.Collect(t.Context(), secret.New("order-1")); err != nil || c.State != Failed || c.Code != "SOMETHING_NEW" {
		t.Errorf("an unknown word that ends an order: %v %v", c, err)
	}
	// What is no code may be anything, a personal number among it.
	for _, text := range []string{"", "Server was unable to process request for " + testNumber, "user_sign", strings.Repeat("A", maxCode+1)} {
		_, err := authenticate(t, newStation(t, faulting(SOAP11, text)).api(t, nil))
		failed, ok := errors.AsType[*ServiceError](err)
		if !ok || failed.Code != CodeUnknown || strings.Contains(err.Error(), testNumber) || !errors.Is(err, ErrUnavailable) {
			t.Errorf("a fault with the text %q is %v", text, err)
		}
		if ok && failed.Details().Reveal() != text {
			t.Errorf("the details are %q", failed.Details().Reveal())
		}
	}
	_, err := authenticate(t, newStation(t, saying(SOAP11, 200,
		`<AuthenticateResponse xmlns="http://netid.secmaker.com/nias/"><AuthenticateResult>USER_BLOCKED</AuthenticateResult></AuthenticateResponse>`)).api(t, nil))
	if !errors.Is(err, ErrUserBlocked) {
		t.Errorf("a code in place of a reference: %v", err)
	}
}

// TestBadAnswers has what no service should say.
func TestBadAnswers(t *testing.T) {
	const good = `<AuthenticateResponse xmlns="http://netid.secmaker.com/nias/"><AuthenticateResult>order-1</AuthenticateResult></AuthenticateResponse>`
	raw := func(kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			io.WriteString(w, body)
		}
	}
	envelope := func(inner string) string {
		return `<s:Envelope xmlns:s="` + envelopes[SOAP11] + `">` + inner + `</s:Envelope>`
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"a web page":                      {raw("text/html", "<html>"), ErrBadResponse},
		"a web page as XML":               {raw("text/xml", "<html/>"), ErrBadResponse},
		"nothing":                         {raw("text/xml", ""), ErrBadResponse},
		"truncated":                       {raw("text/xml", envelope("<s:Body>" + good)[:150]), ErrBadResponse},
		"an end that is not its begin's":  {raw("text/xml", envelope("<s:Body></s:Boda>")), ErrBadResponse},
		"a document type":                 {raw("text/xml", `<!DOCTYPE x>`+envelope("<s:Body>"+good+"</s:Body>")), ErrBadResponse},
		"an entity":                       {raw("text/xml", `<!DOCTYPE x [<!ENTITY a "order-1">]>`+envelope("<s:Body>"+strings.Replace(good, "order-1", "&a;", 1)+"</s:Body>")), ErrBadResponse},
		"an undeclared entity":            {raw("text/xml", envelope("<s:Body>"+strings.Replace(good, "order-1", "&nbsp;", 1)+"</s:Body>")), ErrBadResponse},
		"a style sheet":                   {raw("text/xml", `<?xml-stylesheet href="http://192.0.2.1/"?>`+envelope("<s:Body>"+good+"</s:Body>")), ErrBadResponse},
		"two documents":                   {raw("text/xml", strings.Repeat(envelope("<s:Body>"+good+"</s:Body>"), 2)), ErrBadResponse},
		"text behind":                     {raw("text/xml", envelope("<s:Body>"+good+"</s:Body>")+"x"), ErrBadResponse},
		"another charset":                 {raw("text/xml", `<?xml version="1.0" encoding="utf-7"?>`+envelope("<s:Body>"+good+"</s:Body>")), ErrBadResponse},
		"deep":                            {saying(SOAP11, 200, strings.Repeat("<a>", 100)+strings.Repeat("</a>", 100)), ErrBadResponse},
		"wide":                            {saying(SOAP11, 200, good+strings.Repeat("<a/>", 1000)), ErrBadResponse},
		"long":                            {saying(SOAP11, 200, good+"<!--"+strings.Repeat("x", DefaultMaxAnswer)+"-->"), ErrBadResponse},
		"no body":                         {raw("text/xml", envelope(good)), ErrBadResponse},
		"two bodies":                      {raw("text/xml", envelope("<s:Body>"+good+"</s:Body><s:Body>"+good+"</s:Body>")), ErrBadResponse},
		"another namespace":               {saying(SOAP11, 200, strings.Replace(good, "nias/", "nias", 1)), ErrBadResponse},
		"no namespace":                    {saying(SOAP11, 200, strings.Replace(good, ` xmlns="http://netid.secmaker.com/nias/"`, "", 1)), ErrBadResponse},
		"another call's answer":           {saying(SOAP11, 200, strings.ReplaceAll(good, "Authenticate", "Sign")), ErrBadResponse},
		"two answers":                     {saying(SOAP11, 200, good+good), ErrBadResponse},
		"another version of SOAP":         {saying(SOAP12, 200, good), ErrBadResponse},
		"no envelope":                     {raw("text/xml", strings.ReplaceAll(envelope("<s:Body>"+good+"</s:Body>"), "s:Envelope", "s:Parcel")), ErrBadResponse},
		"no reference":                    {saying(SOAP11, 200, strings.Replace(good, "order-1", "", 1)), ErrBadResponse},
		"a reference with a line":         {saying(SOAP11, 200, strings.Replace(good, "order-1", "order&#10;1", 1)), ErrBadResponse},
		"elements in place of one":        {saying(SOAP11, 200, strings.Replace(good, "order-1", "order-1<a/>", 1)), ErrBadResponse},
		"a redirect":                      {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, ErrBadResponse},
		"a strange success":               {saying(SOAP11, 202, good), ErrBadResponse},
		"a gateway's page":                {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) }, ErrUnavailable},
		"a web server that wants another": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }, ErrRefused},
		"an error with an answer":         {saying(SOAP11, 503, good), ErrUnavailable},
		"a broken connection":             {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := authenticate(t, newStation(t, c.answer).api(t, nil)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// TestProbeOfSomethingElse finds what is no such service behind the address.
func TestProbeOfSomethingElse(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"a web page": {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }, ErrBadResponse},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, ErrBadResponse},
		"down":       {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusServiceUnavailable) }, ErrUnavailable},
		"refused":    {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusForbidden) }, ErrRefused},
	} {
		if version, err := newStation(t, c.answer).api(t, nil).Probe(t.Context()); !errors.Is(err, c.want) || version != "" {
			t.Errorf("%s: %q, %v", name, version, err)
		}
	}
	newer := func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `<x targetNamespace="`+namespace+`"/>`)
	}
	if version, err := newStation(t, newer).api(t, nil).Probe(t.Context()); err != nil || version != "" {
		t.Errorf("a newer version is %q, %v", version, err)
	}
}

func TestBoundsOfXML(t *testing.T) {
	deep := func(n int) []byte { return []byte(strings.Repeat("<a>", n) + strings.Repeat("</a>", n)) }
	wide := func(n int) []byte { return []byte("<a>" + strings.Repeat("<b/>", n-1) + "</a>") }
	for name, c := range map[string]struct {
		body []byte
		good bool
	}{
		"as deep as may be": {deep(maxDepth), true}, "deeper": {deep(maxDepth + 1), false},
		"as wide as may be": {wide(maxElements), true}, "wider": {wide(maxElements + 1), false},
	} {
		if _, err := parseXML(c.body); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadResults(t *testing.T) {
	for name, inner := range map[string]string{
		"complete without a signature":    `<progressStatus>COMPLETE</progressStatus>`,
		"complete with an empty one":      `<progressStatus>COMPLETE</progressStatus><signature> </signature>`,
		"two words":                       `<progressStatus>PENDING</progressStatus><progressStatus>COMPLETE</progressStatus>`,
		"two signatures":                  `<progressStatus>COMPLETE</progressStatus><signature>YQ==</signature><signature>YQ==</signature>`,
		"a person twice":                  `<progressStatus>COMPLETE</progressStatus><signature>YQ==</signature><userInfo><userId>1</userId><userId>2</userId></userInfo>`,
		"a signature in another language": `<progressStatus>COMPLETE</progressStatus><signature xmlns="urn:x">YQ==</signature>`,
	} {
		if c, err := newStation(t, collecting(inner)).api(t, nil).Collect(t.Context(), secret.New("order-1")); !errors.Is(err, ErrBadResponse) {
			t.Errorf("%s: %v %v", name, c, err)
		}
	}
}

func TestResultIsRead(t *testing.T) {
	const inner = `<progressStatus>COMPLETE</progressStatus><requestedUserId>r</requestedUserId><signature>YQ==</signature><userInfo><name>n</name>` +
		`<personalNumber>p</personalNumber><userUniqueName>u</userUniqueName><userId>i</userId><notBefore>b</notBefore><notAfter>a</notAfter>` +
		`<givenName>g</givenName><surname>å&amp;s</surname><certificate>c</certificate><thumbprint>t</thumbprint></userInfo><ocspResponse>o</ocspResponse>` +
		`<nivResponse>v</nivResponse><deviceInfo><name>iOS</name><version>17</version><address>192.0.2.7</address></deviceInfo><somethingNew/>`
	c, err := newStation(t, collecting(inner)).api(t, nil).Collect(t.Context(), secret.New("order-1"))
	if err != nil {
		t.Fatal(err)
	}
	r := c.Result
	for i, pair := range [][2]string{
		{r.RequestedUserID.Reveal(), "r"}, {r.Signature.Reveal(), "YQ=="}, {r.User.Name.Reveal(), "n"}, {r.User.PersonalNumber.Reveal(), "p"},
		{r.User.UniqueName.Reveal(), "u"}, {r.User.UserID.Reveal(), "i"}, {r.User.NotBefore, "b"}, {r.User.NotAfter, "a"}, {r.User.GivenName.Reveal(), "g"},
		{r.User.Surname.Reveal(), "å&s"}, {r.User.Certificate.Reveal(), "c"}, {r.User.CertificateThumbprint, "t"}, {r.OCSPResponse.Reveal(), "o"},
		{r.ValidatorResponse.Reveal(), "v"}, {r.Device.Name, "iOS"}, {r.Device.Version, "17"}, {r.Device.Address, "192.0.2.7"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("value %d is %q, want %q", i, pair[0], pair[1])
		}
	}
}

// TestFailuresAreSentOnce shows that nothing but a time-out is tried again, RETRY least of all.
func TestFailuresAreSentOnce(t *testing.T) {
	for _, answer := range []http.HandlerFunc{
		faulting(SOAP11, "RETRY"), faulting(SOAP11, "INTERNAL_ERROR"), collecting("<progressStatus>RETRY</progressStatus>"),
		func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusGatewayTimeout) },
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		s := newStation(t, answer)
		_, err := s.api(t, nil).Collect(t.Context(), secret.New("order-1"))
		if asked, _ := s.requests(); err == nil || len(asked) != 1 {
			t.Errorf("%v after %d attempts", err, len(asked))
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, version := range versions {
		for _, answer := range []http.HandlerFunc{faulting(version, "USER_BLOCKED"), saying(version, 200, `<CollectResponse xmlns="http://netid.secmaker.com/nias/"><CollectResult><progressStatus>COMPLETE</progressStatus><signature>YQ==</signature></CollectResult></CollectResponse>`)} {
			w := httptest.NewRecorder()
			answer(w, nil)
			f.Add(w.Body.Bytes())
		}
	}
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, version := range versions {
			result, wrong, err := version.result(callCollect, body)
			if found := (result != nil) != (wrong != nil); found == (err != nil) {
				t.Errorf("result %v, fault %v, error %v", result != nil, wrong != nil, err)
			}
			if err != nil && !errors.Is(err, ErrBadResponse) {
				t.Errorf("the error is %v", err)
			}
			if result != nil {
				readResult(&reader{e: result})
			}
			if bytes.Contains(body, []byte("<!DOCTYPE")) && result != nil && !bytes.Contains(body, []byte("<!--")) && !bytes.Contains(body, []byte("CDATA")) {
				t.Error("a document type was taken")
			}
		}
	})
}
