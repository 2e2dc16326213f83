package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"brygga/secret"
	"brygga/spelling"
)

// maxFile is how many bytes a configuration or secret file may have.
const maxFile = 1 << 20

// Inspection looks at what this package cannot judge, such as whether a certificate and its key belong together. It runs when all
// values have been read and checked, which may have brought faults already, and tells Findings of what it finds.
type Inspection func(*Config, Findings)

// Findings takes what an Inspection finds.
type Findings struct {
	c *Config
	r *reader
}

// Fault reports that what the key says cannot be used.
func (f Findings) Fault(key, problem, remedy string) { f.r.fault(key, problem, remedy) }

// Warn reports what is allowed and yet worth a look.
func (f Findings) Warn(key, text string) { f.c.warnings = append(f.c.warnings, key+": "+text) }

// Sound reports whether nothing is wrong with the key so far.
func (f Findings) Sound(key string) bool { return !f.r.faulty(key) }

// Load returns the configuration in the file at path, as overridden by environ, which is in the form of os.Environ. A file
// that cannot be read is an error of package os; anything wrong in the configuration is Faults, all of them: those that the
// inspections find included. A file that is not YAML is one fault.
func Load(path string, environ []string, inspections ...Inspection) (*Config, error) {
	return load(path, environ, func(*Config) {}, inspections)
}

// load is Load, with something done to the values before the files that they name are read.
func load(path string, environ []string, settle func(*Config), inspections []Inspection) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &Config{}
	c.setDefaults()
	r := &reader{places: places{"": {file: path}}}
	if len(text) > maxFile {
		r.fault("", "the file is larger than 1 MiB", "give the path of a brygga configuration")
		return nil, r.faults
	}
	yaml, line, ok := plain(text)
	if !ok {
		r.faultAt(place{path, line, min(line, 1)}, "", "not text in UTF-8", saveAs)
		return nil, r.faults
	}
	if !r.parse(path, yaml, "", reflect.ValueOf(c)) {
		return nil, r.faults // whatever is missing now may stand in the file
	}
	r.environment(environ, reflect.ValueOf(c).Elem())
	base, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	settle(c)
	r.files("", base, reflect.ValueOf(c).Elem())
	c.check(r)
	for _, inspect := range inspections {
		inspect(c, Findings{c, r})
	}
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, func(a, b Fault) int {
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
				cmp.Compare(a.Key, b.Key), cmp.Compare(a.Problem, b.Problem))
		})
		return nil, r.faults
	}
	c.places = r.places
	return c, nil
}

// ReadFile returns the content of a file that a configuration names. It refuses what is no regular file, as a pipe would keep the
// reader waiting for a writer, and a file of more than most bytes.
func ReadFile(path string, most int64) ([]byte, error) {
	if err := regular(path); err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(content)) > most {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("is larger than %d KiB", most>>10)}
	}
	return content, err
}

// regular returns an error unless path is a regular file, or leads to one.
func regular(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("is not a regular file")}
	}
	return err
}

// notKeys are environment variables of brygga that are no keys of the configuration.
var notKeys = []string{"BRYGGA_CONFIG", "BRYGGA_SERVER", "BRYGGA_API_KEY", "BRYGGA_API_KEY_FILE", "BRYGGA_CA_FILE"}

// serviceLink is what Kubernetes sets in every container for a Service of our name, or of one that begins with it: the address of
// the Service, and each of its ports in the form of Docker's links (Kubernetes: accessing the Service).
var serviceLink = regexp.MustCompile(`^BRYGGA_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// foreign reports whether a variable that is no key was set by somebody who did not mean us. A port is an address there, so that
// BRYGGA_PORT=8080 is still told to be no key.
func foreign(variable, text string) bool {
	return serviceLink.MatchString(variable) || strings.HasSuffix(variable, "_PORT") && regexp.MustCompile(`^(tcp|udp|sctp)://`).MatchString(text)
}

// prefix is what the variables of brygga begin with.
const prefix = "BRYGGA_"

// environment lets the variables BRYGGA_… override what the file says.
func (r *reader) environment(environ []string, root reflect.Value) {
	keys := map[string]string{} // by variable
	collect("", root.Type(), func(key string, _ reflect.Type) {
		keys[prefix+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))] = key
	})
	for _, setting := range slices.Sorted(slices.Values(environ)) {
		variable, text, _ := strings.Cut(setting, "=")
		if text == "" { // as good as not set: that is how containers pass on what they do not have
			continue
		}
		if !strings.HasPrefix(variable, prefix) || strings.HasPrefix(variable, "BRYGGA_TEST_") || slices.Contains(notKeys, variable) {
			continue
		}
		at := place{file: "environment variable " + variable}
		key, known := keys[variable]
		if !known && foreign(variable, text) {
			continue
		}
		if !known {
			names := make([]string, 0, len(keys))
			for name := range keys {
				names = append(names, strings.TrimPrefix(name, prefix))
			}
			remedy := "\"brygga config example\" lists the keys"
			if near := spelling.Nearest(strings.TrimPrefix(variable, prefix), names); near != "" {
				remedy = "did you mean " + prefix + near + "?"
			}
			r.faultAt(at, "", "no such key", remedy)
			continue
		}
		r.override(at, key, text, root)
	}
}

func (r *reader) override(at place, key, text string, root reflect.Value) {
	section, name := root, key
	for {
		head, rest, more := strings.Cut(name, ".")
		if !more {
			break
		}
		section, name = section.Field(fieldsOf(section.Type())[head]), rest
	}
	fields := fieldsOf(section.Type())
	target := section.Field(fields[name])
	// A secret and the file it may be in exclude each other: the one in the environment wins.
	for _, twin := range []string{name + "_file", strings.TrimSuffix(name, "_file")} {
		if i, ok := fields[twin]; ok && twin != name && (isSecret(target) || isSecret(section.Field(i))) && r.places.of(join(keySection(key), twin)).line > 0 {
			section.Field(i).SetZero()
		}
	}
	r.places[key] = at
	switch {
	case isScalar(target.Type()):
		if problem, remedy := setText(target, text); problem != "" {
			r.faultAt(at, key, problem, remedy)
		}
	case target.Kind() == reflect.Map, strings.HasPrefix(strings.TrimSpace(text), "[") || target.Type().Elem().Kind() == reflect.Struct && !isScalar(target.Type().Elem()):
		r.parse(at.file, text, key, target.Addr())
	default:
		r.commas(at, key, text, target)
	}
}

func (r *reader) commas(at place, key, text string, target reflect.Value) {
	target.SetZero()
	for part := range strings.SplitSeq(text, ",") {
		element := reflect.New(target.Type().Elem()).Elem()
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if problem, remedy := setText(element, part); problem != "" {
			r.faultAt(at, key, problem, remedy)
		}
		target.Set(reflect.Append(target, element))
	}
}

func keySection(key string) string { return key[:max(0, strings.LastIndex(key, "."))] }

func isSecret(v reflect.Value) bool { return v.Type() == reflect.TypeFor[secret.String]() }

// collect calls found for every key outside of lists.
func collect(section string, t reflect.Type, found func(key string, t reflect.Type)) {
	for i := range t.NumField() {
		field := t.Field(i)
		name := field.Tag.Get("yaml")
		switch {
		case name == "":
		case field.Type.Kind() == reflect.Struct && !isScalar(field.Type):
			collect(join(section, name), field.Type, found)
		default:
			found(join(section, name), field.Type)
		}
	}
}

// files makes paths absolute and reads the secrets that stand in files of their own.
func (r *reader) files(key, base string, section reflect.Value) {
	fields := fieldsOf(section.Type())
	for i := range section.NumField() {
		field := section.Type().Field(i)
		name, value := field.Tag.Get("yaml"), section.Field(i)
		full := join(key, name)
		switch {
		case name == "":
		case value.Kind() == reflect.Struct && !isScalar(value.Type()):
			r.files(full, base, value)
		case value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Struct && !isScalar(value.Type().Elem()):
			for j := range value.Len() {
				r.files(full+"["+itoa(j)+"]", base, value.Index(j))
			}
		case field.Tag.Get("kind") == "path" && value.String() != "":
			if !filepath.IsAbs(value.String()) {
				value.SetString(filepath.Join(base, value.String()))
			}
			if twin, ok := fields[strings.TrimSuffix(name, "_file")]; ok && isSecret(section.Field(twin)) {
				r.secretFile(full, value.String(), section.Field(twin))
			}
		}
	}
}

func (r *reader) secretFile(key, path string, target reflect.Value) {
	if !target.IsZero() {
		r.fault(key, "set together with "+strings.TrimSuffix(key, "_file"), "keep one of the two")
		return
	}
	text, err := ReadFile(path, maxFile)
	if err != nil {
		r.fault(key, "cannot be read: "+reason(err), "name a file that this user may read, which holds the secret and nothing else")
		return
	}
	if problem := marked(text); problem != "" {
		r.fault(key, path+" "+problem, saveAs)
		return
	}
	value := strings.TrimRight(string(text), "\r\n")
	if value == "" {
		r.fault(key, path+" is empty", "put the secret into it")
		return
	}
	target.Set(reflect.ValueOf(secret.New(value)))
}

// Changes returns the keys whose values differ between two configurations, in the order of Config. Of lists of sections, such as
// clients, it names the list.
func Changes(before, after *Config) (keys []string) {
	old, fresh := reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem()
	collect("", old.Type(), func(key string, _ reflect.Type) {
		if !reflect.DeepEqual(valueOf(old, key).Interface(), valueOf(fresh, key).Interface()) {
			keys = append(keys, key)
		}
	})
	return keys
}

// valueOf returns the field of root that holds the key, which is none inside of a list.
func valueOf(root reflect.Value, key string) reflect.Value {
	for name := range strings.SplitSeq(key, ".") {
		root = root.Field(fieldsOf(root.Type())[name])
	}
	return root
}
