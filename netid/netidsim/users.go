package netidsim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// User is a person with a card.
type User struct {
	// ID is the serial number of the certificate's subject: a personal number, an HSA-ID or a number of an employer.
	ID string `json:"id"`
	// PrincipalName is the UPN in the certificate. An order may name it in place of ID.
	PrincipalName string `json:"userPrincipalName,omitempty"`
	// PersonalNumber is what userInfo says; empty means ID.
	PersonalNumber string `json:"personalNumber,omitempty"`
	GivenName      string `json:"givenName"`
	Surname        string `json:"surname"`
	Email          string `json:"email,omitempty"`
	// What the certificate says of the person at work. OrganizationID has the form NTRSE-2321000016.
	Organization   string `json:"organization,omitempty"`
	OrganizationID string `json:"organizationId,omitempty"`
	Unit           string `json:"unit,omitempty"`
	Title          string `json:"title,omitempty"`
	EmployeeNumber string `json:"employeeNumber,omitempty"`
	// Mobile says that the certificate is one in a phone, by an authority of its own, and no card.
	Mobile bool `json:"mobile,omitempty"`

	card *card
}

func (u *User) name() string { return strings.TrimSpace(u.GivenName + " " + u.Surname) }

func testUsers() []User {
	return []User{
		{ID: "199001012385", GivenName: "Astrid", Surname: "Provsson", Organization: "Provkommunen"},
		{ID: "198507309865", GivenName: "Omar", Surname: "Testberg", Organization: "Provkommunen", PrincipalName: "omar.testberg@provkommunen.example"},
		{
			ID: "SE2321000016-KIM1", PersonalNumber: "SE2321000016-KIM1", GivenName: "Kim", Surname: "Exempel", Email: "kim.exempel@region.example",
			Organization: "Region Prov", OrganizationID: "NTRSE-2321000016", Unit: "Provavdelningen", Title: "Sjuksköterska", EmployeeNumber: "1001",
			PrincipalName: "kim.exempel@region.example",
		},
	}
}

// ReadUsers reads a JSON list of people.
func ReadUsers(r io.Reader) ([]User, error) {
	d := json.NewDecoder(io.LimitReader(r, 1<<20))
	d.DisallowUnknownFields()
	var all []User
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("netidsim: read users: %w", err)
	}
	return all, nil
}

// AddUser adds a person, or a *Refusal says why not.
func (s *Simulator) AddUser(u User) (User, error) {
	u.card = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.TrimSpace(u.ID) == "" || u.name() == "":
		return User{}, refuse(http.StatusBadRequest, "badRequest", "a person needs an id and a name")
	case s.user(u.ID) != nil || u.PrincipalName != "" && s.user(u.PrincipalName) != nil:
		return User{}, refuse(http.StatusConflict, "taken", "there is somebody with that identifier")
	}
	s.users = append(s.users, &u)
	return u, nil
}

// Users returns everybody.
func (s *Simulator) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []User{}
	for _, u := range s.users {
		all = append(all, *u)
	}
	return all
}

// user returns who is known by an identifier, or nil. The caller holds the lock.
func (s *Simulator) user(id string) *User {
	at := slices.IndexFunc(s.users, func(u *User) bool {
		return strings.EqualFold(u.ID, id) || u.PrincipalName != "" && strings.EqualFold(u.PrincipalName, id)
	})
	if at < 0 {
		return nil
	}
	return s.users[at]
}

// Script has the next orders of a person say these codes, one at each collect, before anything that the app does counts.
func (s *Simulator) Script(id string, codes []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	user := s.user(id)
	if user == nil {
		return refuse(http.StatusNotFound, "notFound", "there is no such person")
	}
	if len(codes) > 100 {
		return refuse(http.StatusBadRequest, "badRequest", "a script has at most 100 codes")
	}
	s.scripts[user.ID] = slices.Clone(codes)
	return nil
}

// Refusal is why a control call was not done.
type Refusal struct {
	Status  int    `json:"-"`
	Code    string `json:"error"`
	Message string `json:"message"`
}

// Error returns the message.
func (r *Refusal) Error() string { return "netidsim: " + r.Message }

func refuse(status int, code, message string) error { return &Refusal{status, code, message} }
