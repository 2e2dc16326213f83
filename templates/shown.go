package templates

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Shown is what the BankID app shows of an order, which the page draws for the person to compare. The zero value, and one without
// a name or a text, is for when that is not known: the page then says in words what to look for.
type Shown struct {
	// Name is the display name on the certificate that made the order, the largest thing that the app shows (BankID API: the
	// relying party's certificate). It is seldom that of the client.
	Name string
	// Text is the visible data of the order, and Markdown tells whether BankID was told to read it as simpleMarkdownV1.
	Text     string
	Markdown bool
}

// known reports whether there is enough to draw.
func (s Shown) known() bool { return s.Name != "" && s.excerpt() != "" }

// maxExcerpt is how many characters of the text are drawn.
const maxExcerpt = 160

var (
	blankLine = regexp.MustCompile(`\n\s*\n`)
	syntax    = regexp.MustCompile(`(?m)^\s*(?:#{1,3}|[+-])\s+|\*+`)
)

// excerpt returns the first paragraph of the text in one line, without marks: who asks, and for what. What a client has added for
// the person comes below and is left to the app, where it stands below the name of who answers for it.
func (s Shown) excerpt() string {
	first := blankLine.Split(strings.TrimSpace(strings.ReplaceAll(s.Text, "\r\n", "\n")), 2)
	text := first[0]
	if s.Markdown {
		text = syntax.ReplaceAllString(text, "")
	}
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= maxExcerpt {
		return text
	}
	cut := string([]rune(text)[:maxExcerpt])
	if space := strings.LastIndexByte(cut, ' '); space > maxExcerpt/2 {
		cut = cut[:space]
	}
	return cut + " …"
}

// shownIn is the variant of the texts about the app: that on the computer is called otherwise.
func shownIn(d Device, on Platform) string {
	if s := situation(d, on); s == "computer" {
		return s
	}
	return ""
}
