// Package outbound owns the calls to addresses that others have named, kept out of our own network.
//
// It must not know what is fetched or told. The table of addresses is its own: of the libraries for it, code.dny.dev/ssrf v0.2.0
// lacks 3fff::/20 and judges an IPv4 address that is wrapped in an IPv6 one by its wrapping, and doyensec/safeurl brings a client of
// its own that follows redirects.
package outbound

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"
)

// DefaultTimeout is how long a whole call of a Caller takes at most: look-up, connection, answer.
const DefaultTimeout = 5 * time.Second

// Bounds of a Caller's connections.
const (
	connsPerHost = 8
	maxHeader    = 32 << 10 // bytes of an answer's header
	drained      = 4 << 10  // bytes of an unwanted body that are read to keep the connection
)

// ErrForbiddenAddress means that a name led to an address that outbound calls must not reach: neither public nor allowed.
var ErrForbiddenAddress = errors.New("outbound: the address is neither public nor allowed")

// Options are the parts of a Caller. The zero value calls public addresses by https.
type Options struct {
	// Allow are networks that may be called although they are not public.
	Allow []netip.Prefix
	// Roots are what the certificates of servers must lead to; nil means the system's. To have more, add them to a copy of
	// x509.SystemCertPool.
	Roots *x509.CertPool
	// InsecureHTTP allows http addresses too, for development on loopback.
	InsecureHTTP bool
	// Timeout bounds a whole call; 0 means DefaultTimeout.
	Timeout time.Duration
}

// Caller calls the addresses that clients have registered, jwks_uri, sector_identifier_uri, backchannel_logout_uri and webhook_uri, and webhooks of audit events.
// Who may register a client must not be able to look around in the provider's network, so a call is made only to a public
// unicast address or one in Allow. What is judged is the address of the very connection, after its name was resolved, so
// that a name which changes its mind gains nothing. Any port may be called.
//
// No redirect is followed, no proxy of the environment is used, no cookie or credential is sent, and answers are bounded in
// size and time. The methods may be called concurrently; their errors hold nothing of an answer.
type Caller struct {
	client  *http.Client
	timeout time.Duration
	http    bool
}

// New returns a Caller over the options.
func New(o Options) *Caller {
	allow := slices.Clone(o.Allow)
	dialer := &net.Dialer{KeepAlive: 15 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		return checkAddress(address, allow)
	}}
	transport := &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
		ForceAttemptHTTP2: true, DisableCompression: true, MaxConnsPerHost: connsPerHost, MaxIdleConns: 64, MaxIdleConnsPerHost: 2,
		IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: maxHeader,
	}
	return &Caller{
		client:  &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		timeout: cmp.Or(o.Timeout, DefaultTimeout), http: o.InsecureHTTP,
	}
}

// Close lets go of idle connections. Later calls make new ones.
func (o *Caller) Close() { o.client.CloseIdleConnections() }

// Get returns the body and the header of what address answers with status 200. Every other status, a redirect too, and a
// body of more than max bytes is an error.
func (o *Caller) Get(ctx context.Context, address string, max int64) (body []byte, header http.Header, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	answer, err := o.do(ctx, http.MethodGet, address, http.Header{"Accept": {"application/json"}}, nil)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("outbound: call answered with status %d", answer.StatusCode)
	}
	body, err = io.ReadAll(io.LimitReader(answer.Body, max+1))
	switch {
	case err != nil, ctx.Err() != nil: // as in do, of the rest of the answer
		return nil, nil, explain(ctx, err)
	case int64(len(body)) > max:
		return nil, nil, fmt.Errorf("outbound: call answered with more than %d bytes", max)
	}
	return body, answer.Header, nil
}

// PostForm posts the form to address and returns the status of the answer, whichever it is. A redirect is not followed: its
// status is returned.
func (o *Caller) PostForm(ctx context.Context, address string, form url.Values) (status int, err error) {
	return o.Post(ctx, address, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode()))
}

// Post posts the body with the header, which names its type, to address; it is PostForm otherwise.
func (o *Caller) Post(ctx context.Context, address string, header http.Header, body []byte) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	answer, err := o.do(ctx, http.MethodPost, address, header, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	io.CopyN(io.Discard, answer.Body, drained)
	return answer.StatusCode, nil
}

func (o *Caller) do(ctx context.Context, method, address string, header http.Header, body io.Reader) (*http.Response, error) {
	if err := o.checkURL(address); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, errors.New("outbound: address is no URL")
	}
	maps.Copy(r.Header, header)
	r.Header.Set("User-Agent", "brygga")
	answer, err := o.client.Do(r)
	if err != nil {
		return nil, explain(ctx, err)
	}
	if ctx.Err() != nil { // a server whose handler ends with the connection says 200 to that, and the library may read it while it hangs up
		answer.Body.Close()
		return nil, explain(ctx, ctx.Err())
	}
	return answer, nil
}

// checkURL allows an https address, or where InsecureHTTP is set an http one, with a host and no credentials.
func (o *Caller) checkURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return errors.New("outbound: address is no URL")
	case u.User != nil:
		return errors.New("outbound: address has credentials")
	case u.Scheme == "https", u.Scheme == "http" && o.http:
		return nil
	}
	return errors.New("outbound: address is not https")
}

// explain says what failed. The library's own text may quote what the other side has sent, or the address with its
// query, so it is passed on only where it cannot.
func explain(ctx context.Context, err error) error {
	var (
		network     *net.OpError
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
		timeout     net.Error
	)
	switch {
	case errors.Is(err, ErrForbiddenAddress):
		return ErrForbiddenAddress
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("outbound: call: %w", context.Canceled)
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("outbound: call: %w", context.DeadlineExceeded)
	case errors.As(err, &name):
		return fmt.Errorf("outbound: call: %w", name)
	case errors.As(err, &certificate):
		return fmt.Errorf("outbound: call: %w", certificate)
	case errors.As(err, &network):
		return fmt.Errorf("outbound: call: %w", network)
	}
	return errors.New("outbound: call: no answer that could be read")
}

// checkAddress allows the address of a connection about to be made if it is public or in allow.
func checkAddress(address string, allow []netip.Prefix) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return ErrForbiddenAddress
	}
	ip := plainAddress(at.Addr())
	if isPublic(ip) || slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return nil
	}
	return ErrForbiddenAddress
}

// nat64 is the prefix behind which IPv6-only networks reach IPv4 addresses (RFC 6052 §2.1).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// plainAddress returns the IPv4 address that an IPv6 one stands for, so that none is judged by its wrapping. The zone is
// dropped, as no prefix would contain the address otherwise.
func plainAddress(ip netip.Addr) netip.Addr {
	ip = ip.WithZone("").Unmap()
	if nat64.Contains(ip) {
		b := ip.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip
}

// unicast6 is all that is given out of IPv6 as global unicast; the local, mapped and multicast ranges lie outside.
var unicast6 = netip.MustParsePrefix("2000::/3")

// special are the ranges that lead into one's own network, into nowhere, or through a tunnel to an address that they hide
// (IANA IPv4 and IPv6 Special-Purpose Address Registries; RFC 6890).
var special = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this host and network
	netip.MustParsePrefix("10.0.0.0/8"),      // private
	netip.MustParsePrefix("100.64.0.0/10"),   // carriers' own, and many a cloud's
	netip.MustParsePrefix("127.0.0.0/8"),     // loopback
	netip.MustParsePrefix("169.254.0.0/16"),  // link-local, where clouds keep their metadata
	netip.MustParsePrefix("172.16.0.0/12"),   // private
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
	netip.MustParsePrefix("192.168.0.0/16"),  // private
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("224.0.0.0/4"),     // multicast
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, broadcast
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo among them
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // 6to4
	netip.MustParsePrefix("3fff::/20"),       // documentation
}

// isPublic reports whether ip is a unicast address that the whole internet reaches.
func isPublic(ip netip.Addr) bool {
	if !ip.Is4() && !unicast6.Contains(ip) {
		return false
	}
	return !slices.ContainsFunc(special[:], func(p netip.Prefix) bool { return p.Contains(ip) })
}
