package admin

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"brygga/clients"
	"brygga/logins"
	"brygga/storage"
)

// The orders of a table of clients by how they are used, beside those of Sorts.
const (
	SortByLogins   = "logins" // most in seven days first
	SortByFailures = "failed" // the largest share of orders that came to nothing first
	SortByLast     = "last"   // the longest unused first
)

// What needs somebody's care with a client.
const (
	CareOff     = "off"     // it is disabled
	CareSecret  = "secret"  // its last secret has ended, or ends within CareAhead
	CareRules   = "rules"   // it breaks rules that its profile demands
	CareUnused  = "unused"  // nobody has logged in for UnusedDays, and it is older than that
	CareFailing = "failing" // at least ten orders of seven days, and more than half of them, came to nothing
)

// Cares returns all that a client may need care for.
func Cares() []string { return []string{CareOff, CareSecret, CareRules, CareUnused, CareFailing} }

const (
	// CareAhead is how long before its end a secret needs care, UnusedDays how many days without a login make a client unused.
	CareAhead  = 30 * 24 * time.Hour
	UnusedDays = 30
	fewOrders  = 10
)

// ClientRow is a client with how it is used and what it needs.
type ClientRow struct {
	*storage.Client
	Use *logins.Use
	// Care is what it needs care for, in the order of Cares; Failed the share of its orders of seven days that came to nothing, in per cent, and Cause the most
	// frequent reason, empty for none.
	Care   []string
	Failed int
	Cause  string
}

// ClientTable returns at most limit rows of the clients of the filter behind the first skip, in the order of sort, one of Sorts, SortByLogins,
// SortByFailures or SortByLast; and whether there are more. Care wants those alone that need it for that reason, "any" for whichever, and the empty
// text all. The store is asked once for how all of them are used.
func (s *Service) ClientTable(ctx context.Context, actor Actor, f ClientFilter, care string, skip, limit int) (rows []ClientRow, more bool, err error) {
	sort := f.Sort
	if !slices.Contains(Sorts(), sort) {
		f.Sort = SortByName
	}
	found, _, err := s.Clients(ctx, actor, f, "", mostClientsLooked)
	if err != nil {
		return nil, false, err
	}
	if care == "" && f.Sort == sort { // the rest is not looked at
		more = len(found) > skip+limit
		found = found[min(skip, len(found)):min(skip+limit, len(found))]
		rows, err = s.rows(ctx, found)
		s.care(rows)
		return rows, more, err
	}
	if rows, err = s.rows(ctx, found); err != nil {
		return nil, false, err
	}
	if care != "" {
		s.care(rows)
		rows = slices.DeleteFunc(rows, func(r ClientRow) bool {
			return care == "any" && len(r.Care) == 0 || care != "any" && !slices.Contains(r.Care, care)
		})
	}
	sortRows(rows, sort)
	more = len(rows) > skip+limit
	rows = rows[min(skip, len(rows)):min(skip+limit, len(rows))]
	s.care(rows)
	return rows, more, nil
}

func sortRows(rows []ClientRow, by string) {
	order := map[string]func(a, b ClientRow) int{
		SortByLogins:   func(a, b ClientRow) int { return cmp.Compare(b.Use.Week.Logins, a.Use.Week.Logins) },
		SortByFailures: func(a, b ClientRow) int { return cmp.Compare(b.Failed, a.Failed) },
		SortByLast:     func(a, b ClientRow) int { return a.Use.Last.Compare(b.Use.Last) },
	}[by]
	if order != nil {
		slices.SortStableFunc(rows, order)
	}
}

// rows returns the clients with what is known of them.
func (s *Service) rows(ctx context.Context, found []*storage.Client) ([]ClientRow, error) {
	ids := make([]string, len(found))
	for i, c := range found {
		ids[i] = c.ID
	}
	uses, err := s.logins.UseOf(ctx, ids, UnusedDays)
	if err != nil {
		return nil, err
	}
	rows := make([]ClientRow, len(found))
	for i, c := range found {
		rows[i] = rowOf(c, uses[c.ID])
	}
	return rows, nil
}

func rowOf(c *storage.Client, use *logins.Use) ClientRow {
	r := ClientRow{Client: c, Use: use}
	if all := fruitless(use) + use.Week.Completed; all > 0 {
		r.Failed = int(100 * fruitless(use) / all)
	}
	if top := use.Week.TopCauses(1); len(top) > 0 {
		r.Cause = top[0].Word
	}
	return r
}

// fruitless is how many orders of seven days came to nothing.
func fruitless(use *logins.Use) int64 { return use.Week.Failed + use.Week.Ended }

// care fills in what each of the clients needs care for.
func (s *Service) care(rows []ClientRow) {
	now := s.now()
	for i := range rows {
		if rows[i].Care == nil {
			rows[i].Care = s.needs(&rows[i], now)
		}
	}
}

func (s *Service) needs(r *ClientRow, now time.Time) (all []string) {
	c, ends := r.Client, lastEnd(r.Client)
	for _, care := range []struct {
		what  string
		needs bool
	}{
		{CareOff, c.Disabled},
		{CareSecret, !ends.IsZero() && ends.Sub(now) < CareAhead && !c.Disabled},
		{CareRules, slices.ContainsFunc(clients.CheckProfile(c, s.o.Installation), func(r clients.Rule) bool { return r.Broken && r.Must })},
		{CareUnused, len(c.RedirectURIs) > 0 && !c.Disabled && !c.Static && r.Use.Last.IsZero() && now.Sub(c.Created) > UnusedDays*24*time.Hour},
		{CareFailing, fruitless(r.Use)+r.Use.Week.Completed >= fewOrders && r.Failed > 50},
	} {
		if care.needs {
			all = append(all, care.what)
		}
	}
	return all
}

// IsCare reports whether it is one of Cares, "any" or empty.
func IsCare(care string) bool {
	return care == "" || care == "any" || slices.Contains(Cares(), strings.TrimSpace(care))
}
