package netidlogin

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"brygga/secret"
	"brygga/storage"
)

// Issuer is what is known of the certificates of one issuer.
type Issuer struct {
	// SerialNumberKey is [Options].SerialNumberKey for these certificates; empty means that.
	SerialNumberKey string
}

// SerialNumberKeys returns what the serial number of a subject can be.
func SerialNumberKeys() []string {
	return []string{storage.KeyPersonalNumber, storage.KeyHSAID, storage.KeyEmployeeNumber}
}

// checkKeys returns what is wrong with the names of keys in o.
func (o *Options) checkKeys() error {
	check := func(option, name string) error {
		if name != "" && !slices.Contains(SerialNumberKeys(), name) {
			return fmt.Errorf("netidlogin: %s %q is none of %s", option, name, strings.Join(SerialNumberKeys(), ", "))
		}
		return nil
	}
	for name, issuer := range o.Issuers {
		if err := check(fmt.Sprintf("SerialNumberKey of issuer %q", name), issuer.SerialNumberKey); err != nil {
			return err
		}
	}
	return check("SerialNumberKey", o.SerialNumberKey)
}

// serialNumberKey returns what the serial numbers of an issuer are.
func (m *method) serialNumberKey(issuer string) string {
	return cmp.Or(m.Issuers[issuer].SerialNumberKey, m.SerialNumberKey)
}

// Keys returns the names of the keys that identities may have, in the order of storage.PersonKeys.
func (o *Options) Keys() (names []string) {
	var numbers []string
	for _, issuer := range o.Issuers {
		numbers = append(numbers, cmp.Or(issuer.SerialNumberKey, o.SerialNumberKey))
	}
	if len(numbers) == 0 {
		numbers = []string{o.SerialNumberKey}
	}
	if slices.ContainsFunc(numbers, func(key string) bool { return key != storage.KeyEmployeeNumber }) {
		names = append(names, storage.KeyPersonalNumber)
	}
	if slices.Contains(numbers, storage.KeyHSAID) {
		names = append(names, storage.KeyHSAID)
	}
	return append(names, storage.KeyEmployeeNumber, storage.KeyPrincipalName)
}

// addKey gives the identity a key, unless the value is none or has another form.
func addKey(i *storage.Identity, name string, value secret.String, issuer string) {
	if key, ok := Key(name, value, issuer); ok {
		i.Keys = append(i.Keys, key)
	}
}

// forms are what the values of keys look like, written in one way. An HSA-ID begins with a country and has a hyphen, so that it is never taken for a number of
// another kind.
var forms = map[string]*regexp.Regexp{
	storage.KeyHSAID:          regexp.MustCompile(`^[A-Z]{2}[0-9]*-[0-9A-Z-]{1,30}$`),
	storage.KeyEmployeeNumber: regexp.MustCompile(`^[!-~]{1,64}$`),
	storage.KeyPrincipalName:  regexp.MustCompile(`^[^@]{1,192}@[^@]{1,192}$`),
}

// Key returns the key of that name with a value written in one way, and false for a value that has not its form or for a name that is none of a
// certificate's. Whoever gives identifiers out does not tell capitals of ASCII from small letters, and a person must not become two. Beyond ASCII nothing is
// folded: two people must not become one by letters that look alike.
func Key(name string, value secret.String, issuer string) (storage.PersonKey, bool) {
	form, known := forms[name]
	if !known {
		return storage.PersonKey{}, false
	}
	given := value.Reveal()
	text := strings.Map(upperASCII, given)
	if name == storage.KeyPrincipalName {
		text = strings.Map(lowerASCII, text)
	}
	if !form.MatchString(text) || !isOneWord(given) {
		return storage.PersonKey{}, false
	}
	key := storage.PersonKey{Name: name, Value: secret.New(text)}
	if name == storage.KeyEmployeeNumber {
		key.Issuer = issuer
	}
	return key, true
}

// Read returns the key that a text is which somebody has typed to find a person: an HSA-ID, or an account. A number of an employer names nobody without its
// issuer, and is none.
func Read(text secret.String) (storage.PersonKey, bool) {
	text = secret.New(strings.TrimSpace(text.Reveal()))
	for _, name := range []string{storage.KeyHSAID, storage.KeyPrincipalName} {
		if key, ok := Key(name, text, ""); ok {
			return key, true
		}
	}
	return storage.PersonKey{}, false
}

func upperASCII(r rune) rune {
	if 'a' <= r && r <= 'z' {
		return r - 'a' + 'A'
	}
	return r
}

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r - 'A' + 'a'
	}
	return r
}

// isOneWord reports whether a text can be seen and has no spaces: two identifiers must not differ in what nobody sees.
func isOneWord(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) })
}
