package config

import (
	"net/url"

	"brygga/secret"
)

// Tracing is the collector that the course of logins is sent to, by OTLP over HTTP.
type Tracing struct {
	// Endpoint is its address with the path, which is usually /v1/traces: https, or http on this machine. Default none: nothing is traced.
	Endpoint string `yaml:"endpoint"`
	// InsecureHTTP allows http across the network. Default false.
	InsecureHTTP bool `yaml:"insecure_http"`
	// RootCAFile holds the roots in PEM that vouch for the collector, and no others do. Default: those of the system.
	RootCAFile string `yaml:"root_ca_file" kind:"path"`
	// Authorization is what the header of that name has, such as "Bearer …". Default none.
	Authorization secret.String `yaml:"authorization"`
	// AuthorizationFile is a file with that. Excludes Authorization.
	AuthorizationFile string `yaml:"authorization_file" kind:"path"`
	// OneIn traces one login of so many. Default 1: all.
	OneIn int `yaml:"one_in"`
}

// Used reports whether anything is traced.
func (t *Tracing) Used() bool { return t.Endpoint != "" }

func (c *Config) checkTracing(r *reader) {
	t := &c.Tracing
	if t.OneIn == 0 {
		t.OneIn = 1
	}
	if t.OneIn < 1 || t.OneIn > 1_000_000 {
		r.fault("tracing.one_in", itoa(t.OneIn)+" is out of range", "write 1 for all logins, 100 for one of a hundred")
	}
	if !t.Used() {
		for key, set := range map[string]bool{
			"tracing.root_ca_file": t.RootCAFile != "", "tracing.authorization": !t.Authorization.IsZero() && t.AuthorizationFile == "",
			"tracing.authorization_file": t.AuthorizationFile != "", "tracing.one_in": t.OneIn > 1, "tracing.insecure_http": t.InsecureHTTP,
		} {
			if set {
				r.fault(key, "is set without a collector", "set tracing.endpoint, or leave it out: nothing is traced then")
			}
		}
		return
	}
	r.address("tracing.endpoint", t.Endpoint, "https", "http")
	u, err := url.Parse(t.Endpoint)
	switch {
	case err != nil || r.faulty("tracing.endpoint"):
	case u.User != nil:
		r.fault("tracing.endpoint", "has credentials", "write them into tracing.authorization_file")
	case u.Path == "" || u.Path == "/":
		r.fault("tracing.endpoint", "has no path", "write it as the collector has it, usually "+u.Scheme+"://"+u.Host+"/v1/traces")
	case u.Scheme != "http" || isLoopback(u.Hostname()):
	case !t.InsecureHTTP:
		r.fault("tracing.endpoint", "is http: everybody on the way can read the traces", "write https; where the network is your own, set tracing.insecure_http: true")
	default:
		c.warnings = append(c.warnings, "tracing.insecure_http: traces can be read and changed on the way to "+u.Host)
	}
	if t.AuthorizationFile != "" {
		c.warnOpen("tracing.authorization_file", t.AuthorizationFile)
	}
	r.readable("tracing.root_ca_file", t.RootCAFile)
}
