package templates

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Ask says how a person is asked on another device by an eID whose app finds an order there by who it is for. The zero value means that nobody is.
type Ask string

// The values of Ask.
const (
	AskTyped Ask = "typed" // whom somebody has named on a [Name]
	AskKnown Ask = "known" // whom the client requires, so that nobody is asked for a name
)

// Name asks who is to be asked on another device. No order exists yet.
type Name struct {
	following
	// Method is that of [Choose].
	Method string
	// Kinds are the words of what may be typed: personalNumber, hsaId, employeeNumber, userPrincipalName or email, the usual one first.
	Kinds []string
	// Typed stands in the field. Wrong says that it is none of the kinds, whether there is such a person or not.
	Typed string
	Wrong bool
	// Platform decides what the button for this device is called.
	Platform Platform
}

// Key returns "name", with the eID behind a dot where it was chosen.
func (v Name) Key() string {
	if v.Method == "" {
		return "name"
	}
	return "name." + v.Method
}

func (Name) heading(p Page) string { return p.text("name.title") }

// label names the field by what may be typed, beginning with a capital.
func (v Name) label(p Page) string {
	text := v.kinds(p)
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// kinds is what may be typed, in running text.
func (v Name) kinds(p Page) string {
	var names []string
	for _, kind := range v.Kinds {
		names = append(names, p.text("name.kind."+kind))
	}
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return p.text("name.or", "first", strings.Join(names[:last], ", "), "last", names[last])
}

// hint is an example of what may be typed, where there is one kind alone; empty for none.
func (v Name) hint(p Page) string {
	if len(v.Kinds) != 1 || !hasMessage("name.hint."+v.Kinds[0]) {
		return ""
	}
	return p.text("name.hint." + v.Kinds[0])
}

// keys is the keyboard that a phone shows: digits where nothing else may be typed.
func (v Name) keys() string {
	if len(v.Kinds) == 1 && v.Kinds[0] == "personalNumber" {
		return "numeric"
	}
	return "text"
}

// described lists what a screen reader reads with the field.
func (v Name) described(p Page) string {
	var ids []string
	if v.Wrong {
		ids = append(ids, "person-wrong")
	}
	if v.hint(p) != "" {
		ids = append(ids, "person-hint")
	}
	return strings.Join(ids, " ")
}

// AskWait is shown while a person is asked on another device, from the press to the end: whether the order is being made, whether there is such a person
// and whether an app has it looks the same.
type AskWait struct {
	moving
	Left Left
	// App is what the app calls who asks; empty where that is not known.
	App string
	// Platform decides what the button for this device is called.
	Platform Platform
	// Typed says that the person was named on the page, and not by the client.
	Typed bool
}

// Key returns "ask-wait".
func (AskWait) Key() string { return "ask-wait" }

func (v AskWait) left() Left          { return v.Left }
func (AskWait) heading(p Page) string { return p.text("ask-wait.title") }
