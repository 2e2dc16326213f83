package op

import "brygga/storage"

// details are the claims of what an eID service says of a login beside the person, by what a client is registered for.
var details = [...]struct {
	name string
	bit  claimSet
}{
	{storage.DetailRisk, claimRisk}, {storage.DetailMRTD, claimMRTD}, {storage.DetailIssueDate, claimIssueDate},
}

// detailsFor returns those that the client has a right to.
func detailsFor(client *storage.Client) (set claimSet) {
	for _, name := range client.LoginDetails {
		for _, detail := range details {
			if detail.name == name {
				set |= detail.bit
			}
		}
	}
	return set
}

// addDetails adds those of the set that the service has told. What it has not is missing: that no risk is known is no low one, and that no
// document was asked for says nothing of the person.
func (c *personClaims) addDetails(i *storage.Identity, set claimSet) {
	if set&claimRisk != 0 {
		c.Risk = i.Risk
	}
	if set&claimIssueDate != 0 {
		c.IssueDate = i.IssueDate
	}
	c.MRTD = set&claimMRTD != 0 && i.MRTD
}
