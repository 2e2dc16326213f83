package config

import (
	"cmp"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"brygga/audit"
	"brygga/secret"
	"brygga/webhook"
)

// Sink is where audit events are handed over to.
type Sink struct {
	// Name is what the store, the metrics and the log call it: small letters, digits and hyphens, at most 40. Another name is another sink. Required.
	Name string `yaml:"name"`
	// Kind is file, syslog, webhook or hooks. Required.
	Kind string `yaml:"kind"`
	// Events are those that are handed over: by the name of a hook, by number, or by how numbers begin, such as SEC_. Default all. Required for
	// kind hooks, which takes names of hooks alone.
	Events []string `yaml:"events"`
	// FromStart lets a new sink begin with the first event of the log. Default false: with those that come.
	FromStart bool `yaml:"from_start"`
	// Format of lines and messages is json, as the log is exported, or cef. For kinds file and syslog. Default json.
	Format string `yaml:"format"`

	// Path is the file. Its directory must be there. Required for kind file, and for that alone.
	Path string `yaml:"path" kind:"path"`
	// MaxMiB is the size in MiB from which on another file is begun, Keep how many older ones are kept. For kind file. Defaults 100 and 10.
	MaxMiB int `yaml:"max_mib"`
	Keep   int `yaml:"keep"`

	// Address is host:port of a syslog server. Required for kind syslog, and for that alone, as what follows.
	Address string `yaml:"address"`
	// Protocol is tls, or tcp for a server on this machine. Default tls.
	Protocol string `yaml:"protocol"`
	// InsecureTCP allows Protocol tcp across the network. Default false.
	InsecureTCP bool `yaml:"insecure_tcp"`
	// RootCAFile holds the roots in PEM that vouch for the server, and no others do. Default: those of the system.
	RootCAFile string `yaml:"root_ca_file" kind:"path"`
	// CertificateFile and KeyFile are a certificate of ours that the server asks for, in PEM. They are read for each delivery. Default none.
	CertificateFile string `yaml:"certificate_file" kind:"path"`
	KeyFile         string `yaml:"key_file" kind:"path"`

	// URL is where events are posted to: https. Required for kinds webhook and hooks, and for those alone, as the secret.
	URL string `yaml:"url"`
	// Secret signs what is posted: whsec_ and 24 to 64 random bytes in base64. While it is being replaced two, the new one first, with a space or a
	// line's end between: receivers that know either believe what comes. This or SecretFile is required.
	Secret secret.String `yaml:"secret"`
	// SecretFile is a file with the secret. Excludes Secret.
	SecretFile string `yaml:"secret_file" kind:"path"`
}

// The values of Sink.Kind.
const (
	KindFile    = "file"
	KindSyslog  = "syslog"
	KindWebhook = "webhook"
	KindHooks   = "hooks"
)

var sinkName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

func (c *Config) checkSinks(r *reader) {
	for i := range c.Audit.Sinks {
		s, before := &c.Audit.Sinks[i], c.Audit.Sinks[:i]
		key := func(name string) string { return "audit.sinks[" + itoa(i) + "]." + name }
		if !sinkName.MatchString(s.Name) {
			r.fault(key("name"), "is missing or no name", "write small letters, digits and hyphens, at most 40, such as archive")
		}
		if s.Name == StampSink {
			r.fault(key("name"), "is the name of that which has evidence stamped", "choose another")
		}
		if slices.ContainsFunc(before, func(other Sink) bool { return other.Name == s.Name }) {
			r.fault(key("name"), "is the name of another sink too", "give each sink a name of its own")
		}
		s.checkStrange(r, key)
		r.word(key("kind"), s.Kind, KindFile, KindSyslog, KindWebhook, KindHooks)
		s.checkEvents(r, key)
		switch s.Kind {
		case KindFile:
			s.checkFile(r, key, before)
		case KindSyslog:
			c.checkSyslog(r, key, s)
		case KindWebhook, KindHooks:
			c.checkWebhook(r, key, s)
		}
		if !s.posts() {
			s.Format = cmp.Or(s.Format, "json")
			r.word(key("format"), s.Format, "json", "cef")
		}
	}
}

// posts reports whether events are posted.
func (s *Sink) posts() bool { return s.Kind == KindWebhook || s.Kind == KindHooks }

func (s *Sink) checkEvents(r *reader, key func(string) string) {
	const remedy = "write names of hooks or, but for kind hooks, numbers such as WEB_100002 or how they begin, such as SEC_; docs/events.md has them"
	if s.Kind == KindHooks && len(s.Events) == 0 {
		r.fault(key("events"), "missing", "name the hooks, such as [after_login]; docs/events.md has them")
	}
	if _, unknown := audit.Select(s.Events); unknown != "" {
		r.fault(key("events"), strconv.Quote(unknown)+" stands for no event", remedy)
	}
	for _, name := range s.Events {
		if s.Kind == KindHooks && !strings.HasPrefix(name, "after_") {
			r.fault(key("events"), strconv.Quote(name)+" is no hook", remedy)
			return
		}
	}
}

// checkStrange finds what belongs to another kind of sink.
func (s *Sink) checkStrange(r *reader, key func(string) string) {
	for _, one := range []struct {
		name, kind string
		set        bool
	}{
		{"path", KindFile, s.Path != ""}, {"max_mib", KindFile, s.MaxMiB != 0}, {"keep", KindFile, s.Keep != 0},
		{"address", KindSyslog, s.Address != ""}, {"protocol", KindSyslog, s.Protocol != ""}, {"insecure_tcp", KindSyslog, s.InsecureTCP},
		{"root_ca_file", KindSyslog, s.RootCAFile != ""}, {"certificate_file", KindSyslog, s.CertificateFile != ""}, {"key_file", KindSyslog, s.KeyFile != ""},
	} {
		if one.set && s.Kind != one.kind {
			r.fault(key(one.name), "is for kind "+one.kind+" alone", "remove it, or write another kind")
		}
	}
	for name, set := range map[string]bool{"url": s.URL != "", "secret": !s.Secret.IsZero() && s.SecretFile == "", "secret_file": s.SecretFile != ""} {
		if set && !s.posts() {
			r.fault(key(name), "is for kinds webhook and hooks alone", "remove it, or write another kind")
		}
	}
	if s.Format != "" && s.posts() {
		r.fault(key("format"), "is for kinds file and syslog alone", "remove it: a webhook gets JSON")
	}
}

func (s *Sink) checkFile(r *reader, key func(string) string, before []Sink) {
	if s.Path == "" {
		r.fault(key("path"), "missing", "name the file that events are written to")
	} else if slices.ContainsFunc(before, func(other Sink) bool { return filepath.Clean(other.Path) == filepath.Clean(s.Path) }) {
		r.fault(key("path"), "is the file of another sink too", "give each sink a file of its own")
	}
	s.MaxMiB, s.Keep = cmp.Or(s.MaxMiB, 100), cmp.Or(s.Keep, 10)
	if s.MaxMiB < 1 || s.MaxMiB > 100_000 {
		r.fault(key("max_mib"), itoa(s.MaxMiB)+" is out of range", "write 1 to 100000")
	}
	if s.Keep < 1 || s.Keep > 1000 {
		r.fault(key("keep"), itoa(s.Keep)+" is out of range", "write 1 to 1000")
	}
}

func (c *Config) checkSyslog(r *reader, key func(string) string, s *Sink) {
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil || host == "" || port == "" {
		r.fault(key("address"), "is missing or no host and port", "write such as siem.example.se:6514")
	}
	s.Protocol = cmp.Or(s.Protocol, "tls")
	r.word(key("protocol"), s.Protocol, "tls", "tcp")
	switch {
	case s.Protocol != "tcp":
	case s.RootCAFile != "" || s.CertificateFile != "":
		r.fault(key("protocol"), "is tcp, which has no certificates", "write tls, or remove them")
	case isLoopback(host):
	case !s.InsecureTCP:
		r.fault(key("protocol"), "is tcp: everybody on the way can read the events and change them", "write tls; where the network is your own, set insecure_tcp: true")
	default:
		c.warnings = append(c.warnings, key("insecure_tcp")+": events can be read and changed on the way to "+s.Address)
	}
	if (s.CertificateFile == "") != (s.KeyFile == "") {
		r.fault(key("certificate_file"), "and key_file belong together", "name both, or none")
	}
	r.readable(key("root_ca_file"), s.RootCAFile)
	r.readable(key("certificate_file"), s.CertificateFile)
	if r.readable(key("key_file"), s.KeyFile) {
		c.warnOpen(key("key_file"), s.KeyFile)
	}
}

func (c *Config) checkWebhook(r *reader, key func(string) string, s *Sink) {
	if s.URL == "" {
		r.fault(key("url"), "missing", "write the https address of the webhook")
	}
	schemes := []string{"https"}
	if c.LocalIssuer() {
		schemes = append(schemes, "http")
	}
	r.address(key("url"), s.URL, schemes...)
	name := "secret"
	if s.SecretFile != "" {
		name = "secret_file"
		c.warnOpen(key(name), s.SecretFile)
	}
	if _, err := webhook.ParseSecret(s.Secret); err != nil && !r.faulty(key(name)) {
		r.fault(key(name), err.Error(), "write whsec_ and 24 to 64 random bytes in base64, such as \"whsec_$(openssl rand -base64 32)\" prints")
	}
}
