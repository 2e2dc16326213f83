package config

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"brygga/secret"
	"brygga/storage"
)

// Problem is one thing wrong with a client. Key is the name it has in the configuration file, such as redirect_uris.
type Problem struct{ Key, Problem, Remedy string }

// Lengths of what stands in a client.
const (
	minSecret   = 32
	maxClientID = 128
	maxName     = 60
	maxAddress  = 2000
	maxList     = 100
)

// record returns the client as a record, or reports why its secret or keys cannot be used.
func (c *Client) record(r *reader, section string) (storage.Client, bool) {
	record := storage.Client{
		ID: c.ID, Name: c.Name, LocalNames: c.LocalNames, HomeURI: c.HomeURI, Native: c.Native, AuthMethod: c.AuthMethod,
		RedirectURIs: c.RedirectURIs, PostLogoutRedirectURIs: c.PostLogoutRedirectURIs, Scopes: c.Scopes, IDTokenAlg: c.IDTokenAlg,
		SubjectType: c.SubjectType, Sector: c.Sector, PersonalNumber: c.PersonalNumber, RequirePKCE: c.RequirePKCE,
		CustomIdentifier: c.CustomIdentifier, Policy: c.Policy,
	}
	c.recordOAuth(&record)
	Complete(&record)
	keys := c.recordKeys(r, section, &record)
	return record, c.recordSecret(r, section, &record) && keys
}

// recordSecret takes the client's secret over, or reports why it cannot.
func (c *Client) recordSecret(r *reader, section string, record *storage.Client) bool {
	var hash [32]byte
	switch {
	case c.SecretHash != "" && !c.Secret.IsZero():
		r.fault(section+".secret_hash", "set together with a secret", "keep one of them")
		return false
	case c.SecretHash != "":
		if n, err := hex.Decode(hash[:], []byte(c.SecretHash)[:min(len(c.SecretHash), 2*len(hash))]); err != nil || n != len(hash) || len(c.SecretHash) != 2*len(hash) {
			r.fault(section+".secret_hash", "is not a SHA-256 in hex", "write 64 hexadecimal digits")
			return false
		}
	case !c.Secret.IsZero():
		if len(c.Secret.Reveal()) < minSecret {
			r.fault(section+".secret", fmt.Sprintf("has fewer than %d characters", minSecret), "make a random one: openssl rand -base64 32")
			return false
		}
		hash = c.Secret.Hash()
	default:
		return !r.faulty(section + ".secret_file")
	}
	record.Secrets = []storage.ClientSecret{{Hash: hash}}
	return true
}

// CheckClient returns everything that is wrong with a client, whoever registers it.
func CheckClient(c *storage.Client) []Problem {
	var p problems
	p.clientID(c.ID)
	p.text("name", c.Name, maxName)
	for tag, name := range c.LocalNames {
		if _, err := language.Parse(tag); err != nil {
			p.add("local_names", fmt.Sprintf("%q is not a language tag", tag), "write sv, en or the like")
		}
		p.text("local_names", name, maxName)
	}
	p.text("custom_identifier", c.CustomIdentifier, maxName)
	p.text("sector", c.Sector, maxClientID)
	p.authentication(c)
	p.tokens(c)
	p.requests(c)
	p.subject(c)
	p.sessions(c)
	if c.HomeURI != "" {
		p.webAddress("home_uri", c.HomeURI)
	}
	if len(c.RedirectURIs) == 0 {
		p.add("redirect_uris", "missing", "name at least one address, such as https://app.example.se/callback")
	}
	p.addresses("redirect_uris", c.RedirectURIs, c.Native)
	p.addresses("post_logout_redirect_uris", c.PostLogoutRedirectURIs, c.Native)
	p.scopes(c.Scopes)
	for _, problem := range CheckPolicy(&c.Policy) {
		p.add("policy."+problem.Key, problem.Problem, problem.Remedy)
	}
	return p
}

type problems []Problem

func (p *problems) add(key, problem, remedy string) { *p = append(*p, Problem{key, problem, remedy}) }

func (p *problems) word(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		p.add(key, fmt.Sprintf("%q is none of its values", value), "write "+strings.Join(allowed, ", "))
	}
}

func (p *problems) clientID(id string) {
	allowed := func(r rune) bool {
		return r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.", r))
	}
	if id == "" || len(id) > maxClientID || strings.ContainsFunc(id, func(r rune) bool { return !allowed(r) }) {
		p.add("id", fmt.Sprintf("%q is not a client ID", id), "write 1 to 128 of A-Z a-z 0-9 - _ and dot")
	}
}

// text refuses what people could be deceived with: control and direction characters, and overlong names.
func (p *problems) text(key, text string, most int) {
	bad := func(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) }
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > most || strings.ContainsFunc(text, bad) {
		p.add(key, "is too long or holds characters that do not print", fmt.Sprintf("write at most %d printable characters", most))
	}
}

func (p *problems) addresses(key string, addresses []string, native bool) {
	if len(addresses) > maxList {
		p.add(key, "has too many addresses", fmt.Sprintf("name at most %d", maxList))
		return
	}
	for i, address := range addresses {
		if slices.Contains(addresses[:i], address) {
			p.add(key, fmt.Sprintf("%q stands there twice", address), "name each address once")
			continue
		}
		if u, err := url.Parse(address); native && err == nil && privateScheme(u) {
			continue
		}
		p.webAddress(key, address)
	}
}

// privateScheme reports whether u has a scheme that an app of the device may own: a reversed domain name (RFC 8252 §7.1).
func privateScheme(u *url.URL) bool {
	return strings.Contains(u.Scheme, ".") && u.User == nil && u.Fragment == "" && !strings.HasSuffix(u.String(), "#") && len(u.String()) <= maxAddress
}

// webAddress accepts https, and http on loopback, without fragment (RFC 6749 §3.1.2).
func (p *problems) webAddress(key, address string) {
	u, err := url.Parse(address)
	const remedy = "write it as https://app.example.se/callback, or http://127.0.0.1/callback for an app on the person's own device"
	switch {
	case err != nil || u.Host == "" || len(address) > maxAddress || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > 126 }):
		p.add(key, fmt.Sprintf("%q is not a web address", address), remedy)
	case strings.Contains(address, "#"):
		p.add(key, fmt.Sprintf("%q has a fragment", address), "remove the part from # on")
	case u.User != nil || strings.Contains(address, "*"):
		p.add(key, fmt.Sprintf("%q has a user or a wildcard", address), "name each address in full")
	case u.Scheme == "https" || u.Scheme == "http" && loopbackHost(u.Hostname()):
	default:
		p.add(key, fmt.Sprintf("%q is neither https nor http on loopback", address), remedy)
	}
}

// scopes refuses scopes that there are not: an app that may ask for one would get nothing for it, and no error.
func (p *problems) scopes(scopes []string) {
	known := storage.Scopes()
	for _, scope := range scopes {
		if slices.Contains(known, scope) {
			continue
		}
		remedy := "write some of " + strings.Join(known[1:], ", ")
		if near := nearest(scope, known); near != "" {
			remedy = "did you mean " + near + "?"
		}
		p.add("scopes", fmt.Sprintf("there is no scope %q", scope), remedy)
	}
	p.bounded("scopes", scopes)
}

// HashSecret returns the record of a client secret.
func HashSecret(s secret.String) storage.ClientSecret { return storage.ClientSecret{Hash: s.Hash()} }
