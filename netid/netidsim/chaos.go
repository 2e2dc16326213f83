package netidsim

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Chaos is the misbehaviour of a simulator. The zero value is none. Times are milliseconds of real time. Counters go down with each call that they
// spoil; -1 means every call until it is set to 0.
type Chaos struct {
	// LatencyMS delays every answer.
	LatencyMS int `json:"latencyMs"`
	// Operation restricts the counters below to one, such as Collect; empty means all.
	Operation string `json:"operation"`
	// Faults answers so many calls, without doing them, with FaultText as a SOAP fault; empty means INTERNAL_ERROR.
	Faults    int    `json:"faults"`
	FaultText string `json:"faultText"`
	// Statuses answers so many collects, without doing them, with StatusText as progressStatus.
	Statuses   int    `json:"statuses"`
	StatusText string `json:"statusText"`
	// Hang lets so many calls wait until the client gives up, or for a minute, without doing them.
	Hang int `json:"hang"`
	// Down answers so many calls with 503 and a web page, without doing them.
	Down int `json:"down"`
	// HTML, Truncated, Malformed, OtherNamespace, DocType and DropAnswer do so many calls and answer with a web page, half the answer, broken XML, another
	// namespace, a document type, or not at all.
	HTML           int `json:"html"`
	Truncated      int `json:"truncated"`
	Malformed      int `json:"malformed"`
	OtherNamespace int `json:"otherNamespace"`
	DocType        int `json:"docType"`
	DropAnswer     int `json:"dropAnswer"`
	// RejectCertificate refuses every client certificate in the TLS handshake of new connections.
	RejectCertificate bool `json:"rejectCertificate"`
	// Attacks spoils results: see the Attack constants.
	Attacks []string `json:"attacks"`
}

// counters returns the counters of c in the order in which they are spent.
func (c *Chaos) counters() []*int {
	return []*int{&c.Faults, &c.Statuses, &c.Hang, &c.Down, &c.HTML, &c.Truncated, &c.Malformed, &c.OtherNamespace, &c.DocType, &c.DropAnswer}
}

const (
	maxDelay = 2 * time.Minute
	hangTime = time.Minute
)

func (c Chaos) check() error {
	if d := time.Duration(c.LatencyMS) * time.Millisecond; d < 0 || d > maxDelay {
		return refuse(http.StatusBadRequest, "invalidChaos", fmt.Sprintf("a delay is between 0 and %d milliseconds", maxDelay/time.Millisecond))
	}
	for _, counter := range c.counters() {
		if *counter < -1 {
			return refuse(http.StatusBadRequest, "invalidChaos", "a counter is -1 (every call) or more")
		}
	}
	if c.Operation != "" && !slices.ContainsFunc(operations, func(o operation) bool { return o.Name == c.Operation }) {
		return refuse(http.StatusBadRequest, "invalidChaos", "operation is Register, Authenticate, Sign, Collect or empty")
	}
	for _, a := range c.Attacks {
		if !slices.Contains(attacks, a) {
			return refuse(http.StatusBadRequest, "invalidChaos", "attacks are: "+strings.Join(attacks, ", "))
		}
	}
	return nil
}

// SetChaos replaces the misbehaviour. A *Refusal says what is wrong with it.
func (s *Simulator) SetChaos(c Chaos) error {
	_, err := s.changeChaos(func(old *Chaos) error { *old = c; return nil })
	return err
}

// Chaos returns the misbehaviour with what is left of its counters.
func (s *Simulator) Chaos() Chaos {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.chaosCopy()
}

func (s *Simulator) chaosCopy() Chaos {
	c := s.chaos
	c.Attacks = append([]string{}, c.Attacks...)
	return c
}

func (s *Simulator) changeChaos(change func(*Chaos) error) (Chaos, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chaosCopy()
	if err := change(&c); err != nil {
		return Chaos{}, err
	}
	if err := c.check(); err != nil {
		return Chaos{}, err
	}
	s.chaos = c
	return s.chaosCopy(), nil
}

// attacks reports whether an attack is on. The caller holds the lock.
func (s *Simulator) attacks(attack string) bool { return slices.Contains(s.chaos.Attacks, attack) }

// spoiling is what happens to one call.
type spoiling struct {
	delay                                                               time.Duration
	fault, status                                                       string
	hang, down, html, truncated, malformed, namespace, docType, dropped bool
}

// nextSpoiling decides over one call and counts it.
func (s *Simulator) nextSpoiling(operation string) (sp spoiling) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.chaos
	sp.delay = time.Duration(c.LatencyMS) * time.Millisecond
	if c.Operation != "" && c.Operation != operation {
		return sp
	}
	switch {
	case spend(&c.Faults):
		if sp.fault = c.FaultText; sp.fault == "" {
			sp.fault = internalTrouble
		}
	case operation == "Collect" && spend(&c.Statuses):
		sp.status = c.StatusText
	case spend(&c.Hang):
		sp.hang = true
	case spend(&c.Down):
		sp.down = true
	case spend(&c.HTML):
		sp.html = true
	case spend(&c.Truncated):
		sp.truncated = true
	case spend(&c.Malformed):
		sp.malformed = true
	case spend(&c.OtherNamespace):
		sp.namespace = true
	case spend(&c.DocType):
		sp.docType = true
	case spend(&c.DropAnswer):
		sp.dropped = true
	}
	return sp
}

func spend(counter *int) bool {
	if *counter > 0 {
		*counter--
		return true
	}
	return *counter < 0
}

// before does what comes in place of a call, and reports whether there was something.
func (sp spoiling) before(w http.ResponseWriter, r *http.Request, in *request) bool {
	pause(r.Context(), sp.delay)
	switch {
	case sp.fault != "":
		fault(sp.fault).write(w, in)
	case sp.status != "":
		answer{result: tag("progressStatus", sp.status)}.write(w, in)
	case sp.hang:
		pause(r.Context(), hangTime)
		panic(http.ErrAbortHandler)
	case sp.down:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "<html><body>The service is unavailable.</body></html>")
	default:
		return false
	}
	return true
}

// write sends the answer of a call that was done, spoilt as it is to be.
func (sp spoiling) write(w http.ResponseWriter, in *request, a answer) {
	kept := &buffer{header: http.Header{}}
	a.write(kept, in)
	text := kept.text.String()
	switch {
	case sp.dropped:
		panic(http.ErrAbortHandler)
	case sp.html:
		kept.header.Set("Content-Type", "text/html; charset=utf-8")
		text = "<html><body>Sign in to the network</body></html>"
	case sp.truncated:
		text = text[:len(text)/2]
	case sp.malformed:
		text = strings.ReplaceAll(text, "</", "<")
	case sp.namespace:
		text = strings.ReplaceAll(text, namespace, "http://example.org/nias/")
	case sp.docType:
		text = strings.Replace(text, "?>", `?><!DOCTYPE a [<!ENTITY b "c">]>`, 1)
	}
	for name, values := range kept.header {
		w.Header()[name] = values
	}
	w.WriteHeader(kept.status)
	w.Write([]byte(text))
}

// buffer keeps an answer before it is sent.
type buffer struct {
	header http.Header
	status int
	text   strings.Builder
}

func (b *buffer) Header() http.Header            { return b.header }
func (b *buffer) WriteHeader(status int)         { b.status = status }
func (b *buffer) Write(text []byte) (int, error) { return b.text.Write(text) }

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
