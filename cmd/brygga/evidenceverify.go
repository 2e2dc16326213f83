package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"brygga/evidence"
)

// trustFlags name what whoever verifies evidence trusts.
type trustFlags struct{ root, issuer, key, stampRoot, output string }

func newEvidenceVerify(h *host) *cobra.Command {
	var f trustFlags
	cmd := &cobra.Command{
		Use: "verify FILE...", Short: "Say who signed what, when and for whom, and what proves it, without a server or network", Args: cobra.MinimumNArgs(1),
		Long: "Verify evidence that \"brygga evidence export\" or the API has written, on any machine, now or in ten years. It says in plain words who signed\n" +
			"what, when, for whom and by which certificate, whether that was valid then, and which checks prove each.\n\n" +
			"BankID's roots are known. Name the root of a simulator with --root, and with --netid-issuer the authorities that issued cards and keys for\n" +
			"Net iD Access, which each organisation has its own of: get them from other hands than the file. Name the key of the audit log, which \"brygga audit key\" shows and\n" +
			"which belongs written down elsewhere, with --key: it proves for which app it was, and that the record is the one of that day.\n\n" +
			"The answer holds personal data. It ends with 0 when no check refuses a file, with 1 when one does, and with 2 when a file is no evidence.",
		RunE: func(_ *cobra.Command, files []string) error {
			if err := checkOutput(f.output); err != nil {
				return err
			}
			anchors, err := f.anchors()
			if err != nil {
				return err
			}
			return verifyEvidence(h.out, files, anchors, f.output)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.root, "root", "", "PEM `file` with the root of people's signatures, instead of those known as BankID's")
	flags.StringVar(&f.issuer, "netid-issuer", "", "PEM `file` with the certificates of those who issue cards and keys for Net iD Access")
	flags.StringVar(&f.key, "key", "", "`key` of the audit log")
	flags.StringVar(&f.stampRoot, "stamp-root", "", "PEM `file` with the root of the time-stamping authority")
	outputFlag(cmd, &f.output)
	return cmd
}

func (f *trustFlags) anchors() (evidence.Anchors, error) {
	roots, errRoots := certificatesOf("root", f.root)
	issuers, errIssuers := certificatesOf("netid-issuer", f.issuer)
	stamps, errStamps := certificatesOf("stamp-root", f.stampRoot)
	anchors := evidence.Anchors{Roots: roots, Issuers: issuers, AuditKey: f.key}
	if len(stamps) > 0 {
		anchors.StampRoots = x509.NewCertPool()
		for _, one := range stamps {
			anchors.StampRoots.AddCert(one)
		}
	}
	return anchors, errors.Join(errRoots, errIssuers, errStamps)
}

// certificatesOf returns the certificates of a PEM file, and none for no file.
func certificatesOf(flag, path string) (certificates []*x509.Certificate, err error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fail(exitUsage, "name a file that can be read with --"+flag, "%w", err)
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fail(exitUsage, "name a file with certificates in PEM with --"+flag, "%s: a certificate cannot be read", path)
		}
		certificates = append(certificates, one)
	}
	if len(certificates) == 0 {
		return nil, fail(exitUsage, "name a file that begins with -----BEGIN CERTIFICATE----- with --"+flag, "%s holds no certificate in PEM", path)
	}
	return certificates, nil
}

// verifiedFile is what "brygga evidence verify -o json" says of a file.
type verifiedFile struct {
	File string `json:"file"`
	*evidence.Report
}

func verifyEvidence(w io.Writer, files []string, anchors evidence.Anchors, output string) error {
	var reports []verifiedFile
	refused := 0
	for _, path := range files {
		f, err := readEvidence(path)
		if err != nil {
			return err
		}
		report := evidence.Verify(f, anchors)
		if !report.OK {
			refused++
		}
		reports = append(reports, verifiedFile{path, report})
	}
	if err := writeVerified(w, reports, output); err != nil || refused == 0 {
		return err
	}
	return fail(exitFailure, "each refused check above says why", "refused: %d of %d files", refused, len(files))
}

func writeVerified(w io.Writer, reports []verifiedFile, output string) error {
	if output == "json" {
		return writeJSON(w, reports)
	}
	for i, one := range reports {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if len(reports) > 1 {
			fmt.Fprintf(w, "%s\n\n", one.File)
		}
		if err := one.Write(w); err != nil {
			return err
		}
	}
	return nil
}

func readEvidence(path string) (*evidence.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fail(exitUsage, "name files that can be read", "%w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 2*evidence.MaxLine+1))
	if err != nil {
		return nil, fail(exitUsage, "name files that can be read", "%w", err)
	}
	f, err := evidence.Read(text)
	if err != nil {
		return nil, fail(exitUsage, "name files that \"brygga evidence export\" or the API has written, as they were written", "%s: %w", path, err)
	}
	return f, nil
}
