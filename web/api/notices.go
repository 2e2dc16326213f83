package api

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"brygga/admin"
	"brygga/notice"
)

// told turns what is wrong with a banner or rules into a problem.
func told(err error) error {
	var problems notice.Problems
	switch {
	case errors.As(err, &problems):
		faults := make([]fault, len(problems))
		for i, p := range problems {
			faults[i] = fault{Pointer: "/" + p.Field, Detail: p.Problem}
		}
		return invalid(faults...)
	case errors.Is(err, notice.ErrConflict):
		return conflict("somebody else has changed it meanwhile: read it again")
	}
	return err
}

func showSettings(c *call) (*answer, error) {
	all, err := c.Admin.Settings(c, c.actor)
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{"items": append([]admin.Setting{}, all...)})
}

func showBanner(c *call) (*answer, error) {
	b, err := c.Admin.Banner(c, c.actor)
	if err != nil {
		return nil, err
	}
	v := map[string]any{"sv": b.Texts["sv"], "en": b.Texts["en"]}
	for name, at := range map[string]time.Time{"from": b.From, "to": b.To} {
		if !at.IsZero() {
			v[name] = at
		}
	}
	return ok(v)
}

func putBanner(c *call) (*answer, error) {
	var sv, en string
	var b notice.Banner
	if err := c.members(map[string]any{"sv": &sv, "en": &en, "from": &b.From, "to": &b.To}); err != nil {
		return nil, err
	}
	b.Texts = map[string]string{"sv": sv, "en": en}
	return &answer{}, told(c.Admin.SetBanner(c, c.actor, b))
}

func deleteBanner(c *call) (*answer, error) {
	return &answer{}, told(c.Admin.SetBanner(c, c.actor, notice.Banner{}))
}

func showAlarms(c *call) (*answer, error) {
	a, err := c.Admin.Alarms(c, c.actor)
	if err != nil {
		return nil, err
	}
	standing := make([]map[string]any, len(a.Standing))
	for i, s := range a.Standing {
		standing[i] = map[string]any{"kind": s.Kind, "name": s.Name, "detail": s.Detail, "since": s.Since}
	}
	a.Rules.Recipients = append([]notice.Recipient{}, a.Rules.Recipients...)
	return ok(map[string]any{"rules": a.Rules, "standing": standing})
}

func putAlarms(c *call) (*answer, error) {
	var r notice.Rules
	var recipients []map[string]json.RawMessage
	if err := c.members(map[string]any{"recipients": &recipients, "days": &r.Days, "share": &r.Share, "free_mib": &r.FreeMiB}); err != nil {
		return nil, err
	}
	var faults []fault
	for i, members := range recipients {
		var one notice.Recipient
		faults = append(faults, decodeMembers("/recipients/"+strconv.Itoa(i), members, map[string]any{"email": &one.Email, "language": &one.Language, "kinds": &one.Kinds})...)
		r.Recipients = append(r.Recipients, one)
	}
	if faults != nil {
		return nil, invalid(faults...)
	}
	return &answer{}, told(c.Admin.ChangeAlarms(c, c.actor, r))
}

func testAlarms(c *call) (*answer, error) {
	sent, err := c.Admin.TestAlarms(c, c.actor)
	if err != nil {
		return nil, told(err)
	}
	return ok(map[string]any{"sent": sent})
}
