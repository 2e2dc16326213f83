package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/idna"

	"brygga/bankid"
	"brygga/clients"
	"brygga/duration"
	"brygga/keys"
	"brygga/login"
	"brygga/outbound"
	"brygga/secret"
	"brygga/storage"
)

// check finds what is wrong with values that could be read.
func (c *Config) check(r *reader) {
	if !c.development {
		c.checkInstallation(r)
	}
	c.checkPolicy(r, "bankid.policy", &c.BankID.Policy)
	c.checkLimits(r)
	if c.Page.ServiceName == "" {
		if u, err := url.Parse(c.Issuer); err == nil {
			c.Page.ServiceName = u.Hostname()
		}
	}
	r.length("page.service_name", c.Page.ServiceName, 80)
	unseen := strings.ContainsFunc(c.Page.ServiceName, func(char rune) bool { return !unicode.IsPrint(char) })
	if unseen || c.Page.ServiceName != "" && strings.TrimSpace(c.Page.ServiceName) == "" {
		r.fault("page.service_name", "is blank or holds characters that do not print", "write what people shall read")
	}
	r.address("page.help_url", c.Page.HelpURL, "https", "mailto")
	r.address("page.accessibility_url", c.Page.AccessibilityURL, "https")
	r.address("service_documentation", c.ServiceDocumentation, "https")
	r.readable("outbound.root_ca_file", c.Outbound.RootCAFile)
	for _, network := range c.Outbound.Allow {
		if network.Bits() == 0 {
			r.fault("outbound.allow", network.String()+" is everything: apps could make this server call any machine it reaches", "name the networks that the apps are in")
		}
	}
	c.checkTracing(r)
	c.checkTokens(r)
	c.checkMethods(r, c.configured())
	c.checkClients(r)
}

// checkInstallation checks where the server listens, what it stores and which BankID it asks.
func (c *Config) checkInstallation(r *reader) {
	c.checkIssuer(r)
	c.checkListeners(r)
	c.checkData(r)
	c.checkMasterKey(r)
	c.checkPostgres(r)
	c.checkMail(r)
	c.checkConsole(r)
	c.checkSinks(r)
	c.checkEvidence(r)
	r.word("log.level", c.Log.Level, "debug", "info", "warn", "error")
	r.word("log.format", c.Log.Format, "json", "text")
	c.checkBankID(r)
	c.checkHTTPClients(r)
	c.checkNetID(r)
}

// CheckIssuer returns what is wrong with an issuer, as Faults without a place, or nil. Insecure ones are for loopback alone.
func CheckIssuer(issuer string) error {
	r := &reader{places: places{"": {file: "issuer"}}}
	if (&Config{Issuer: issuer}).checkIssuer(r); len(r.faults) > 0 {
		return r.faults
	}
	return nil
}

func (c *Config) checkIssuer(r *reader) {
	const remedy = "write the address of this server as browsers see it, such as https://login.example.se"
	u, err := url.Parse(c.Issuer)
	switch {
	case c.Issuer == "":
		r.fault("issuer", "missing", remedy)
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		r.fault("issuer", fmt.Sprintf("%q is not an https address", c.Issuer), remedy)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(c.Issuer, "#"):
		r.fault("issuer", "has a user, query or fragment", remedy)
	case u.Path != "":
		r.fault("issuer", "has a path or a closing slash", remedy)
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r >= 0x80 }):
		r.fault("issuer", "has a host in letters that browsers and apps write otherwise", "write it in its form that begins with xn--"+labelsOf(u.Hostname()))
	case u.Host != strings.ToLower(u.Host):
		r.fault("issuer", "has capital letters", "write the host in small letters: apps compare it letter by letter")
	case strings.HasPrefix(u.Host, ".") || strings.Contains(u.Host, "..") || strings.HasSuffix(u.Hostname(), "."):
		r.fault("issuer", fmt.Sprintf("%q is not the name of a host", u.Hostname()), remedy)
	case !browserAddress(u.Hostname()):
		r.fault("issuer", fmt.Sprintf("%q is an address that browsers write otherwise, or none", u.Hostname()), "write it as 192.0.2.1 or [2001:db8::1], or give the host a name")
	case !browserPort(u):
		r.fault("issuer", fmt.Sprintf("the port in %q is none, or one that browsers leave out", c.Issuer), "leave out the usual one; others are 1 to 65535")
	case u.Scheme == "http" && !outbound.IsLoopback(u.Hostname()) && !c.InsecureHTTPIssuer:
		r.fault("issuer", "is http: everybody on the way can read the logins", "use https; for tests set insecure_http_issuer: true")
	case u.Scheme == "http" && !outbound.IsLoopback(u.Hostname()):
		c.warnings = append(c.warnings, "insecure_http_issuer: logins can be read and changed on the way; for tests only")
	}
}

// labelsOf returns a host in A-labels, to be put into a remedy; nothing where it has none.
func labelsOf(host string) string {
	labels, err := idna.Lookup.ToASCII(host)
	if err != nil {
		return ""
	}
	return ": " + labels
}

// browserAddress reports whether a host that browsers take for an address is written as they do (WHATWG URL §3.5): what ends in a number
// is one of IPv4 to them.
func browserAddress(host string) bool {
	ip, err := netip.ParseAddr(host)
	last := host[strings.LastIndexByte(host, '.')+1:]
	_, notNumber := strconv.ParseUint(last, 0, 64)
	return err == nil && ip.String() == host || err != nil && notNumber != nil && !strings.Contains(host, ":")
}

// browserPort reports whether the address has a port as browsers write it: none where it is the usual one of the scheme (WHATWG URL,
// serializing an origin).
func browserPort(u *url.URL) bool {
	if !strings.HasSuffix(u.Host, ":") && u.Port() == "" {
		return true
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	usual := map[string]uint64{"http": 80, "https": 443}[u.Scheme]
	return err == nil && n > 0 && n != usual
}

// LocalIssuer reports whether the issuer is on loopback: a server for one machine.
func (c *Config) LocalIssuer() bool {
	u, err := url.Parse(c.Issuer)
	return err == nil && outbound.IsLoopback(u.Hostname())
}

func (c *Config) checkListeners(r *reader) {
	r.hostPort("listen", c.Listen)
	admin, ok := r.hostPort("admin_listen", c.AdminListen)
	if ok && !outbound.IsLoopback(admin) {
		if !c.InsecureAdminListen {
			r.fault("admin_listen", "is not on loopback: metrics would be open to the network",
				"write 127.0.0.1:9090; where a firewall protects it, set insecure_admin_listen: true")
		} else {
			c.warnings = append(c.warnings, "insecure_admin_listen: whoever reaches "+c.AdminListen+" can read the metrics")
			if c.Console == (Console{}) {
				c.warnings = append(c.warnings, "console: passwords of operators come to "+c.AdminListen+" in plain HTTP: let a proxy speak HTTPS, and name it in console.url")
			}
		}
	}
	if ok && samePort(c.Listen, c.AdminListen) {
		r.fault("admin_listen", "is the same as listen", "give it a port of its own")
	}
	for i, host := range c.AdminHosts {
		if host == "" || strings.ContainsAny(host, ":/* ") {
			r.fault("admin_hosts["+itoa(i)+"]", fmt.Sprintf("%q is not the name of a host", host), "write a name without port, such as brygga.internal")
		}
	}
	switch {
	case c.TLS.CertificateFile != "" && c.TLS.KeyFile == "":
		r.fault("tls.key_file", "missing", "name the private key of tls.certificate_file")
	case c.TLS.CertificateFile == "" && c.TLS.KeyFile != "":
		r.fault("tls.certificate_file", "missing", "name the certificate of tls.key_file")
	}
	r.readable("tls.certificate_file", c.TLS.CertificateFile)
	r.readable("tls.key_file", c.TLS.KeyFile)
	if c.TLS.CertificateFile == "" && len(c.TrustedProxies) == 0 && strings.HasPrefix(c.Issuer, "https:") && !c.LocalIssuer() {
		c.warnings = append(c.warnings, "trusted_proxies: empty, although a proxy must speak HTTPS for this server: BankID would be told its address "+
			"as that of every person; \"brygga help proxies\" shows how to set both up")
	}
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && !outbound.IsLoopback(host) && c.TLS.CertificateFile == "" {
		c.warnings = append(c.warnings, "listen: plain HTTP on "+c.Listen+"; let nobody but the proxy reach it, or set tls")
	}
	for _, network := range c.TrustedProxies {
		if network.Bits() == 0 {
			r.fault("trusted_proxies", network.String()+" is everybody, who could then claim any address", "name the proxy's own network")
		}
	}
}

// samePort reports whether two addresses to listen on are one, or the first is the second's port on all networks.
func samePort(listen, admin string) bool {
	host, port, err := net.SplitHostPort(listen)
	adminHost, adminPort, adminErr := net.SplitHostPort(admin)
	if err != nil || adminErr != nil || port != adminPort || port == "0" {
		return false
	}
	ip, _ := netip.ParseAddr(host)
	return host == adminHost || host == "" || ip.IsUnspecified()
}

// checkData refuses a place where no directory can be made, and a home written as the shell does, which would be made under that
// name.
func (c *Config) checkData(r *reader) {
	const remedy = "name a directory, such as /var/lib/brygga; it is made if its parent is there"
	switch elements := strings.Split(c.Data, string(filepath.Separator)); {
	case c.Data == "":
		r.fault("data", "missing", remedy)
		return
	case slices.Contains(elements, "~"):
		r.fault("data", "~ stands for no home here", remedy)
		return
	}
	for path := c.Data; ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err == nil && !info.IsDir() {
			r.fault("data", path+" is no directory", remedy)
		}
		if err == nil || path == filepath.Dir(path) {
			return
		}
	}
}

func (c *Config) checkMasterKey(r *reader) {
	const remedy = `"brygga config init" makes one: 32 random bytes in base64`
	if c.MasterKey.IsZero() && c.MasterKeyFile == "" {
		r.fault("master_key_file", "missing", remedy)
	}
	key := c.checkKey(r, "master_key", c.MasterKey, c.MasterKeyFile, remedy)
	other := c.checkKey(r, "other_master_key", c.OtherMasterKey, c.OtherMasterKeyFile, "name the key of before, or remove the line")
	if key != nil && bytes.Equal(key, other) {
		r.fault("other_master_key", "is the master key itself", "name the key of before, or remove the line")
	}
}

// checkKey returns the key that stands under the name or in the file, nil when there is none; the file's fault is told already.
func (c *Config) checkKey(r *reader, name string, text secret.String, file, remedy string) []byte {
	if text.IsZero() {
		return nil
	}
	if file != "" {
		name += "_file"
		c.warnOpen(name, file)
	}
	key, err := keys.ParseMasterKey(text.Reveal())
	if err != nil {
		r.fault(name, strings.TrimPrefix(err.Error(), keys.ErrMasterKey.Error()+": "), remedy)
	}
	return key
}

// warnOpen warns of a file with a secret that everybody on the machine may read, or its group write. A group may read it: that is how
// Kubernetes and systemd hand secrets over, and packages keep them for a user of their own.
func (c *Config) warnOpen(key, path string) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o027 != 0 {
		c.warnings = append(c.warnings, fmt.Sprintf("%s: %s can be read by other users or changed by them; chmod 600 it, or 640 with a group of the server's own", key, path))
	}
}

func (c *Config) checkLimits(r *reader) {
	r.between("login.life", c.Login.Life, time.Minute, 24*time.Hour)
	r.between("login.api_results_kept", c.Login.APIResultsKept, time.Minute, login.ProgramKept)
	r.between("login.window", c.Login.Window, 30*time.Second, time.Hour)
	if !r.faulty("login.window") && !r.faulty("login.life") && cmpOr(c.Login.Window, login.DefaultWindow) > cmpOr(c.Login.Life, login.DefaultLife) {
		r.fault("login.window", "is longer than login.life", "write at most what login.life says")
	}
	r.between("sessions.life", c.Sessions.Life, time.Second, time.Hour)
	r.between("sessions.idle", c.Sessions.Idle, time.Second, time.Hour)
	r.between("keys.rotate_every", c.Keys.RotateEvery, time.Hour, 3*365*24*time.Hour)
	r.between("keys.publish_ahead", c.Keys.PublishAhead, keys.CacheTime, 30*24*time.Hour)
	ahead, sound := cmpOr(c.Keys.PublishAhead, keys.DefaultPublishAhead), !r.faulty("keys.publish_ahead") && !r.faulty("keys.rotate_every")
	if sound && ahead > cmpOr(c.Keys.RotateEvery, keys.DefaultRotateEvery) {
		r.fault("keys.publish_ahead", "is longer than keys.rotate_every", "write at most what keys.rotate_every says")
	}
	r.between("audit.retention", c.Audit.Retention, 24*time.Hour, 20*365*24*time.Hour)
	r.between("bankid.timeout", c.BankID.Timeout, time.Second, login.MakeTime)
	for key, n := range map[string]int{
		"login.logins_per_address": c.Login.LoginsPerAddress, "login.orders_per_address": c.Login.OrdersPerAddress,
		"login.orders_per_client": c.Login.OrdersPerClient, "login.pending_orders": c.Login.PendingOrders, "login.calls_per_person": c.Login.CallsPerPerson,
		"login.asks_per_person": c.Login.AsksPerPerson, "login.asks_per_address": c.Login.AsksPerAddress,
		"login.stored_mib_per_address": c.Login.StoredPerAddress, "login.stored_mib": c.Login.Stored,
		"bankid.max_connections": c.BankID.MaxConnections, "limits.requests_per_address": c.Limits.RequestsPerAddress,
		"limits.requests_per_client": c.Limits.RequestsPerClient,
	} {
		if r.sound(key) && (n < 1 || n > 10_000_000) {
			r.fault(key, strconv.Itoa(n)+" is out of range", "write 1 to 10000000, or leave the key out for the default")
		}
	}
}

// longIdle is how long somebody may at most stay identified without doing anything, as far as BankID's terms are read.
const longIdle = 2 * time.Hour

func (c *Config) checkTokens(r *reader) {
	r.between("tokens.id_token_life", c.Tokens.IDTokenLife, time.Second, 12*time.Hour)
	r.between("tokens.access_token_life", c.Tokens.AccessTokenLife, time.Second, 12*time.Hour)
	r.between("tokens.refresh_token_idle", c.Tokens.RefreshTokenIdle, time.Second, 90*24*time.Hour)
	r.between("tokens.refresh_token_life", c.Tokens.RefreshTokenLife, time.Second, 90*24*time.Hour)
	r.between("tokens.refresh_token_grace", c.Tokens.RefreshTokenGrace, 0, 5*time.Minute)
	if r.sound("tokens.refresh_token_grace") && c.Tokens.RefreshTokenGrace == 0 {
		c.Tokens.RefreshTokenGrace = -1
	}
	if c.Tokens.RefreshTokenIdle > longIdle {
		c.warnings = append(c.warnings, "tokens.refresh_token_idle: BankID's terms do not allow to keep somebody identified who has done nothing for about two hours")
	}
	r.address("tokens.acr", c.Tokens.ACR, "https", "http")
	for i, acr := range c.Tokens.ACRValues {
		r.address("tokens.acr_values["+itoa(i)+"]", acr, "https", "http")
	}
	c.checkACRPolicies(r)
	if c.Tokens.ACR != "" && len(c.Tokens.ACRValues) > 0 {
		r.fault("tokens.acr", "set together with tokens.acr_values", "keep one of the two")
	}
}

// ACRs returns the levels of assurance that may be asserted, empty for the default.
func (c *Config) ACRs() []string {
	if c.Tokens.ACR != "" {
		return []string{c.Tokens.ACR}
	}
	return c.Tokens.ACRValues
}

// cmpOr returns d, or the default when d is not set.
func cmpOr(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}

func (c *Config) checkClients(r *reader) {
	seen := map[string]bool{}
	for i := range c.Clients {
		section := "clients[" + itoa(i) + "]"
		client := &c.Clients[i]
		if client.ID != "" && seen[client.ID] {
			r.fault(section+".id", "is the ID of another client too", "give each client an ID of its own")
		}
		seen[client.ID] = true
		record, complete := client.record(r, section)
		for _, p := range clients.Check(&record) {
			// A secret or key that cannot be read is told already, and is not missing.
			if known := slices.Contains(clients.AuthMethods(), record.AuthMethod); complete || p.Key != "jwks" && (p.Key != "auth_method" || !known) {
				r.fault(section+"."+p.Key, p.Problem, p.Remedy)
			}
		}
		for _, p := range clients.CheckMethods(&record, clients.Installation{Methods: c.ClientMethods(), Policy: c.BankID.Policy}) {
			r.fault(section+"."+p.Key, p.Problem, p.Remedy)
		}
		c.checkPolicyNames(r, section+".policy", &client.Policy)
		c.warnOfLevels(section, &record)
		if former := clients.FormerSector(&client.settings); former != "" {
			r.fault(section+".sector", fmt.Sprintf("missing: it was %s and would be %s, as hosts are in small letters now; every sub of the app would change", former, record.Sector),
				"write sector: "+former+" for an app that has had logins, or sector: "+record.Sector+" for a new one")
		}
	}
}

// StaticClients returns the clients of the configuration as records, stamped with now.
func (c *Config) StaticClients(now time.Time) []storage.Client {
	records := make([]storage.Client, len(c.Clients))
	for i := range c.Clients {
		records[i], _ = c.Clients[i].record(&reader{}, "")
		records[i].Created, records[i].Updated, records[i].Revision = now, now, 1
		for j := range records[i].Secrets {
			records[i].Secrets[j].Created = now
		}
	}
	return records
}

func (r *reader) word(key, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	last := len(allowed) - 1
	remedy := "write " + allowed[last]
	if last > 0 {
		remedy = "write " + strings.Join(allowed[:last], ", ") + " or " + allowed[last]
	}
	if value == "" {
		r.fault(key, "missing", remedy)
		return
	}
	r.fault(key, fmt.Sprintf("%q is none of its values", value), remedy)
}

func (r *reader) between(key string, d, least, most time.Duration) {
	if r.sound(key) && (d < least || d > most) {
		r.fault(key, fmt.Sprintf("%s is out of range", duration.Format(d)), fmt.Sprintf("write %s to %s", duration.Format(least), duration.Format(most)))
	}
}

func (r *reader) length(key, value string, most int) {
	if len(value) > most {
		r.fault(key, "is too long", fmt.Sprintf("write at most %d bytes", most))
	}
}

func (r *reader) address(key, value string, schemes ...string) {
	u, err := url.Parse(value)
	if value != "" && (err != nil || !slices.Contains(schemes, u.Scheme) || u.Opaque == "" && u.Host == "" || len(value) > 500) {
		r.fault(key, fmt.Sprintf("%q is not an address that can be used here", value), "begin it with "+strings.Join(schemes, ": or ")+":")
	}
}

func (r *reader) hostPort(key, value string) (host string, ok bool) {
	host, port, err := net.SplitHostPort(value)
	if n, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil || n > 65535 {
		r.fault(key, fmt.Sprintf("%q is not an address to listen on", value), "write host:port, such as 127.0.0.1:8080, or :443 for all networks")
		return "", false
	}
	return host, true
}

// readable checks that the file can be read, and that no mark hides what it begins with.
func (r *reader) readable(key, path string) bool {
	if path == "" {
		return false
	}
	text, err := ReadFile(path, maxFile)
	if err != nil {
		r.fault(key, "cannot be read: "+reason(err), "name a file that this user may read")
		return false
	}
	if problem := marked(text); problem != "" {
		r.fault(key, path+" "+problem, saveAs)
		return false
	}
	return true
}

// reason returns what stopped a file from being read, with its path.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Path + ": " + pe.Err.Error()
	}
	return err.Error()
}

func itoa(n int) string { return strconv.Itoa(n) }

// URLs of the environments.
func (b *BankID) address() string {
	switch b.Environment {
	case Production:
		return bankid.ProductionURL
	case Test:
		return bankid.TestURL
	}
	return b.URL
}
