package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"brygga/admin"
	"brygga/logins"
	"brygga/secret"
	"brygga/storage"
)

func newLoginCommand(h *host) *cobra.Command {
	var where whereFlags
	cmd := group("login", "Find out what became of a person's login", newLoginShow(h, &where), newLoginFind(h, &where))
	where.add(cmd, h)
	return cmd
}

// loginLanguage is the flag for the language of what is read out.
func loginLanguage(cmd *cobra.Command, language *string) {
	cmd.Flags().StringVar(language, "language", "en", "of what is said, sv or en")
}

func newLoginShow(h *host, where *whereFlags) *cobra.Command {
	var output, language string
	cmd := &cobra.Command{
		Use: "show REFERENCE", Short: "Tell the story of a login, step by step", Args: cobra.ExactArgs(1),
		Long: "Tell the story of a login, step by step, with the cause of what went wrong, what the person saw, and what to tell them. REFERENCE is what the\n" +
			"person's page showed, such as 7QX4-2MKD. It comes out of the audit log, so it can be told as long as audit.retention keeps that. It names\n" +
			"nobody: people appear as pseudonyms.",
		Example: "  brygga login show 7QX4-2MKD --config brygga.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			reference, err := storage.ParseReference(args[0])
			if err != nil {
				return notReference(args[0])
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				stories, err := s.Stories(ctx, reference, language)
				switch {
				case errors.Is(err, storage.ErrNotFound):
					return noLogin(reference, time.Now())
				case err != nil:
					return err
				case output == "json":
					return writeJSON(h.out, stories)
				}
				for _, story := range stories {
					if err := writeStory(h.out, story); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	outputFlag(cmd, &output)
	loginLanguage(cmd, &language)
	return cmd
}

func notReference(text string) error {
	return fail(exitUsage, "a reference has eight letters and digits, such as 7QX4-2MKD", "%q is not a reference", cut(text))
}

func noLogin(reference storage.Reference, now time.Time) error {
	return fail(exitNotFound, "look whether the reference was read right; one that is came to the login page at "+moment(reference.Begun(now))+" and never chose BankID",
		"no login %s has left anything in the audit log", reference)
}

// cut shortens what was typed, for a message.
func cut(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return text
}

// storyFields are the fields of an event that a story tells beside its time, text and message, with what stands before each.
var storyFields = [...]struct{ name, before string }{
	{"KIND", "to "}, {"DEVICE", ""}, {"BROWSER", ""}, {"SOURCE_ADDRESS", "from "}, {"SOURCE_USER_NAME", "person "}, {"SUB", "sub "}, {"ACTOR", "by "},
}

// askedTo says what the person was asked to do, by the field KIND.
var askedTo = map[string]string{string(storage.KindPayment): "approve a payment"}

// onDevice says where the eID was to be used, by the field DEVICE.
var onDevice = map[string]string{
	storage.DeviceThis: "on this device", storage.DeviceOther: "on another device", storage.DeviceCall: "by telephone", storage.DeviceProgram: "by way of a program",
}

func writeStory(w io.Writer, s *logins.Story) error {
	state := ""
	if s.State != "" {
		state = fmt.Sprintf("%s, lives until %s", s.State, moment(s.Lives))
	}
	if err := pairs(w, [2]string{"reference", string(s.Reference)}, [2]string{"login", s.ID}, [2]string{"client", s.ClientID},
		[2]string{"begun", moment(s.Begun)}, [2]string{"state", state}, [2]string{"verdict", s.Verdict}, [2]string{"cause", s.Cause},
		[2]string{"the page said", s.Saw}, [2]string{"it means", s.Means}, [2]string{"tell them", s.Tell}, [2]string{"do", s.Do}); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for i := range s.Steps {
		writeStep(w, &s.Steps[i])
	}
	_, err := fmt.Fprintln(w)
	return err
}

func writeStep(w io.Writer, s *logins.Step) {
	what, mark := s.Text, " "
	if s.Message != "" {
		what += ": " + s.Message
	}
	if s.Wrong {
		mark = "!"
	}
	fmt.Fprintf(w, "%s %s  +%.1f s  %s\n", mark, s.Time.UTC().Format("15:04:05"), s.After, what)
	var said []string
	for _, f := range storyFields {
		value := s.Fields[f.name]
		switch f.name {
		case "DEVICE":
			value = cmp.Or(onDevice[value], value)
		case "KIND":
			value = cmp.Or(askedTo[value], value)
		}
		if value != "" {
			said = append(said, f.before+value)
		}
	}
	for _, more := range []string{s.Cause, labelled("the page said: ", s.Saw), labelled("tell them: ", s.Tell), strings.Join(said, ", ")} {
		if more != "" {
			fmt.Fprintf(w, "            %s\n", more)
		}
	}
}

// labelled returns the text behind a label, "" for none.
func labelled(label, text string) string {
	if text == "" {
		return ""
	}
	return label + text
}

// loginFlags say which logins are wanted.
type loginFlags struct {
	since, until, network string
	person                bool
	logins.Query
}

func (f *loginFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.since, "since", "24h", "`time` after which they were begun, such as 2026-03-01, 2026-03-01T14:30:00Z, or how long ago, such as 24h or 30d")
	flags.StringVar(&f.until, "until", "", "`time` before which they were begun, now if not given")
	flags.StringVar(&f.ClientID, "client", "", "`ID` of the client")
	flags.StringVar((*string)(&f.Outcome), "outcome", "", "started, completed, failed or ended")
	flags.StringVar(&f.Cause, "cause", "", "hint code or reason, a `word` of docs/reasons.md")
	flags.StringVar(&f.Device, "device", "", strings.Join(storage.Devices(), ", "))
	flags.StringVar((*string)(&f.Kind), "kind", "", "what the person was asked for: identify, sign or payment")
	flags.StringVar(&f.EID, "eid", "", "that of the last order: bankid or netid")
	flags.StringVar(&f.network, "network", "", "`address` of the browser, or its network, such as 192.0.2.0/24")
	flags.StringVar(&f.Subject, "sub", "", "what a client calls the person")
	flags.BoolVar(&f.person, "person", false, "those of the person whose personal number, or HSA-ID or account, stands on standard input")
	flags.IntVar(&f.Limit, "limit", 50, "how many at most")
}

func newLoginFind(h *host, where *whereFlags) *cobra.Command {
	var f loginFlags
	var output string
	cmd := &cobra.Command{
		Use: "find", Short: "Find logins", Args: cobra.NoArgs,
		Long: "Find logins, the last first. A personal number is read from standard input alone, where no list of processes and no history of a shell has it; it\n" +
			"is turned into its pseudonym, and that somebody looked for it stands in the audit log.",
		Example: "  brygga login find --since 2h --outcome failed --config brygga.yaml\n  brygga login find --person --since 30d < number.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			if err := f.read(time.Now()); err != nil {
				return err
			}
			if f.person && h.operator == nil {
				if err := readTyped(h); err != nil {
					return err
				}
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) (err error) {
				if f.person {
					if f.Person, err = s.FindPerson(ctx, h.typed); errors.Is(err, admin.ErrPersonalNumber) {
						return fail(exitUsage, "write all twelve digits, YYYYMMDDNNNN, or an HSA-ID or account for who has no personal number", "what stands on standard input is no personal number")
					} else if err != nil {
						return err
					}
				}
				found, err := s.SearchLogins(ctx, f.Query)
				if err != nil {
					return err
				}
				if output == "json" {
					return writeJSON(h.out, append([]logins.Login{}, found.Logins...))
				}
				return writeLogins(h.out, found.Logins)
			})
		},
	}
	f.add(cmd)
	outputFlag(cmd, &output)
	return cmd
}

// read reads the flags that are no plain text.
func (f *loginFlags) read(now time.Time) (err error) {
	if f.From, err = pointInTime("--since", f.since, now); err != nil {
		return err
	}
	if f.until != "" {
		if f.To, err = pointInTime("--until", f.until, now); err != nil {
			return err
		}
	}
	if f.network != "" {
		if f.Network, err = logins.ParseNetwork(f.network); err != nil {
			return fail(exitUsage, "write 192.0.2.7 or 192.0.2.0/24", "--network %q is no address and no network", cut(f.network))
		}
	}
	if f.Kind != "" && !slices.Contains(storage.Kinds(), f.Kind) {
		return fail(exitUsage, "write identify, sign or payment", "--kind %q is none", cut(string(f.Kind)))
	}
	if f.EID != "" && !slices.Contains(logins.EIDs(), f.EID) {
		return fail(exitUsage, "write bankid or netid", "--eid %q is none", cut(f.EID))
	}
	if f.Outcome != "" && !f.Outcome.Known() {
		return fail(exitUsage, "write started, completed, failed or ended", "--outcome %q is none", cut(string(f.Outcome)))
	}
	return checkLimit(f.Limit)
}

// checkLimit refuses a number of rows that is none.
func checkLimit(n int) error {
	if n < 1 {
		return fail(exitUsage, "write how many are wanted, at least 1", "--limit %d is out of range", n)
	}
	return nil
}

// readTyped reads the line on standard input.
func readTyped(h *host) error {
	if h.in == nil {
		return fail(exitUsage, "", "there is no standard input")
	}
	line, err := bufio.NewReader(io.LimitReader(h.in, 256)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read standard input: %w", err)
	}
	h.typed = secret.New(strings.TrimSpace(line))
	return nil
}

func writeLogins(w io.Writer, all []logins.Login) error {
	rows := [][]string{{"REFERENCE", "BEGUN", "CLIENT", "OUTCOME", "CAUSE", "DEVICE", "BROWSER", "ADDRESS", "SECONDS"}}
	for _, l := range all {
		rows = append(rows, []string{string(l.Reference), moment(l.Begun), l.ClientID, string(l.Outcome), l.Cause, l.Device, l.Browser, l.Address, fmt.Sprintf("%.1f", l.Seconds)})
	}
	return table(w, rows...)
}
