package bankid

import "bytes"

// signedData is what a bankIdSignedData element says, each part as it stands there; a part that is absent is nil.
type signedData struct {
	visible       []byte // base64 as sent
	visibleFormat []byte // the attribute
	nonVisible    []byte // base64 as sent

	serviceName, serviceDisplayName, serviceNonce []byte // base64
	function                                      []byte
	version                                       []byte // base64

	environment, device       []byte // the elements around the next ones, whole
	platform, platformVersion []byte // base64
	uhi, userAuth             []byte
}

// signedData reads a bankIdSignedData element. Its own children are fixed; inside srvInfo and clientInfo BankID may add
// elements, so there only names count, and those which we read must not come twice.
func (s *scanner) signedData(d *signedData) {
	s.literal(`<bankIdSignedData xmlns="` + nsBankID + `" Id="bidSignedData">`)
	if s.skip(`<usrVisibleData charset="UTF-8"`) {
		if s.skip(` format="`) {
			d.visibleFormat = s.attribute()
			s.literal(`"`)
		}
		s.literal(` visible="wysiwys">`)
		d.visible = s.text(maxSignature)
		s.literal(`</usrVisibleData>`)
	}
	if s.skip(`<usrNonVisibleData>`) {
		d.nonVisible = s.text(maxSignature)
		s.literal(`</usrNonVisibleData>`)
	}
	s.literal(`<srvInfo>`)
	s.children(d, []byte("srvInfo"), 0)
	s.literal(`</srvInfo><clientInfo>`)
	s.children(d, []byte("clientInfo"), 0)
	s.literal(`</clientInfo></bankIdSignedData>`)
	for _, required := range [][]byte{d.serviceName, d.serviceDisplayName, d.serviceNonce, d.function, d.version} {
		if len(required) == 0 {
			s.fail(CheckStructure, "the signed data lacks something that is always there")
		}
	}
}

// part returns where the element of that path below bankIdSignedData is kept, and whether it holds elements rather than
// text; nil means that we do not read it.
func (d *signedData) part(path []byte) (kept *[]byte, holdsElements bool) {
	switch string(path) {
	case "srvInfo/name":
		return &d.serviceName, false
	case "srvInfo/nonce":
		return &d.serviceNonce, false
	case "srvInfo/displayName":
		return &d.serviceDisplayName, false
	case "clientInfo/funcId":
		return &d.function, false
	case "clientInfo/version":
		return &d.version, false
	case "clientInfo/env":
		return &d.environment, true
	case "clientInfo/env/ai":
		return &d.device, true
	case "clientInfo/env/ai/type":
		return &d.platform, false
	case "clientInfo/env/ai/deviceInfo":
		return &d.platformVersion, false
	case "clientInfo/env/ai/uhi":
		return &d.uhi, false
	case "clientInfo/env/ai/uauth":
		return &d.userAuth, false
	}
	return nil, false
}

// reserved are the elements of the fixed part. They stand nowhere else, so that no other reader of a stored document, which
// looks for them by name, finds something that we did not verify.
func reserved(name []byte) bool {
	switch string(name) {
	case "Signature", "SignedInfo", "CanonicalizationMethod", "SignatureMethod", "Reference", "Transforms", "Transform",
		"DigestMethod", "DigestValue", "SignatureValue", "KeyInfo", "X509Data", "X509Certificate", "Object",
		"bankIdSignedData", "usrVisibleData", "usrNonVisibleData", "srvInfo", "clientInfo":
		return true
	}
	return false
}

// maxDepth bounds how deep elements may lie within srvInfo and clientInfo; the published ones take four levels.
const maxDepth = 8

// children reads elements until the end tag of the one around them, and puts away those which we read.
func (s *scanner) children(d *signedData, path []byte, depth int) {
	if depth == maxDepth {
		s.fail(CheckStructure, "the signed data is nested too deep")
	}
	for s.err == nil && s.atStartTag() {
		s.literal(`<`)
		name := s.name()
		if reserved(name) {
			s.fail(CheckStructure, "an element of the fixed part stands where it does not belong")
		}
		below := append(append(path, '/'), name...)
		kept, holdsElements := d.part(below)
		if kept == nil {
			s.attributes()
		}
		s.literal(`>`)
		from, nested := s.pos, s.atStartTag()
		if nested {
			s.children(d, below, depth+1)
		} else {
			s.text(maxSignature)
		}
		content := s.since(from)
		s.endTag(name)
		if kept == nil {
			continue
		}
		if *kept != nil || nested != holdsElements {
			s.fail(CheckStructure, "something in the signed data comes twice, or is not of its kind")
		}
		*kept = content
	}
}

// attributes reads those of an element that we do not know. None of them may be an identifier or a namespace.
func (s *scanner) attributes() {
	for s.skip(` `) {
		name := s.name()
		if bytes.EqualFold(name, []byte("id")) || bytes.HasPrefix(name, []byte("xml")) {
			s.fail(CheckStructure, "an added element has an identifier or a namespace")
		}
		s.literal(`="`)
		s.attribute()
		s.literal(`"`)
	}
}
