package bankid

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"
)

// signedData returns a change to the signed data, made before it is signed.
func signedDataWith(from, to string) func(*forger) {
	return func(f *forger) { f.data = replace(from, to) }
}

// afterwards returns a change to the document, made after it is signed.
func afterwards(change func(string) string) func(*forger) {
	return func(f *forger) { f.xml = change }
}

// cutOut returns the part of a document between two marks, both included.
func cutOut(text, from, to string) string {
	i := strings.Index(text, from)
	return text[i : i+strings.Index(text[i:], to)+len(to)]
}

// TestSignatureWrapping moves, copies and replaces what is signed, in the ways that fool readers which look up elements by
// name or identifier.
func TestSignatureWrapping(t *testing.T) {
	const object, endObject = `<Object>`, `</Object>`
	evil := func(data string) string {
		return strings.Replace(data, `<funcId>Identification`, `<funcId>Signing`, 1)
	}
	data := func(doc string) string { return cutOut(doc, `<bankIdSignedData `, `</bankIdSignedData>`) }
	runForgeries(t, []forgery{
		{"second data before", afterwards(func(d string) string { return replace(object, object+evil(data(d)))(d) }), CheckStructure},
		{"second data after", afterwards(func(d string) string { return replace(endObject, evil(data(d))+endObject)(d) }), CheckStructure},
		{"second data the same", afterwards(func(d string) string { return replace(endObject, data(d)+endObject)(d) }), CheckStructure},
		{"second data without identifier", afterwards(func(d string) string {
			return replace(object, object+strings.Replace(evil(data(d)), ` Id="bidSignedData"`, ``, 1))(d)
		}), CheckStructure},
		{"second object", afterwards(func(d string) string { return replace(endObject, endObject+object+evil(data(d))+endObject)(d) }), CheckStructure},
		{"signed data wrapped in other", afterwards(func(d string) string {
			return replace(data(d), strings.Replace(evil(data(d)), `</bankIdSignedData>`, data(d)+`</bankIdSignedData>`, 1))(d)
		}), CheckStructure},
		{"signed data inside clientInfo", afterwards(func(d string) string {
			return replace(data(d), strings.Replace(evil(data(d)), `</clientInfo>`, data(d)+`</clientInfo>`, 1))(d)
		}), CheckStructure},
		{"data moved to KeyInfo", afterwards(func(d string) string {
			return replace(`</KeyInfo>`, data(d)+`</KeyInfo>`)(replace(data(d), ``)(d))
		}), CheckStructure},
		{"data outside the object", afterwards(func(d string) string {
			return replace(object+data(d)+endObject, data(d)+object+endObject)(d)
		}), CheckStructure},
		{"object moved to the front", afterwards(func(d string) string {
			o := cutOut(d, object, endObject)
			return replace(`<SignedInfo `, o+`<SignedInfo `)(replace(o, ``)(d))
		}), CheckStructure},
		{"document in a document", afterwards(func(d string) string {
			return replace(endObject, endObject+cutOut(d, `<Signature `, `</Signature>`))(d)
		}), CheckStructure},
		{"another root", afterwards(func(d string) string {
			return replace(`?><Signature `, `?><Envelope><Signature `)(d) + `</Envelope>`
		}), CheckStructure},
		{"third reference", func(f *forger) {
			f.info = func(s string) string {
				return replace(`</SignedInfo>`, reference(`URI="#other"`, "x")+`</SignedInfo>`)(s)
			}
		}, CheckStructure},
		{"one reference", func(f *forger) {
			f.info = func(s string) string {
				return replace(`<Reference URI`+strings.SplitAfter(s, `<Reference URI`)[1], `</SignedInfo>`)(s)
			}
		}, CheckStructure},
		{"references the other way round", func(f *forger) {
			f.info = func(s string) string {
				first := cutOut(s, `<Reference Type`, `</Reference>`)
				return replace(`</SignedInfo>`, first+`</SignedInfo>`)(replace(first, ``)(s))
			}
		}, CheckStructure},
		{"reference to elsewhere", func(f *forger) { f.info = replace(`#bidSignedData`, `#bidSignedDatb`) }, CheckStructure},
		{"reference to the whole", func(f *forger) { f.info = replace(`URI="#bidSignedData"`, `URI=""`) }, CheckStructure},
		{"reference of another type", func(f *forger) { f.info = replace(`v1.0.0/types" URI`, `v2.0.0/types" URI`) }, CheckStructure},
		{"identifier twice", afterwards(replace(`<Object>`, `<Object Id="bidSignedData">`)), CheckStructure},
		{"other identifier of the data", signedDataWith(`Id="bidSignedData"`, `Id="bidSignedDatb"`), CheckStructure},
		{"other identifier of the keys", afterwards(replace(`Id="bidKeyInfo"`, `Id="bidKeyInfp"`)), CheckStructure},
		{"SignedInfo twice", afterwards(func(d string) string {
			info := cutOut(d, `<SignedInfo `, `</SignedInfo>`)
			return replace(info, info+info)(d)
		}), CheckStructure},
		{"second value", afterwards(replace(`</SignatureValue>`, `</SignatureValue><SignatureValue>AAAA</SignatureValue>`)), CheckStructure},
		{"second KeyInfo", afterwards(replace(`<Object>`, `<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"></KeyInfo><Object>`)), CheckStructure},
	})
}

// TestSignatureSyntax has documents that a tolerant XML reader takes for the same.
func TestSignatureSyntax(t *testing.T) {
	runForgeries(t, []forgery{
		{"comment outside", afterwards(replace(`<Object>`, `<!-- x --><Object>`)), CheckStructure},
		{"comment in a text", signedDataWith(`<uauth>pw`, `<uauth>p<!-- x -->w`), CheckStructure},
		{"comment in a child", signedDataWith(`<srvInfo><name>`, `<srvInfo><!-- x --><name>`), CheckStructure},
		{"processing instruction", signedDataWith(`<srvInfo>`, `<srvInfo><?x y?>`), CheckStructure},
		{"CDATA", signedDataWith(`<uauth>pw`, `<uauth><![CDATA[pw]]>`), CheckStructure},
		{"DTD", afterwards(replace(`?><Signature`, `?><!DOCTYPE Signature [<!ENTITY a "b">]><Signature`)), CheckStructure},
		{"entity", signedDataWith(`<uauth>pw`, `<uauth>p&a;w`), CheckStructure},
		{"character reference", signedDataWith(`<uauth>pw`, `<uauth>p&#119;`), CheckStructure},
		{"greater-than sign", signedDataWith(`<uauth>pw`, `<uauth>p>w`), CheckStructure},
		{"namespace prefix", afterwards(func(d string) string { return strings.ReplaceAll(d, `SignatureValue>`, `ds:SignatureValue>`) }), CheckStructure},
		{"namespace prefix inside", signedDataWith(`<uauth>pw</uauth>`, `<b:uauth>pw</b:uauth>`), CheckStructure},
		{"other namespace", signedDataWith(`signature/v1.0.0/types`, `signature/v1.0.1/types`), CheckStructure},
		{"namespace left out", func(f *forger) {
			f.info = replace(`<SignedInfo xmlns="http://www.w3.org/2000/09/xmldsig#">`, `<SignedInfo>`)
		}, CheckStructure},
		{"single quotes", signedDataWith(`Id="bidSignedData"`, `Id='bidSignedData'`), CheckStructure},
		{"attributes the other way round", signedDataWith(`charset="UTF-8" visible="wysiwys"`, `visible="wysiwys" charset="UTF-8"`), CheckStructure},
		{"other character set", signedDataWith(`charset="UTF-8"`, `charset="UTF-7"`), CheckStructure},
		{"not shown", signedDataWith(`visible="wysiwys"`, `visible="no"`), CheckStructure},
		{"attribute on a known element", signedDataWith(`<uauth>`, `<uauth a="b">`), CheckStructure},
		{"line break between", afterwards(replace(`<Object>`, "\n<Object>")), CheckStructure},
		{"space between children", signedDataWith(`<nonce>`, ` <nonce>`), CheckStructure},
		{"space after a name", afterwards(replace(`<Object>`, `<Object >`)), CheckStructure},
		{"line break in a text", signedDataWith(`<uauth>pw`, "<uauth>p\nw"), CheckStructure},
		{"null byte", signedDataWith(`<uauth>pw`, "<uauth>p\x00w"), CheckStructure},
		{"not UTF-8", signedDataWith(`<uauth>pw`, "<uauth>p\xffw"), CheckStructure},
		{"empty-element tag", signedDataWith(`<fsib>0</fsib>`, `<fsib/>`), CheckStructure},
		{"end tag of another", signedDataWith(`</fsib>`, `</fsic>`), CheckStructure},
		{"end tag missing", signedDataWith(`</fsib>`, ``), CheckStructure},
		{"name missing", signedDataWith(`<fsib>0</fsib>`, `<>0</>`), CheckStructure},
		{"attribute without a name", signedDataWith(`<fsib>`, `<fsib ="x">`), CheckStructure},
		{"name too long", signedDataWith(`<fsib>0</fsib>`, `<`+strings.Repeat("f", 65)+`>0</`+strings.Repeat("f", 65)+`>`), CheckStructure},
		{"no declaration", afterwards(replace(`<?xml version="1.0" encoding="UTF-8" standalone="no"?>`, ``)), CheckStructure},
		{"other declaration", afterwards(replace(`standalone="no"`, `standalone="yes"`)), CheckStructure},
		{"byte order mark", afterwards(func(d string) string { return "\ufeff" + d }), CheckStructure},
		{"trailing byte", afterwards(func(d string) string { return d + " " }), CheckStructure},
		{"trailing element", afterwards(func(d string) string { return d + "<x></x>" }), CheckStructure},
		{"truncated", afterwards(func(d string) string { return d[:len(d)-1] }), CheckStructure},
		{"empty", afterwards(func(string) string { return "" }), CheckStructure},
		{"no base64", func(f *forger) { f.text = func(string) string { return "?" } }, CheckStructure},
		{"line break in the base64", func(f *forger) { f.text = func(s string) string { return s[:76] + "\r\n" + s[76:] } }, CheckStructure},
		{"base64 of URLs", func(f *forger) {
			f.text = func(s string) string { return base64.URLEncoding.EncodeToString([]byte(decoded(s) + "\n\n\u07ff")) }
		}, CheckStructure},
		{"stray bits in the base64", func(f *forger) { f.text = strayBits }, CheckStructure},
		{"huge", func(f *forger) { f.want.UserNonVisibleData = make([]byte, 300_000) }, CheckStructure},
		{"as large as a sign order's", func(f *forger) { f.want.UserNonVisibleData = make([]byte, 150_000) }, ""},
	})
}

func decoded(text string) string {
	plain, ok := decodeBase64([]byte(text))
	if !ok {
		panic("no base64")
	}
	return string(plain)
}

// strayBits writes base64 with bits set that are not part of the content.
func strayBits(text string) string {
	plain := decoded(text)
	for len(plain)%3 != 1 {
		plain = strings.Replace(plain, `<utb>`, `<utb>x`, 1) // any length will do: it is refused before anything is compared
	}
	text = b64(plain)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	last := len(text) - 3
	return text[:last] + string(alphabet[strings.IndexByte(alphabet, text[last])|1]) + "=="
}

// TestSignedDataTolerance tells what BankID may add from what must not be there.
func TestSignedDataTolerance(t *testing.T) {
	nested := func(levels int) string {
		return strings.Repeat(`<a>`, levels) + strings.Repeat(`</a>`, levels)
	}
	runForgeries(t, []forgery{
		{"added to srvInfo", signedDataWith(`</srvInfo>`, `<new-1>x</new-1></srvInfo>`), ""},
		{"added twice", signedDataWith(`</srvInfo>`, `<new>x</new><new>y</new></srvInfo>`), ""},
		{"added with content and attribute", signedDataWith(`<clientInfo>`, `<clientInfo><new version="2" b="c"><part></part></new>`), ""},
		{"rpRef", signedDataWith(`<env>`, `<rpRef>cmVmZXJlbmNl</rpRef><env>`), ""},
		{"no environment", signedDataWith(`<env><ai><type>`+b64("IOS")+`</type>`, `<env><ai>`), ""},
		{"seven more levels", signedDataWith(`</srvInfo>`, nested(7)+`</srvInfo>`), ""},
		{"nested too deep", signedDataWith(`</srvInfo>`, nested(9)+`</srvInfo>`), CheckStructure},
		{"added beside srvInfo", signedDataWith(`</srvInfo>`, `</srvInfo><new></new>`), CheckStructure},
		{"added at the end", signedDataWith(`</bankIdSignedData>`, `<new></new></bankIdSignedData>`), CheckStructure},
		{"identifier on what is added", signedDataWith(`</srvInfo>`, `<new ID="bidSignedData"></new></srvInfo>`), CheckStructure},
		{"namespace on what is added", signedDataWith(`</srvInfo>`, `<new xmlns="urn:x"></new></srvInfo>`), CheckStructure},
		{"name twice", signedDataWith(`<srvInfo>`, `<srvInfo><name>`+b64("cn=other")+`</name>`), CheckStructure},
		{"function twice", signedDataWith(`<clientInfo>`, `<clientInfo><funcId>Signing</funcId>`), CheckStructure},
		{"environment twice", signedDataWith(`</clientInfo>`, `<env></env></clientInfo>`), CheckStructure},
		{"environment of text", signedDataWith(`<env><ai>`, `<env>x</env><env><ai>`), CheckStructure},
		{"element in a function", signedDataWith(`<funcId>Identification`, `<funcId><b>Identification</b>`), CheckStructure},
		{"function elsewhere", signedDataWith(`<funcId>Identification</funcId>`, `<other><funcId>Identification</funcId></other>`), CheckStructure},
		{"name missing", func(f *forger) {
			f.data = func(d string) string { return replace(cutOut(d, `<name>`, `</name>`), ``)(d) }
		}, CheckStructure},
		{"nonce empty", signedDataWith(`<nonce>`+b64("twenty random bytes.")+`</nonce>`, `<nonce></nonce>`), CheckStructure},
		{"version missing", signedDataWith(`<version>`+b64("7.28.0")+`</version>`, ``), CheckStructure},
		{"display name missing", signedDataWith(`<displayName>`+b64("Exempel")+`</displayName>`, ``), CheckStructure},
		{"text twice", signedDataWith(`<srvInfo>`, `<usrVisibleData charset="UTF-8" visible="wysiwys">eA==</usrVisibleData><srvInfo>`), CheckStructure},
		{"text inside clientInfo", signedDataWith(`<clientInfo>`, `<clientInfo><usrVisibleData>eA==</usrVisibleData>`), CheckStructure},
		{"text after the hidden data", func(f *forger) {
			f.data = func(d string) string {
				shown := cutOut(d, `<usrVisibleData `, `</usrVisibleData>`)
				return replace(`<srvInfo>`, shown+`<srvInfo>`)(replace(shown, ``)(d))
			}
		}, CheckStructure},
		{"signature inside clientInfo", signedDataWith(`<clientInfo>`, `<clientInfo><Signature></Signature>`), CheckStructure},
		{"srvInfo inside clientInfo", signedDataWith(`<clientInfo>`, `<clientInfo><srvInfo></srvInfo>`), CheckStructure},
	})
}

func TestSignatureAlgorithms(t *testing.T) {
	const c14n = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	info := func(from, to string) func(*forger) {
		return func(f *forger) { f.info = func(s string) string { return strings.Replace(s, from, to, 1) } }
	}
	runForgeries(t, []forgery{
		{"RSA with SHA-1", info("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"), CheckAlgorithm},
		{"HMAC", info("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"), CheckAlgorithm},
		{"SHA-1 digest", info("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"), CheckAlgorithm},
		{"other canonical form", info(`<CanonicalizationMethod Algorithm="`+c14n, `<CanonicalizationMethod Algorithm="`+c14n+`#WithComments`), CheckAlgorithm},
		{"other transform", info(`<Transform Algorithm="`+c14n, `<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116`), CheckAlgorithm},
		{"second transform", info(`</Transform></Transforms>`, `</Transform><Transform Algorithm="`+c14n+`"></Transform></Transforms>`), CheckStructure},
		{"parameter of a transform", info(`></Transform>`, `><XPath>1</XPath></Transform>`), CheckStructure},
	})
}

func TestSignatureDigestsAndKey(t *testing.T) {
	otherKey := func(f *forger) []string {
		return []string{string(f.made.issuer.Raw), string(f.made.issuer.Raw), string(f.made.bank.Raw)}
	}
	runForgeries(t, []forgery{
		{"data changed", afterwards(replace(`Identification</funcId>`, `Signing</funcId>`)), CheckDigest},
		{"certificates changed", afterwards(func(d string) string {
			certs := cutOut(d, `<X509Certificate>`, `</X509Certificate>`)
			return strings.Replace(d, certs, strings.Replace(certs, `<X509Certificate>MII`, `<X509Certificate>MIJ`, 1), 1)
		}), CheckDigest},
		{"digest of the data changed", func(f *forger) {
			f.info = func(s string) string { return strings.Replace(s, `<DigestValue>`, `<DigestValue>A`, 1) }
		}, CheckStructure},
		{"digest shorter", func(f *forger) {
			f.info = func(s string) string {
				return strings.Replace(s, cutOut(s, `<DigestValue>`, `</`), `<DigestValue></`, 1)
			}
		}, CheckDigest},
		{"value changed", func(f *forger) { f.value = func(v []byte) { v[100] ^= 1 } }, CheckSignature},
		{"value empty", afterwards(func(d string) string {
			return replace(cutOut(d, `<SignatureValue>`, `</SignatureValue>`), `<SignatureValue></SignatureValue>`)(d)
		}), CheckSignature},
		{"value no base64", afterwards(replace(`<SignatureValue>`, `<SignatureValue>=`)), CheckStructure},
		{"value too long", afterwards(replace(`<SignatureValue>`, `<SignatureValue>`+strings.Repeat("A", 2048))), CheckStructure},
		{"key of another", func(f *forger) {
			f.certs = func([]string) []string { return otherKey(f) }
		}, CheckSignature},
		{"short key", func(f *forger) { f.personKey = forgerKeys().short }, CheckCertificate},
		{"elliptic key", func(f *forger) { f.personKey = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }, CheckCertificate},
		{"two certificates", func(f *forger) { f.certs = func(c []string) []string { return c[:2] } }, CheckStructure},
		{"four certificates", func(f *forger) { f.certs = func(c []string) []string { return append(c, c[2]) } }, CheckStructure},
		{"certificate cut", func(f *forger) { f.certs = func(c []string) []string { return []string{c[0][:300], c[1], c[2]} } }, CheckCertificate},
		{"certificate with more behind", func(f *forger) {
			f.certs = func(c []string) []string { return []string{c[0] + "\x00", c[1], c[2]} }
		}, CheckCertificate},
		{"issuer cut", func(f *forger) { f.certs = func(c []string) []string { return []string{c[0], c[1][:300], c[2]} } }, CheckCertificate},
		{"bank cut", func(f *forger) { f.certs = func(c []string) []string { return []string{c[0], c[1], c[2][:300]} } }, CheckCertificate},
		{"certificate too long", func(f *forger) {
			f.certs = func(c []string) []string { return []string{c[0] + strings.Repeat("\x00", 8192), c[1], c[2]} }
		}, CheckStructure},
	})
	t.Run("certificate no base64", func(t *testing.T) {
		f := newForger()
		f.xml = func(d string) string {
			// Digests stay right, as SignedInfo is made anew by hand: only the base64 is bad.
			keys := cutOut(d, `<KeyInfo `, `</KeyInfo>`)
			bad := strings.Replace(keys, `<X509Certificate>`, `<X509Certificate>=`, 1)
			oldInfo := cutOut(d, `<SignedInfo `, `</SignedInfo>`)
			info := strings.Replace(oldInfo, reference(`URI="#bidKeyInfo"`, keys), reference(`URI="#bidKeyInfo"`, bad), 1)
			value := cutOut(d, `<SignatureValue>`, `</SignatureValue>`)
			return strings.NewReplacer(keys, bad, oldInfo, info,
				value, `<SignatureValue>`+b64(string(sign(f.personKey, []byte(info))))+`</SignatureValue>`).Replace(d)
		}
		_, err := f.verified(t)
		wantCheck(t, err, CheckStructure)
	})
}
