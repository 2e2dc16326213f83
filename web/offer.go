package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"brygga/storage"
	"brygga/templates"
)

// EID is what people see of an eID.
type EID struct {
	// Label is what it is called, by language; where that says nothing, what the texts say.
	Label map[string]string
	// Logo is the file of its logo, of a kind that ReadLogo takes. Empty for our own picture.
	Logo []byte
	// PhoneURL is the virtual app of a simulator to which the mark of a test installation leads, in place of Options.PhoneURL. Empty for none.
	PhoneURL string
}

// Offered returns the names of the eIDs by which the browser of r may answer the client's request, in the order in which they are offered; see
// login.Engine.Offered.
func (s *Site) Offered(r *http.Request, client *storage.Client, request *storage.AuthRequest) []string {
	return s.Engine.Offered(client, request, starter(r, ""))
}

const (
	// methodParameter is the query parameter, and the field of a start, with the eID that a person has chosen; empty for a choice anew.
	methodParameter = "method"
	// viewSelect is the key of the view on which people choose one, viewChoose begins that of the one that is chosen.
	viewSelect = "select"
	viewChoose = "choose."
	// deviceParameter is the query parameter with the device on which a person is to be asked, and viewName begins the key of the view on which that person
	// is named.
	deviceParameter = "device"
	viewName        = "name"
)

// choice is what a page says of the eID that its person has chosen, which no login knows before there is an order.
type choice struct {
	// anew says that the person is at the choice, although the login may have gone further before.
	anew bool
	// method is what was chosen, empty for nothing yet. It is one of those that are offered.
	method string
	// naming says that the person is where somebody is named who is to be asked on another device.
	naming bool
}

// choiceOf reads the choice from the address of a page, or from the view that a page says it shows.
func choiceOf(r *http.Request, offered []string) (c choice) {
	values := query(r)
	method, view := values.Get(methodParameter), values.Get(viewParameter)
	c.anew = values.Has(methodParameter) || view == viewSelect
	if rest, chosen := strings.CutPrefix(view, viewChoose); chosen {
		method, _, _ = strings.Cut(rest, ".")
		c.anew = true
	}
	screen, rest, _ := strings.Cut(view, ".")
	if c.naming = screen == viewName || values.Get(deviceParameter) == storage.DeviceOther; c.naming && rest != "" {
		method = rest
	}
	if i := slices.Index(offered, method); i >= 0 {
		c.method = offered[i]
	}
	if len(offered) == 1 {
		return choice{method: offered[0], anew: c.naming, naming: c.naming}
	}
	c.anew = c.anew || c.naming
	return c
}

// methodOf returns the name of the eID that a page is about: that of the order, else the one that was chosen. It is empty while nothing is.
func (s *Site) methodOf(l *storage.Login, at *looker) string {
	switch {
	case s.Engine.Starting(l):
		return l.Claim.Starter.Method
	case choosing(l, at.chosen):
		return at.chosen.method
	case l.State == storage.LoginFailed && l.Failure.Method != "":
		return l.Failure.Method
	case l.Order != nil && l.Order.Method != "":
		return l.Order.Method
	case l.Order != nil:
		return l.Order.Starter.Method
	}
	return at.chosen.method
}

// choosing reports whether a person is at the choice of an eID, and not at what became of one.
func choosing(l *storage.Login, c choice) bool {
	return l.State == storage.LoginOpen || c.anew && l.State == storage.LoginFailed
}

// about returns the page of a login as it is for the eID that the login is at.
func (s *Site) about(p templates.Page, l *storage.Login, at *looker) templates.Page {
	p = s.pageOf(p, s.methodOf(l, at), at.offered)
	chooses := choosing(l, at.chosen) && !s.Engine.Starting(l)
	p.AtChoice, p.Naming = p.Others && chooses, at.chosen.naming && chooses
	return p
}

// pageOf returns the page as it is for an eID of those that are offered.
func (s *Site) pageOf(p templates.Page, method string, offered []string) templates.Page {
	if isForeign(method) {
		p.Method, p.PhoneURL = method, s.EIDs[method].PhoneURL
	}
	if method != "" {
		p.EIDLogoURL = s.eidLogos[method]
	}
	if p.Method != "" || len(s.EIDs[method].Label) > 0 {
		p.EID = s.nameOf(p.Lang, method)
	}
	if p.Others = len(offered) > 1; p.Others {
		p.Chosen = method
	}
	return p
}

// selection is the view of a login whose person has chosen no eID.
func (s *Site) selection(lang string, at *looker) templates.View {
	if len(at.offered) == 0 {
		return templates.Failed{Reason: templates.ReasonNoMethod, Final: true, Follows: true}
	}
	var v templates.Select
	for _, method := range at.offered {
		v.Options = append(v.Options, templates.Option{
			Method: method, Name: s.nameOf(lang, method), Hint: s.Messages.HintOf(lang, method), LogoURL: s.eidLogos[method], Last: method == at.lastMethod,
		})
	}
	return v
}

// nameOf returns what people call an eID.
func (s *Site) nameOf(lang, method string) string {
	if label := s.EIDs[method].Label[lang]; label != "" {
		return label
	}
	if isForeign(method) && !s.Messages.HasEID(method) {
		return method
	}
	return s.Messages.NameOf(lang, method)
}

// isForeign reports whether an eID is not the one that the built-in texts are written for.
func isForeign(method string) bool { return method != "" && method != templates.BuiltInMethod }

// choose leads back to the choice of an eID, or to where a person is named, and ends the order that is under way.
func (s *Site) choose(w http.ResponseWriter, r *http.Request, v *visit) {
	if _, err := s.Engine.Cancel(r.Context(), v.login.ID, ClientIP(r)); err != nil && !errors.Is(err, storage.ErrNotFound) {
		s.fault(w, r, "cancel order", err)
		return
	}
	s.redirect(w, r, basePath(v.login.ID)+"?"+choiceQuery(r.PostForm))
}

// choiceQuery returns the query of the page of a choice from what a form or an address says of it.
func choiceQuery(values url.Values) string {
	query := url.Values{methodParameter: {values.Get(methodParameter)}}
	if values.Get(deviceParameter) == storage.DeviceOther {
		query.Set(deviceParameter, storage.DeviceOther)
	}
	return query.Encode()
}

// rememberMethod keeps the eID of a completed login for the next choice, where there is one.
func (s *Site) rememberMethod(w http.ResponseWriter, r *http.Request, v *visit) {
	if l := v.login; l.Order != nil && len(s.Offered(r, v.client, l.Request)) > 1 {
		s.cookies.set(w, cookieMethod, l.Order.Method, keepLife)
	}
}

// prepareEIDs reads the logos of the eIDs and names their files.
func (s *Site) prepareEIDs() error {
	s.eidLogos = make(map[string]string)
	for method, e := range s.EIDs {
		if len(e.Logo) == 0 {
			continue
		}
		logo, mediaType, err := ReadLogo(e.Logo)
		if err == nil && len(logo) > maxEIDLogo {
			err = fmt.Errorf("it has %d bytes as it is served, at most %d are: use an SVG file", len(logo), maxEIDLogo)
		}
		if err != nil {
			return fmt.Errorf("web: logo of %s: %w", method, err)
		}
		s.eidLogos[method] = s.own.add(brandPrefix, logo, mediaType)
	}
	return nil
}
