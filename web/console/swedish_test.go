package console

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"brygga/storage"
)

// englishWords are words that no Swedish sentence has.
var englishWords = regexp.MustCompile(`(?i)(?:^|[^\pL\pN_./:@={}-])(the|is|are|was|were|must|not|with|which|this|that|these|write|of|and|has|have|been|does|than|what|when|who|should|would|cannot|there|from|its|it|by|only|no longer|please|error|failed|missing|invalid|unknown|none|seconds?|minutes?|hours?|days?|month|monday|january|february|march|may|june|july|august|october|ago|yes|add|remove|save|settings?|users?|names?|clients?)(?:$|[^\pL\pN_./:@={}-])`)

// isForeign reports whether an element is none of our Swedish: what says that it is in another language, and what is read by machines or was
// written by somebody.
func isForeign(n *html.Node) bool {
	if slices.Contains([]string{"script", "style", "pre", "code", "textarea"}, n.Data) {
		return true
	}
	for _, a := range n.Attr {
		if a.Key == "lang" && !strings.HasPrefix(a.Val, "sv") || a.Key == "class" && slices.Contains(strings.Fields(a.Val), "code") {
			return true
		}
	}
	return false
}

// shownTo returns all that a person sees or hears of a page, but for what is foreign.
func shownTo(n *html.Node) (texts []string) {
	if n.Type == html.TextNode {
		return []string{strings.Join(strings.Fields(n.Data), " ")}
	}
	if n.Type == html.ElementNode {
		if isForeign(n) {
			return nil
		}
		for _, a := range n.Attr {
			if slices.Contains([]string{"aria-label", "title", "alt", "placeholder", "aria-description", "data-copied"}, a.Key) {
				texts = append(texts, a.Val)
			}
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		texts = append(texts, shownTo(c)...)
	}
	return texts
}

// english returns the texts of a page in which there is an English word.
func english(page string) (found []string) {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return []string{err.Error()}
	}
	for _, text := range shownTo(root) {
		if englishWords.MatchString(text) && !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	return found
}

// TestNoEnglishOnSwedishPages: no page has an English sentence for who reads it in Swedish, whatever it tells.
func TestNoEnglishOnSwedishPages(t *testing.T) {
	if got := english(`<p>Appen saknas.</p><p>the app is missing</p><code>the app</code><span lang="en">the app</span><a title="must not">x</a>`); len(got) != 2 {
		t.Fatalf("finds %q in a page with two English texts", got)
	}
	s := newSite(t)
	s.operator(storage.RoleOwner)
	owner := s.browser()
	owner.post("login", "user", "owner", "password", password)
	for _, l := range looked() {
		for _, text := range english(l.see(owner, "sv").body) {
			t.Errorf("%s: %s", l.name, fmt.Sprintf("%.200q", text))
		}
	}
}
