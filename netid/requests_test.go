package netid

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/png"
	"slices"
	"strconv"
	"strings"
	"testing"

	"brygga/secret"
)

func TestOrderForTheSameDevice(t *testing.T) {
	s := newStation(t, saying(SOAP11, 200,
		`<AuthenticateResponse xmlns="http://netid.secmaker.com/nias/"><AuthenticateResult>order-1</AuthenticateResult></AuthenticateResponse>`))
	order, err := s.api(t, nil).Authenticate(t.Context(), AuthenticateRequest{NonVisible: testNonce})
	if err != nil || order.Ref.Reveal() != "order-1" || !order.AutoStartToken.Equal(order.Ref) || order.NonVisible != testNonce {
		t.Errorf("the order is %v, %v", order, err)
	}
	if asked, _ := s.requests(); !strings.Contains(asked[0], "<personalNumber></personalNumber>") {
		t.Errorf("the request is %s", asked[0])
	}
	order, err = authenticate(t, s.api(t, nil))
	if err != nil || !order.AutoStartToken.IsZero() {
		t.Errorf("an order for another device starts no app: %v", err)
	}
}

func TestRequestsThatAreNotSent(t *testing.T) {
	s := newStation(t, faulting(SOAP11, "INTERNAL_ERROR"))
	pkcs, raw := s.api(t, nil), s.api(t, func(o *Options) { o.Format = FormatRaw256 })
	id := secret.New(testNumber)
	sign := func(a *API, visible string) error {
		_, err := a.Sign(t.Context(), SignRequest{AuthenticateRequest{UserID: id, NonVisible: testNonce}, visible})
		return err
	}
	identify := func(r AuthenticateRequest) error {
		_, err := pkcs.Authenticate(t.Context(), r)
		return err
	}
	_, errRef := pkcs.Collect(t.Context(), secret.New("two words"))
	_, errNone := pkcs.Collect(t.Context(), secret.String{})
	for name, err := range map[string]error{
		"no nonce":            identify(AuthenticateRequest{UserID: id}),
		"a nonce with spaces": identify(AuthenticateRequest{UserID: id, NonVisible: " x"}),
		"a nonce of lines":    identify(AuthenticateRequest{UserID: id, NonVisible: "x\ny"}),
		"a long nonce":        identify(AuthenticateRequest{UserID: id, NonVisible: strings.Repeat("x", MaxNonVisible+1)}),
		"a blank identifier":  identify(AuthenticateRequest{UserID: secret.New(" "), NonVisible: "x"}),
		"a long identifier":   identify(AuthenticateRequest{UserID: secret.New(strings.Repeat("1", maxUserID+1)), NonVisible: "x"}),
		"two identifiers":     identify(AuthenticateRequest{UserID: secret.New("1\n2"), NonVisible: "x"}),
		"no UTF-8":            identify(AuthenticateRequest{UserID: secret.New("\xff"), NonVisible: "x"}),
		"a user of controls":  identify(AuthenticateRequest{UserID: id, NonVisible: "x", EndUserInfo: "\x00"}),
		"no text":             sign(pkcs, ""),
		"a long text":         sign(pkcs, strings.Repeat("x", MaxVisible+1)),
		"a text of controls":  sign(pkcs, "a\x1bb"),
		"a text in raw form":  sign(raw, "I agree."),
		"a wrong reference":   errRef,
		"no reference":        errNone,
	} {
		if _, ok := errors.AsType[*InvalidRequestError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked, _ := s.requests(); len(asked) > 0 {
		t.Errorf("sent %d requests", len(asked))
	}
}

func TestSignSendsWhatIsSigned(t *testing.T) {
	s := newStation(t, saying(SOAP12, 200, `<SignResponse xmlns="http://netid.secmaker.com/nias/"><SignResult>order-1</SignResult></SignResponse>`))
	a := s.api(t, func(o *Options) { o.SOAP, o.ServiceOptions = SOAP12, "a=b" })
	order, err := a.Sign(t.Context(), SignRequest{AuthenticateRequest{UserID: secret.New("a&b"), NonVisible: testNonce}, "one\r\ntwo\rthree <&\n"})
	if err != nil || order.Visible != "one\ntwo\nthree <&\n" {
		t.Fatalf("the text is %q, %v", order.Visible, err)
	}
	asked, header := s.requests()
	root, err := parseXML([]byte(asked[0]))
	if err != nil {
		t.Fatal(err)
	}
	body := &reader{e: root.children[0].children[0]}
	if got := body.e.children[1].text.String(); got != order.Visible || body.text("personalNumber") != "a&b" || body.text("options") != "a=b" {
		t.Errorf("sent %s", asked[0])
	}
	if got := header.Get("Content-Type"); !strings.HasSuffix(got, `action="http://netid.secmaker.com/nias/Sign"`) {
		t.Errorf("the action is %s", got)
	}
}

func picture(t *testing.T, width int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, 8))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRegister(t *testing.T) {
	s := newStation(t, saying(SOAP11, 200, `<RegisterResponse xmlns="http://netid.secmaker.com/nias/"><RegisterResult><scheme/>`+
		`<provider><name>NIAS</name><version>6</version></provider><caller><name>Prov</name><image>YQ==</image><id>7</id></caller></RegisterResult></RegisterResponse>`))
	a := s.api(t, func(o *Options) { o.Format = FormatRaw512 })
	got, err := a.Register(t.Context(), Registration{Name: "Prov", Image: picture(t, 8)})
	if err != nil || got.Provider.Name != "NIAS" || got.Provider.Version != "6" || got.Caller.ID != "7" || string(got.Caller.Image) != "a" {
		t.Fatalf("registered %+v, %v", got, err)
	}
	asked, header := s.requests()
	if !strings.Contains(asked[0], "<format>raw-512</format>") || header.Get("SOAPAction") != `"http://netid.secmaker.com/nias/Register"` {
		t.Errorf("sent %s", asked[0])
	}
	broken := picture(t, 8)
	for name, r := range map[string]Registration{
		"no name":                       {Image: picture(t, 8)},
		"a name in lines":               {Name: "a\nb", Image: picture(t, 8)},
		"a long name":                   {Name: strings.Repeat("x", maxName+1), Image: picture(t, 8)},
		"a name in UTF-8 that is none":  {Name: "Prov\xff", Image: picture(t, 8)},
		"a name that ends in nothing":   {Name: "Prov\x00", Image: picture(t, 8)},
		"a name with a return":          {Name: "a\rb", Image: picture(t, 8)},
		"a name with a control of 1":    {Name: "Prov\u009b31m", Image: picture(t, 8)},
		"a name that is turned around":  {Name: "Prov\u202enenummok", Image: picture(t, 8)},
		"a name on Unicode's two lines": {Name: "a\u2028b", Image: picture(t, 8)},
		"a name with what nobody sees":  {Name: "Pro\u200bv", Image: picture(t, 8)},
		"no image":                      {Name: "Prov"},
		"another kind":                  {Name: "Prov", Image: []byte("GIF89a")},
		"a byte too large":              {Name: "Prov", Image: padded(t, MaxImage+1)},
		"a page behind it":              {Name: "Prov", Image: append(picture(t, 8), "<html>"...)},
		"two of them":                   {Name: "Prov", Image: append(picture(t, 8), picture(t, 8)...)},
		"a large file":                  {Name: "Prov", Image: append(picture(t, 8), make([]byte, MaxImage)...)},
		"a large picture":               {Name: "Prov", Image: picture(t, maxImageSide+1)},
		"a broken one":                  {Name: "Prov", Image: broken[:len(broken)-20]},
	} {
		if _, err := a.Register(t.Context(), r); !isInvalid(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked, _ := s.requests(); len(asked) != 1 {
		t.Errorf("sent %d requests", len(asked))
	}
	for _, r := range []Registration{{Name: "Prov", Image: padded(t, MaxImage)}, {Name: `</name><name>"Å" & 'Ö'`, Image: picture(t, 8)}} {
		if _, err := a.Register(t.Context(), r); err != nil {
			t.Errorf("%q with %d bytes: %v", r.Name, len(r.Image), err)
		}
	}
	if asked, _ := s.requests(); len(asked) != 3 || strings.Count(asked[2], "<name>") != 1 || !strings.Contains(asked[2], "&lt;/name&gt;&lt;name&gt;") {
		t.Errorf("sent %d requests, the last %s", len(asked), asked[len(asked)-1])
	}
}

// padded is a picture of so many bytes: a text of nobody's stands in it.
func padded(t *testing.T, size int) []byte {
	t.Helper()
	of := picture(t, 8)
	end := len(of) - 12
	chunk := binary.BigEndian.AppendUint32(nil, uint32(size-len(of)-12))
	chunk = append(append(chunk, "teXt"...), make([]byte, size-len(of)-12)...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return slices.Concat(of[:end], chunk, of[end:])
}

// TestRegisteredIsShown: what the service says of itself and of us is for operators' terminals and pages. It may be long, and have what moves a cursor.
func TestRegisteredIsShown(t *testing.T) {
	s := newStation(t, saying(SOAP11, 200, `<RegisterResponse xmlns="http://netid.secmaker.com/nias/"><RegisterResult><scheme/>`+
		`<provider><name>N&#x9b;2JIAS</name><version>6&#13;7</version></provider><caller><name>`+strings.Repeat("Å", 5000)+`</name><id>&#x202e;7</id></caller></RegisterResult></RegisterResponse>`))
	got, err := s.api(t, nil).Register(t.Context(), Registration{Name: "Prov", Image: picture(t, 8)})
	if err != nil || got.Provider.Name != "N2JIAS" || got.Provider.Version != "67" || got.Caller.Name != strings.Repeat("Å", maxTold) || got.Caller.ID != "7" {
		t.Errorf("registered %+q, %v", got, err)
	}
}

func isInvalid(err error) bool {
	_, ok := errors.AsType[*InvalidRequestError](err)
	return ok
}

// TestReasonsNameTheBounds: what is said of a registration has the numbers that it is held to.
func TestReasonsNameTheBounds(t *testing.T) {
	for reason, bound := range map[string]int{ReasonName: maxName, ReasonBytes: MaxImage, ReasonPixels: maxImageSide} {
		if !strings.Contains(reason, strconv.Itoa(bound)+" ") {
			t.Errorf("%q, and the bound is %d", reason, bound)
		}
	}
}
