package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"brygga/cmd/brygga/config"
	"brygga/keys"
)

const initialConfig = `# Written by "brygga config init". "brygga config example" shows every key.

# The address of this server as browsers and apps see it.
issuer: %q

# Where to listen. Set tls, or let a proxy that speaks HTTPS stand in front and name it in trusted_proxies
# ("brygga help proxies").
listen: 127.0.0.1:8080
#tls:
#  certificate_file: tls.crt
#  key_file: tls.key
#trusted_proxies: [127.0.0.1/32]
admin_listen: 127.0.0.1:9090

data: brygga-data

# Without this key the database cannot be read. Keep a copy, apart from copies of the database.
master_key_file: %s

bankid:
  # production, test (where anybody can be anyone) or custom (a simulator)
  environment: %s
`

// initialBankID is the rest of the section bankid, by environment, with where its files come from (BankID API: environments).
var initialBankID = map[string]string{
	config.Production: `  # The certificate from your bank, and the file with its passphrase.
  pkcs12_file: bankid.p12
  passphrase_file: bankid.passphrase
  # The root of BankID's server certificate, which BankID publishes for developers: developers.bankid.com, "Environments".
  root_ca_file: bankid-root.pem
  # The root of people's signatures, the member banks', which BankID hands out on request.
  signature_root_file: bankid-signature-root.pem
`,
	config.Test: `%s  # BankID's test certificate, which everybody shares: FPTestcert5 in https://cdn.bankid.com/tools/FPTestcert5_20240703.zip.
  # Its passphrase, qwerty123, belongs into the other file.
  pkcs12_file: FPTestcert5_20240610.p12
  passphrase_file: bankid.passphrase
  # The root of the test server's certificate, which BankID publishes for developers: developers.bankid.com, "Environments".
  root_ca_file: bankid-test-root.pem
  # The root of signatures with test BankIDs, which BankID hands out on request; "verify: off" does without.
  signature_root_file: bankid-test-signature-root.pem
`,
	config.Custom: `%s  # What "brygga simulator" prints when it starts, and the files that it writes.
  url: https://localhost:8083/rp/v6.0
  phone_url: http://localhost:8082/
  certificate_file: brygga-simulator/client.pem
  key_file: brygga-simulator/client-key.pem
  root_ca_file: brygga-simulator/ca.pem
  signature_root_file: brygga-simulator/signature-root.pem
`,
}

const initialInsecure = `  # Anybody can get such a BankID and be anyone: all pages are marked.
  insecure_test_environment: true
`

// nextSteps says what is missing, by environment.
var nextSteps = map[string]string{
	config.Production: "put the certificate from your bank and BankID's two roots beside it",
	config.Test:       "put BankID's test certificate and its two test roots beside it; the file says where they are",
	config.Custom:     "start \"brygga simulator\"",
}

type initOptions struct {
	path, issuer, environment string
	force                     bool
}

func newConfigInit(h *host) *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use: "init [FILE]", Short: "Write a configuration and a fresh master key", Args: cobra.MaximumNArgs(1),
		Long: "Write a configuration (brygga.yaml unless FILE is given) and a file with a fresh master key beside it, both readable by\n" +
			"their owner only. A master key that is there already is kept, always: what it has sealed cannot be read with another one.\n" +
			"A configuration that is there is kept too; with --force it is written anew, and the old one stays as FILE.old.",
		Example: "  brygga config init --issuer https://login.example.se\n  brygga config init test/brygga.yaml --environment test --issuer https://login-test.example.se",
		RunE: func(_ *cobra.Command, args []string) error {
			o.path = "brygga.yaml"
			if len(args) > 0 {
				o.path = args[0]
			}
			return initConfig(h, o)
		},
	}
	cmd.Flags().StringVar(&o.issuer, "issuer", "https://login.example.se", "address of the server as browsers see it")
	cmd.Flags().StringVar(&o.environment, "environment", config.Production, "which BankID: production, test or custom (a simulator)")
	cmd.Flags().BoolVar(&o.force, "force", false, "write the configuration anew; the master key is kept")
	return cmd
}

func initConfig(h *host, o initOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	key := filepath.Join(filepath.Dir(o.path), masterKeyFile)
	if err := os.MkdirAll(filepath.Dir(o.path), 0o700); err != nil {
		return fail(exitFailure, "give a path that this user may write to", "no directory for the configuration: %w", err)
	}
	kept, err := keepMasterKey(key)
	if err != nil {
		return err
	}
	if o.force {
		if err := os.Rename(o.path, o.path+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := writeNew(o.path, o.text()); err != nil {
		return err
	}
	if kept {
		fmt.Fprintf(h.out, "wrote %s, kept %s\n", o.path, key)
	} else {
		fmt.Fprintf(h.out, "wrote %s and %s\n", o.path, key)
	}
	if _, err := config.Load(o.path, h.environ); err != nil {
		fmt.Fprintf(h.out, "Next: %s, edit it, then run: brygga config check %s\n", nextSteps[o.environment], o.path)
	}
	return nil
}

// check refuses what could not be used later, before anything is written.
func (o *initOptions) check() error {
	if !oneOf(o.environment, config.Production, config.Test, config.Custom) {
		return fail(exitUsage, "write production, test or custom", "--environment %q is none of its values", o.environment)
	}
	var faults config.Faults
	if err := config.CheckIssuer(o.issuer); errors.As(err, &faults) {
		return fail(exitUsage, faults[0].Remedy, "--issuer %s", faults[0].Problem)
	}
	if info, err := os.Stat(o.path); err == nil && !info.Mode().IsRegular() {
		return fail(exitUsage, "give the path of a file, such as "+filepath.Join(o.path, "brygga.yaml"), "%s is not a regular file", o.path)
	}
	switch _, err := os.Lstat(o.path); {
	case err == nil && !o.force:
		return fail(exitConflict, "keep it, or write it anew with --force; the master key is kept then", "%s exists already", o.path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fail(exitUsage, "give the path of a file", "%w", err)
	}
	return nil
}

// text returns the configuration to write.
func (o *initOptions) text() string {
	insecure := initialInsecure
	if (&config.Config{Issuer: o.issuer}).LocalIssuer() {
		insecure = ""
	}
	rest := initialBankID[o.environment]
	if o.environment != config.Production {
		rest = fmt.Sprintf(rest, insecure)
	}
	return fmt.Sprintf(initialConfig, o.issuer, masterKeyFile, o.environment) + rest
}

// keepMasterKey makes a master key unless there is one, and reports whether there was.
func keepMasterKey(path string) (kept bool, err error) {
	text, err := config.ReadFile(path, maxMasterKey)
	if errors.Is(err, fs.ErrNotExist) {
		return false, writeNew(path, keys.NewMasterKey().Reveal()+"\n")
	}
	if err == nil {
		_, err = keys.ParseMasterKey(string(text))
	}
	if err != nil {
		return true, fail(exitConflict, "move it away if it was never used, or choose another directory", "%s is there already and no master key: %w", path, err)
	}
	return true, nil
}

// writeNew writes a file for its owner only, and fails if there is one.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}
