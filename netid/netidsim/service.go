package netidsim

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"image/png"
	"net/http"
	"slices"
)

// registration is what a caller is shown as.
type registration struct{ name, image, format string }

// dummy is what a caller is shown as that never registered.
const dummy = "Company ANY"

const maxImage = 16 << 10

func callerOf(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(r.TLS.PeerCertificates[0].Raw)
	return hex.EncodeToString(sum[:])
}

func (s *Simulator) callerName(caller string) string {
	if r, ok := s.callers[caller]; ok {
		return r.name
	}
	return dummy
}

func (s *Simulator) formatOf(caller string) string { return s.callers[caller].format }

// Service returns the web service.
func (s *Simulator) Service() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+ServicePath, s.serveWSDL)
	mux.HandleFunc("POST "+ServicePath, s.serveCall)
	return mux
}

func (s *Simulator) serveCall(w http.ResponseWriter, r *http.Request) {
	in, err := s.readRequest(r)
	if err != nil {
		s.log.WarnContext(r.Context(), "a request that is no call", "err", err)
		(answer{fault: err.Error()}).write(w, in)
		return
	}
	spoilt := s.nextSpoiling(in.operation)
	if spoilt.before(w, r, in) {
		return
	}
	a := s.do(in)
	spoilt.write(w, in, a)
}

func (s *Simulator) do(in *request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	switch in.operation {
	case "Register":
		return s.register(in)
	case "Collect":
		return s.collect(in)
	default:
		return s.begin(in)
	}
}

// register keeps what a caller wants to be shown as, by its certificate.
func (s *Simulator) register(in *request) answer {
	image, err := base64.StdEncoding.DecodeString(in.fields["image"])
	format := in.fields["format"]
	if err != nil || len(image) > maxImage || in.fields["name"] == "" || !slices.Contains([]string{"", "pkcs7", "raw-256", "raw-512"}, format) {
		return fault(badParameters)
	}
	if _, err := png.DecodeConfig(bytes.NewReader(image)); len(image) > 0 && err != nil {
		return fault(badParameters)
	}
	s.callers[in.caller] = registration{in.fields["name"], in.fields["image"], format}
	return answer{result: "<provider>" + tag("name", "Net iD Access Server (simulator)") + tag("version", "6.9.9") + "</provider>" +
		"<caller>" + tag("name", in.fields["name"]) + tag("image", in.fields["image"]) + tag("id", in.caller) + "</caller>"}
}

// collect says how far an order has come. Orders belong to the certificate that began them.
func (s *Simulator) collect(in *request) answer {
	o, err := s.kept(in.fields["orderRef"])
	switch {
	case err != nil || o.caller != in.caller:
		return fault(badParameters)
	case o.spent:
		return fault(alreadyDone)
	}
	code := o.code
	if len(o.script) > 0 && o.code != expired && o.code != cancelled {
		code, o.script = o.script[0], o.script[1:]
		if code == complete && o.holder == nil {
			o.holder = s.user(o.userID)
		}
	}
	if !slices.Contains(ends, code) {
		return answer{result: tag("progressStatus", code) + s.requested(o)}
	}
	o.code, o.spent, o.script = code, true, nil
	if code != complete || o.holder == nil {
		return s.ended(code)
	}
	result, err := s.result(o)
	if err != nil {
		s.log.Error("a result cannot be made", "err", err)
		return fault(internalTrouble)
	}
	return answer{result: result}
}

// ended says that an order has ended, as a fault or in an answer: services differ.
func (s *Simulator) ended(code string) answer {
	if s.set.EndsAsFault {
		return fault(code)
	}
	return answer{result: tag("progressStatus", code)}
}

func (s *Simulator) requested(o *order) string {
	if s.set.Version == 1 {
		return ""
	}
	return tag("requestedUserId", o.userID)
}
