package netid

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"brygga/secret"
)

// namespace is that of the service's messages. Each element of them is in it.
const namespace = "http://netid.secmaker.com/nias/"

// SOAP is a version of SOAP. The service has a binding of each.
type SOAP string

// The versions.
const (
	SOAP11 SOAP = "1.1"
	SOAP12 SOAP = "1.2"
)

// envelopes are the namespaces of the versions.
var envelopes = map[SOAP]string{
	SOAP11: "http://schemas.xmlsoap.org/soap/envelope/",
	SOAP12: "http://www.w3.org/2003/05/soap-envelope",
}

// Version is one of the service's WSDL.
type Version string

// The versions. The later one, of 2022, has the element options in requests, and more of the person in results.
const (
	Version1 Version = "1"
	Version2 Version = "2"
)

// field is one element of a request.
type field struct{ name, value string }

// optional returns the field unless it is empty: then the element is left out.
func optional(name, value string) []field {
	if value == "" {
		return nil
	}
	return []field{{name, value}}
}

// message returns the request: document/literal, wrapped in an element with the operation's name.
func (s SOAP) message(operation string, fields []field) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="%s"><soap:Body><%s xmlns="%s">`, envelopes[s], operation, namespace)
	for _, f := range fields {
		b.WriteString("<" + f.name + ">")
		xml.EscapeText(&b, []byte(f.value)) // a buffer takes all
		b.WriteString("</" + f.name + ">")
	}
	b.WriteString("</" + operation + "></soap:Body></soap:Envelope>")
	return b.Bytes()
}

// header says what the request is: SOAP 1.1 has the action in a header of its own, SOAP 1.2 in the content type.
func (s SOAP) header(h http.Header, operation string) {
	if s == SOAP12 {
		h.Set("Content-Type", `application/soap+xml; charset=utf-8; action="`+namespace+operation+`"`)
		return
	}
	h.Set("Content-Type", "text/xml; charset=utf-8")
	h.Set("SOAPAction", `"`+namespace+operation+`"`)
}

// answered reports whether an answer says that it is of this version of SOAP.
func (s SOAP) answered(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if s == SOAP12 {
		return err == nil && kind == "application/soap+xml"
	}
	return err == nil && kind == "text/xml"
}

// result returns the operation's result out of an answer, or the fault that stands there instead.
func (s SOAP) result(operation string, body []byte) (*element, *fault, error) {
	root, err := parseXML(body)
	if err != nil {
		return nil, nil, err
	}
	if root.name != (xml.Name{Space: envelopes[s], Local: "Envelope"}) {
		return nil, nil, fmt.Errorf("%w: no envelope of SOAP %s", ErrBadResponse, s)
	}
	content, err := root.only(envelopes[s], "Body")
	if err != nil {
		return nil, nil, err
	}
	wrong, err := content.optional(envelopes[s], "Fault")
	if err != nil || wrong != nil {
		return nil, s.fault(wrong), err
	}
	response, err := content.only(namespace, operation+"Response")
	if err != nil {
		return nil, nil, err
	}
	result, err := response.only(namespace, operation+"Result")
	return result, nil, err
}

// fault is a SOAP fault.
type fault struct {
	code Code
	text secret.String
}

// fault reads the bare code that the service writes as the text of a fault: the faultstring of SOAP 1.1, the Reason of SOAP 1.2.
func (s SOAP) fault(e *element) *fault {
	if e == nil {
		return nil
	}
	text := e.find("faultstring")
	if s == SOAP12 {
		text = ""
		for _, child := range e.children {
			if child.name.Local == "Reason" {
				text = child.find("Text")
			}
		}
	}
	return &fault{code: parseCode(text), text: secret.New(text)}
}

// find returns the text of the first child with that name, whatever its namespace: the children of a fault of SOAP 1.1 have none.
func (e *element) find(local string) string {
	for _, child := range e.children {
		if child.name.Local == local {
			return strings.TrimSpace(child.text.String())
		}
	}
	return ""
}
