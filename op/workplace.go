package op

import "brygga/storage"

// workplace are the claims of what a person is at work, and is known by there: those of the Swedish registry (Claims and Scopes Specification §2.4), and ours
// where that has none. It is apart from the other claims, because most people log in as themselves.
type workplace struct {
	OrgName        string `json:"https://id.oidc.se/claim/orgName,omitempty"`
	OrgNumber      string `json:"https://id.oidc.se/claim/orgNumber,omitempty"`
	OrgUnit        string `json:"https://id.oidc.se/claim/orgUnit,omitempty"`
	OrgAffiliation string `json:"https://id.oidc.se/claim/orgAffiliation,omitempty"`
	HSAID          string `json:"urn:brygga:claim:hsaId,omitempty"`
	EmployeeNumber string `json:"urn:brygga:claim:employeeNumber,omitempty"`
	PrincipalName  string `json:"urn:brygga:claim:userPrincipalName,omitempty"`
	Title          string `json:"urn:brygga:claim:title,omitempty"`
}

// workplaceOf returns those of the set that the identity has.
func workplaceOf(i *storage.Identity, set claimSet) *workplace {
	var work storage.Work
	if i.Work != nil {
		work = *i.Work
	}
	hsaID, employee, account := i.Key(storage.KeyHSAID).Value, i.Key(storage.KeyEmployeeNumber).Value, i.Key(storage.KeyPrincipalName).Value
	w := &workplace{}
	for _, claim := range [...]struct {
		bit   claimSet
		to    *string
		value string
	}{
		{claimOrgName, &w.OrgName, work.Organization}, {claimOrgNumber, &w.OrgNumber, work.OrganizationNumber}, {claimOrgUnit, &w.OrgUnit, work.Unit},
		{claimOrgAffiliation, &w.OrgAffiliation, affiliation(i, work.OrganizationNumber)}, {claimTitle, &w.Title, work.Title},
		{claimHSAID, &w.HSAID, hsaID.Reveal()}, {claimEmployeeNumber, &w.EmployeeNumber, employee.Reveal()}, {claimPrincipalName, &w.PrincipalName, account.Reveal()},
	} {
		if set&claim.bit != 0 {
			*claim.to = claim.value
		}
	}
	return w
}

// affiliation returns what somebody is known by within the organization, with its number behind an @, and empty when either is not known.
func affiliation(i *storage.Identity, organization string) string {
	for _, name := range []string{storage.KeyEmployeeNumber, storage.KeyHSAID} {
		if id := i.Key(name).Value; !id.IsZero() && organization != "" {
			return id.Reveal() + "@" + organization
		}
	}
	return ""
}
