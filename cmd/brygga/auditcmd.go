package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"brygga/audit"
	"brygga/audit/tree"
	"brygga/duration"
	"brygga/logins"
	"brygga/storage"
)

func newAuditCommand(h *host) *cobra.Command {
	var where whereFlags
	cmd := group("audit", "Read the audit log, export it, and prove what is in it",
		newAuditList(h, &where), newAuditExport(h, &where), newAuditVerify(h, &where), newAuditProve(h, &where), newAuditKey(h, &where), newAuditSinks(h, &where))
	cmd.Long = "Read the audit log, export it, and prove what is in it. Its events are the leaves of a tree that only grows, and a signed checkpoint says how\n" +
		"many there are and what their root is: an event that was changed, lost or put in shows, to whoever has the key and an earlier checkpoint."
	where.add(cmd, h)
	return cmd
}

// auditFilter says which events are wanted.
type auditFilter struct {
	since, until                    string
	event, client, actor, reference string
}

func (f *auditFilter) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.since, "since", "24h", "`time` of the first event, such as 2026-03-01, 2026-03-01T14:30:00Z, or how long ago, such as 24h or 30d")
	flags.StringVar(&f.until, "until", "", "`time` before which the last event was, now if not given")
	flags.StringVar(&f.event, "event", "", "`number` of the event, or how it begins, such as SEC_")
	flags.StringVar(&f.client, "client", "", "`ID` of the client")
	flags.StringVar(&f.actor, "actor", "", "who did it, by `name`")
	flags.StringVar(&f.reference, "reference", "", "`reference` of a login, as the person's page shows it")
}

// times returns the times that the flags name.
func (f *auditFilter) times(now time.Time) (since, until time.Time, err error) {
	since, err = pointInTime("--since", f.since, now)
	until = now.Add(time.Second)
	if err == nil && f.until != "" {
		until, err = pointInTime("--until", f.until, now)
	}
	return since, until, err
}

// pointInTime reads a time, or how long ago it was.
func pointInTime(flag, text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	if ago, err := duration.Parse(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, fail(exitUsage, "write 2026-03-01, 2026-03-01T14:30:00Z, or how long ago: 24h, 30d", "%s %q is no time", flag, cut(text))
}

// page is how many events are read at once.
const page = 1000

// each calls do with the events that are wanted, in the order of their time.
func (f *auditFilter) each(ctx context.Context, s operations, since, until time.Time, do func(...storage.AuditEvent) error) error {
	if f.reference != "" {
		return f.eachOf(ctx, s, since, until, do)
	}
	q := logins.EventQuery{From: since, To: until, Kind: f.event, ClientID: f.client, Actor: f.actor, Limit: page}
	for {
		found, err := s.SearchAudit(ctx, q)
		if err != nil {
			return err
		}
		if err := do(found.Events...); err != nil || found.Next == "" {
			return err
		}
		q.After = found.Next
	}
}

// eachOf does so with those of a login.
func (f *auditFilter) eachOf(ctx context.Context, s operations, since, until time.Time, do func(...storage.AuditEvent) error) error {
	reference, err := storage.ParseReference(f.reference)
	if err != nil {
		return notReference(f.reference)
	}
	events, err := s.LoginEvents(ctx, reference, since, until)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return do(slices.DeleteFunc(events, func(e storage.AuditEvent) bool {
		return !strings.HasPrefix(e.Type, f.event) || f.client != "" && e.Fields["CLIENT_ID"] != f.client || f.actor != "" && e.Fields["ACTOR"] != f.actor
	})...)
}

// clock is that of the installation: the one of a server may be moved on, for trying things out.
func clock(h *host) time.Time {
	if h.operator != nil {
		return h.operator.now().UTC()
	}
	return time.Now().UTC()
}

func newAuditList(h *host, where *whereFlags) *cobra.Command {
	var filter auditFilter
	var output string
	cmd := &cobra.Command{
		Use: "list", Short: "List events, oldest first", Args: cobra.NoArgs,
		Long: "List events, oldest first, of the last day unless --since says otherwise. As json an event is a line; csv has a column for each field; cef is\n" +
			"ArcSight's Common Event Format. docs/events.md says what events there are.",
		Example: "  brygga audit list --since 7d --event SEC_\n  brygga audit list --since 2026-03-01 --until 2026-04-01 --output csv > march.csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains([]string{"text", "json", "csv", "cef"}, output) {
				return fail(exitUsage, "write --output text, json, csv or cef", "--output %q is not a form of output", output)
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				since, until, err := filter.times(clock(h))
				if err != nil {
					return err
				}
				return filter.each(ctx, s, since, until, eventWriter(h.out, output))
			})
		},
	}
	filter.add(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text, json, csv or cef")
	return cmd
}

// eventWriter returns what writes events in the form.
func eventWriter(w io.Writer, output string) func(...storage.AuditEvent) error {
	switch output {
	case "csv":
		return audit.NewTable(w).Write
	case "cef":
		line := audit.CEF(buildVersion())
		return eachLine(w, func(e *storage.AuditEvent) (string, error) { return line(e), nil })
	case "json":
		return eachLine(w, func(e *storage.AuditEvent) (string, error) {
			text, err := storage.AuditText(e)
			return string(text), err
		})
	}
	return eachLine(w, func(e *storage.AuditEvent) (string, error) { return audit.Text(e), nil })
}

func eachLine(w io.Writer, line func(*storage.AuditEvent) (string, error)) func(...storage.AuditEvent) error {
	return func(events ...storage.AuditEvent) error {
		for i := range events {
			text, err := line(&events[i])
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(w, text); err != nil {
				return err
			}
		}
		return nil
	}
}

func newAuditExport(h *host, where *whereFlags) *cobra.Command {
	var since string
	cmd := &cobra.Command{
		Use: "export", Short: "Write the log so that others can verify it", Args: cobra.NoArgs,
		Long: "Write the log on standard output so that it can be verified without this installation: a line with the signed checkpoint, and then a line for each\n" +
			"event. Of events whose retention has ended there is the hash alone. \"brygga audit verify FILE\" verifies it, anywhere.",
		Example: "  brygga audit export --config brygga.yaml > audit.jsonl",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				var from time.Time
				if since != "" {
					var err error
					if from, err = pointInTime("--since", since, clock(h)); err != nil {
						return err
					}
				}
				done, err := s.ExportLog(ctx, h.out, from)
				if err != nil {
					return tampered(err)
				}
				fmt.Fprintf(h.err, "%d events were exported, and the hashes of %d that are gone\n", done.Events, done.Hashes)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "`time` of the first event, or how long ago; all if not given")
	return cmd
}

// tampered gives the error of a log that was tampered with its remedy.
func tampered(err error) error {
	if errors.Is(err, tree.ErrTampered) {
		return fail(exitFailure, "keep the store as it is, compare it with backups and with the checkpoints in your logs, and find out who could write to it", "%w", err)
	}
	return err
}

func newAuditVerify(h *host, where *whereFlags) *cobra.Command {
	var key string
	var known []string
	cmd := &cobra.Command{
		Use: "verify [FILE]", Short: "Verify an export or a proof, or the log of this installation", Args: cobra.MaximumNArgs(1),
		Long: "Verify FILE, which \"audit export\" or \"audit prove\" has written, with nothing but the key: no installation and no network is needed. The key must come from\n" +
			"other hands than the file; \"audit key\" shows it. Each --checkpoint FILE is one that you have kept, from the log or the operators' listener: what it signed must\n" +
			"still be there. Without FILE the log of the installation is compared with what it has signed.",
		Example: "  brygga audit verify audit.jsonl --key login.example.se/audit+5e1f07a3+AV… --checkpoint january.txt",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return withOperations(cmd, h, where, func(ctx context.Context, s operations) error { return verifyStore(ctx, h, s) })
			}
			if key == "" {
				return fail(exitUsage, "give --key KEY, as \"brygga audit key\" shows it on the server; the one in the file proves nothing, for it came with it", "verify with which key?")
			}
			return verifyFile(h, args[0], key, known)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "`key` that the checkpoint is verified with")
	cmd.Flags().StringArrayVar(&known, "checkpoint", nil, "`file` with a checkpoint from earlier; may be given several times")
	return cmd
}

func verifyStore(ctx context.Context, h *host, s operations) error {
	r, err := s.CheckLog(ctx)
	if err != nil {
		return tampered(err)
	}
	if r.Missing > 0 {
		return fail(exitFailure, "keep the store as it is, and compare it with an export or a backup from before", "%d events are gone, or are not what was signed", r.Missing)
	}
	fmt.Fprintf(h.out, "the audit log is whole: %d events were signed, of which %d have expired\n", r.Leaves, r.Expired)
	if r.Late > 0 {
		fmt.Fprintf(h.out, "%d events came late and are signed within a day\n", r.Late)
	}
	return nil
}

// maxProof bounds the file of a proof, and of a checkpoint.
const maxProof = 16 << 20

func verifyFile(h *host, path, key string, known []string) error {
	checkpoints := make([][]byte, len(known))
	for i, name := range known {
		text, err := os.ReadFile(name)
		if err != nil {
			return fail(exitUsage, "name a file with a checkpoint", "%w", err)
		}
		checkpoints[i] = text
	}
	file, err := os.Open(path)
	if err != nil {
		return fail(exitUsage, "name a file that \"brygga audit export\" or \"brygga audit prove\" has written", "%w", err)
	}
	defer file.Close()
	if isProof(file) {
		return verifyProof(h, file, key)
	}
	v, err := tree.VerifyExport(file, key, checkpoints...)
	if err != nil {
		return unverified(path, err)
	}
	fmt.Fprintf(h.out, "%s is what %s has signed\n", path, v.Log)
	return pairs(h.out, [2]string{"events", fmt.Sprint(v.Events)}, [2]string{"only hashes", fmt.Sprint(v.Hashes)}, [2]string{"begins at", fmt.Sprint(v.First)},
		[2]string{"ends at", fmt.Sprint(v.Size)}, [2]string{"first event", moment(v.From)}, [2]string{"last event", moment(v.To)},
		[2]string{"known checkpoints", fmt.Sprintf("%d of %d lie in it", v.Known, len(known))})
}

// isProof reports whether the file is a proof, and goes back to its beginning.
func isProof(file *os.File) bool {
	var head struct{ Events *json.RawMessage }
	err := json.NewDecoder(io.LimitReader(file, maxProof)).Decode(&head)
	file.Seek(0, io.SeekStart)
	return err == nil && head.Events != nil
}

func verifyProof(h *host, file *os.File, key string) error {
	text, err := io.ReadAll(io.LimitReader(file, maxProof))
	if err != nil {
		return err
	}
	events, size, err := tree.VerifyProof(text, key)
	if err != nil {
		return unverified(file.Name(), err)
	}
	fmt.Fprintf(h.out, "these %d events are in the log, which had %d:\n", len(events), size)
	for _, event := range events {
		fmt.Fprintln(h.out, event)
	}
	return nil
}

func unverified(path string, err error) error {
	if errors.Is(err, tree.ErrInvalid) {
		return fail(exitFailure, "believe nothing in it; ask for another export, and for the reason", "%s %w", path, err)
	}
	return fail(exitUsage, "", "%s: %w", path, err)
}

func newAuditProve(h *host, where *whereFlags) *cobra.Command {
	return &cobra.Command{
		Use: "prove REFERENCE", Short: "Prove what the log has of a login", Args: cobra.ExactArgs(1),
		Long: "Write the events of a login, by the reference that the person's page showed, with the hashes that prove them to be in the log. \"brygga audit verify FILE\"\n" +
			"verifies it, anywhere, and needs nothing else of the log.",
		Example: "  brygga audit prove 7QX4-2MKD --config brygga.yaml > proof.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			reference, err := storage.ParseReference(args[0])
			if err != nil {
				return notReference(args[0])
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				now := clock(h)
				proof, err := s.Prove(ctx, reference, time.Time{}, now.Add(time.Second))
				if errors.Is(err, storage.ErrNotFound) {
					return noLogin(reference, now)
				}
				if errors.Is(err, tree.ErrUnsigned) {
					return fail(exitConflict, "try again in some seconds, while a server runs", "%w", err)
				}
				if err != nil {
					return tampered(err)
				}
				return writeJSON(h.out, proof)
			})
		},
	}
}

func newAuditKey(h *host, where *whereFlags) *cobra.Command {
	return &cobra.Command{
		Use: "key", Short: "Show the key that the log is verified with, and the checkpoint", Args: cobra.NoArgs,
		Long: "Show the key that checkpoints are verified with, and the checkpoint as it stands. Keep the key where who could change the log cannot change it, and\n" +
			"checkpoints too: what one has signed cannot be taken back unseen.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				log, err := s.ShowLog(ctx)
				if err != nil {
					return tampered(err)
				}
				fmt.Fprintln(h.out, log.PublicKey)
				if len(log.Checkpoint) > 0 {
					fmt.Fprintf(h.out, "\n%s", log.Checkpoint)
				}
				return nil
			})
		},
	}
}
