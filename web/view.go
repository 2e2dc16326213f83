package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"brygga/eid"
	"brygga/login"
	"brygga/outbound"
	"brygga/secret"
	"brygga/storage"
	"brygga/templates"
)

// situation is all that the view of a login depends on.
type situation struct {
	login *storage.Login
	// starting says that an order which the person asked for is being made.
	starting bool
	// launch is how BankID is started on the device, with the link where it may be shown.
	launch eid.Launch
	// firstOrder says that the order is the first of its round: only that one may open the app by itself.
	firstOrder bool
	// choice is the device that the browser's last login was completed with.
	choice templates.Device
	frame  templates.Frame
	left   templates.Left
	// open says that the login has been answered, with a code that nobody has redeemed.
	open bool
	// method is the eID that the page is about, several says that there are others to choose from, and choosing that the person is at that. noCode
	// says that its orders cannot be picked up from another device, ownWord whether it has texts of its own for a word of that kind, and lapsed that
	// its word for a failure means none.
	method                    string
	several, choosing, noCode bool
	ownWord                   func(kind, word string) bool
	// foreign says that the built-in texts are not for its words.
	lapsed, foreign bool
	// ask says how the eID asks a person on another device, and app what its app calls who asks.
	ask templates.Ask
	app string
	// leadsOut says that the answer leads into an app: browsers follow that way for a person who presses alone.
	leadsOut bool
	// since is when the page began to be looked at: one that was open before the person came back from the app, in another tab,
	// leaves the rest to that tab. The zero time means just now.
	since time.Time
	now   time.Time
}

// viewOf returns the view of a login. It is the one place where states become screens.
func viewOf(s situation) templates.View {
	l, on, device := s.login, platform(s.launch), templates.Device(s.login.Starter().Device)
	switch {
	case s.open:
		return templates.Complete{Press: true}
	case l.State == storage.LoginAnswered:
		return templates.Notice{Kind: templates.NoticeAlreadyDone}
	case (s.starting || l.State == storage.LoginPending) && isAsked(l, s.starting):
		return templates.AskWait{Left: s.left, App: s.app, Platform: on, Typed: s.ask == templates.AskTyped}
	case s.starting:
		return templates.Starting{Device: templates.Device(l.Claim.Starter.Device), Platform: on, NoCode: s.noCode, Ask: s.ask}
	case l.State == storage.LoginPending:
		return templates.Pending(templates.Waiting{
			Own: s.own("progress", l.Order.HintCode), NoCode: s.noCode, Ask: s.ask,
			Shown: shown(l),
			Taken: !l.Order.AwaitsApp(), HintCode: s.word("progress", l.Order.HintCode), Device: device, Platform: on, Left: s.left, Frame: s.frame,
			LaunchURL: s.launch.URL.Reveal(), Order: strconv.Itoa(l.Orders), AutoLaunch: s.firstOrder && !s.launch.NeedsTap,
		})
	case l.State == storage.LoginFailed && !s.choosing:
		return failedView(s, device, on)
	case l.State == storage.LoginComplete && !l.Answerable():
		return templates.Progress{Step: templates.StepReturn, Device: device, Platform: on, NoCode: s.noCode, Ask: s.ask}
	case l.State == storage.LoginComplete && !s.since.IsZero() && l.Returned.After(s.since):
		return templates.Notice{Kind: templates.NoticeOtherTab}
	case l.State == storage.LoginComplete:
		return templates.Complete{Press: s.leadsOut}
	}
	v := templates.Choose{Platform: on, Embedded: s.launch.Embedded, Last: s.choice, NoCode: s.noCode, Ask: s.ask}
	if s.several {
		v.Method = s.method
	}
	return v
}

// markdown is the format of a text with marks (BankID API: userVisibleDataFormat).
const markdown = "simpleMarkdownV1"

// shown is what the app shows of an order: what was sent with it, whatever the configuration says by now. Nothing of what is to be signed:
// people must read it in the app, and not on a page that may say otherwise.
func shown(l *storage.Login) templates.Shown {
	if l.Request.Kind == storage.KindSign {
		return templates.Shown{}
	}
	sent := &l.Order.Sent
	return templates.Shown{Name: sent.PartyDisplay, Text: sent.VisibleText, Markdown: sent.VisibleFormat == markdown}
}

// own reports whether the eID has texts of its own for its word of that kind.
func (s *situation) own(kind, word string) bool { return s.ownWord != nil && s.ownWord(kind, word) }

// word returns a word of an eID as the pages know it. One that has no text is none: built-in texts are for the words of one eID alone.
func (s *situation) word(kind, word string) string {
	if s.foreign && !s.own(kind, word) {
		return ""
	}
	return word
}

func failedView(s situation, device templates.Device, on templates.Platform) templates.View {
	failure := &s.login.Failure
	v := templates.Failed{Reason: reason(failure.Reason), Device: device, Platform: on, Follows: true, NoCode: s.noCode, Ask: s.ask}
	if _, common := reasons[failure.Reason]; !common && s.own("failed", failure.Reason) {
		v.Own, v.Lapsed = true, s.lapsed
	} else if !common {
		v.Reason = templates.Reason(s.word("failed", failure.Reason))
	}
	if failure.Reason == login.ReasonTooMany {
		v.Final = true
	}
	if wait := failure.Retry.Sub(s.now); !failure.Retry.IsZero() && wait > 0 {
		v.Wait = int((wait + time.Second - 1) / time.Second)
	}
	return v
}

// reasons says which text belongs to each reason of package login. The words of an eID are passed on as they are.
var reasons = map[string]templates.Reason{
	login.ReasonCancelled:         templates.ReasonStopped,
	login.ReasonExpired:           templates.ReasonWindowClosed,
	login.ReasonLost:              templates.ReasonUnknown,
	login.ReasonAlreadyInProgress: templates.ReasonAlreadyInProgress,
	login.ReasonUnavailable:       templates.ReasonUnavailable,
	login.ReasonMaintenance:       templates.ReasonMaintenance,
	login.ReasonRefused:           templates.ReasonRefused,
	login.ReasonRejected:          templates.ReasonRefused,
	login.ReasonOtherPerson:       templates.ReasonWrongPerson,
	login.ReasonIncomplete:        templates.ReasonUnusable,
	login.ReasonReturn:            templates.ReasonUnusable,
	login.ReasonRisk:              templates.ReasonRiskTooHigh,
	login.ReasonOtherAddress:      templates.ReasonRiskTooHigh,
	login.ReasonNoWayBack:         templates.ReasonNoWayBack,
	login.ReasonUnanswered:        templates.ReasonUnanswered,
	login.ReasonTooMany:           templates.ReasonRateLimited,
	login.ReasonUnverified:        templates.ReasonUnusable,
	login.ReasonForeignResult:     templates.ReasonUnusable,
	login.ReasonUnmet:             templates.ReasonUnmet,
	login.ReasonTooYoung:          templates.ReasonTooYoung,
	login.ReasonNoIdentifier:      templates.ReasonNoIdentifier,
	login.ReasonQRExcluded:        templates.ReasonQRExcluded,
	login.ReasonMethodGone:        templates.ReasonRefused,
}

func reason(of string) templates.Reason {
	if r, ok := reasons[of]; ok {
		return r
	}
	return templates.Reason(of)
}

// platform returns the kind of machine that a launch was made for.
func platform(l eid.Launch) templates.Platform {
	switch {
	case l.Phone:
		return templates.Phone
	case l.Tablet:
		return templates.Tablet
	case !l.Possible:
		return templates.ScanOnly
	}
	return templates.Computer
}

// view returns the view of the login for the browser that asks and has looked at it since then, and the page that it stands on.
func (s *Site) view(r *http.Request, v *visit, since time.Time) (templates.View, templates.Page) {
	at := s.looker(r, v, since)
	return s.viewFor(r.Context(), v.login, at), s.about(v.page, v.login, &at)
}

// looker is what is known of a page that is looked at.
type looker struct {
	// launch is how its browser would start the app, and choice what it was last logged in with.
	launch eid.Launch
	choice templates.Device
	// leadsOut and since are those of the situation.
	leadsOut bool
	since    time.Time
	// offered are the eIDs by which the browser may answer the login, chosen what of them the person has chosen, lastMethod by which the browser's
	// last login was completed that had a choice. lang is the language of the page.
	offered          []string
	chosen           choice
	lastMethod, lang string
	client           *storage.Client
}

// Own returns a copy that keeps nothing of the request alive.
func (l looker) Own() looker {
	l.choice = templates.Device(strings.Clone(string(l.choice)))
	l.lastMethod, l.lang = strings.Clone(l.lastMethod), strings.Clone(l.lang)
	return l
}

func (s *Site) looker(r *http.Request, v *visit, since time.Time) looker {
	from := starter(r, v.page.Lang)
	offered := s.Engine.Offered(v.client, v.login.Request, from)
	chosen := choiceOf(r, offered)
	if chosen.naming {
		asking, asks := s.Engine.Asking(v.client, v.login.Request, chosen.method)
		chosen.naming = asks && asking.Person.IsZero()
	}
	from.Method = chosen.method
	return looker{
		client: v.client, offered: offered, chosen: chosen, lastMethod: s.cookies.get(r, cookieMethod), lang: v.page.Lang,
		launch: s.Engine.LaunchFor(from), choice: s.cookies.choice(r), leadsOut: leadsOut(v.login.Request.RedirectURI, v.client), since: since,
	}
}

// leadsOut reports whether a redirect URI leads into an app: by a scheme of the app's own, or by an https address that a native
// client has claimed (RFC 8252 §7.1, §7.2), which cannot be one of this machine.
func leadsOut(redirectURI string, client *storage.Client) bool {
	u, err := url.Parse(redirectURI)
	switch {
	case err != nil || u.Scheme == "http":
		return false
	case u.Scheme == "https":
		return client.Native && !outbound.IsLoopback(u.Hostname())
	}
	return true
}

// viewFor returns the view of the login for the page that is looked at.
func (s *Site) viewFor(ctx context.Context, l *storage.Login, at looker) templates.View {
	return s.viewWith(ctx, l, at, s.Engine.Frame(l))
}

// viewWith gathers the situation of a login for the page that is looked at; an order that was started knows more about it. frame is the
// text of its QR code, if it has one.
func (s *Site) viewWith(ctx context.Context, l *storage.Login, at looker, frame secret.String) templates.View {
	launch, starting := at.launch, s.Engine.Starting(l)
	switch {
	case starting:
		launch = s.Engine.LaunchFor(l.Claim.Starter)
	case l.Order != nil:
		launch = s.Engine.Launch(l)
	}
	method := s.methodOf(l, &at)
	if choosing(l, at.chosen) && !starting && (len(at.offered) == 0 || method == "") {
		return s.selection(at.lang, &at)
	}
	asking, asks := s.Engine.Asking(at.client, l.Request, method)
	if asks && at.chosen.naming && choosing(l, at.chosen) && !starting {
		view := s.naming(asking, method, len(at.offered) > 1, launch)
		view.Typed = named(l, asking)
		return view
	}
	now := s.Now()
	sit := situation{
		login: l, starting: starting, launch: launch, choice: at.choice, open: s.Engine.AnswerOpen(ctx, l), leadsOut: at.leadsOut, since: at.since, now: now,
		left: templates.Left{Seconds: s.secondsLeft(l), Of: int(s.Engine.Window / time.Second)},
	}
	sit.method, sit.several, sit.noCode, sit.choosing = method, len(at.offered) > 1, s.Engine.NoCode(method), choosing(l, at.chosen)
	if sit.ask = askOf(asking, asks); asks {
		sit.app = asking.App
	}
	sit.ownWord = func(kind, word string) bool { return s.Messages.HasOwn(method, kind+"."+word+".title") }
	if sit.foreign = isForeign(method); sit.foreign {
		sit.lapsed = s.Engine.Lapsed(l)
	}
	if l.Order != nil {
		round := l.Order.WindowEnds.Add(-s.Engine.Window)
		sit.firstOrder = l.Order.Started.Before(round.Add(storage.ClaimLife))
	}
	if !frame.IsZero() {
		sit.frame = encodeQR(frame)
	}
	return viewOf(sit)
}

func (s *Site) secondsLeft(l *storage.Login) int { return int(s.Engine.Remaining(l) / time.Second) }

// follows reports whether a page with the view goes on listening: it awaits something, or what is done in another tab.
func follows(v templates.View) bool {
	switch v := v.(type) {
	case templates.Choose, templates.Name, templates.Complete:
		return true
	case templates.Failed:
		return v.Follows
	}
	return moves(v)
}

// moves reports whether a view awaits something by itself.
func moves(v templates.View) bool {
	switch v.(type) {
	case templates.Starting, templates.QRWait, templates.AppWait, templates.AskWait, templates.Progress:
		return true
	}
	return false
}
