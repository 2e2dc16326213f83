package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"brygga/cmd/brygga/config"
)

func newNetIDCommand(h *host) *cobra.Command {
	cmd := group("netid", "Look at the connection to Net iD Access, and register there", newNetIDRegister(h))
	if h.operator == nil { // a running server reads no configuration for others
		cmd.AddCommand(newNetIDCheck(h))
	}
	return cmd
}

func newNetIDCheck(h *host) *cobra.Command {
	var file, output string
	cmd := &cobra.Command{
		Use: "check", Short: "Check certificates, WSDL version and reachability, without making an order", Args: cobra.NoArgs,
		Long: "Check the authorities of people's cards and each certificate of ours: who it is for and its end; then ask Net iD Access for its\n" +
			"WSDL, which proves network and certificates both ways and tells the version. By what name the app shows us, the service says\n" +
			"in answer to \"brygga netid register\" alone.\n\n" +
			"It ends with 0 when all is well, with 1 when something must be done, with 2 when the configuration is wrong, and with 5 when\n" +
			"the service cannot be reached.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			c, err := loadNetID(h, file)
			if err != nil {
				return err
			}
			report, err := checkNetID(cmd.Context(), c, time.Now)
			if err != nil {
				return err
			}
			return reportNetID(h, report, output)
		},
	}
	cmd.Flags().StringVar(&file, "config", variable(h, "BRYGGA_CONFIG"), "configuration `file` (or BRYGGA_CONFIG)")
	outputFlag(cmd, &output)
	return cmd
}

// loadNetID returns the configuration in a file that has a Net iD Access.
func loadNetID(h *host, file string) (*config.Config, error) {
	if file == "" {
		return nil, fail(exitUsage, "give --config FILE", "no configuration")
	}
	c, err := loadConfig(file, h.environ)
	if err == nil && !c.NetID.Used() {
		return nil, fail(exitUsage, "\"brygga config example\" shows the section netid", "%s has no Net iD Access", file)
	}
	return c, err
}

// reportNetID shows the report and returns what the command ends with.
func reportNetID(h *host, r netIDReport, output string) error {
	var err error
	if output == "json" {
		err = writeJSON(h.out, r)
	} else {
		err = r.write(h.out)
	}
	switch {
	case err != nil:
		return err
	case r.OK:
		return nil
	case slices.ContainsFunc(r.Certificates, func(c netIDCertificate) bool { return c.unreachable }):
		return fail(exitUnavailable, "look at the network, at netid.url and at the proxy of http_clients", "Net iD Access cannot be reached")
	}
	return fail(exitFailure, "each problem above says what", "something must be done")
}

func (r netIDReport) write(w io.Writer) error {
	err := pairs(w, [2]string{"url", r.URL}, [2]string{"http client", r.HTTPClient}, [2]string{"soap", r.SOAP}, [2]string{"wsdl", r.WSDL},
		[2]string{"revocation", r.Revocation})
	for _, i := range r.Issuers {
		fmt.Fprintf(w, "\nissuer %s\n", i.Name)
		err = errors.Join(err, pairs(w, [2]string{"  common name", i.CommonName}, [2]string{"  valid until", i.until()}))
		writeProblems(w, i.Problems)
	}
	for _, c := range r.Certificates {
		fmt.Fprintf(w, "\ncertificate %s\n", c.Name)
		lines := [][2]string{
			{"  common name", c.CommonName}, {"  issuer", c.Issuer}, {"  valid until", c.until()}, {"  asked for", strconv.FormatBool(c.AskedFor)},
			{"  reachable", strconv.FormatBool(c.Reachable)}, {"  wsdl", c.WSDL},
		}
		if s := c.Server; s != nil {
			lines = append(lines, [2]string{"  server", s.CommonName}, [2]string{"  server until", s.until()})
		}
		err = errors.Join(err, pairs(w, lines...))
		writeProblems(w, c.Problems)
	}
	if r.OK {
		fmt.Fprintln(w, "\nok")
	}
	return err
}

func writeProblems(w io.Writer, problems []string) {
	for _, problem := range problems {
		fmt.Fprintln(w, "  problem:", problem)
	}
}
