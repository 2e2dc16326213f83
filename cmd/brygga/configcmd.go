package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"brygga/cmd/brygga/config"
	"brygga/keys"
)

func newConfigCommand(h *host) *cobra.Command {
	return group("config", "Write and check a configuration", newConfigInit(h), newConfigCheck(h))
}

func newConfigCheck(h *host) *cobra.Command {
	return &cobra.Command{
		Use: "check FILE", Short: "Report everything that is wrong with a configuration", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			c, _, err := loadChecked(args[0], h.environ, time.Now)
			if err != nil {
				return err
			}
			for _, warning := range c.Warnings() {
				fmt.Fprintln(h.err, "warning:", warning)
			}
			scheme := "http, behind a proxy"
			if c.TLS.CertificateFile != "" {
				scheme = "https"
			}
			fmt.Fprintln(h.out, "ok")
			return pairs(h.out, [2]string{"issuer", c.Issuer}, [2]string{"listen", c.Listen + " (" + scheme + ")"}, [2]string{"operators", c.AdminListen},
				[2]string{"data", c.Data}, [2]string{"bankid", c.BankID.Environment}, [2]string{"clients", fmt.Sprintf("%d in this file", len(c.Clients))})
		},
	}
}

const initialConfig = `# Written by "brygga config init". config.example.yaml in the source shows every key.

# The address of this server as browsers and apps see it.
issuer: %s

# Where to listen. Set tls, or let a proxy that speaks HTTPS stand in front and name it in trusted_proxies.
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
  environment: production
  # The certificate from your bank, and the file with its passphrase.
  pkcs12_file: bankid.p12
  passphrase_file: bankid.passphrase
  # The root of BankID's server certificate, which BankID publishes for developers.
  root_ca_file: bankid-root.pem
  # The root of people's signatures, the member banks', which BankID hands out on request.
  signature_root_file: bankid-signature-root.pem
`

func newConfigInit(h *host) *cobra.Command {
	var issuer string
	cmd := &cobra.Command{
		Use: "init [FILE]", Short: "Write a configuration and a fresh master key", Args: cobra.MaximumNArgs(1),
		Long: "Write a configuration (brygga.yaml unless FILE is given) and a file with a fresh master key beside it, both readable by\n" +
			"their owner only. Files that are there already are left alone.",
		RunE: func(_ *cobra.Command, args []string) error {
			path := "brygga.yaml"
			if len(args) > 0 {
				path = args[0]
			}
			key := filepath.Join(filepath.Dir(path), masterKeyFile)
			for _, name := range []string{path, key} {
				if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
					return fail(exitConflict, "choose another directory, or keep what is there: a lost master key cannot be made again", "%s exists already", name)
				}
			}
			if err := writeNew(key, keys.NewMasterKey().Reveal()+"\n"); err != nil {
				return err
			}
			if err := writeNew(path, fmt.Sprintf(initialConfig, issuer, masterKeyFile)); err != nil {
				return errors.Join(err, os.Remove(key))
			}
			fmt.Fprintf(h.out, "wrote %s and %s\n", path, key)
			if _, err := config.Load(path, h.environ); err != nil {
				fmt.Fprintf(h.out, "Next: put the BankID certificate beside it, edit it, then run: brygga config check %s\n", path)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&issuer, "issuer", "https://login.example.se", "address of the server as browsers see it")
	return cmd
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
