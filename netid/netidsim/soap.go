package netidsim

import (
	"encoding/xml"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
)

const maxMessage = 256 << 10

// request is one call as it came.
type request struct {
	soap12    bool
	operation string
	fields    map[string]string
	caller    string // fingerprint of the client certificate, "" for none
}

// errSOAP is a request that is no call of ours.
type errSOAP struct{ text string }

func (e *errSOAP) Error() string { return "netidsim: " + e.text }

// readRequest reads a call as the WSDL has it: an action that is right, quoted or not, and the elements in their order.
func (s *Simulator) readRequest(r *http.Request) (*request, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	in := &request{soap12: kind == "application/soap+xml", caller: callerOf(r)}
	if err != nil || !in.soap12 && kind != "text/xml" {
		return in, &errSOAP{"the content type is neither of SOAP 1.1 nor 1.2"}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxMessage+1))
	if err != nil || len(body) > maxMessage {
		return in, &errSOAP{"the message cannot be read, or is too long"}
	}
	var message envelope
	d := xml.NewDecoder(strings.NewReader(string(body)))
	if err := d.Decode(&message); err != nil {
		return in, &errSOAP{"the message is no XML"}
	}
	want := xml.Name{Space: namespace11, Local: "Envelope"}
	action := r.Header.Get("SOAPAction")
	if in.soap12 {
		want.Space, action = namespace12, params["action"]
	}
	if message.XMLName != want || message.Body.XMLName.Space != want.Space || len(message.Body.Calls) != 1 {
		return in, &errSOAP{"the envelope is of another version, or does not have one call"}
	}
	call := message.Body.Calls[0]
	if action = strings.Trim(action, `"`); action != "" && action != namespace+call.XMLName.Local || action == "" && !in.soap12 {
		return in, &errSOAP{"the action is not that of the call"}
	}
	in.operation = call.XMLName.Local
	in.fields, err = s.readFields(call)
	return in, err
}

// envelope is a message as far as it is looked at.
type envelope struct {
	XMLName xml.Name
	Body    struct {
		XMLName xml.Name
		Calls   []call `xml:",any"`
	} `xml:"Body"`
}

type call struct {
	XMLName xml.Name
	Fields  []callField `xml:",any"`
}

type callField struct {
	XMLName xml.Name
	Text    string     `xml:",chardata"`
	Attrs   []xml.Attr `xml:",any,attr"`
}

// readFields checks the elements against the WSDL. One that is nil counts as empty.
func (s *Simulator) readFields(c call) (map[string]string, error) {
	at := slices.IndexFunc(operations, func(o operation) bool { return c.XMLName == xml.Name{Space: namespace, Local: o.Name} })
	if at < 0 {
		return nil, &errSOAP{"there is no such call in this namespace"}
	}
	values, next, version := map[string]string{}, 0, s.Settings().Version
	parts := operations[at].Fields
	for _, f := range c.Fields {
		for next < len(parts) && parts[next].name != f.XMLName.Local {
			next++
		}
		if next == len(parts) || f.XMLName.Space != namespace || parts[next].later && version == 1 {
			return nil, &errSOAP{fmt.Sprintf("%s is not an element of %s, or not in its place", f.XMLName.Local, c.XMLName.Local)}
		}
		values[f.XMLName.Local] = f.Text
		next++
	}
	for _, p := range parts {
		if _, there := values[p.name]; p.nillable && version == 2 && !there {
			return nil, &errSOAP{p.name + " is missing"}
		}
	}
	return values, nil
}

// answer is what a call brings: elements, or a fault.
type answer struct {
	result string // XML inside of the result
	fault  string
}

// fault is a refusal by a code.
func fault(code string) answer { return answer{fault: code} }

// write sends an answer in the version of its call.
func (a answer) write(w http.ResponseWriter, in *request) {
	status, space, kind := http.StatusOK, namespace11, "text/xml; charset=utf-8"
	if in.soap12 {
		space, kind = namespace12, "application/soap+xml; charset=utf-8"
	}
	body := fmt.Sprintf(`<%[1]sResponse xmlns="%[2]s"><%[1]sResult>%[3]s</%[1]sResult></%[1]sResponse>`, in.operation, namespace, a.result)
	if a.fault != "" {
		status, body = http.StatusInternalServerError, a.faultBody(in.soap12)
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="%s"><soap:Body>%s</soap:Body></soap:Envelope>`, space, body)
}

func (a answer) faultBody(soap12 bool) string {
	if soap12 {
		return `<soap:Fault><soap:Code><soap:Value>soap:Receiver</soap:Value></soap:Code><soap:Reason><soap:Text xml:lang="en">` + escape(a.fault) +
			`</soap:Text></soap:Reason></soap:Fault>`
	}
	return `<soap:Fault><faultcode>soap:Server</faultcode><faultstring>` + escape(a.fault) + `</faultstring><detail/></soap:Fault>`
}

func escape(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text)) // a builder takes all
	return b.String()
}

// tag returns an element, and nothing for no text.
func tag(name, text string) string {
	if text == "" {
		return ""
	}
	return "<" + name + ">" + escape(text) + "</" + name + ">"
}
