package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"brygga/admin"
	"brygga/storage"
)

func newEvidenceCommand(h *host) *cobra.Command {
	commands := []*cobra.Command{newEvidenceList(h), newEvidenceExport(h), newEvidenceErase(h)}
	if h.operator == nil { // no server verifies files for somebody else
		commands = append(commands, newEvidenceVerify(h))
	}
	return group("evidence", "Look at what proves signatures, payments and logins", commands...)
}

// evidenceFlags say which records are wanted.
type evidenceFlags struct {
	since, until, kind, reference string
	admin.EvidenceFilter
}

func (f *evidenceFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.since, "since", "", "`time` after which they were made, such as 2026-03-01, 2026-03-01T14:30:00Z, or how long ago, such as 24h or 30d")
	flags.StringVar(&f.until, "until", "", "`time` before which they were made")
	flags.StringVar(&f.ClientID, "client", "", "`ID` of the client")
	flags.StringVar(&f.Transaction, "txn", "", "what the client knows the login by, its claim `txn`")
	flags.StringVar(&f.reference, "reference", "", "what the person's page showed, such as `7QX4-2MKD`, of the last two years unless --since says otherwise")
	flags.StringVar(&f.kind, "kind", "", "sign, payment or identify")
	flags.IntVar(&f.Limit, "limit", 50, "how many at most")
}

// read reads the flags that are no plain text.
func (f *evidenceFlags) read(now time.Time) (err error) {
	for flag, at := range map[string]*time.Time{"--since": &f.From, "--until": &f.To} {
		text := map[string]string{"--since": f.since, "--until": f.until}[flag]
		if text == "" {
			continue
		}
		if *at, err = pointInTime(flag, text, now); err != nil {
			return err
		}
	}
	if f.reference != "" {
		if f.Reference, err = storage.ParseReference(f.reference); err != nil {
			return notReference(f.reference)
		}
	}
	if f.Kind = storage.Kind(f.kind); f.Kind != "" && !slices.Contains(storage.Kinds(), f.Kind) {
		return fail(exitUsage, "write sign, payment or identify", "--kind %q is none", cut(f.kind))
	}
	return checkLimit(f.Limit)
}

func newEvidenceList(h *host) *cobra.Command {
	var where whereFlags
	var f evidenceFlags
	var output string
	cmd := &cobra.Command{
		Use: "list", Short: "List records of evidence, the newest first", Args: cobra.NoArgs,
		Long: "List what proves signatures and payments, and logins of the clients that have it kept, the newest first. A list names nobody; those that were erased are in it,\n" +
			"with who erased them and when.",
		Example: "  brygga evidence list --client journal --since 30d --config brygga.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(checkOutput(output), f.read(time.Now())); err != nil {
				return err
			}
			return withOperations(cmd, h, &where, func(ctx context.Context, s operations) error {
				all, err := evidenceOf(ctx, s, f.EvidenceFilter)
				if err != nil {
					return err
				}
				if output == "json" {
					return writeJSON(h.out, all)
				}
				return writeEvidenceList(h.out, all)
			})
		},
	}
	f.add(cmd)
	where.add(cmd, h)
	outputFlag(cmd, &output)
	return cmd
}

// evidenceOf returns the records that are wanted, from as many pages as that takes.
func evidenceOf(ctx context.Context, s operations, f admin.EvidenceFilter) ([]admin.EvidenceView, error) {
	all, limit := []admin.EvidenceView{}, f.Limit
	for {
		f.Limit = limit - len(all)
		found, err := s.Evidence(ctx, f)
		if err != nil {
			return nil, err
		}
		all = append(all, found.Records...)
		if f.Before = found.Next; found.Next == "" || len(all) >= limit {
			return all, nil
		}
	}
}

func writeEvidenceList(w io.Writer, all []admin.EvidenceView) error {
	rows := [][]string{{"ID", "MADE", "CLIENT", "KIND", "REFERENCE", "KEPT UNTIL", "STATE"}}
	for _, v := range all {
		state := ""
		switch {
		case v.Unreadable:
			state = "unreadable: the store was changed"
		case !v.Erased.IsZero():
			state = "erased " + moment(v.Erased) + " by " + v.ErasedBy
		case v.Stamped:
			state = "stamped"
		}
		rows = append(rows, []string{v.ID, moment(v.Created), v.ClientID, v.Kind, v.Reference, moment(v.Kept), state})
	}
	return table(w, rows...)
}

// evidenceFailed says what helps against the errors of a record.
func evidenceFailed(id string, err error) error {
	switch {
	case errors.Is(err, admin.ErrErased):
		return fail(exitNotFound, "\"brygga evidence list --txn "+id+"\" says by whom and when", "evidence %s was erased", id)
	case errors.Is(err, storage.ErrNotFound):
		return fail(exitNotFound, "\"brygga evidence list\" shows what there is", "there is no evidence %q, or nothing of it", cut(id))
	case errors.Is(err, admin.ErrAltered):
		return fail(exitFailure, "keep the store as it is, and look into the audit log", "evidence %s is not the record that was written", id)
	case errors.Is(err, admin.ErrReason):
		return fail(exitUsage, "say why in a line of at most 500 characters, without naming the person", "--reason cannot be used")
	case errors.Is(err, storage.ErrConflict):
		return fail(exitConflict, "", "evidence %s was erased before", id)
	}
	return err
}

func newEvidenceExport(h *host) *cobra.Command {
	var where whereFlags
	cmd := &cobra.Command{
		Use: "export ID", Short: "Write a record as a file that can be verified anywhere", Args: cobra.ExactArgs(1),
		Long: "Write a record of evidence to standard output, as a file that \"brygga evidence verify\" verifies on any machine, years later. ID is what a list shows\n" +
			"and the claim txn of the app's ID token. The file names the person and has what was signed; that it was exported stands in the audit log.",
		Example: "  brygga evidence export 3dZ1mQm7Y0Hq2oT8yWbW5g --config brygga.yaml >contract.evidence",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOperations(cmd, h, &where, func(ctx context.Context, s operations) error {
				f, err := s.ExportEvidence(ctx, args[0])
				if err != nil {
					return evidenceFailed(args[0], err)
				}
				text, err := f.Text()
				if err != nil {
					return err
				}
				if f.Proof == nil {
					fmt.Fprintln(h.err, "the audit log does not prove it: its event is not signed yet, which takes some seconds, or is kept no longer")
				}
				_, err = h.out.Write(text)
				return err
			})
		},
	}
	where.add(cmd, h)
	return cmd
}

func newEvidenceErase(h *host) *cobra.Command {
	var where whereFlags
	var reason string
	var yes bool
	cmd := &cobra.Command{
		Use: "erase ID", Short: "Take out of a record what is in it, for ever", Args: cobra.ExactArgs(1),
		Long: "Take out of a record of evidence what is in it. Nobody can prove that signature or login any more, unless it was exported before. Its hash is left, in\n" +
			"the record and in the audit log, with who erased it, when and why.",
		Example: "  brygga evidence erase 3dZ1mQm7Y0Hq2oT8yWbW5g --reason \"asked for, case 17\" --config brygga.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(reason) == "" {
				return evidenceFailed(args[0], admin.ErrReason)
			}
			if !yes && !h.confirms("erase evidence "+args[0]+", so that nobody can prove what it proves?") {
				return fail(exitUsage, "answer yes, or give --yes", "nothing was erased")
			}
			return withOperations(cmd, h, &where, func(ctx context.Context, s operations) error {
				v, err := s.EraseEvidence(ctx, args[0], reason)
				if err != nil {
					return evidenceFailed(args[0], err)
				}
				_, err = fmt.Fprintf(h.out, "erased evidence %s, whose SHA-256 was %s\n", v.ID, v.SHA256)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record and the audit log")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	where.add(cmd, h)
	return cmd
}
