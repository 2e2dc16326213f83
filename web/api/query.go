package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"brygga/admin"
	"brygga/duration"
	"brygga/storage"
)

func (c *call) query(name string) string { return c.request.URL.Query().Get(name) }

// flag reads a parameter that is true or false, nil for one that is not sent.
func (c *call) flag(name string) (*bool, error) {
	text := c.query(name)
	if text == "" {
		return nil, nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return nil, invalid(fault{Parameter: name, Detail: "is neither true nor false"})
	}
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
	if text == "" {
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
	text, err := base64.RawURLEncoding.DecodeString(c.query(cursor))
	if err != nil {
		return "", badCursor
	}
	return string(text), nil
}

var badCursor = invalid(fault{Parameter: cursor, Detail: "is none that was handed out"})

func cursorAt(last string) string { return base64.RawURLEncoding.EncodeToString([]byte(last)) }

// times reads a span of time, by default all of it.
func (c *call) times() (from, to time.Time, err error) {
	to = c.Now().Add(time.Second)
	for name, at := range map[string]*time.Time{fromTime: &from, toTime: &to} {
		if text := c.query(name); text != "" {
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

// field decodes a member of the body into to, which stays as it is when there is none.
func (c *call) field(name string, to any) error {
	value, sent := c.body[name]
	if !sent {
		return nil
	}
	if err := json.Unmarshal(value, to); err != nil {
		return invalid(fault{Pointer: "/" + name, Detail: "has another type than the document says"})
	}
	return nil
}

// only refuses members of the body that there are not.
func (c *call) only(names ...string) error {
	var faults []fault
	for name := range c.body {
		known := false
		for _, one := range names {
			known = known || one == name
		}
		if !known {
			faults = append(faults, fault{Pointer: pointer("", name), Detail: "there is no such member"})
		}
	}
	if faults != nil {
		return invalid(faults...)
	}
	return nil
}

// maxKeep is how long a secret of before may go on.
const maxKeep = 90 * 24 * time.Hour

// keep reads how long a secret of before goes on, a day when nothing is said.
func (c *call) keep() (time.Duration, error) {
	text := "24h"
	if err := c.only("keep"); err != nil {
		return 0, err
	}
	if err := c.field("keep", &text); err != nil {
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
	match, none := strings.TrimSpace(c.request.Header.Get("If-Match")), strings.TrimSpace(c.request.Header.Get("If-None-Match"))
	switch {
	case none == "*" && match == "":
		d.New = true
		return d, true, nil
	case none != "":
		return d, false, &problem{Status: 400, Title: "bad precondition", Detail: "If-None-Match is for * alone, and without If-Match"}
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
