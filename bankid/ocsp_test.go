package bankid

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/secret"
)

// answering returns a change to the OCSP response, made before it is signed.
func answering(change func(*ocspParts)) func(*forger) {
	return func(f *forger) { f.answer = change }
}

// reshaped returns a change to the DER of the OCSP response, made after it is signed.
func reshaped(change func([]byte) []byte) func(*forger) {
	return func(f *forger) { f.ocspDER = change }
}

func TestVerifyOCSPResponder(t *testing.T) {
	usage := func(extensions ...pkix.Extension) func(*forger) {
		return func(f *forger) { f.responder.ExtraExtensions = extensions }
	}
	runForgeries(t, []forgery{
		{"appointed by the bank", func(f *forger) { f.responderBy = "bank" }, CheckOCSPResponder},
		{"appointed by a stranger", func(f *forger) {
			f.answer = func(p *ocspParts) {
				parent := *f.made.issuer
				parent.PublicKey = forgerKeys().other.Public()
				p.certificate = must(x509.CreateCertificate(nil, f.responder, &parent, f.responderKey.Public(), forgerKeys().other))
			}
		}, CheckOCSPResponder},
		{"no appointment", usage(), CheckOCSPResponder},
		{"appointment not critical", usage(ocspUsage(false, x509OCSPSigning)), CheckOCSPResponder},
		{"appointed for more", usage(ocspUsage(true, x509OCSPSigning, x509ClientAuth)), CheckOCSPResponder},
		{"appointed for more, unknown", usage(ocspUsage(true, x509OCSPSigning, []int{1, 2, 3})), CheckOCSPResponder},
		{"appointed for something else", usage(ocspUsage(true, x509ClientAuth)), CheckOCSPResponder},
		{"appointed for anything", usage(ocspUsage(true, []int{2, 5, 29, 37, 0})), CheckOCSPResponder},
		{"an authority", func(f *forger) {
			f.responder.IsCA, f.responder.BasicConstraintsValid = true, true
			f.issuer.MaxPathLenZero = false
		}, CheckOCSPResponder},
		{"short key", func(f *forger) { f.responderKey = forgerKeys().short }, CheckOCSPResponder},
		{"expired", func(f *forger) { f.responder.NotAfter = signedAt.Add(-time.Second) }, CheckOCSPResponder},
		{"not yet valid", func(f *forger) { f.responder.NotBefore = signedAt.Add(time.Second) }, CheckOCSPResponder},
		{"the person", func(f *forger) {
			f.responderKey = f.personKey
			f.answer = func(p *ocspParts) {
				p.certificate, p.responderName = f.made.person.Raw, tlv(0xa1, f.made.person.RawSubject)
			}
		}, CheckOCSPResponder},
		{"the issuer itself", func(f *forger) {
			f.responderKey = forgerKeys().issuer
			f.answer = func(p *ocspParts) {
				p.certificate, p.responderName = f.made.issuer.Raw, tlv(0xa1, f.made.issuer.RawSubject)
			}
		}, CheckOCSPResponder},
		{"other name", func(f *forger) {
			f.answer = func(p *ocspParts) { p.responderName = tlv(0xa1, f.made.issuer.RawSubject) }
		}, CheckOCSPResponder},
		{"certificate cut", answering(func(p *ocspParts) { p.certificate = tlv(0x30, p.certificate[4:200]) }), CheckCertificate},
		{"signed by another", answering(func(p *ocspParts) { p.spoil = true }), CheckOCSPSignature},
	})
}

func TestVerifyOCSPAnswer(t *testing.T) {
	runForgeries(t, []forgery{
		{"other serial number", func(f *forger) {
			f.answer = func(p *ocspParts) {
				p.certID = certID(f.made.issuer, new(big.Int).Add(f.made.person.SerialNumber, big.NewInt(1)))
			}
		}, CheckOCSPCertificate},
		{"other issuer", func(f *forger) {
			f.answer = func(p *ocspParts) { p.certID = certID(f.made.bank, f.made.person.SerialNumber) }
		}, CheckOCSPCertificate},
		{"other name of the issuer", answering(func(p *ocspParts) { p.certID[15] ^= 1 }), CheckOCSPCertificate},
		{"other key of the issuer", answering(func(p *ocspParts) { p.certID[37] ^= 1 }), CheckOCSPCertificate},
		{"serial number with the highest bit", func(f *forger) {
			f.person.SerialNumber = new(big.Int).SetUint64(1<<63 + 5)
		}, ""},
		{"revoked", answering(func(p *ocspParts) { p.certStatus = tlv(0xa1, derTime(signedAt.Add(-time.Hour))) }), CheckOCSPStatus},
		{"unknown", answering(func(p *ocspParts) { p.certStatus = []byte{0x82, 0} }), CheckOCSPStatus},
		{"nonce of another signature", answering(func(p *ocspParts) { p.nonce[0] ^= 1 }), CheckNonce},
		{"nonce wrong at the end of the hash", answering(func(p *ocspParts) { p.nonce[19] ^= 1 }), CheckNonce},
		{"other random part", answering(func(p *ocspParts) { p.nonce[20] ^= 1 }), ""},
		{"nonce too short", answering(func(p *ocspParts) { p.nonce = p.nonce[:31] }), CheckNonce},
		{"nonce of the hash alone", answering(func(p *ocspParts) { p.nonce = p.nonce[:20] }), CheckNonce},
		{"nonce too long", answering(func(p *ocspParts) { p.nonce = append(p.nonce, 0) }), CheckNonce},
		{"nonce as in RFC 8954", answering(func(p *ocspParts) { p.nonce = tlv(0x04, p.nonce) }), CheckNonce},
		{"nonce not critical", answering(func(p *ocspParts) { p.critical = nil }), CheckNonce},
		{"nonce over the document", func(f *forger) {
			f.answer = func(p *ocspParts) {
				sum := sha1.Sum([]byte(f.document()))
				copy(p.nonce, sum[:])
			}
		}, CheckNonce},
		{"old status", answering(func(p *ocspParts) { p.thisUpdate = derTime(signedAt.Add(-DefaultSkew - time.Second)) }), CheckTime},
		{"status of the future", answering(func(p *ocspParts) { p.thisUpdate = derTime(signedAt.Add(DefaultSkew + time.Second)) }), CheckTime},
		{"next update", answering(func(p *ocspParts) { p.singleRest = tlv(0xa0, derTime(signedAt.Add(time.Hour))) }), ""},
		{"next update is over", answering(func(p *ocspParts) { p.singleRest = tlv(0xa0, derTime(signedAt.Add(-time.Second))) }), CheckTime},
	})
}

func TestVerifyOCSPStructure(t *testing.T) {
	insert := func(at int, extra ...byte) func([]byte) []byte {
		return func(d []byte) []byte { return append(append(append([]byte{}, d[:at]...), extra...), d[at:]...) }
	}
	swap := func(from, to string) func([]byte) []byte {
		return func(d []byte) []byte { return []byte(replace(from, to)(string(d))) }
	}
	runForgeries(t, []forgery{
		{"unsuccessful", answering(func(p *ocspParts) { p.status = []byte{0x0a, 1, 6} }), CheckOCSPStructure},
		{"not basic", reshaped(swap(derBasicResponse, derNonceOID)), CheckOCSPStructure},
		{"SHA-1 signature", answering(func(p *ocspParts) {
			p.algorithm = []byte("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05\x05\x00")
		}), CheckAlgorithm},
		{"no parameters", answering(func(p *ocspParts) {
			p.algorithm = []byte("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b")
		}), CheckOCSPStructure},
		{"unused bits", answering(func(p *ocspParts) { p.unused = 1 }), CheckOCSPStructure},
		{"two certificates", answering(func(p *ocspParts) { p.certificate = append(bytes.Clone(p.certificate), p.certificate...) }), CheckOCSPStructure},
		{"no certificate", answering(func(p *ocspParts) { p.certificate = nil }), CheckOCSPStructure},
		{"version", answering(func(p *ocspParts) { p.responderName = append(tlv(0xa0, []byte{2, 1, 0}), p.responderName...) }), CheckOCSPStructure},
		{"responder by key", answering(func(p *ocspParts) { p.responderName = tlv(0xa2, tlv(0x04, make([]byte, 20))) }), CheckOCSPStructure},
		{"more behind the responder's name", answering(func(p *ocspParts) {
			p.responderName = tlv(0xa1, p.responderName[2:], []byte{5, 0})
		}), CheckOCSPStructure},
		{"time with a fraction", answering(func(p *ocspParts) { p.producedAt = tlv(0x18, []byte("20260304102030.5Z")) }), CheckOCSPStructure},
		{"time of no calendar", answering(func(p *ocspParts) { p.producedAt = tlv(0x18, []byte("20260230102030Z")) }), CheckOCSPStructure},
		{"time of two digits", answering(func(p *ocspParts) { p.producedAt = tlv(0x17, []byte("260304102030Z")) }), CheckOCSPStructure},
		{"SHA-256 of the issuer", answering(func(p *ocspParts) {
			p.certID = tlv(0x30, []byte("\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00"), p.certID[13:])
		}), CheckAlgorithm},
		{"more in the identifier", answering(func(p *ocspParts) { p.certID = tlv(0x30, p.certID[2:], []byte{5, 0}) }), CheckOCSPStructure},
		{"second answer", func(f *forger) {
			f.answer = func(p *ocspParts) {
				p.second = tlv(0x30, certID(f.made.issuer, big.NewInt(7)), p.certStatus, p.thisUpdate)
			}
		}, CheckOCSPStructure},
		{"extension of the answer", answering(func(p *ocspParts) { p.singleRest = tlv(0xa1, tlv(0x30)) }), CheckOCSPStructure},
		{"more in the next update", answering(func(p *ocspParts) {
			p.singleRest = tlv(0xa0, derTime(signedAt.Add(time.Hour)), []byte{5, 0})
		}), CheckOCSPStructure},
		{"no status", answering(func(p *ocspParts) { p.certStatus, p.thisUpdate = nil, nil }), CheckOCSPStructure},
		{"other extension", answering(func(p *ocspParts) { p.nonceOID = []byte(derBasicResponse) }), CheckOCSPStructure},
		{"second extension", answering(func(p *ocspParts) {
			p.extensionsRest = tlv(0x30, p.nonceOID, p.critical, tlv(0x04, p.nonce))
		}), CheckOCSPStructure},
		{"more in the data", answering(func(p *ocspParts) { p.dataRest = []byte{5, 0} }), CheckOCSPStructure},
		{"more behind", reshaped(func(d []byte) []byte { return append(d, 0) }), CheckOCSPStructure},
		{"more in the outermost", reshaped(func(d []byte) []byte { return tlv(0x30, d[4:], []byte{5, 0}) }), CheckOCSPStructure},
		{"long form of a length", reshaped(func(d []byte) []byte { return tlv(0x30, []byte{0x0a, 0x81, 1, 0}, d[7:]) }), CheckOCSPStructure},
		{"longer form of a length", reshaped(func(d []byte) []byte { return tlv(0x30, []byte{0x0a, 0x82, 0, 1, 0}, d[7:]) }), CheckOCSPStructure},
		{"indefinite length", reshaped(func(d []byte) []byte { return append(append([]byte{0x30, 0x80}, d[4:]...), 0, 0) }), CheckOCSPStructure},
		{"length of three bytes", reshaped(func(d []byte) []byte { return append([]byte{0x30, 0x83, 0, d[2], d[3]}, d[4:]...) }), CheckOCSPStructure},
		{"truncated", reshaped(func(d []byte) []byte { return d[:len(d)-1] }), CheckOCSPStructure},
		{"byte put in", reshaped(insert(4, 0)), CheckOCSPStructure},
		{"empty", reshaped(func([]byte) []byte { return nil }), CheckOCSPStructure},
		{"huge", func(f *forger) {
			f.responder.ExtraExtensions = append(f.responder.ExtraExtensions, pkix.Extension{Id: []int{1, 2, 3}, Value: make([]byte, 25_000)})
		}, CheckOCSPStructure},
	})
	for name, change := range map[string]func(string) string{
		"not base64":               func(string) string { return "?" },
		"line break in the base64": func(s string) string { return s[:64] + "\n" + s[64:] },
		"more behind the base64":   func(s string) string { return strings.TrimRight(s, "=") + "!!!!" },
		"nothing":                  func(string) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newForger()
			data := f.result()
			data.OCSPResponse = secret.New(change(data.OCSPResponse.Reveal()))
			_, err := f.verifier(t).Verify(data, f.want)
			wantCheck(t, err, CheckOCSPStructure)
		})
	}
}

// TestVerifyOCSPExtended appends a NULL to each constructed element of a response in turn, which readers of ASN.1 are used
// to pass over. Those of the certificate and of names are looked at elsewhere.
func TestVerifyOCSPExtended(t *testing.T) {
	f := newForger()
	data := f.result()
	v := f.verifier(t)
	good := []byte(decoded(data.OCSPResponse.Reveal()))
	apart := [][]byte{f.made.responder.Raw, f.made.responder.RawSubject}
	total := 0
	for target := 0; target <= total; target++ {
		total = 0
		changed := extend(good, apart, target, &total)
		if target == total {
			break
		}
		data.OCSPResponse = secret.New(base64.StdEncoding.EncodeToString(changed))
		if _, err := v.Verify(data, f.want); bytes.Equal(changed, good) {
			t.Fatal("nothing changed")
		} else {
			wantCheck(t, err, CheckOCSPStructure)
		}
	}
	if total != 17 {
		t.Errorf("%d elements", total)
	}
}

// extend appends a NULL to the constructed element with the number target, counted in the order of the bytes, and counts
// all of them. An OCTET STRING with a SEQUENCE in it counts as constructed.
func extend(der []byte, apart [][]byte, target int, count *int) []byte {
	var out []byte
	for len(der) > 0 {
		var value asn1.RawValue
		rest := must(asn1.Unmarshal(der, &value))
		der = rest
		skip := slices.ContainsFunc(apart, func(a []byte) bool { return bytes.Equal(a, value.FullBytes) })
		if skip || !value.IsCompound && (value.Tag != asn1.TagOctetString || value.Bytes[0] != 0x30 || len(value.Bytes) < 40) {
			out = append(out, value.FullBytes...)
			continue
		}
		number := *count
		*count++
		content := extend(value.Bytes, apart, target, count)
		if number == target {
			content = append(content, 5, 0)
		}
		out = append(out, tlv(value.FullBytes[0], content)...)
	}
	return out
}

// TestNonceVectors has the hashes and nonces of the two genuine results which BankID publishes, with signatures of 11 468 and
// 11 348 characters, and a small text whose hash is known.
func TestNonceVectors(t *testing.T) {
	tests := []struct {
		name, sum, nonce string
		want             bool
	}{
		{"first sample", "16c88c8eb58c0d1a3b0518c5b239d9be52ef134b", "16c88c8eb58c0d1a3b0518c5b239d9be52ef134b0eac2e8d9af56bbc9005b16e", true},
		{"second sample", "5f26fe52ffbbe1e19fe55e6f77f7d4e783c71b5a", "5f26fe52ffbbe1e19fe55e6f77f7d4e783c71b5a3d60a483cceb95f878aa5b6e", true},
		{"each other's", "16c88c8eb58c0d1a3b0518c5b239d9be52ef134b", "5f26fe52ffbbe1e19fe55e6f77f7d4e783c71b5a3d60a483cceb95f878aa5b6e", false},
		{"hash of the decoded document", "6eba58012d5d3308c726cebf56a77a68bc8c0477", "16c88c8eb58c0d1a3b0518c5b239d9be52ef134b0eac2e8d9af56bbc9005b16e", false},
		{"wrapped in an OCTET STRING", "16c88c8eb58c0d1a3b0518c5b239d9be52ef134b", "042016c88c8eb58c0d1a3b0518c5b239d9be52ef134b0eac2e8d9af56bbc9005b16e", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := ocspResponse{nonce: must(hex.DecodeString(tt.nonce)), nonceCritical: true}
			if got := r.belongsTo([sha1.Size]byte(must(hex.DecodeString(tt.sum)))); got != tt.want {
				t.Errorf("belongs to it: %v", got)
			}
		})
	}
	r := ocspResponse{nonce: append(must(hex.DecodeString("909b6d0e7ee53ae63934362d23e7356186839f4e")), make([]byte, 12)...), nonceCritical: true}
	text := []byte("PGE+PC9hPg==")
	if !r.belongsTo(sha1.Sum(text)) {
		t.Error("the hash is not the one over the text")
	}
	if plain := must(base64.StdEncoding.DecodeString(string(text))); r.belongsTo(sha1.Sum(plain)) {
		t.Error("the hash is the one over the document")
	}
}

// TestDERLengths reads each form of a length at its limits.
func TestDERLengths(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 255, 256, 65535} {
		content := bytes.Repeat([]byte{7}, n)
		d := &der{rest: tlv(0x04, content)}
		if got := d.content(0x04); !bytes.Equal(got, content) || d.bad() || len(d.rest) != 0 {
			t.Errorf("%d bytes: read %d, bad %v", n, len(got), d.bad())
		}
	}
	for _, text := range []string{
		"", "\x04", "\x04\x01", "\x04\x80", "\x04\x81", "\x04\x82\x01", "\x05\x00", "\x04\xff", "\x04\x83\x01\x00\x00",
		"\x04\x81\x7f" + strings.Repeat("x", 127), "\x04\x82\x00\xff" + strings.Repeat("x", 255), "\x04\x81\x80" + strings.Repeat("x", 127),
	} {
		d := &der{rest: slices.Clip([]byte(text))}
		d.element(0x04)
		if !d.bad() {
			t.Errorf("%q is read", text)
		}
	}
}
