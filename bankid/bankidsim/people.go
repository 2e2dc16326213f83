package bankidsim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Certificate policies of BankID's test environment, one per type of BankID (BankID API: auth, requirement).
const (
	PolicyMobile = "1.2.3.4.25"
	PolicyFile   = "1.2.3.4.5"
)

// maxPeople bounds how many people a simulator knows.
const maxPeople = 20_000

// Person is a made-up holder of one or more BankIDs.
type Person struct {
	// PersonalNumber has twelve digits; a coordination number has the day plus 60, and 00 for what is not known of the date.
	PersonalNumber string `json:"personalNumber"`
	// Some people have one name only; then the other is empty, in the result too, and is not in the certificate.
	GivenName string `json:"givenName"`
	Surname   string `json:"surname"`
	// BankIDs are what the person can use; AddPerson gives a mobile one to a person without any.
	BankIDs []BankID `json:"bankIDs"`
	// Note says what the person is good for in tests.
	Note string `json:"note,omitempty"`
}

// Name is the full name as BankID writes it.
func (p Person) Name() string { return strings.TrimSpace(p.GivenName + " " + p.Surname) }

// BankID is one BankID of a person.
type BankID struct {
	// Policy is the object identifier of its type: PolicyMobile or PolicyFile.
	Policy string `json:"policy"`
	// IssueDate is as the result has it: a date, with Z behind it as BankID answers it, with an offset or alone as BankID
	// documents it. Empty is filled in by AddPerson.
	IssueDate string `json:"issueDate"`

	issued time.Time
}

// peopleTable holds the people by personal number.
type peopleTable map[string]*Person

func newPeopleTable() peopleTable { return make(peopleTable) }

// testPeople is who comes with the simulator. All numbers have right check digits and birth numbers above 980, which
// belong to nobody, but for the one that Sweden has always used in examples.
func testPeople() []Person {
	mobile := func() []BankID { return []BankID{{Policy: PolicyMobile}} }
	return []Person{
		{PersonalNumber: "198502039822", GivenName: "Åsa Märta Elin", Surname: "Öberg-Ström", BankIDs: mobile(), Note: "several given names, å ä ö"},
		{PersonalNumber: "197807159814", GivenName: "Erik Johan", Surname: "LINDQVIST", BankIDs: mobile(), Note: "surname in capitals"},
		{PersonalNumber: "199104839833", GivenName: "Amina", Surname: "Yusuf", BankIDs: mobile(), Note: "coordination number"},
		{PersonalNumber: "201205249848", GivenName: "Love", Surname: "Ek", BankIDs: mobile(), Note: "young"},
		{PersonalNumber: "196209309852", GivenName: "Göran", Surname: "Wåhlström", BankIDs: []BankID{{Policy: PolicyMobile}, {Policy: PolicyFile}}, Note: "mobile and file"},
		{PersonalNumber: "199912319861", GivenName: "Li", Surname: "Å", BankIDs: mobile(), Note: "short names"},
		{PersonalNumber: "199007179873", GivenName: "Wayan", BankIDs: mobile(), Note: "one name, which is a given name"},
		{PersonalNumber: "198001109886", Surname: "Thiruvengadam", BankIDs: mobile(), Note: "one name, which is a surname"},
		{PersonalNumber: "197500609891", GivenName: "Yonas", Surname: "Tesfay", BankIDs: mobile(), Note: "coordination number of a birth whose month and day are not known"},
		{PersonalNumber: "191212121212", GivenName: "Tolvan", Surname: "Tolvansson", BankIDs: mobile(), Note: "very old"},
	}
}

// People returns the people, sorted by surname and given name; who has one name is sorted by that.
func (s *Simulator) People() []Person {
	s.mu.Lock()
	list := make([]Person, 0, len(s.people))
	for _, p := range s.people {
		list = append(list, *p)
	}
	s.mu.Unlock()
	key := func(p Person) string { return cmp.Or(p.Surname, p.GivenName) + "\x00" + p.GivenName + p.PersonalNumber }
	slices.SortFunc(list, func(a, b Person) int { return strings.Compare(key(a), key(b)) })
	return list
}

// AddPerson makes one more person known. A *Refusal says what is wrong: a number with a wrong check digit, a missing
// name, an unknown policy, a number already taken, or too many people.
func (s *Simulator) AddPerson(p Person) (Person, error) {
	if !validPersonalNumber(p.PersonalNumber) {
		return Person{}, refuse(http.StatusBadRequest, "invalidPerson", "personalNumber must be twelve digits with a real date (in a coordination number the day plus 60, and 00 for what is not known) and the right check digit")
	}
	if p.Name() == "" || utf8.RuneCountInString(p.Name()) > 60 {
		return Person{}, refuse(http.StatusBadRequest, "invalidPerson", "givenName or surname is needed, at most 60 characters together")
	}
	if len(p.BankIDs) == 0 {
		p.BankIDs = []BankID{{Policy: PolicyMobile}}
	}
	p.BankIDs = append([]BankID(nil), p.BankIDs...)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range p.BankIDs {
		if err := p.BankIDs[i].complete(s.now(), len(s.people)+i); err != nil {
			return Person{}, err
		}
	}
	if _, taken := s.people[p.PersonalNumber]; taken {
		return Person{}, refuse(http.StatusConflict, "personExists", "this personal number is taken")
	}
	if len(s.people) >= maxPeople {
		return Person{}, refuse(http.StatusConflict, "tooManyPeople", fmt.Sprintf("a simulator knows at most %d people", maxPeople))
	}
	s.people[p.PersonalNumber] = &p
	return p, nil
}

// issueForms are the forms of an issue date that have been seen or are documented.
var issueForms = []string{"2006-01-02Z", time.DateOnly, "2006-01-02-07:00"}

// complete fills in the issue date: some months before now.
func (b *BankID) complete(now time.Time, n int) error {
	if b.Policy != PolicyMobile && b.Policy != PolicyFile {
		return refuse(http.StatusBadRequest, "invalidPerson", "policy must be "+PolicyMobile+" (mobile) or "+PolicyFile+" (file)")
	}
	if b.IssueDate == "" {
		b.issued = now.In(swedishWinter).AddDate(0, -3-n%6, 0)
		b.IssueDate = b.issued.Format("2006-01-02") + "Z"
		return nil
	}
	for _, form := range issueForms {
		if issued, err := time.ParseInLocation(form, b.IssueDate, swedishWinter); err == nil && !issued.After(now) {
			b.issued = issued
			return nil
		}
	}
	return refuse(http.StatusBadRequest, "invalidPerson", "issueDate must be a past date such as 2024-02-29Z, 2024-02-29 or 2024-02-29+01:00")
}

// validPersonalNumber says whether text is a personal or coordination number of twelve digits: a date, then four digits
// of which the last is the check digit over the ten last (Skatteverket, SKV 704, SKV 707).
func validPersonalNumber(text string) bool {
	if !isPersonalNumber(text) {
		return false
	}
	year, month, day := text[:4], text[4:6], int(text[6]-'0')*10+int(text[7]-'0')
	if day >= 60 { // a coordination number; any month and day will do for one that is not known
		day -= 60
		if month == "00" {
			month = "12"
		}
		day = max(day, 1)
	}
	if _, err := time.Parse("20060102", fmt.Sprintf("%s%s%02d", year, month, day)); err != nil {
		return false
	}
	sum := 0
	for i, c := range text[2:] {
		d := int(c - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

// isPersonalNumber says whether text has the shape that the API demands: twelve digits.
func isPersonalNumber(text string) bool {
	return len(text) == 12 && strings.Trim(text, "0123456789") == ""
}
