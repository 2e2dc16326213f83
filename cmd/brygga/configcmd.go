package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"brygga"
	"brygga/cmd/brygga/config"
)

func newConfigCommand(h *host) *cobra.Command {
	return group("config", "Write and check a configuration", newConfigInit(h), newConfigCheck(h), newConfigExample(h))
}

func newConfigExample(h *host) *cobra.Command {
	return &cobra.Command{
		Use: "example", Short: "Print a configuration that shows every key", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(h.out, brygga.ExampleConfig)
			return err
		},
	}
}

func newConfigCheck(h *host) *cobra.Command {
	var file, output string
	cmd := &cobra.Command{
		Use: "check [FILE]", Short: "Report everything that is wrong with a configuration", Args: cobra.MaximumNArgs(1),
		Long: "Report everything that is wrong with a configuration and with the files that it names, each with file, line, key and remedy,\n" +
			"and warn of what will be: certificates that end soon, proxies that are missing. What it finds well, \"brygga serve\" can start\n" +
			"with. It asks nobody over the network; \"brygga bankid check\" does.",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				file = args[0]
			}
			if file == "" {
				return fail(exitUsage, "write \"brygga config check FILE\", or give --config FILE", "no configuration")
			}
			if err := checkOutput(output); err != nil {
				return err
			}
			c, _, err := loadChecked(file, h.environ, time.Now)
			if output == "json" {
				return writeCheck(h.out, c, err)
			}
			if err != nil {
				return err
			}
			for _, warning := range c.Warnings() {
				fmt.Fprintln(h.err, "warning:", warning)
			}
			return writeConfig(h.out, c)
		},
	}
	cmd.Flags().StringVar(&file, "config", variable(h, "BRYGGA_CONFIG"), "configuration `file` (or BRYGGA_CONFIG)")
	outputFlag(cmd, &output)
	return cmd
}

// writeConfig tells what a configuration without faults says of itself.
func writeConfig(w io.Writer, c *config.Config) error {
	scheme := "http, behind a proxy"
	if c.TLS.CertificateFile != "" {
		scheme = "https"
	}
	fmt.Fprintln(w, "ok")
	return pairs(w, [2]string{"issuer", c.Issuer}, [2]string{"listen", c.Listen + " (" + scheme + ")"}, [2]string{"operators", c.AdminListen},
		[2]string{"data", c.Data}, [2]string{"bankid", c.BankID.Environment}, [2]string{"clients", fmt.Sprintf("%d in this file", len(c.Clients))})
}

// writeCheck writes what was found as JSON, and returns what the command ends with.
func writeCheck(w io.Writer, c *config.Config, err error) error {
	var report struct {
		OK       bool          `json:"ok"`
		Faults   config.Faults `json:"faults"`
		Warnings []string      `json:"warnings"`
	}
	report.OK, report.Faults, report.Warnings = err == nil, config.Faults{}, []string{}
	if c != nil {
		report.Warnings = append(report.Warnings, c.Warnings()...)
	}
	if err != nil && !errors.As(err, &report.Faults) {
		return err
	}
	if err := writeJSON(w, report); err != nil || report.OK {
		return err
	}
	return errExit(exitUsage)
}
