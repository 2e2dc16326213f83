package api

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"brygga/admin"
	"brygga/duration"
	"brygga/storage"
)

func (c *call) query(name string) string { return c.values.Get(name) }

// flag reads a parameter that is true or false, nil for one that is not sent.
func (c *call) flag(name string) (*bool, error) {
	if !c.values.Has(name) {
		return nil, nil
	}
	text := c.query(name)
	if text != "true" && text != "false" {
		return nil, invalid(fault{Parameter: name, Detail: "is neither true nor false"})
	}
	on := text == "true"
	return &on, nil
}

func (c *call) is(name string) (bool, error) {
	on, err := c.flag(name)
	return on != nil && *on, err
}

// limit reads how many are wanted.
func (c *call) limit() (int, error) {
	return c.number(limited, defaultLimit, 1, maxLimit)
}

// number reads a parameter that is a number from least to most, by default n.
func (c *call) number(name string, n, least, most int) (int, error) {
	text := c.query(name)
	if !c.values.Has(name) {
		return n, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, invalid(fault{Parameter: name, Detail: fmt.Sprintf("is no number from %d to %d", least, most)})
	}
	return n, nil
}

// behind reads a cursor, which is what the page before ended with.
func (c *call) behind() (string, error) {
	if c.query(cursor) == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(c.query(cursor))
	if err != nil || len(text) < sumSize || c.cursorAt(string(text[sumSize:])) != c.query(cursor) {
		return "", badCursor
	}
	return string(text[sumSize:]), nil
}

var badCursor = invalid(fault{Parameter: cursor, Detail: "is none that this list has handed out: send the other parameters as they were"})

// cursorAt is where the list that was asked for goes on behind the last of a page.
func (c *call) cursorAt(last string) string {
	return cursorAt(strings.TrimPrefix(c.request.URL.Path, base), c.values, last)
}

// sumSize is how many bytes of a cursor bind it to its list.
const sumSize = 8

// cursorAt is where a list goes on behind last. It begins with a sum of the path and the query that it is for, so that one of another list, or one that was
// cut or changed on the way, is found out. It is no secret, and no right hangs on it.
func cursorAt(path string, query url.Values, last string) string {
	query = maps.Clone(query)
	delete(query, cursor)
	delete(query, limited)
	sum := sha256.Sum256([]byte(path + "?" + query.Encode() + "\x00" + last))
	return base64.RawURLEncoding.EncodeToString(append(sum[:sumSize:sumSize], last...))
}

// times reads a span of time, by default all of it.
func (c *call) times() (from, to time.Time, err error) {
	to = c.Now().Add(time.Second)
	for name, at := range map[string]*time.Time{fromTime: &from, toTime: &to} {
		if text := c.query(name); c.values.Has(name) {
			if *at, err = time.Parse(time.RFC3339, text); err != nil {
				return from, to, invalid(fault{Parameter: name, Detail: "is no time such as 2026-03-01T14:30:00Z"})
			}
		}
	}
	return from.UTC(), to.UTC(), nil
}

func (c *call) reference() (storage.Reference, error) {
	reference, err := storage.ParseReference(c.request.PathValue("reference"))
	if err != nil {
		return "", notFound("a reference has eight letters and digits, such as 7QX4-2MKD")
	}
	return reference, nil
}

// maxKeep is how long a secret of before may go on.
const maxKeep = 90 * 24 * time.Hour

// keep reads how long a secret of before goes on, a day when nothing is said.
func (c *call) keep() (time.Duration, error) {
	text := "24h"
	if err := c.members(map[string]any{"keep": &text}); err != nil {
		return 0, err
	}
	keep, err := duration.Parse(text)
	if err != nil || keep < 0 || keep > maxKeep {
		return 0, invalid(fault{Pointer: "/keep", Detail: "is no duration such as 12h, from 0s to " + duration.Format(maxKeep)})
	}
	return keep, nil
}

// demand reads what the change is bound to. Bound says that something was demanded.
func (c *call) demand() (d admin.Demand, bound bool, err error) {
	if d.DryRun, err = c.is(dryRun); err != nil {
		return d, false, err
	}
	match, none := c.header("If-Match"), c.header("If-None-Match")
	switch {
	case none == "*" && match == "" && c.request.Method == http.MethodPut:
		d.New = true
		return d, true, nil
	case none != "":
		return d, false, &problem{Status: 400, Title: "bad precondition", Detail: "If-None-Match is for PUT, with * alone, and without If-Match"}
	case match == "", match == "*":
		d.Old = match == "*"
		return d, d.Old, nil
	}
	text, quoted := strings.CutPrefix(match, `"`)
	text, ended := strings.CutSuffix(text, `"`)
	d.Revision, err = strconv.ParseUint(text, 10, 63)
	if !quoted || !ended || err != nil || d.Revision == 0 {
		return d, false, stale // it is no tag of ours, and matches nothing
	}
	return d, true, nil
}
