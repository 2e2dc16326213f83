package console

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"brygga/admin"
	"brygga/logins"
	"brygga/notice"
)

// noticesPages are those of the banner and of alarms.
func noticesPages() []page {
	return []page{
		{pattern: "GET /configuration", operation: admin.ShowSettings, handle: showConfiguration},
		{pattern: "GET /banner", operation: admin.ShowBanner, handle: showBanner},
		{pattern: "POST /banner", operation: admin.SetBanner, handle: setBanner},
		{pattern: "POST /banner/clear", operation: admin.SetBanner, handle: clearBanner},
		{pattern: "GET /alarms", operation: admin.ShowAlarms, handle: showAlarms},
		{pattern: "POST /alarms", operation: admin.ChangeAlarms, handle: changeAlarms},
		{pattern: "POST /alarms/test", operation: admin.TestAlarms, handle: testAlarms},
	}
}

func showConfiguration(v *visit) error {
	all, err := v.Admin.Settings(v, v.actor)
	if err != nil {
		return err
	}
	return v.show(v.text("configuration.title"), configuration(v, all))
}

func showBanner(v *visit) error {
	b, err := v.Admin.Banner(v, v.actor)
	if err != nil {
		return err
	}
	f := newForm("sv", b.Texts["sv"], "en", b.Texts["en"], "from", fieldTime(b.From), "to", fieldTime(b.To))
	return v.show(v.text("banner.title"), bannerForm(v, f, &b))
}

// fieldTime writes a time for a field of type datetime-local, "" for the zero time.
func fieldTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return logins.Clock(t).Format(localTime)
}

func setBanner(v *visit) error {
	f := v.form()
	b := notice.Banner{Texts: map[string]string{"sv": f.get("sv"), "en": f.get("en")}}
	for name, to := range map[string]*time.Time{"from": &b.From, "to": &b.To} {
		if text := f.get(name); text != "" {
			at, err := logins.ParseClock(localTime, text)
			if err != nil {
				f.fault(name, v.text("logins.around.wrong"))
			}
			*to = at.UTC()
		}
	}
	if !f.faulty() {
		err := v.Admin.SetBanner(v, v.actor, b)
		if done, err := v.noticeProblems(f, err); err != nil || done {
			return v.leaveOrFail(err, at("banner"), "banner.set")
		}
	}
	return v.refuse(v.text("banner.title"), bannerForm(v, f, &b))
}

// noticeProblems adds what is wrong to the form. Done says that nothing is; an error is one of another kind.
func (v *visit) noticeProblems(f *form, err error) (done bool, _ error) {
	var all notice.Problems
	if err == nil {
		return true, nil
	}
	if errors.Is(err, notice.ErrConflict) {
		f.fault("", v.text("notices.conflict"))
		return false, nil
	}
	if !errors.As(err, &all) {
		return false, err
	}
	for _, p := range all {
		f.fault(p.Field, v.text("notices.wrong."+p.Field))
	}
	return false, nil
}

func (v *visit) leaveOrFail(err error, address, key string) error {
	if err != nil {
		return err
	}
	return v.leave(address, key)
}

func clearBanner(v *visit) error {
	return v.leaveOrFail(v.Admin.SetBanner(v, v.actor, notice.Banner{}), at("banner"), "banner.cleared")
}

func showAlarms(v *visit) error {
	a, err := v.Admin.Alarms(v, v.actor)
	if err != nil {
		return err
	}
	f := newForm("recipients", recipientLines(a.Rules.Recipients), "days", strconv.Itoa(a.Rules.Days), "share", strconv.Itoa(a.Rules.Share), "free_mib", strconv.Itoa(a.Rules.FreeMiB))
	return v.show(v.text("alarms.title"), alarmForm(v, f, a.Standing))
}

// recipientLines writes recipients a line each: address, language and kinds.
func recipientLines(all []notice.Recipient) string {
	lines := make([]string, len(all))
	for i, to := range all {
		words := []string{to.Email, to.Language}
		for _, kind := range to.Kinds {
			words = append(words, string(kind))
		}
		lines[i] = strings.Join(words, " ")
	}
	return strings.Join(lines, "\n")
}

// readRecipients reads such lines. The language may be left out.
func readRecipients(lines []string) (all []notice.Recipient) {
	for _, line := range lines {
		words := strings.Fields(line)
		to := notice.Recipient{Email: words[0], Language: notice.Languages[0]}
		if words = words[1:]; len(words) > 0 && slices.Contains(notice.Languages, words[0]) {
			to.Language, words = words[0], words[1:]
		}
		for _, kind := range words {
			to.Kinds = append(to.Kinds, notice.Kind(kind))
		}
		all = append(all, to)
	}
	return all
}

func changeAlarms(v *visit) error {
	f := v.form()
	r := notice.Rules{Recipients: readRecipients(f.lines("recipients"))}
	for name, to := range map[string]*int{"days": &r.Days, "share": &r.Share, "free_mib": &r.FreeMiB} {
		n, err := strconv.Atoi(f.get(name))
		if err != nil && f.get(name) != "" {
			f.fault(name, v.text("notices.wrong."+name))
		}
		*to = n
	}
	if !f.faulty() {
		err := v.Admin.ChangeAlarms(v, v.actor, r)
		if done, err := v.noticeProblems(f, err); err != nil || done {
			return v.leaveOrFail(err, at("alarms"), "alarms.changed")
		}
	}
	a, err := v.Admin.Alarms(v, v.actor)
	if err != nil {
		return err
	}
	return v.refuse(v.text("alarms.title"), alarmForm(v, f, a.Standing))
}

func testAlarms(v *visit) error {
	sent, err := v.Admin.TestAlarms(v, v.actor)
	if err != nil {
		return err
	}
	return v.leave(at("alarms"), "alarms.tested", "n", v.number(sent))
}
