package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"brygga/clients"
	"brygga/storage"
)

// checkPolicy reports what is wrong with a policy of the file.
func (c *Config) checkPolicy(r *reader, section string, policy *storage.Policy) {
	for _, p := range clients.CheckInstallationPolicy(policy) {
		r.fault(section+"."+p.Key, p.Problem, p.Remedy)
	}
	c.checkPolicyNames(r, section, policy)
}

// checkPolicyNames reports what a policy names and the configuration has not got.
func (c *Config) checkPolicyNames(r *reader, section string, policy *storage.Policy) {
	if policy.Certificate != "" && !slices.Contains(c.CertificateNames(), policy.Certificate) {
		r.fault(section+".certificate", fmt.Sprintf("no certificate is called %q", policy.Certificate), "give the name of one in bankid.certificates or netid.certificates, or leave the key out for the default one")
	}
	for _, id := range policy.CertificatePolicies {
		if known := c.BankID.Policies(); clients.IsPolicy(id) && !slices.ContainsFunc(known, func(k string) bool { return id == k || matches(id, k) }) {
			c.warnings = append(c.warnings, fmt.Sprintf("%s.certificate_policies: %s is none that brygga knows in this environment: %s", section, id, strings.Join(known, ", ")))
		}
	}
}

// checkACRPolicies reports what is wrong with the levels that have demands of their own.
func (c *Config) checkACRPolicies(r *reader) {
	for _, acr := range slices.Sorted(maps.Keys(c.Tokens.ACRPolicies)) {
		section, policy := "tokens.acr_policies."+acr, c.Tokens.ACRPolicies[acr]
		if r.address("tokens.acr_policies", acr, "https", "http", "urn"); slices.Contains(c.ACRs(), acr) {
			r.fault(section, "is a level that every login has", "take another address, or take it out of tokens.acr_values")
		}
		c.checkPolicy(r, section, &policy)
		if !policy.Demanding() {
			r.fault(section, "demands nothing", "say what a login must meet, such as mrtd: yes")
		}
		if policy.Certificate != "" || len(policy.VisibleText) > 0 || policy.VisibleFormat != "" {
			r.fault(section, "sets what is no demand", "leave out certificate, visible_text and visible_format")
		}
	}
}

// warnOfLevels tells of levels that a client has in vain: some that there are not, and some by default that it may not have.
func (c *Config) warnOfLevels(section string, client *storage.Client) {
	for _, acr := range client.ACRValues {
		if _, there := c.Tokens.ACRPolicies[acr]; !there {
			c.warnings = append(c.warnings, fmt.Sprintf("%s.acr_values: %s is none of tokens.acr_policies", section, acr))
		}
	}
	for _, acr := range client.DefaultACRValues {
		if _, dear := c.Tokens.ACRPolicies[acr]; dear && !slices.Contains(client.ACRValues, acr) {
			c.warnings = append(c.warnings, fmt.Sprintf("%s.default_acr_values: %s must be in its acr_values too", section, acr))
		}
	}
}

func matches(pattern, id string) bool {
	before, ok := strings.CutSuffix(pattern, "*")
	return ok && strings.HasPrefix(id, before)
}
