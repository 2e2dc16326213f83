package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"brygga/clients"
	"brygga/storage"
)

// ClientDocument is a client as a file has it.
type ClientDocument struct {
	File string `json:"file"`
	ID   string `json:"id"`
	// Members are its settings; see clients.SetMembers.
	Members map[string]json.RawMessage `json:"members"`
}

// maxClientFile bounds a file of clients.
const maxClientFile = 4 << 20

// notApplied are keys of the configuration file that a client which is stored has not, each with what to do instead.
var notApplied = map[string]string{
	"secret":              "leave it out: a secret is made for the client",
	"secret_file":         "leave it out: a secret is made for the client",
	"secret_hash":         "leave it out: a secret is made for the client",
	"webhook_secret":      "leave it out: a secret is made for the webhook",
	"webhook_secret_file": "leave it out: a secret is made for the webhook",
	"jwks_file":           "write the keys under jwks",
	"brand":               "leave it out: looks are set by \"brygga client update\"",
}

// ReadClientDocuments reads the clients of a file, or of every file of a directory whose name ends in .yaml or .yml, in the order of the names. A file
// has a list under "clients", as the configuration has, or one client. All that is wrong is reported at once.
func ReadClientDocuments(path string) (all []ClientDocument, err error) {
	names, err := clientFiles(path)
	if err != nil {
		return nil, err
	}
	var wrong []error
	seen := map[string]string{}
	for _, name := range names {
		found, err := readClientFile(name)
		if err != nil {
			wrong = append(wrong, named(name, err))
		}
		for _, one := range found {
			if before, twice := seen[one.ID]; twice {
				wrong = append(wrong, fmt.Errorf("%s: client %q stands in %s, too", name, one.ID, before))
			}
			seen[one.ID] = name
		}
		all = append(all, found...)
	}
	return all, errors.Join(wrong...)
}

// named says of each line of an error what it concerns.
func named(what string, err error) error {
	var all []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		all = append(all, errors.New(what+": "+line))
	}
	return errors.Join(all...)
}

func clientFiles(path string) (names []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		if end := filepath.Ext(e.Name()); (end == ".yaml" || end == ".yml") && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, filepath.Join(path, e.Name()))
		}
	}
	if err == nil && names == nil {
		err = fmt.Errorf("%s has no file that ends in .yaml or .yml", path)
	}
	return names, err
}

func readClientFile(name string) (found []ClientDocument, err error) {
	text, err := ReadFile(name, maxClientFile)
	if err != nil {
		return nil, err
	}
	readable, _, ok := plain(text)
	if !ok {
		return nil, errors.New("is not text in UTF-8")
	}
	if text, err = yaml.YAMLToJSON([]byte(readable)); err != nil {
		problem, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("not valid YAML: %s", problem)
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(text, &top); err != nil || top == nil {
		return nil, errors.New("has neither a list under \"clients\" nor one client")
	}
	listed := []map[string]json.RawMessage{top}
	if under, is := top["clients"]; is {
		if len(top) > 1 {
			return nil, errors.New("has something beside \"clients\"")
		}
		if listed = nil; json.Unmarshal(under, &listed) != nil {
			return nil, errors.New("clients: is no list of clients")
		}
	}
	var wrong []error
	for i, members := range listed {
		one, err := clientDocument(name, members)
		if err != nil {
			wrong = append(wrong, named(fmt.Sprintf("client %d", i+1), err))
		}
		found = append(found, one)
	}
	return found, errors.Join(wrong...)
}

func clientDocument(name string, members map[string]json.RawMessage) (one ClientDocument, err error) {
	one = ClientDocument{File: name, Members: members}
	if json.Unmarshal(members["id"], &one.ID) != nil || one.ID == "" {
		return one, errors.New("id: missing")
	}
	delete(members, "id")
	var wrong []error
	for key, remedy := range notApplied {
		if _, is := members[key]; is {
			delete(members, key)
			wrong = append(wrong, fmt.Errorf("%q: %s: is for the configuration file alone - %s", one.ID, key, remedy))
		}
	}
	slices.SortFunc(wrong, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	if _, err := clients.SetMembers(members); err != nil {
		wrong = append(wrong, named(strconv.Quote(one.ID), err))
	}
	return one, errors.Join(wrong...)
}

// WriteClientDocuments writes the clients as ReadClientDocuments reads them: what is set, in the order of the settings, and no secret.
func WriteClientDocuments(w io.Writer, all []*storage.Client) error {
	listed := make([]yaml.MapSlice, len(all))
	for i, c := range all {
		one := yaml.MapSlice{{Key: "id", Value: c.ID}}
		for _, s := range clients.Settings() {
			value := s.Value(c)
			if text, is := value.(json.RawMessage); is {
				value = string(text)
			}
			if value != nil {
				one = append(one, yaml.MapItem{Key: s.Key, Value: value})
			}
		}
		if policy, err := membersOf(c.Policy); err != nil {
			return err
		} else if len(policy) > 0 {
			one = append(one, yaml.MapItem{Key: "policy", Value: policy})
		}
		listed[i] = one
	}
	return yaml.NewEncoder(w, yaml.Indent(2), yaml.IndentSequence(true)).Encode(yaml.MapSlice{{Key: "clients", Value: listed}})
}

// membersOf returns a record as its JSON has it.
func membersOf(record any) (members map[string]any, err error) {
	text, err := json.Marshal(record)
	if err == nil {
		err = json.Unmarshal(text, &members)
	}
	for key, value := range members {
		if number, is := value.(float64); is {
			members[key] = int64(number) // a record has whole numbers alone
		}
	}
	return members, err
}
