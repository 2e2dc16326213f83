package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"brygga/clients"
	"brygga/cmd/brygga/config"
	"brygga/storage"
)

// The flags that bring a client's keys.
const (
	jwksFlag     = "jwks"
	jwksFileFlag = "jwks-file"
)

// personKeyFlag is a policy's setting that has a flag of its own: of many an app is added for it alone.
const personKeyFlag = "person-key"

// clientFlags are the flags that describe a client: one for each setting, and some that have a way of their own.
type clientFlags struct {
	settings []*settingFlag
	public   bool
	jwksFile string
	policy   []string
	keys     []string
	brand    brandFlags
}

func (f *clientFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	for _, s := range clients.Settings() {
		flag := &settingFlag{of: s}
		f.settings = append(f.settings, flag)
		added := flags.VarPF(flag, s.Flag, "", flag.usage())
		if s.Kind() == clients.Switch {
			added.NoOptDefVal = "true"
		}
	}
	flags.BoolVar(&f.public, "public", false, "an app that cannot keep a secret: as --auth-method none")
	flags.StringVar(&f.jwksFile, jwksFileFlag, "", "`file` with its public keys, in place of --jwks")
	flags.StringArrayVar(&f.policy, "policy", nil, "what its logins must meet, as `key=value`; an empty value leaves it to the installation; may be repeated.\nKeys: "+
		strings.Join(clients.PolicyKeys(), ", "))
	flags.StringSliceVar(&f.keys, personKeyFlag, nil, "as --policy person_keys=`keys`: what it knows people by, of which the first counts that they have; may be repeated")
	f.brand.add(cmd)
}

// settingFlag collects what is given for a setting.
type settingFlag struct {
	of    clients.Setting[storage.Client]
	given []string
}

// String returns nothing: the usage tells the default.
func (f *settingFlag) String() string { return "" }

// Type names the form of the value for the help.
func (f *settingFlag) Type() string {
	if f.of.Kind() == clients.Switch {
		return "bool"
	}
	return "string"
}

// Set takes one value, or says why it cannot be read.
func (f *settingFlag) Set(text string) error {
	f.given = append(f.given, text)
	var scratch storage.Client
	if problem, ok := errors.AsType[clients.Problem](f.of.Set(&scratch, f.given...)); ok {
		return fmt.Errorf("%s - %s", problem.Problem, problem.Remedy)
	}
	return nil
}

func (f *settingFlag) usage() string {
	text := f.of.Usage
	if len(f.of.Values) > 0 {
		text += ": " + strings.Join(f.of.Values, ", ")
	}
	if kind := f.of.Kind(); kind == clients.List || kind == clients.Words || kind == clients.Texts {
		text += "; may be repeated"
	}
	if f.of.Default != "" {
		text += " (default " + f.of.Default + ")"
	}
	return text
}

// read reads the files that the flags name and puts their content into the arguments that a running server may get. It refuses
// flags that cannot stand together.
func (f *clientFlags) read(cmd *cobra.Command, h *host) error {
	return errors.Join(f.checkPublic(cmd), f.checkPolicy(cmd), f.brand.read(cmd, h), f.readJWKS(cmd, h))
}

func (f *clientFlags) checkPublic(cmd *cobra.Command) error {
	method := cmd.Flags().Lookup("auth-method").Value.(*settingFlag).given
	if f.public && len(method) > 0 && method[len(method)-1] != storage.AuthMethodNone {
		return fail(exitUsage, "keep one of the two: a public app has no secret and no key to prove itself with", "--public and --auth-method %s are both given", method[len(method)-1])
	}
	return nil
}

// demands returns what the flags say of the policy, as clients.SetPolicy reads it.
func (f *clientFlags) demands(cmd *cobra.Command) []string {
	if !cmd.Flags().Changed(personKeyFlag) {
		return f.policy
	}
	return append(slices.Clone(f.policy), "person_keys="+strings.Join(f.keys, ","))
}

// checkPolicy refuses --policy flags that cannot be read. What they say is checked with the client.
func (f *clientFlags) checkPolicy(cmd *cobra.Command) error {
	var all []error
	for _, text := range f.demands(cmd) {
		if problem, ok := errors.AsType[clients.Problem](clients.SetPolicy(&storage.Policy{}, text)); ok {
			all = append(all, fail(exitUsage, problem.Remedy, "--policy: %s", problem.Problem))
		}
	}
	return errors.Join(all...)
}

func (f *clientFlags) readJWKS(cmd *cobra.Command, h *host) error {
	if !cmd.Flags().Changed(jwksFileFlag) {
		return nil
	}
	if h.operator != nil {
		return fail(exitUsage, "use the same brygga as the server", "--jwks-file names a file that is not the server's to read")
	}
	if cmd.Flags().Changed(jwksFlag) {
		return fail(exitUsage, "keep one of the two", "--jwks-file and --jwks are both given")
	}
	text, err := config.ReadJWKS(f.jwksFile)
	if err != nil {
		return fail(exitUsage, "name a file with a JSON Web Key Set of public keys", "--jwks-file: %w", err)
	}
	if err := cmd.Flags().Set(jwksFlag, text); err != nil {
		return err
	}
	h.args = replaceFlag(h.args, jwksFileFlag, jwksFlag+"="+text)
	return nil
}

// any reports whether a flag was given that describes the client.
func (f *clientFlags) any(cmd *cobra.Command) bool {
	given := cmd.Flags().NFlag()
	for _, elsewhere := range []string{"config", "data", "server", "api-key-file", "ca-file", "output"} {
		if cmd.Flags().Changed(elsewhere) {
			given--
		}
	}
	return given > 0
}

// change returns a function that sets on a client all that the flags name, and tells what of its looks was corrected.
func (f *clientFlags) change(cmd *cobra.Command, h *host) func(*storage.Client) error {
	return func(c *storage.Client) error {
		for _, flag := range f.settings {
			if !cmd.Flags().Changed(flag.of.Flag) {
				continue
			}
			if err := flag.of.Set(c, flag.given...); err != nil {
				return err
			}
		}
		if f.public {
			c.AuthMethod = storage.AuthMethodNone
		}
		for _, text := range f.demands(cmd) {
			if err := clients.SetPolicy(&c.Policy, text); err != nil {
				return err
			}
		}
		corrections, err := f.brand.apply(cmd, c)
		for _, correction := range corrections {
			fmt.Fprintln(h.err, "note:", correction)
		}
		return err
	}
}
