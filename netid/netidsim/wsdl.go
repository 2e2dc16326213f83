package netidsim

import (
	_ "embed"
	"encoding/xml"
	"net/http"
	"strings"
	"text/template"
)

const (
	namespace   = "http://netid.secmaker.com/nias/"
	namespace11 = "http://schemas.xmlsoap.org/soap/envelope/"
	namespace12 = "http://www.w3.org/2003/05/soap-envelope"
)

// ServicePath is where the web service answers.
const ServicePath = "/nias/ServiceServer.asmx"

//go:embed assets/service.wsdl
var wsdlText string

var wsdl = template.Must(template.New("wsdl").Parse(wsdlText))

// part is an element of a message: later ones came with the second version of the WSDL, and nillable ones must be there since.
type part struct {
	name            string
	later, nillable bool
}

// operation is one of the service, by what its requests have in their order.
type operation struct {
	Name   string
	Fields []part
	// Result is the type of what comes back.
	Result string
}

var operations = []operation{
	{"Register", []part{{name: "serverId"}, {name: "name"}, {name: "image"}, {name: "format"}, {name: "options", later: true}}, "tns:ResultRegister"},
	{"Authenticate", []part{{name: "personalNumber", nillable: true}, {name: "userNonVisibleData"}, {name: "endUserInfo"}, {name: "options", later: true}}, "s:string"},
	{"Sign", []part{
		{name: "personalNumber", nillable: true}, {name: "userVisibleData"}, {name: "userNonVisibleData"}, {name: "endUserInfo"}, {name: "options", later: true},
	}, "s:string"},
	{"Collect", []part{{name: "orderRef", nillable: true}}, "tns:ResultCollect"},
}

// wsdlOperation is an operation as the WSDL of one version has it.
type wsdlOperation struct {
	Name, Result string
	Fields       []wsdlField
}

type wsdlField struct {
	Name     string
	Least    int
	Nillable bool
}

func operationsIn(version int) (all []wsdlOperation) {
	for _, o := range operations {
		in := wsdlOperation{Name: o.Name, Result: o.Result}
		for _, f := range o.Fields {
			if f.later && version == 1 {
				continue
			}
			field := wsdlField{Name: f.name}
			if f.nillable && version == 2 {
				field.Least, field.Nillable = 1, true
			}
			in.Fields = append(in.Fields, field)
		}
		all = append(all, in)
	}
	return all
}

// WSDL returns the description of the service at an address, in the simulator's version.
func (s *Simulator) WSDL(address string) string {
	var escaped, text strings.Builder
	xml.EscapeText(&escaped, []byte(address)) // a builder takes all
	version := s.Settings().Version
	err := wsdl.Execute(&text, map[string]any{"Version": version, "Operations": operationsIn(version), "Address": escaped.String()})
	if err != nil {
		panic("netidsim: " + err.Error()) // the template is part of the program
	}
	return text.String()
}

func (s *Simulator) serveWSDL(w http.ResponseWriter, r *http.Request) {
	if strings.ToLower(r.URL.RawQuery) != "wsdl" {
		http.Error(w, "This is a web service: ask for ?WSDL, or POST to it.", http.StatusOK)
		return
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Write([]byte(s.WSDL(scheme + r.Host + ServicePath)))
}
