package config

import (
	"fmt"
	"slices"
	"strings"

	"brygga/clients"
	"brygga/storage"
)

// checkPolicy reports what is wrong with a policy of the file.
func (c *Config) checkPolicy(r *reader, section string, policy *storage.Policy) {
	for _, p := range clients.CheckPolicy(policy) {
		r.fault(section+"."+p.Key, p.Problem, p.Remedy)
	}
	c.checkPolicyNames(r, section, policy)
}

// checkPolicyNames reports what a policy names and the configuration has not got.
func (c *Config) checkPolicyNames(r *reader, section string, policy *storage.Policy) {
	if policy.Certificate != "" && !slices.Contains(c.BankID.CertificateNames(), policy.Certificate) {
		r.fault(section+".certificate", fmt.Sprintf("no certificate is called %q", policy.Certificate), "give the name of one in bankid.certificates, or leave the key out for the default one")
	}
	for _, id := range policy.CertificatePolicies {
		if known := c.BankID.Policies(); clients.IsPolicy(id) && !slices.ContainsFunc(known, func(k string) bool { return id == k || matches(id, k) }) {
			c.warnings = append(c.warnings, fmt.Sprintf("%s.certificate_policies: %s is none that brygga knows in this environment: %s", section, id, strings.Join(known, ", ")))
		}
	}
}

func matches(pattern, id string) bool {
	before, ok := strings.CutSuffix(pattern, "*")
	return ok && strings.HasPrefix(id, before)
}
