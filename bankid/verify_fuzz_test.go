package bankid

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"brygga/secret"
)

// FuzzVerifySpliced cuts something out of a good result and puts something else in its place: in the document with a fresh
// OCSP response to it, in the document as it is, or in the response. Whatever is not the same as before must be refused.
// The seeds are changes and not results, as each process makes keys of its own.
func FuzzVerifySpliced(f *testing.F) {
	forger := newForger()
	good := forger.result()
	v := forger.verifier(f)
	document, response := []byte(decoded(good.Signature.Reveal())), []byte(decoded(good.OCSPResponse.Reveal()))
	for part := range byte(4) {
		f.Add(part, uint16(0), uint16(0), []byte{})
		f.Add(part, uint16(200), uint16(1), []byte("x"))
		f.Add(part, uint16(len(response)-1), uint16(3), []byte{0})
	}
	f.Add(byte(0), uint16(bytes.Index(document, []byte("Identification"))), uint16(14), []byte("Signing"))
	f.Add(byte(0), uint16(bytes.Index(document, []byte("</Object>"))), uint16(0), []byte("<!-- -->"))
	f.Add(byte(1), uint16(bytes.Index(document, []byte("<srvInfo>"))), uint16(9), []byte("<srvInfo ><x></x>"))
	f.Add(byte(2), uint16(4), uint16(3), []byte("\x0a\x81\x01\x00"))
	f.Fuzz(func(t *testing.T, part byte, at, cut uint16, put []byte) {
		data := *good
		base := document
		if part%4 == 2 {
			base = response
		} else if part%4 == 3 {
			base = []byte(good.OCSPResponse.Reveal())
		}
		from := int(at) % (len(base) + 1)
		to := min(from+int(cut), len(base))
		changed := append(append(bytes.Clone(base[:from]), put...), base[to:]...)
		switch part % 4 {
		case 0, 1:
			data.Signature = secret.New(base64.StdEncoding.EncodeToString(changed))
			if part%4 == 0 && len(changed) > 0 {
				data.OCSPResponse = secret.New(forger.ocsp(data.Signature.Reveal()))
			}
		case 2:
			data.OCSPResponse = secret.New(base64.StdEncoding.EncodeToString(changed))
		case 3:
			data.OCSPResponse = secret.New(string(changed))
		}
		_, err := v.Verify(&data, forger.want)
		if same := bytes.Equal(changed, base); same != (err == nil) {
			t.Errorf("unchanged is %v, and Verify says %v", same, err)
		}
	})
}

// FuzzSignatureParse looks for documents that panic, or that are taken for the published form without being it.
func FuzzSignatureParse(f *testing.F) {
	forger := newForger()
	f.Add([]byte(decoded(forger.result().Signature.Reveal())))
	f.Fuzz(func(t *testing.T, xml []byte) {
		d, err := parseSignature([]byte(base64.StdEncoding.EncodeToString(xml)))
		if err != nil {
			return
		}
		d.verify()
		text := string(xml)
		for _, once := range []string{"<Signature ", "<SignedInfo ", "<KeyInfo ", "<Object>", "<bankIdSignedData ", "<srvInfo>", "<clientInfo>", "<?"} {
			if strings.Count(text, once) != 1 {
				t.Errorf("%s is there %d times", once, strings.Count(text, once))
			}
		}
		if strings.Contains(text, "<!") || strings.Contains(text, "&") {
			t.Error("a comment or an entity is let through")
		}
	})
}

// FuzzOCSPParse looks for responses that panic.
func FuzzOCSPParse(f *testing.F) {
	forger := newForger()
	f.Add([]byte(decoded(forger.result().OCSPResponse.Reveal())))
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := parseOCSP(base64.StdEncoding.EncodeToString(der))
		if err == nil && len(r.signed)+len(r.signature)+len(r.responder) > len(der) {
			t.Errorf("%d bytes give %d, %d and %d", len(der), len(r.signed), len(r.signature), len(r.responder))
		}
	})
}
