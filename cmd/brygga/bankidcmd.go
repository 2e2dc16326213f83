package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"brygga/bankid"
	"brygga/cmd/brygga/config"
)

func newBankIDCommand(h *host) *cobra.Command {
	return group("bankid", "Look at the connection to BankID, and at what it answered", newBankIDCheck(h), newBankIDVerify(h))
}

func newBankIDCheck(h *host) *cobra.Command {
	var file, output string
	cmd := &cobra.Command{
		Use: "check", Short: "Check certificates, clock and reachability, without making an order", Args: cobra.NoArgs,
		Long: "Check each BankID certificate: who it is for, what the app shows, its chain, its end, whether it belongs to the environment;\n" +
			"then ask BankID something that it must refuse, which proves network and certificates and costs nothing, and compare clocks.\n\n" +
			"It ends with 0 when all is well, with 1 when something must be done, with 2 when the configuration is wrong, and with 5 when\n" +
			"BankID cannot be reached.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			if file == "" {
				return fail(exitUsage, "give --config FILE", "no configuration")
			}
			c, err := loadConfig(file, h.environ)
			if err != nil {
				return err
			}
			return reportBankID(h, checkBankID(cmd.Context(), c, time.Now), output)
		},
	}
	cmd.Flags().StringVar(&file, "config", variable(h, "BRYGGA_CONFIG"), "configuration `file` (or BRYGGA_CONFIG)")
	outputFlag(cmd, &output)
	return cmd
}

// bankIDReport is what "brygga bankid check" found.
type bankIDReport struct {
	OK          bool   `json:"ok"`
	Environment string `json:"environment"`
	URL         string `json:"url"`
	Verify      string `json:"verify"`
	// Problems are those of no certificate.
	Problems     []string            `json:"problems,omitempty"`
	Certificates []certificateReport `json:"certificates"`
}

type certificateReport struct {
	Name               string    `json:"name"`
	DisplayName        string    `json:"display_name,omitempty"`
	Organisation       string    `json:"organisation,omitempty"`
	OrganisationNumber string    `json:"organisation_number,omitempty"`
	CommonName         string    `json:"common_name,omitempty"`
	SignedName         string    `json:"signed_name,omitempty"` // what signatures for us must say; BankID may escape it in other ways
	Issuer             string    `json:"issuer,omitempty"`
	Chain              []string  `json:"chain,omitempty"`
	NotBefore          time.Time `json:"not_before,omitzero"`
	NotAfter           time.Time `json:"not_after,omitzero"`
	DaysLeft           int       `json:"days_left"`
	Reachable          bool      `json:"reachable"`
	// ClockSkewSeconds is how far BankID's clock is ahead of ours; nothing when it did not tell.
	ClockSkewSeconds *float64 `json:"clock_skew_seconds,omitempty"`
	Problems         []string `json:"problems,omitempty"`

	unreachable bool // BankID did not answer, which says nothing of the certificate
}

// checkBankID looks at everything and never stops at the first problem.
func checkBankID(ctx context.Context, c *config.Config, now func() time.Time) bankIDReport {
	options := c.BankID.Options()
	options.Now, options.Logger = now, slog.New(slog.DiscardHandler)
	report := bankIDReport{OK: true, Environment: c.BankID.Environment, URL: options.BaseURL, Verify: c.BankID.Verify}
	if _, err := newVerifier(&c.BankID, now); err != nil {
		report.Problems = append(report.Problems, err.Error())
	}
	sources := c.BankID.Sources()
	sources[""] = options.Certificate
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		options.Certificate = sources[name]
		report.Certificates = append(report.Certificates, checkOurCertificate(ctx, name, options, c.BankID.Environment, now))
	}
	report.OK = len(report.Problems) == 0
	for _, certificate := range report.Certificates {
		report.OK = report.OK && len(certificate.Problems) == 0
	}
	return report
}

func checkOurCertificate(ctx context.Context, name string, options bankid.Options, environment string, now func() time.Time) certificateReport {
	r := certificateReport{Name: certificateName(name)}
	problem := func(format string, values ...any) { r.Problems = append(r.Problems, fmt.Sprintf(format, values...)) }
	api, err := bankid.New(options)
	if err != nil {
		problem("%v", err)
		return r
	}
	defer api.Close()
	info := api.CertificateInfo()
	chain, unbroken := api.CertificateChain()
	left := info.NotAfter.Sub(now())
	r.SignedName = api.RelyingParty().Name
	r.DisplayName, r.Organisation, r.OrganisationNumber, r.CommonName = info.DisplayName, info.Organisation, info.OrganisationNumber, info.CommonName
	r.Issuer, r.Chain, r.NotBefore, r.NotAfter, r.DaysLeft = info.Issuer, chain, info.NotBefore.UTC(), info.NotAfter.UTC(), daysLeft(left)
	if err := info.ValidAt(now()); err != nil {
		problem("%v", err)
	} else if left <= certificateWarning {
		problem("ends in %d days: order a new certificate from the bank", r.DaysLeft)
	}
	if !unbroken {
		problem("the authorities in the file did not sign it, or not each other")
	}
	if info.DisplayName == "" {
		problem("has no name for the app to show")
	}
	if text := foreignEnvironment(environment, info.Issuer); text != "" {
		problem("%s", text)
	}
	r.probe(ctx, api, now, problem)
	return r
}

// foreignEnvironment returns why a certificate of that issuer is not for the environment, or "". The authorities of the test
// environment say so in their name (BankID API: environments).
func foreignEnvironment(environment, issuer string) string {
	test := strings.Contains(issuer, "BankID Test")
	switch {
	case environment == config.Production && test:
		return "is one of BankID's test environment, and the configuration says production"
	case environment == config.Test && !test:
		return "is not one of BankID's test environment, which the configuration says"
	}
	return ""
}

func (r *certificateReport) probe(ctx context.Context, api *bankid.API, now func() time.Time, problem func(string, ...any)) {
	before := now()
	clock, err := api.ProbeClock(ctx)
	switch {
	case errors.Is(err, bankid.ErrCertificateRefused):
		problem("BankID refuses it: %v", err)
	case errors.Is(err, bankid.ErrUntrustedServer):
		problem("the server does not prove to be BankID: look at bankid.root_ca_file and bankid.url: %v", err)
	case err != nil:
		r.unreachable = true
		problem("BankID was not reached: %v", err)
	default:
		r.Reachable = true
	}
	if clock.IsZero() {
		return
	}
	// BankID read its clock between our two looks at ours, and cut the fraction off.
	middle := before.Add(now().Sub(before) / 2)
	skew := clock.Add(time.Second / 2).Sub(middle)
	seconds := skew.Round(100 * time.Millisecond).Seconds()
	r.ClockSkewSeconds = &seconds
	if text := checkSkew(skew); text != "" {
		problem("%s", text)
	}
}

// reportBankID shows the report and returns what the command ends with.
func reportBankID(h *host, r bankIDReport, output string) error {
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
	case slices.ContainsFunc(r.Certificates, func(c certificateReport) bool { return c.unreachable }):
		return fail(exitUnavailable, "look at the network and at bankid.url; BankID tells of outages on its own page", "BankID cannot be reached")
	}
	return fail(exitFailure, "each problem above says what", "something must be done")
}

func (r bankIDReport) write(w io.Writer) error {
	err := pairs(w, [2]string{"environment", r.Environment}, [2]string{"url", r.URL}, [2]string{"verify", r.Verify})
	for _, problem := range r.Problems {
		fmt.Fprintln(w, "problem:", problem)
	}
	for _, c := range r.Certificates {
		fmt.Fprintf(w, "\ncertificate %s\n", c.Name)
		lines := [][2]string{
			{"  shown in the app", c.DisplayName}, {"  organisation", strings.TrimSpace(c.Organisation + " " + c.OrganisationNumber)},
			{"  common name", c.CommonName}, {"  name in signatures", c.SignedName}, {"  issuer", c.Issuer}, {"  chain", strings.Join(c.Chain, " < ")}, {"  valid from", moment(c.NotBefore)},
			{"  valid until", c.until()}, {"  reachable", strconv.FormatBool(c.Reachable)},
		}
		if c.ClockSkewSeconds != nil {
			lines = append(lines, [2]string{"  clock", fmt.Sprintf("BankID's is %+.1fs", *c.ClockSkewSeconds)})
		}
		err = errors.Join(err, pairs(w, lines...))
		for _, problem := range c.Problems {
			fmt.Fprintln(w, "  problem:", problem)
		}
	}
	if r.OK {
		fmt.Fprintln(w, "\nok")
	}
	return err
}

func (c certificateReport) until() string {
	if c.NotAfter.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s (%d days)", moment(c.NotAfter), c.DaysLeft)
}
