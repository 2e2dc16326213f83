package console

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"brygga/account"
	"brygga/admin"
)

// Path is where the console is served.
const Path = "/admin/"

// Options are the parts of a Console. Admin, Accounts and URL are required.
type Options struct {
	Admin    *admin.Service
	Accounts *account.Accounts
	// URL is the address of the console as operators write it, up to Path without its last slash. Cookies are Secure when it is https.
	URL string
	// Issuer is the address of the public site, to which a login by BankID leads.
	Issuer string
	// BankID has operators identify themselves; nil for an installation where they cannot.
	BankID Identifier
	// Trials has operators try logins to apps; nil for an installation where they cannot.
	Trials Trials
	// Looks shows how the login page looks for the people of an app; nil for an installation that cannot.
	Looks Looks
	// Service is what the installation is called.
	Service string
	// PhoneURL is the virtual phone of a simulator, empty where BankID is real.
	PhoneURL string
	// Mailbox shows the mail of a development installation; nil for others.
	Mailbox Mailbox
	// Mail says that mail is sent.
	Mail bool
	// Version is that of the program.
	Version string
	// Address returns where a request comes from; nil takes the address of the peer.
	Address func(*http.Request) netip.Addr
	// Log gets errors that are no fault of who asks; nil discards them.
	Log *slog.Logger
	// Observe is told of every request when it has been answered: its route (a pattern with its method, never a path), status and time. Nil for nobody.
	Observe func(route string, status int, d time.Duration)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Console serves the pages.
type Console struct {
	Options
	secure  bool
	origins *http.CrossOriginProtection
	policy  string
}

// New returns the handler of every path below Path, or an error that names the option that cannot be used.
func New(o Options) (http.Handler, error) {
	c, err := newConsole(o)
	if err != nil {
		return nil, err
	}
	return c.mux(), nil
}

func newConsole(o Options) (*Console, error) {
	if o.Admin == nil || o.Accounts == nil {
		return nil, errors.New("console: no operations or accounts")
	}
	address, err := url.Parse(o.URL)
	if err != nil || address.Host == "" || address.Path+"/" != Path {
		return nil, errors.New("console: the address must end in " + strings.TrimSuffix(Path, "/"))
	}
	if o.Address == nil {
		o.Address = peer
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(string, int, time.Duration) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Console{Options: o, secure: address.Scheme == "https", origins: http.NewCrossOriginProtection(), policy: contentPolicy}
	// A proxy may change the Host header that the Origin header would be compared with.
	if err := c.origins.AddTrustedOrigin(address.Scheme + "://" + address.Host); err != nil {
		return nil, err
	}
	if o.Issuer != "" {
		c.policy += " " + o.Issuer
	}
	return c, nil
}

func peer(r *http.Request) netip.Addr {
	address, _ := netip.ParseAddrPort(r.RemoteAddr)
	return address.Addr().Unmap()
}

func (c *Console) mux() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+assetPrefix+"{name}", c.told("GET "+assetPrefix+"{name}", c.asset))
	for _, p := range slices.Concat(pages(), waysBack(pages())) {
		method, path, _ := strings.Cut(p.pattern, " ")
		route := method + " " + strings.TrimSuffix(Path, "/") + path
		mux.Handle(route, c.told(route, func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, p) }))
	}
	mux.Handle("/", c.told("none", func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, page{access: anybody, handle: notFound}) }))
	return mux
}

// contentPolicy allows nothing inline and nothing from elsewhere; forms end here, or at the public site, to which a login by BankID leads.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"frame-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

const permissionsPolicy = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), " +
	"microphone=(), midi=(), payment=(), usb=()"

// guard sets the headers of every answer but assets.
func (c *Console) guard(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", c.policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", permissionsPolicy)
	h.Set("Referrer-Policy", "same-origin") // without one, browsers would not say whose page a form is on
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex")
	if c.secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}
