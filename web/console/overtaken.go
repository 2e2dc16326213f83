package console

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"brygga/clients"
	"brygga/storage"
)

// fieldsSeen is the hidden field that has what the others had when the form was made, takePrefix begins those that say whose version is to stand.
const (
	fieldsSeen = "seen"
	takePrefix = "take."
	takeTheirs = "theirs"
	takeYours  = "yours"
)

// difference is a setting that somebody else has stored otherwise than it was typed.
type difference struct {
	field, name, theirs, yours string
	// theirsStands says that the operator has not touched it, so that what is stored stays.
	theirsStands bool
}

// textOf is the value of a setting as text.
func (f field) textOf(c *storage.Client) string { return strings.Join(f.lines(c), "\n") }

// digest stands for a value in a form.
func digest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:4])
}

// seen has a digest of each setting, by which a form that comes back tells which of them were touched.
func seen(c *storage.Client, names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = name + "=" + digest(fieldOf(name).textOf(c))
	}
	return strings.Join(all, " ")
}

// sawIn reports whether a setting had that value when the form was made.
func (f *form) sawIn(name, value string) bool {
	return slices.Contains(strings.Fields(f.get(fieldsSeen)), name+"="+digest(value))
}

// overtaken makes the form one of the client as somebody else has stored it, and returns the settings that both have, for the operator to choose: what it has
// not touched itself stays as stored.
func (v *visit) overtaken(f *form, c *storage.Client, names []string) []difference {
	all := v.differences(f, c, names)
	f.values = cloneValues(f.values)
	for _, d := range all {
		f.values.Set(takePrefix+d.field, takeYours)
		if d.theirsStands {
			f.values.Set(takePrefix+d.field, takeTheirs)
			f.put(d.field, c)
		}
	}
	f.values.Set("revision", strconv.FormatUint(c.Revision, 10))
	f.values.Set(fieldsSeen, seen(c, names))
	f.fault("", v.text("client.overtaken"))
	return all
}

// differences are the fields in which a form is not what is stored, but for those that the operator alone has changed.
func (v *visit) differences(f *form, c *storage.Client, names []string) (all []difference) {
	for _, name := range names {
		field := fieldOf(name)
		yours := *c
		if field.set(&yours, f.given(field)...) != nil {
			continue
		}
		clients.Derive(&yours)
		stored, typed := field.textOf(c), field.textOf(&yours)
		if stored != typed && !f.sawIn(name, stored) {
			all = append(all, difference{name, v.settingLabel(name), stored, typed, f.sawIn(name, typed)})
		}
	}
	return all
}

// takeTheirs writes into the form what is stored, where the operator has chosen that.
func (v *visit) takeTheirs(f *form, names []string) error {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return f.get(takePrefix+name) != takeTheirs })
	if len(names) == 0 {
		return nil
	}
	c, err := v.client()
	if err != nil {
		return err
	}
	f.values = cloneValues(f.values)
	for _, name := range names {
		f.put(name, c)
	}
	return nil
}
