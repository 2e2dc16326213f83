package logins

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// texts are the words of a language, by key: "means.", "tell." and "do." with a reason, "course." with a word of the course, "event." with the number of
// an event, "verdict." with an outcome. The name of an eID goes before those that are others of it; "sign." and "payment." go before those of them that are others of a signature and a payment, and a device before those that are others of it.
type texts map[string]string

//go:embed texts/*.json
var textFiles embed.FS

var languages = map[string]texts{"sv": mustRead("sv"), "en": mustRead("en")}

// mustRead panics on a broken file: the files are part of the program and the tests read them first.
func mustRead(language string) texts {
	text, err := textFiles.ReadFile("texts/" + language + ".json")
	all := texts{}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		panic(fmt.Errorf("logins: texts/%s.json: %w", language, err))
	}
	return all
}

// textsIn returns the words of a language such as "sv" or "sv-SE", English for one that is not known.
func textsIn(language string) texts {
	base, _, _ := strings.Cut(language, "-")
	if all := languages[base]; all != nil {
		return all
	}
	return languages["en"]
}

// or returns the text of the first key that has one.
func (t texts) or(keys ...string) string { return t.of("", keys...) }

// eids are what other eIDs are called in texts that are written for BankID.
var eids = map[string]string{"netid": "Net iD"}

// of is or for a login by an eID: one of its own, whose key its name begins, or that of BankID under its name. It is empty for BankID.
func (t texts) of(eid string, keys ...string) string {
	for _, key := range keys {
		if text := t[eid+"."+key]; text != "" && eid != "" {
			return text
		}
		if text := t[key]; text != "" && eid != "" {
			return strings.ReplaceAll(text, "BankID", eids[eid])
		} else if text != "" {
			return text
		}
	}
	return ""
}

// Explain returns what a reason or hint code means in a language, in a few words and in a sentence; empty for one that is not known.
func Explain(language, word string) (short, means string) {
	all := textsIn(language)
	return all["short."+word], all["means."+word]
}

// Causes returns the reasons and hint codes by which logins fail or end, in the order of what they are called in a language.
func Causes(language string) (all []string) {
	texts := textsIn(language)
	for key := range texts {
		if word, is := strings.CutPrefix(key, "short."); is && word != "unknown" {
			all = append(all, word)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return strings.Compare(texts["short."+a], texts["short."+b]) })
	return all
}

// EventText returns what an event of the catalogue means in a language, "" for one that is not known.
func EventText(language, event string) string { return textsIn(language)["event."+event] }
