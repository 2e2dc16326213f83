package demo

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// row is one claim, with what it means where that is known.
type row struct{ Name, Meaning, Value string }

// group is some claims that belong together, folded away where few people look.
type group struct {
	Title  string
	Folded bool
	Rows   []row
}

// known are the claims that people ask about, in the order in which they are shown.
var known = []struct {
	group string
	names []string
}{
	{"person", []string{"name", "givenName", "surname", "personalNumber", "given_name", "family_name", "birthdate"}},
	{"login", []string{"auth_time", "acr", "amr", "txn", "sid"}},
	{"token", []string{"iss", "aud", "azp", "sub", "iat", "exp", "nonce"}},
}

// groups returns the claims in an order for people; those without a known meaning come last, by name.
func groups(tag string, claims map[string]any) []group {
	var all []group
	shown := map[string]bool{}
	for _, k := range known {
		g := group{Title: say(tag, k.group), Folded: k.group == "token"}
		for _, name := range k.names {
			shown[name] = true
			if value, ok := claims[name]; ok {
				g.Rows = append(g.Rows, row{name, say(tag, "m."+name), show(name, value)})
			}
		}
		all = append(all, g)
	}
	others := group{Title: say(tag, "others"), Folded: true}
	for name, value := range claims {
		if !shown[name] {
			others.Rows = append(others.Rows, row{Name: name, Value: show(name, value)})
		}
	}
	slices.SortFunc(others.Rows, func(a, b row) int { return strings.Compare(a.Name, b.Name) })
	return slices.DeleteFunc(append(all, others), func(g group) bool { return len(g.Rows) == 0 })
}

func show(name string, value any) string {
	switch v := value.(type) {
	case float64:
		if name == "iat" || name == "exp" || name == "auth_time" {
			return time.Unix(int64(v), 0).UTC().Format("2006-01-02 15:04:05 UTC")
		}
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = fmt.Sprint(v[i])
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(value)
}

// indent writes claims as JSON for people, "" for none.
func indent(claims map[string]any) string {
	if len(claims) == 0 {
		return ""
	}
	text, err := json.MarshalIndent(claims, "", "  ")
	if err != nil {
		return ""
	}
	return string(text)
}

// header returns the header of an ID token, which is verified already, and nil for one that is not in three parts.
func header(token string) map[string]any {
	first, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return nil
	}
	var values map[string]any
	if json.Unmarshal(text, &values) != nil {
		return nil
	}
	return values
}
