package bankidsim

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"time"
)

// How an order reached the app.
const (
	viaQR    = "qr"
	viaLink  = "link"
	viaPhone = "phone"
)

// Refusal is an error of the phone or its control API: the person or the script asked for what cannot be done. The state
// of the order is as it was unless the code says otherwise.
type Refusal struct {
	Status  int    `json:"-"`       // HTTP status
	Code    string `json:"error"`   // stable
	Message string `json:"message"` // for people, and may change
}

func (r *Refusal) Error() string { return "bankidsim: " + r.Code + ": " + r.Message }

func refuse(status int, code, message string) error { return &Refusal{status, code, message} }

// Pickup says who picks up an order, and how.
type Pickup struct {
	// QR is the text of a frame to scan.
	QR string `json:"qr"`
	// AutoStartToken or URL, a whole launch link in any of its forms, name an order to open on the same device.
	AutoStartToken string `json:"autoStartToken"`
	URL            string `json:"url"`
	// OrderRef names an order directly: to Scan, which then makes the frame itself, or to Open for an order that reaches the app
	// by itself, as in a phone call.
	OrderRef string `json:"orderRef"`
	// PersonalNumber is the person whose app it is; it is required.
	PersonalNumber string `json:"personalNumber"`
	// Policy chooses one of the person's BankIDs; empty takes the first that fits.
	Policy string `json:"policy"`
	// Device is iphone, android, mac or windows, as the signed data tells it; empty means iphone for a mobile BankID and mac for
	// one on file.
	Device string `json:"device"`
	// Started stops at the hint "started": the app runs and has found no BankID yet. A second Open goes on.
	Started bool `json:"started"`
	// OldApp plays an app that does not know returnUrl: an order with one is cancelled.
	OldApp bool `json:"oldApp"`
}

// Scan reads a QR frame as BankID does, with the right code and a second within the window, and picks the order up. It
// returns the order, then at userSign or userMrtd, or a *Refusal; a refused frame leaves the order waiting.
func (s *Simulator) Scan(p Pickup) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	o := s.orders.byRef[p.OrderRef]
	var frame qrFrame
	if p.QR != "" || o == nil || o.qrStartToken == "" {
		var err error
		if frame, err = parseQR(p.QR); err != nil {
			return Order{}, err
		}
		if o = s.orders.byQR[frame.token]; o == nil {
			return Order{}, refuse(http.StatusNotFound, "unknownOrder", "no order has this QR code")
		}
	} else {
		second := int(now.Sub(o.created) / time.Second)
		frame = qrFrame{o.qrStartToken, second, qrCode(o.qrStartSecret, second)}
	}
	if err := s.checkFrame(o, frame, now); err != nil {
		return Order{}, err
	}
	if p.Policy == "" {
		p.Policy = PolicyMobile // only a phone has a camera
	}
	return s.pickUp(o, p, viaQR, now)
}

// Open starts the app with a launch link or token, or opens an order that waits in the person's app. It returns the
// order, or a *Refusal.
func (s *Simulator) Open(p Pickup) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if o := s.orders.byRef[p.OrderRef]; o != nil && o.kind.pushed() {
		return s.pickUp(o, p, viaPhone, now)
	}
	link := launchLink{token: p.AutoStartToken}
	if p.URL != "" {
		var err error
		if link, err = parseLaunchLink(p.URL); err != nil {
			return Order{}, err
		}
	}
	o := s.orders.byAutoStart[link.token]
	if o == nil || link.token == "" {
		return Order{}, refuse(http.StatusNotFound, "unknownOrder", "no order has this autostart token")
	}
	if o.pickedUp.IsZero() {
		o.redirect, o.rpRef = link.redirect, link.rpRef
	}
	return s.pickUp(o, p, viaLink, now)
}

type launchLink struct{ token, redirect, rpRef string }

// parseLaunchLink reads a launch link: https://app.bankid.com/?…, bankid:///?…, or one to the virtual phone. Names of
// parameters are in lower case (BankID API: autostart).
func parseLaunchLink(text string) (launchLink, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return launchLink{}, refuse(http.StatusBadRequest, "badLaunchLink", "the launch link is not a URL")
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil || len(q["autostarttoken"]) != 1 {
		return launchLink{}, refuse(http.StatusBadRequest, "badLaunchLink", "the launch link has no autostarttoken, in lower case")
	}
	l := launchLink{q.Get("autostarttoken"), q.Get("redirect"), q.Get("rpref")}
	if raw, err := base64.StdEncoding.DecodeString(l.rpRef); err != nil || l.rpRef != "" && (len(raw) < 8 || len(raw) > 255) {
		return launchLink{}, refuse(http.StatusBadRequest, "badLaunchLink", "rpref must be base64 of 8 to 255 bytes")
	}
	return l, nil
}

// pickUp gives an order to a person's app. The caller holds mu.
func (s *Simulator) pickUp(o *order, p Pickup, via string, now time.Time) (Order, error) {
	person, ok := s.people[p.PersonalNumber]
	if !ok {
		return Order{}, refuse(http.StatusNotFound, "unknownPerson", "personalNumber is none of the people of GET /api/people")
	}
	if err := mustBePending(o, now); err != nil {
		return Order{}, err
	}
	if !o.pickedUp.IsZero() {
		if o.person != person {
			return Order{}, refuse(http.StatusConflict, "taken", "somebody else's app has this order")
		}
		return o.view(now), nil
	}
	id, err := o.fit(person, p.Policy)
	if err != nil {
		if via == viaLink {
			o.hint = hintStarted // the app runs and finds nothing to use
		}
		return Order{}, err
	}
	device, err := deviceFor(id, p.Device)
	if err != nil {
		return Order{}, err
	}
	if p.OldApp && o.request.returnURL != "" {
		o.fail(hintCancelled, now)
		return o.view(now), nil
	}
	if p.Started && via == viaLink {
		o.hint = hintStarted
		return o.view(now), nil
	}
	o.person, o.bankID, o.via, o.device, o.pickedUp = person, id, via, device, now
	s.orders.give(o, person.PersonalNumber, now)
	o.ipAddress = o.request.endUserIP
	if via != viaLink {
		o.ipAddress = farAddress
	}
	o.nextStep()
	s.warmUp()
	return o.view(now), nil
}

// fit returns the person's BankID for the order, or why there is none.
func (o *order) fit(person *Person, policy string) (BankID, error) {
	if want := o.request.personalNumber; want != "" && want != person.PersonalNumber {
		return BankID{}, refuse(http.StatusConflict, "wrongPerson", "the order is for another person")
	}
	for _, id := range person.BankIDs {
		if (policy == "" || policy == id.Policy) && policyAllowed(o.request.policies, id.Policy) {
			return id, nil
		}
	}
	return BankID{}, refuse(http.StatusConflict, "wrongBankID", "the person has no BankID of a type that the order allows here")
}

// step is what the app waits for.
func (o *order) step() string {
	switch {
	case o.kind.phone() && !o.confirmed:
		return "call"
	case o.request.mrtd && !o.documents:
		return "document"
	}
	return "approve"
}

// nextStep sets the hint that belongs to the step.
func (o *order) nextStep() {
	o.hint = map[string]string{"call": hintCallConfirm, "document": hintUserMRTD, "approve": hintUserSign}[o.step()]
}

// warmUp makes the keys for results in the background, so that the first person does not wait for them.
func (s *Simulator) warmUp() {
	s.warm.Do(func() {
		s.busy.Do(func() {
			if _, err := s.sig.chain(); err != nil {
				s.log.Error("signature keys cannot be made", "err", err)
			}
		})
	})
}

func mustBePending(o *order, now time.Time) error {
	if o.advance(now); o.state != StatePending {
		return refuse(http.StatusGone, "orderEnded", "the order has ended: "+string(o.state)+"/"+o.hint)
	}
	return nil
}
