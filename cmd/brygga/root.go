package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"brygga/cmd/brygga/config"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/postgres"
)

// host is where a command runs: its streams and environment, and the parts of a running server when it runs inside one.
type host struct {
	in       *os.File // where somebody may be asked; nil for nowhere
	out, err io.Writer
	environ  []string
	// operator is set inside a running server, for which client and key commands run.
	operator *operator
	// typed is the line on standard input of a command that reads one, before a server runs it.
	typed secret.String
	// args are the arguments of the command, for handing it to a running server.
	args []string
}

// Exit codes of the command; see exitCodesHelp.
const (
	exitOK = iota
	exitFailure
	exitUsage
	exitNotFound
	exitConflict
	exitUnavailable
	exitWrongKey
	exitChanges
	exitForced = 130
)

const exitCodesHelp = `Every command ends with one of these codes:

    0  done
    1  failed for a reason that no other code names
    2  wrong usage or configuration: nothing was done
    3  there is no such client, login or operator
    4  it exists already, was changed meanwhile, or the step is not allowed now
    5  something needed is not available: a port, the store, the running server, BankID
    6  the master key is not the one that the store was made with
    7  "apply --dry-run": something would change
  130  ended by a second Ctrl-C or SIGTERM before everything was closed

Errors are written to standard error: what is wrong, where, and what helps.
`

// failure is an error with what helps against it and the exit code it ends with.
type failure struct {
	code   int
	err    error
	remedy string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func fail(code int, remedy, format string, values ...any) error {
	return &failure{code: code, err: fmt.Errorf(format, values...), remedy: remedy}
}

// errExit ends the command with a code when everything has been said already.
type errExit int

func (errExit) Error() string { return "" }

// run runs one command and returns its exit code.
func run(ctx context.Context, args []string, h *host) int {
	h.args = args
	root := newRoot(h)
	root.SetArgs(args)
	root.SetOut(h.out)
	root.SetErr(h.err)
	if err := root.ExecuteContext(ctx); err != nil {
		return report(h.err, err)
	}
	return exitOK
}

// report tells the operator of err and returns the exit code.
func report(w io.Writer, err error) int {
	var exit errExit
	if errors.As(err, &exit) {
		return int(exit)
	}
	var faults config.Faults
	if errors.As(err, &faults) {
		fmt.Fprintln(w, faults.Error())
		return exitUsage
	}
	code, remedy := classify(err)
	for line := range strings.SplitSeq(strings.TrimSpace(err.Error()), "\n") {
		fmt.Fprintln(w, "brygga:", line)
	}
	if remedy != "" {
		fmt.Fprintln(w, "  →", remedy)
	}
	return code
}

// classify returns the exit code of err and what helps against it.
func classify(err error) (code int, remedy string) {
	var f *failure
	if code, remedy, is := classifyRemote(err); is && !errors.As(err, &f) {
		return code, remedy
	}
	switch {
	case errors.As(err, &f):
		return f.code, f.remedy
	case errors.Is(err, storage.ErrKeyNeeded):
		return exitWrongKey, "name the key of before in other_master_key_file until \"brygga key reseal\" is done; nothing was changed"
	case errors.Is(err, storage.ErrWrongKey):
		return exitWrongKey, "give the master key that the store was made with, or name it in other_master_key_file beside a new one; nothing else can read it, and nothing was changed"
	case errors.Is(err, storage.ErrUnfinished):
		return exitConflict, "run the \"brygga migrate\" that was broken off again, which goes on where it ended; or empty this store"
	case errors.Is(err, postgres.ErrConnection):
		return exitUnavailable, cmp.Or(postgres.Remedy(err), "look whether the database runs and whether the connection string in postgres.dsn names it, with its user and password")
	case errors.Is(err, postgres.ErrDSN):
		return exitUsage, "write postgres.dsn as postgres://USER@HOST/DATABASE or as host=… user=… dbname=…"
	case errors.Is(err, postgres.ErrVersion):
		return exitFailure, "use a server of PostgreSQL 14 or newer"
	case errors.Is(err, postgres.ErrSchema):
		return exitFailure, "see \"brygga help backup\" and the rights that the role needs in docs/operations.md"
	case errors.Is(err, bolt.ErrLocked):
		return exitUnavailable, "stop the other brygga that uses this data directory"
	case errors.Is(err, bolt.ErrFormat):
		return exitFailure, "use the brygga that wrote the file, or a newer one"
	case errors.Is(err, bolt.ErrEmpty):
		return exitFailure, "put the store back, with its mark; for a new installation, with other keys, remove brygga.db and brygga.db.mark"
	case errors.Is(err, bolt.ErrDamaged):
		return exitFailure, "restore a backup: see \"brygga help backups\""
	case errors.Is(err, bolt.ErrCopy):
		return exitFailure, "put brygga.db.mark there, too, if this is the latest; a backup is taken by \"brygga store accept\""
	case errors.Is(err, storage.ErrNotFound):
		return exitNotFound, ""
	case errors.Is(err, storage.ErrExists), errors.Is(err, storage.ErrConflict), errors.Is(err, storage.ErrStatic):
		return exitConflict, ""
	case errors.Is(err, fs.ErrPermission):
		return exitFailure, "run as the user that owns the file"
	}
	return exitFailure, ""
}

func newRoot(h *host) *cobra.Command {
	root := &cobra.Command{
		Use:           "brygga",
		Short:         "OpenID Connect provider for Swedish BankID",
		Long:          "brygga lets apps that speak OpenID Connect log people in with Swedish BankID.\n\nTo try it, run \"brygga dev\" and open the address that it prints.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.Version = buildVersion()
	root.SetVersionTemplate(versionLine())
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelp())
	root.AddCommand(newClientCommand(h), newKeyCommand(h), newLoginCommand(h), newAuditCommand(h), newOperatorCommand(h), newAPIKeyCommand(h), newApplyCommand(h), newStatisticsCommand(h), newBannerCommand(h), newLogCommand(h), newEvidenceCommand(h), newNetIDCommand(h))
	if h.operator == nil {
		root.AddCommand(newDevCommand(h), newServeCommand(h), newSimulatorCommand(h), newConfigCommand(h), newBankIDCommand(h), newVersionCommand(h), newStoreCommand(h), newCheckStore(h), newBackupCommand(h), newRestoreCommand(h), newMigrateCommand(h),
			&cobra.Command{Use: "exit-codes", Short: "The exit codes of all commands", Long: exitCodesHelp})
		root.AddCommand(newTopics()...)
	}
	usageErrors(root)
	return root
}

// group returns a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}
