package console

import (
	"maps"
	"net/url"
)

// parameterAfter is the query parameter of the cursor: the last row of the page before.
const parameterAfter = "after"

// list is a list whose filter, order and place stand in the address, so that it can be kept and sent.
type list struct {
	path  string
	query url.Values
	// next is the cursor of the page that follows, empty when this is the last.
	next string
}

// list is the list that the address asks for.
func (v *visit) list() *list { return &list{path: v.r.URL.Path, query: v.r.URL.Query()} }

// get returns what is asked for by a parameter.
func (l *list) get(name string) string { return l.query.Get(name) }

// after is the cursor: the rows that follow it are wanted. It is empty for the first page.
func (l *list) after() string { return l.get(parameterAfter) }

// with returns the address of this list with other values, name and value in turn, from its first page on. An empty value takes a parameter away.
func (l *list) with(pairs ...string) string {
	query := url.Values{}
	maps.Copy(query, l.query)
	delete(query, parameterAfter)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			delete(query, pairs[i])
		} else {
			query[pairs[i]] = []string{pairs[i+1]}
		}
	}
	if len(query) == 0 {
		return l.path
	}
	return l.path + "?" + query.Encode()
}

// first and following are the addresses of other pages of the list.
func (l *list) first() string     { return l.with() }
func (l *list) following() string { return l.with(parameterAfter, l.next) }

// form is the filter as a form.
func (l *list) form() *form { return &form{values: l.query} }
