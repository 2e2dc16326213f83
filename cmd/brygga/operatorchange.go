package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"brygga/account"
	"brygga/admin"
	"brygga/secret"
	"brygga/storage"
)

func newOperatorShow(h *host, where *whereFlags) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show one operator, and where it is logged in", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return operatorAct(cmd, h, where, args[0], func(ctx context.Context, s operations, found admin.OperatorView) error {
				sessions, err := s.OperatorSessions(ctx, found.ID)
				if err != nil {
					return err
				}
				if output == "json" {
					return writeJSON(h.out, object{{"operator", found}, {"sessions", sessions}})
				}
				return showOperator(h, found, sessions)
			})
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func showOperator(h *host, v admin.OperatorView, sessions []admin.SessionView) error {
	apps := strings.Join(v.Groups, " ")
	if v.AllClients {
		apps = "all"
	}
	lines := [][2]string{
		{"id", v.ID}, {"user_name", v.UserName}, {"email", v.Email}, {"name", v.Name}, {"language", v.Language}, {"state", v.State},
		{"roles", strings.Join(v.Roles, " ")}, {"clients", apps}, {"logs in by", strings.Join(v.LoginBy, " ")}, {"last login", moment(v.LastLogin)},
	}
	for _, s := range sessions {
		lines = append(lines, [2]string{"session", s.ID + " from " + s.Address + " by " + strings.Join(s.Methods, ", ") + ", used " + moment(s.Used)})
	}
	return pairs(h.out, lines...)
}

// operatorFlags are what is to be another of an operator.
type operatorFlags struct {
	name, language string
	roles, groups  []string
	allClients     bool
	number, none   bool
}

func newOperatorUpdate(h *host, where *whereFlags) *cobra.Command {
	var flags operatorFlags
	var output, hidden string
	cmd := &cobra.Command{
		Use: "update NAME", Short: "Change what the flags name and leave the rest", Args: cobra.ExactArgs(1),
		Long: "Change what the flags name and leave the rest. Whoever loses a role is logged out. With --personal-number the number is read from standard input, and\n" +
			"the operator may log in with BankID from then on; it is not stored, and not shown again.",
		Example: "  brygga operator update bo --role admin --group schools\n  brygga operator update bo --personal-number < number",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(checkOutput(output), checkRoles(flags.roles), flags.readNumber(cmd, h, &hidden)); err != nil {
				return err
			}
			change, err := flags.change(cmd, hidden)
			if err != nil {
				return err
			}
			return operatorAct(cmd, h, where, args[0], func(ctx context.Context, s operations, found admin.OperatorView) error {
				changed, err := s.EditOperator(ctx, found.ID, change)
				if err != nil {
					return err
				}
				if output == "json" {
					return writeJSON(h.out, changed)
				}
				fmt.Fprintf(h.out, "updated operator %s\n", changed.UserName)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.name, "name", "", "`name` to be shown")
	f.StringVar(&flags.language, "language", "", "language of mail and pages: "+strings.Join(account.Languages, " or "))
	f.StringSliceVar(&flags.roles, "role", nil, "what the operator may do: "+strings.Join(roles, ", ")+"; may be repeated")
	f.StringSliceVar(&flags.groups, "group", nil, "`group` of clients that an admin is for; may be repeated")
	f.BoolVar(&flags.allClients, "all-clients", false, "for all clients, in place of groups")
	f.BoolVar(&flags.number, "personal-number", false, "read the personal number from standard input that the operator may log in with by BankID")
	f.BoolVar(&flags.none, "no-personal-number", false, "let the operator log in with BankID no more")
	f.StringVar(&hidden, numberFlag, "", "")
	f.Lookup(numberFlag).Hidden = true
	outputFlag(cmd, &output)
	return cmd
}

// numberFlag carries what was read from standard input to a running server, by its socket.
const numberFlag = "personal-number-text"

// maxNumber bounds what is read for a personal number.
const maxNumber = 64

func (f *operatorFlags) readNumber(cmd *cobra.Command, h *host, hidden *string) error {
	if !f.number || h.operator != nil {
		return nil
	}
	if f.none {
		return fail(exitUsage, "keep one of the two", "--personal-number and --no-personal-number are both given")
	}
	if h.in == nil {
		return fail(exitUsage, "write it on standard input", "there is no personal number")
	}
	line, err := bufio.NewReader(io.LimitReader(h.in, maxNumber)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the personal number: %w", err)
	}
	if *hidden = strings.TrimSpace(line); *hidden == "" {
		return fail(exitUsage, "write it on standard input", "there is no personal number")
	}
	h.args = append(append([]string{}, h.args...), "--"+numberFlag+"="+*hidden)
	return nil
}

// change returns what the flags name.
func (f *operatorFlags) change(cmd *cobra.Command, number string) (c admin.OperatorChange, err error) {
	given := false
	has := func(name string) bool {
		there := cmd.Flags().Changed(name)
		given = given || there
		return there
	}
	if has("name") {
		c.Name = &f.name
	}
	if has("language") {
		c.Language = &f.language
	}
	if has("role") {
		c.Roles = new([]storage.Role)
		for _, role := range f.roles {
			*c.Roles = append(*c.Roles, storage.Role(role))
		}
	}
	if has("group") {
		c.Groups = &f.groups
	}
	if has("all-clients") {
		c.AllClients = &f.allClients
	}
	if has("personal-number") || has("no-personal-number") {
		c.PersonalNumber = new(secret.New(number))
	}
	if !given {
		err = fail(exitUsage, "name what is to change; see --help for the flags", "nothing to change")
	}
	return c, err
}

func newOperatorLogOut(h *host, where *whereFlags) *cobra.Command {
	var session string
	cmd := &cobra.Command{
		Use: "logout NAME", Short: "Log an operator out everywhere, or in one place", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return operatorAct(cmd, h, where, args[0], func(ctx context.Context, s operations, found admin.OperatorView) error {
				if err := s.EndSessions(ctx, found.ID, session); err != nil {
					return err
				}
				fmt.Fprintf(h.out, "logged operator %s out\n", found.UserName)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&session, "session", "", "`ID` of the only session that ends, as \"brygga operator show\" has it")
	return cmd
}

func newOperatorUnlock(h *host, where *whereFlags) *cobra.Command {
	return &cobra.Command{
		Use: "unlock NAME", Short: "Let an operator try again who has to wait after failed attempts", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return operatorAct(cmd, h, where, args[0], func(ctx context.Context, s operations, found admin.OperatorView) error {
				if err := s.Unlock(ctx, found.ID); err != nil {
					return err
				}
				fmt.Fprintf(h.out, "operator %s may try again\n", found.UserName)
				return nil
			})
		},
	}
}
