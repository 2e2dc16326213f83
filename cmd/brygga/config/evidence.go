package config

import (
	"time"

	"brygga/evidence"
)

// Evidence is what is kept of signatures and logins, to prove them years later. What is kept of whom stands with the clients.
type Evidence struct {
	Timestamp Timestamp `yaml:"timestamp"`
}

// Timestamp is an authority that says when a record was there (RFC 3161). Each record is stamped some seconds after it was made, and no login waits.
type Timestamp struct {
	// URL is where it is asked, by https or http: what it answers is signed, and what it is asked is a hash. Default none: nothing is stamped.
	URL string `yaml:"url"`
	// RootFile holds the roots in PEM that its stamps must lead to, for who verifies evidence too. Required with URL.
	RootFile string `yaml:"root_file" kind:"path"`
	// CAFile holds the roots in PEM that vouch for the server at URL. Default: those of the system.
	CAFile string `yaml:"ca_file" kind:"path"`
	// Policy is the one by which it stamps, as an OID. Default any.
	Policy string `yaml:"policy"`
	// Timeout bounds one question. Default 5s.
	Timeout time.Duration `yaml:"timeout"`
}

// Used reports whether anything is stamped.
func (t *Timestamp) Used() bool { return t.URL != "" }

// StampSink is what the store, metrics and the log call that which has records stamped; no sink of the configuration has the name.
const StampSink = "evidence-stamps"

// KindStamps is its kind, beside those of the configuration.
const KindStamps = "stamps"

const maxStampTime = 9 * time.Second

func (c *Config) checkEvidence(r *reader) {
	t := &c.Evidence.Timestamp
	if !t.Used() {
		for key, set := range map[string]bool{"root_file": t.RootFile != "", "ca_file": t.CAFile != "", "policy": t.Policy != "", "timeout": t.Timeout != 0} {
			if set {
				r.fault("evidence.timestamp."+key, "is set without an authority", "set evidence.timestamp.url, or leave it out: nothing is stamped then")
			}
		}
		return
	}
	if t.Timeout == 0 {
		t.Timeout = 5 * time.Second
	}
	if t.Timeout < time.Second || t.Timeout > maxStampTime {
		r.fault("evidence.timestamp.timeout", t.Timeout.String()+" is out of range", "write 1s to "+maxStampTime.String())
	}
	r.address("evidence.timestamp.url", t.URL, "https", "http")
	if t.RootFile == "" {
		r.fault("evidence.timestamp.root_file", "missing", "name a file with the root of the authority in PEM: a stamp that nobody can verify is none")
	}
	r.readable("evidence.timestamp.root_file", t.RootFile)
	r.readable("evidence.timestamp.ca_file", t.CAFile)
	if _, err := evidence.ParsePolicy(t.Policy); err != nil {
		r.fault("evidence.timestamp.policy", err.Error(), "write numbers with dots between, as the authority names its policy")
	}
}
