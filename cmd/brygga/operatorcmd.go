package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"brygga/account"
	"brygga/admin"
	"brygga/secret"
	"brygga/spelling"
	"brygga/storage"
)

func newOperatorCommand(h *host) *cobra.Command {
	var where whereFlags
	cmd := group("operator", "Manage the accounts of those who look after the installation",
		newOperatorCreate(h, &where), newOperatorList(h, &where), newOperatorShow(h, &where), newOperatorLink(h, &where), newOperatorUpdate(h, &where),
		newOperatorSwitch(h, &where, true), newOperatorSwitch(h, &where, false), newOperatorLogOut(h, &where), newOperatorUnlock(h, &where), newOperatorRemove(h, &where))
	cmd.Long = "Manage the accounts of those who look after the installation. The commands work while the server runs, and take effect at once.\n" +
		"NAME is a user name or an e-mail address, in small letters or large, or the ID that the audit log has. Accounts log in to\n" +
		"the console, at /admin/ of admin_listen."
	where.add(cmd, h)
	return cmd
}

// roles are those that --role takes.
var roles = []string{string(storage.RoleOwner), string(storage.RoleAdmin), string(storage.RoleHelpdesk), string(storage.RoleAuditor)}

func newOperatorCreate(h *host, where *whereFlags) *cobra.Command {
	var email, name, language, output string
	var given, groups []string
	var invite bool
	cmd := &cobra.Command{
		Use: "create USER", Short: "Make an account and print the link that makes it active, once", Args: cobra.ExactArgs(1),
		Long: "Make an account and print the link that makes it active, once. It works for 30 minutes; \"brygga operator link\" makes another. Give it\n" +
			"to the person in a way that nobody else reads: whoever opens it chooses the password. With --invite it is sent by mail instead, and works\n" +
			"for three days.",
		Example: "  brygga operator create asa --email asa@example.se --role owner",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(checkOutput(output), checkRoles(given)); err != nil {
				return err
			}
			i := account.Invitation{
				UserName: secret.New(args[0]), Email: secret.New(email), Name: secret.New(name), Language: language,
				Rights: storage.Rights{AllClients: len(groups) == 0, Groups: groups},
			}
			for _, role := range given {
				i.Roles = append(i.Roles, storage.Role(role))
			}
			if invite {
				return withOperations(cmd, h, where, func(ctx context.Context, s operations) error { return sendInvitation(ctx, h, s, i, output) })
			}
			return withAdmin(cmd, h, where, func(ctx context.Context, s *admin.Service, actor admin.Actor) error {
				made, link, err := s.CreateOperator(ctx, actor, i)
				if err != nil {
					return explainOperator(args[0], err)
				}
				return showLink(h, admin.ViewOperator(made), link, output)
			})
		},
	}
	cmd.Flags().StringVar(&email, "email", "", "e-mail `address`, for links and notices")
	cmd.Flags().StringVar(&name, "name", "", "`name` to be shown")
	cmd.Flags().StringVar(&language, "language", account.Languages[0], "language of mail and pages: "+strings.Join(account.Languages, " or "))
	cmd.Flags().StringSliceVar(&given, "role", []string{string(storage.RoleOwner)}, "what the operator may do: "+strings.Join(roles, ", ")+"; may be repeated")
	cmd.Flags().BoolVar(&invite, "invite", false, "send the link by mail")
	cmd.Flags().StringSliceVar(&groups, "group", nil, "`group` of clients that an admin is for; may be repeated. Without it, all clients")
	outputFlag(cmd, &output)
	return cmd
}

// sendInvitation makes an account whose link goes by mail.
func sendInvitation(ctx context.Context, h *host, s operations, i account.Invitation, output string) error {
	made, err := s.Invite(ctx, i)
	if err != nil {
		return explainOperator(i.UserName.Reveal(), err)
	}
	if output == "json" {
		return writeJSON(h.out, object{{"operator", made}})
	}
	fmt.Fprintf(h.out, "created operator %s; the link goes to %s\n", made.UserName, made.Email)
	return nil
}

func checkRoles(given []string) error {
	for _, role := range given {
		if (storage.Rights{Roles: []storage.Role{storage.Role(role)}}).Valid() == nil {
			continue
		}
		remedy := "write " + strings.Join(roles, ", ")
		if near := spelling.Nearest(role, roles); near != "" {
			remedy = "did you mean " + near + "?"
		}
		return fail(exitUsage, remedy, "there is no role %q", cut(role))
	}
	return nil
}

func showLink(h *host, o admin.OperatorView, link account.Link, output string) error {
	if output == "json" {
		return writeJSON(h.out, object{{"operator", o}, {"link", link.Address.Reveal()}, {"purpose", string(link.Purpose)}, {"expires", link.Expires}})
	}
	return pairs(h.out, [2]string{"operator", o.ID}, [2]string{"user_name", o.UserName}, [2]string{"link", link.Address.Reveal()},
		[2]string{"works until", moment(link.Expires)}, [2]string{"", "The link is shown this once, and works once."})
}

func newOperatorList(h *host, where *whereFlags) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "list", Short: "List all operators", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				all, err := s.Operators(ctx)
				if err != nil {
					return fmt.Errorf("list operators: %w", err)
				}
				return showOperators(h, all, output)
			})
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func showOperators(h *host, all []admin.OperatorView, output string) error {
	rows := [][]string{{"USER", "E-MAIL", "STATE", "ROLES", "LOGS IN BY", "LAST LOGIN", "ID"}}
	for _, v := range all {
		rows = append(rows, []string{v.UserName, v.Email, v.State, strings.Join(v.Roles, " "), strings.Join(v.LoginBy, " "), moment(v.LastLogin), v.ID})
	}
	if output == "json" {
		return writeJSON(h.out, all)
	}
	return table(h.out, rows...)
}

// operatorAct is a command that does something with the operator that its argument names.
func operatorAct(cmd *cobra.Command, h *host, where *whereFlags, name string, do func(context.Context, operations, admin.OperatorView) error) error {
	return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
		found, err := s.Operator(ctx, name)
		if err == nil {
			err = do(ctx, s, found)
		}
		return explainOperator(name, err)
	})
}

func newOperatorLink(h *host, where *whereFlags) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "link NAME", Short: "Print a link that makes an account active, or sets another password, once", Args: cobra.ExactArgs(1),
		Long: "Print a link that makes an account active, or, for one that is, sets another password, once. It works for 30 minutes, and the link of\n" +
			"before works no more. A second factor stays as it is.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return withAdmin(cmd, h, where, func(ctx context.Context, s *admin.Service, actor admin.Actor) error {
				found, err := s.Operator(ctx, actor, args[0])
				if err != nil {
					return explainOperator(args[0], err)
				}
				link, err := s.GiveLink(ctx, actor, found.ID)
				if errors.Is(err, storage.ErrConflict) {
					return fail(exitConflict, "\"brygga operator enable\" comes first", "operator %q is disabled", cut(args[0]))
				}
				if err != nil {
					return explainOperator(args[0], err)
				}
				return showLink(h, admin.ViewOperator(found), link, output)
			})
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func newOperatorSwitch(h *host, where *whereFlags, disable bool) *cobra.Command {
	var output string
	use, done, short := "enable NAME", "enabled", "Let a disabled operator log in again"
	if disable {
		use, done, short = "disable NAME", "disabled", "Log an operator out everywhere, and let it log in no more"
	}
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return operatorAct(cmd, h, where, args[0], func(ctx context.Context, s operations, found admin.OperatorView) error {
				changed, err := s.EditOperator(ctx, found.ID, admin.OperatorChange{Disabled: &disable})
				if err != nil {
					return err
				}
				if output == "json" {
					return writeJSON(h.out, changed)
				}
				fmt.Fprintf(h.out, "%s operator %s\n", done, changed.UserName)
				return nil
			})
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func newOperatorRemove(h *host, where *whereFlags) *cobra.Command {
	var yes bool
	var output string
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Remove an account with all that it is logged in by", Args: cobra.ExactArgs(1),
		Long: "Remove an account with all that it is logged in by; its sessions end at once. The audit log keeps its ID. Somebody at a terminal is asked first.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			if !yes && !h.confirms("remove operator "+args[0]+"?") {
				return fail(exitUsage, "answer yes, or give --yes", "nothing was removed")
			}
			return operatorAct(cmd, h, where, args[0], func(ctx context.Context, s operations, found admin.OperatorView) error {
				if err := s.RemoveOperator(ctx, found.ID); err != nil {
					return err
				}
				if output == "json" {
					return writeJSON(h.out, object{{"removed", found.ID}})
				}
				fmt.Fprintf(h.out, "removed operator %s\n", found.UserName)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	outputFlag(cmd, &output)
	return cmd
}

// accounts returns the accounts of operators.
func (o *operator) accounts(ctx context.Context) (*account.Accounts, error) {
	key, err := installationSecret(ctx, o.store, "operator names")
	if err != nil {
		return nil, err
	}
	return account.New(account.Options{Store: o.store, Audit: o.audit, Key: key, Hasher: o.hasher, Console: o.console, Mail: o.mail, Now: o.now})
}

// operatorProblems are what is wrong with what was asked for, and what helps, by field.
var operatorProblems = map[string][2]string{
	"user_name":       {"is no user name", "write 2 to 60 letters, digits and signs, without spaces and @"},
	"email":           {"is no e-mail address", "write one such as asa@example.se"},
	"name":            {"cannot be shown", "write at most 100 characters, on one line"},
	"language":        {"is none that there is", "write " + strings.Join(account.Languages, " or ")},
	"roles":           {"are none that there are", "write " + strings.Join(roles, ", ")},
	"personal_number": {"is no personal number", "write its twelve digits"},
}

// explainOperator turns the errors of a change into some with a remedy.
func explainOperator(name string, err error) error {
	if problems, ok := errors.AsType[account.Problems](err); ok {
		lines := make([]string, len(problems))
		for i, p := range problems {
			text := operatorProblems[p.Field]
			lines[i] = p.Field + ": " + text[0] + " - " + text[1]
		}
		return fail(exitUsage, "nothing was changed; see --help for the flags", "%s", strings.Join(lines, "\n"))
	}
	switch {
	case errors.Is(err, account.ErrNoMail):
		return fail(exitUsage, "set mail.host, or leave out --invite: the link is printed then", "no mail is sent")
	case errors.Is(err, storage.ErrLastWayIn):
		return fail(exitConflict, "\"brygga operator link\" sets a password", "operator %q would have nothing left to log in with", cut(name))
	case errors.Is(err, storage.ErrLastOwner):
		return fail(exitConflict, "make another owner first, who has opened the link", "operator %q is the last owner who can log in", cut(name))
	case errors.Is(err, storage.ErrNotFound):
		return fail(exitNotFound, "\"brygga operator list\" shows all", "there is no operator %q", cut(name))
	case errors.Is(err, storage.ErrExists):
		return fail(exitConflict, "\"brygga operator list\" shows all; for another link, use \"brygga operator link\"", "somebody has that user name or e-mail address already")
	}
	return err
}
