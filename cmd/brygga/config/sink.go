package config

import (
	"cmp"
	"path/filepath"
	"regexp"
	"slices"
)

// Sink is where audit events are handed over to.
type Sink struct {
	// Name is what the store, the metrics and the log call it: small letters, digits and hyphens, at most 40. Another name is another sink. Required.
	Name string `yaml:"name"`
	// Kind is file. Required.
	Kind string `yaml:"kind"`
	// FromStart lets a new sink begin with the first event of the log. Default false: with those that come.
	FromStart bool `yaml:"from_start"`
	// Path is the file. Its directory must be there. Required for kind file.
	Path string `yaml:"path" kind:"path"`
	// Format of the lines is json, as the log is exported, or cef. Default json.
	Format string `yaml:"format"`
	// MaxMiB is the size in MiB from which on another file is begun, Keep how many older ones are kept. Defaults 100 and 10.
	MaxMiB int `yaml:"max_mib"`
	Keep   int `yaml:"keep"`
}

// KindFile is a value of Sink.Kind.
const KindFile = "file"

var sinkName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

func (c *Config) checkSinks(r *reader) {
	for i := range c.Audit.Sinks {
		s := &c.Audit.Sinks[i]
		key := func(name string) string { return "audit.sinks[" + itoa(i) + "]." + name }
		if !sinkName.MatchString(s.Name) {
			r.fault(key("name"), "is missing or no name", "write small letters, digits and hyphens, at most 40, such as archive")
		}
		if slices.ContainsFunc(c.Audit.Sinks[:i], func(other Sink) bool { return other.Name == s.Name }) {
			r.fault(key("name"), "is the name of another sink too", "give each sink a name of its own")
		}
		r.word(key("kind"), s.Kind, KindFile)
		s.Format = cmp.Or(s.Format, "json")
		r.word(key("format"), s.Format, "json", "cef")
		c.checkFileSink(r, key, s, c.Audit.Sinks[:i])
	}
}

func (c *Config) checkFileSink(r *reader, key func(string) string, s *Sink, before []Sink) {
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
