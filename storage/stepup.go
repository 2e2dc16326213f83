package storage

import (
	"reflect"
	"slices"
	"strings"
)

// And returns p with what step demands more: of each demand the stricter one. What the app shows and which certificate of ours it is shown by
// stay those of p. It returns false when no eID can meet both.
func (p Policy) And(step Policy) (Policy, bool) {
	if step.PinCode.On() {
		p.PinCode, p.SignPinCode = "yes", "yes"
	}
	if step.SignPinCode.On() {
		p.SignPinCode = "yes"
	}
	if step.MRTD.On() {
		p.MRTD = "yes"
	}
	if step.Return == ReturnStrict {
		p.Return = ReturnStrict
	}
	p.CardReader = max(p.CardReader, step.CardReader)
	p.ModerateRisk, p.HighRisk = stricter(p.ModerateRisk, step.ModerateRisk), stricter(p.HighRisk, step.HighRisk)
	p.AddressCheck, p.MinimumAge = stricter(p.AddressCheck, step.AddressCheck), max(p.MinimumAge, step.MinimumAge)
	both := bothKinds(p.CertificatePolicies, step.CertificatePolicies)
	possible := len(both) > 0 || len(p.CertificatePolicies) == 0 || len(step.CertificatePolicies) == 0
	p.CertificatePolicies = both
	return p, possible
}

// Demanding reports whether p demands anything as a step up.
func (p Policy) Demanding() bool {
	demands, _ := (Policy{}).And(p)
	return !reflect.DeepEqual(demands, Policy{})
}

// actions are what can be done with a finding, the strictest last.
var actions = []string{"", ActionOff, ActionAccept, ActionAudit, ActionRefuse}

func stricter(one, other string) string {
	if slices.Index(actions, other) > slices.Index(actions, one) {
		return other
	}
	return one
}

// bothKinds returns the kinds of eID that both lists allow; an empty one allows all.
func bothKinds(some, others []string) (both []string) {
	switch {
	case len(some) == 0:
		return others
	case len(others) == 0:
		return some
	}
	for _, kind := range slices.Concat(some, others) {
		if allows(some, kind) && allows(others, kind) && !slices.Contains(both, kind) {
			both = append(both, kind)
		}
	}
	return both
}

// allows reports whether a list has a kind, or a pattern that covers all of it.
func allows(list []string, kind string) bool {
	return slices.ContainsFunc(list, func(pattern string) bool {
		before, isPattern := strings.CutSuffix(pattern, "*")
		return pattern == kind || isPattern && strings.HasPrefix(kind, before)
	})
}
