package templates

import "strconv"

// NoticeKind names a page that stands outside the course of a login.
type NoticeKind string

// The kinds of notice.
const (
	NoticeAlreadyDone    NoticeKind = "already-done"    // the login has been answered
	NoticeOtherBrowser   NoticeKind = "other-browser"   // the login was started in another browser: no binding cookie
	NoticeReturnedAstray NoticeKind = "returned-astray" // the BankID app came back to a browser that did not start the login
	NoticeOtherTab       NoticeKind = "other-tab"       // the login goes on in another tab
	NoticeExpired        NoticeKind = "expired"         // the login is too old
	NoticeNotFound       NoticeKind = "not-found"       // no such page or login
	NoticeBadRequest     NoticeKind = "bad-request"     // an auth request that cannot be answered by redirect; see Notice.Code
	NoticeRateLimited    NoticeKind = "rate-limited"    // too many requests; see Notice.Wait
	NoticeFault          NoticeKind = "fault"           // something is wrong with us
	NoticeLoggedOut      NoticeKind = "logged-out"      // log-out is done
	NoticeBadLogOut      NoticeKind = "bad-log-out"     // a logout request that cannot be read; see Notice.Code
)

// Notice is a page with one thing to say and perhaps one way on.
type Notice struct {
	still
	Kind NoticeKind
	// Code is the OAuth error code of [NoticeBadRequest] and [NoticeBadLogOut], shown for the developer of the client.
	Code string
	// Detail is our own fixed sentence for that developer, in English; never text from the request. Of [NoticeLoggedOut] it says why
	// nobody is sent back.
	Detail string
	// Wait is for [NoticeRateLimited]: seconds until the next request is let through; zero says only "a moment".
	Wait int
}

// Key returns the kind, "fault" for an unknown one.
func (v Notice) Key() string {
	if hasMessage("notice." + string(v.Kind) + ".title") {
		return string(v.Kind)
	}
	return string(NoticeFault)
}

func (v Notice) heading(p Page) string { return p.text("notice." + v.Key() + ".title") }

func (v Notice) text(p Page) string {
	key := "notice." + v.Key() + ".text"
	if v.Detail != "" && hasMessage(key+".astray") {
		key += ".astray"
	}
	if v.waits() {
		return p.text(key+".wait", "seconds", strconv.Itoa(v.Wait))
	}
	return p.text(key)
}

// waits and counted are those of [Failed].
func (v Notice) waits() bool { return v.Wait > 0 && hasMessage("notice."+v.Key()+".text.wait") }

func (v Notice) counted(p Page) string {
	return p.text("notice."+v.Key()+".text.wait", "seconds", "{seconds}")
}

// tone is the colour and picture of the notice.
func (v Notice) tone() string {
	switch NoticeKind(v.Key()) {
	case NoticeAlreadyDone, NoticeLoggedOut:
		return "good"
	case NoticeOtherBrowser, NoticeReturnedAstray, NoticeOtherTab, NoticeNotFound:
		return "calm"
	case NoticeExpired, NoticeRateLimited:
		return "warning"
	}
	return "bad"
}

// again tells whether the same address may answer better later. The link there is empty, which names it without what the request
// brought.
func (v Notice) again() bool {
	kind := NoticeKind(v.Key())
	return kind == NoticeRateLimited || kind == NoticeFault
}

// traced tells whether support may need the reference.
func (v Notice) traced() bool {
	switch NoticeKind(v.Key()) {
	case NoticeAlreadyDone, NoticeLoggedOut, NoticeOtherTab:
		return v.Detail != ""
	}
	return true
}

// Field is a name and value of a form.
type Field struct{ Name, Value string }

// FormPost hands the answer of an auth request to the client by POST (OAuth 2.0 Form Post Response Mode). The script
// submits it, a button does so otherwise. The page must be sent with a CSP whose form-action allows Action.
type FormPost struct {
	still
	// Action is the redirect URI. Addresses that could run script are not shown.
	Action string
	Fields []Field
}

// Key returns "form-post".
func (FormPost) Key() string { return "form-post" }

func (FormPost) heading(p Page) string { return p.text("form-post.title") }

// WayOut leads into an app by a link: browsers let only a press lead there, and the person has pressed nothing on a page of ours.
type WayOut struct {
	still
	// Target is the address of the app, with the answer to its request. Addresses that could run script are not shown.
	Target string
	// After is what has come before: [NoticeLoggedOut], [NoticeBadRequest], or empty where the request was answered out of a session.
	After NoticeKind
	// Code is as that of a [Notice].
	Code string
}

// Key returns "way-out".
func (WayOut) Key() string { return "way-out" }

func (v WayOut) heading(p Page) string {
	if v.After == "" {
		return p.text("way-out.title")
	}
	return Notice{Kind: v.After}.heading(p)
}

// icon and tone are those of a page that says the same.
func (v WayOut) icon() string {
	if v.After == "" {
		return "check"
	}
	return noticeIcon(string(v.After))
}

func (v WayOut) tone() string {
	if v.After == "" {
		return "good"
	}
	return Notice{Kind: v.After}.tone()
}

// AskLogOut asks whether the person wants to log out, as OpenID Connect RP-Initiated Logout §2 wants when the request
// does not prove who asks.
type AskLogOut struct {
	still
	// Action is a path on our own origin.
	Action string
	Fields []Field
	// Detail is as that of a [Notice]: why the person will not be sent back, for the developer of the client; empty when they will.
	Detail string
}

// Key returns "ask-log-out".
func (AskLogOut) Key() string { return "ask-log-out" }

func (AskLogOut) heading(p Page) string { return p.text("ask-log-out.title") }

func (v AskLogOut) text(p Page) string {
	if v.Detail != "" {
		return p.text("ask-log-out.text.astray")
	}
	return p.text("ask-log-out.text")
}
