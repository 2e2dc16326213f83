package logins

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"brygga/audit"
	"brygga/storage"
)

// Counts are what happened in a time.
type Counts struct {
	// Logins are those in which a person chose BankID; Orders are the BankID orders that people asked for, of which a login may have several.
	// Renewals of an order are none.
	Logins int64 `json:"logins,omitempty"`
	Orders int64 `json:"orders,omitempty"`
	// Completed, Failed and Ended are how orders came out. Ended: cancelled on the page, or nobody opened the app in time.
	Completed int64 `json:"completed,omitempty"`
	Failed    int64 `json:"failed,omitempty"`
	Ended     int64 `json:"ended,omitempty"`
	// Signatures are those of Completed in which a text was signed.
	Signatures int64 `json:"signatures,omitempty"`
	// Payments are those of Completed in which a payment was approved.
	Payments int64 `json:"payments,omitempty"`
	// Refused are those of Failed that BankID had completed, and whose result was not accepted here.
	Refused int64 `json:"refused,omitempty"`
	// Elsewhere are those of Completed and Refused by another eID than BankID.
	Elsewhere int64 `json:"elsewhere,omitempty"`
	// Sessions are answers out of a browser's session, for which BankID was not asked.
	Sessions int64 `json:"sessions,omitempty"`
	// Alerts are security events of logins.
	Alerts int64 `json:"alerts,omitempty"`
	// Causes are why orders failed or ended; Devices where those that were completed were.
	Causes  map[string]int64 `json:"causes,omitempty"`
	Devices map[string]int64 `json:"devices,omitempty"`
	// Durations counts completed logins by how long they took from the page on: of each bound those that took at most so long, and
	// more than the bound before; the last are those that took longer.
	Durations []int64 `json:"durations,omitempty"`
}

// Identified is how many times BankID identified a person: orders that were completed there, whether their result was accepted here or not. It is what
// BankID is paid for. A result that came when nobody wanted it any more, as the person had pressed cancel, is not among them.
func (c *Counts) Identified() int64 { return c.Completed + c.Refused - c.Elsewhere }

// durationBounds are the bounds of Counts.Durations, in seconds.
var durationBounds = [...]float64{5, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 90, 120, 180, 300}

// DurationBounds returns the bounds of Counts.Durations, in seconds.
func DurationBounds() []float64 { return durationBounds[:] }

// maxCauses bounds the causes that counts name: BankID may send any hint code.
const maxCauses = 64

// refusedReasons are reasons of package login by which the result of a completed order is refused.
var refusedReasons = map[string]bool{
	"otherPerson": true, "incompleteResult": true, "riskTooHigh": true, "otherAddress": true, "resultUnverified": true, "foreignResult": true,
	"demandUnmet": true, "tooYoung": true, "identifierMissing": true,
}

// add counts an event.
func (c *Counts) add(e *storage.AuditEvent) {
	word, _, _ := strings.Cut(e.Fields["MESSAGE"], ":")
	kind := audit.Type(e.Type)
	if common := kind.Common(); common != kind && (common == audit.LoginCompleted || common == audit.LoginFailed && refusedReasons[word]) {
		c.Elsewhere++
	}
	switch kind.Common() {
	case audit.LoginStarted:
		c.Orders++
	case audit.LoginCompleted:
		c.Completed++
		switch storage.Kind(e.Fields["KIND"]) {
		case storage.KindSign:
			c.Signatures++
		case storage.KindPayment:
			c.Payments++
		}
		count(&c.Devices, e.Fields["DEVICE"], 1)
		if seconds, err := strconv.ParseFloat(e.Fields["SECONDS"], 64); err == nil {
			c.took(seconds)
		}
	case audit.LoginFailed, audit.ReturnRefused:
		c.Failed++
		count(&c.Causes, word, 1)
		if refusedReasons[word] {
			c.Refused++
		}
	case audit.LoginEnded:
		c.Ended++
		count(&c.Causes, word, 1)
	case audit.SessionUsed:
		c.Sessions++
	}
	if strings.HasPrefix(e.Type, "SEC_") {
		c.Alerts++
	}
}

// counted reports whether an event is one of those that Counts count.
func counted(e *storage.AuditEvent) bool {
	switch audit.Type(e.Type).Common() {
	case audit.LoginStarted, audit.LoginCompleted, audit.LoginFailed, audit.ReturnRefused, audit.LoginEnded, audit.SessionUsed:
		return true
	}
	return strings.HasPrefix(e.Type, "SEC_")
}

func (c *Counts) took(seconds float64) {
	if c.Durations == nil {
		c.Durations = make([]int64, len(durationBounds)+1)
	}
	for i, bound := range durationBounds {
		if seconds <= bound {
			c.Durations[i]++
			return
		}
	}
	c.Durations[len(durationBounds)]++
}

// count adds to what is counted by name. What is one name too many counts as "other".
func count(names *map[string]int64, name string, n int64) {
	if *names == nil {
		*names = map[string]int64{}
	}
	if _, known := (*names)[name]; !known && len(*names) >= maxCauses {
		name = "other"
	}
	(*names)[name] += n
}

// Add adds what others are.
func (c *Counts) Add(others *Counts) {
	c.Logins += others.Logins
	c.Orders += others.Orders
	c.Completed += others.Completed
	c.Signatures += others.Signatures
	c.Payments += others.Payments
	c.Failed += others.Failed
	c.Ended += others.Ended
	c.Refused += others.Refused
	c.Elsewhere += others.Elsewhere
	c.Sessions += others.Sessions
	c.Alerts += others.Alerts
	for name, n := range others.Causes {
		count(&c.Causes, name, n)
	}
	for name, n := range others.Devices {
		count(&c.Devices, name, n)
	}
	if len(others.Durations) == len(durationBounds)+1 {
		if c.Durations == nil {
			c.Durations = make([]int64, len(durationBounds)+1)
		}
		for i, n := range others.Durations {
			c.Durations[i] += n
		}
	}
}

// Median returns how long half of the completed logins took at most, as the upper bound of where that lies; 0 when there are none, and when it was
// longer than the last bound.
func (c *Counts) Median() time.Duration {
	var all, seen int64
	for _, n := range c.Durations {
		all += n
	}
	for i, n := range c.Durations {
		if seen += n; all > 0 && 2*seen >= all && i < len(durationBounds) {
			return time.Duration(durationBounds[i] * float64(time.Second))
		}
	}
	return 0
}

func decodeCounts(text []byte) (*Counts, error) {
	c := new(Counts)
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("decode counts: %w", err)
	}
	return c, nil
}

// Cause is a cause with how often it was.
type Cause struct {
	Word string
	N    int64
}

// TopCauses returns the most frequent causes, at most so many.
func (c *Counts) TopCauses(limit int) (top []Cause) {
	for word, n := range c.Causes {
		top = append(top, Cause{word, n})
	}
	slices.SortFunc(top, func(a, b Cause) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Word, b.Word)) })
	return top[:min(limit, len(top))]
}
