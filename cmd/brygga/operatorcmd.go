package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"brygga/account"
	"brygga/secret"
	"brygga/spelling"
	"brygga/storage"
)

func newOperatorCommand(h *host) *cobra.Command {
	var where whereFlags
	cmd := group("operator", "Manage the accounts of those who look after the installation",
		newOperatorCreate(h, &where), newOperatorList(h, &where), newOperatorLink(h, &where),
		newOperatorSwitch(h, &where, true), newOperatorSwitch(h, &where, false), newOperatorRemove(h, &where))
	cmd.Long = "Manage the accounts of those who look after the installation. The commands work while the server runs, and take effect at once.\n" +
		"NAME is a user name or an e-mail address, in small letters or large, or the ID that the audit log has. The pages on which accounts\n" +
		"log in come with the console, which this version does not have yet."
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
			return withAccounts(cmd, h, where, func(ctx context.Context, a *account.Accounts, o *operator) error {
				if invite {
					return sendInvitation(ctx, h, a, o, i, output)
				}
				made, link, err := a.Bootstrap(ctx, account.Command(o.actor), i)
				if err != nil {
					return explainOperator(args[0], err)
				}
				return showLink(h, made, link, output)
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
func sendInvitation(ctx context.Context, h *host, a *account.Accounts, o *operator, i account.Invitation, output string) error {
	if !o.mail {
		return fail(exitUsage, "set mail.host, or leave out --invite: the link is printed then", "no mail is sent")
	}
	made, err := a.Invite(ctx, account.Command(o.actor), i)
	if err != nil {
		return explainOperator(i.UserName.Reveal(), err)
	}
	if output == "json" {
		return writeJSON(h.out, object{{"operator", viewOperator(made)}})
	}
	fmt.Fprintf(h.out, "created operator %s; the link goes to %s\n", made.UserName.Reveal(), made.Email.Reveal())
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

func showLink(h *host, o *storage.Operator, link account.Link, output string) error {
	if output == "json" {
		return writeJSON(h.out, object{{"operator", viewOperator(o)}, {"link", link.Address.Reveal()}, {"purpose", string(link.Purpose)}, {"expires", link.Expires}})
	}
	return pairs(h.out, [2]string{"operator", o.ID}, [2]string{"user_name", o.UserName.Reveal()}, [2]string{"link", link.Address.Reveal()},
		[2]string{"works until", moment(link.Expires)}, [2]string{"", "The link is shown this once, and works once."})
}

// operatorView is an operator as JSON.
type operatorView struct {
	ID             string    `json:"id"`
	UserName       string    `json:"user_name"`
	Email          string    `json:"email,omitempty"`
	EmailConfirmed bool      `json:"email_confirmed"`
	Name           string    `json:"name,omitempty"`
	Language       string    `json:"language"`
	State          string    `json:"state"`
	Roles          []string  `json:"roles"`
	AllClients     bool      `json:"all_clients"`
	Groups         []string  `json:"groups,omitempty"`
	LoginBy        []string  `json:"login_by"`
	Sessions       int       `json:"sessions"`
	LastLogin      time.Time `json:"last_login,omitzero"`
	Created        time.Time `json:"created"`
}

func viewOperator(o *storage.Operator) operatorView {
	v := operatorView{
		ID: o.ID, UserName: o.UserName.Reveal(), Email: o.Email.Reveal(), EmailConfirmed: !o.EmailConfirmed.IsZero(), Name: o.Name.Reveal(), Language: o.Language,
		State: string(o.State), AllClients: o.AllClients, Groups: o.Groups, LoginBy: []string{}, Sessions: len(o.Sessions), LastLogin: o.LastLogin.At, Created: o.Created,
	}
	for _, role := range o.Roles {
		v.Roles = append(v.Roles, string(role))
	}
	for _, by := range []struct {
		method string
		has    bool
	}{
		{storage.MethodPassword, !o.PasswordHash.IsZero()}, {storage.MethodTOTP, !o.TOTP.Confirmed.IsZero()},
		{storage.MethodPasskey, len(o.Passkeys) > 0}, {storage.MethodBankID, o.PersonHandle != (storage.Hash{})},
	} {
		if by.has {
			v.LoginBy = append(v.LoginBy, by.method)
		}
	}
	return v
}

func newOperatorList(h *host, where *whereFlags) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "list", Short: "List all operators", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return withAccounts(cmd, h, where, func(ctx context.Context, a *account.Accounts, _ *operator) error {
				all, err := a.Operators(ctx)
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

func showOperators(h *host, all []*storage.Operator, output string) error {
	views := make([]operatorView, len(all))
	rows := [][]string{{"USER", "E-MAIL", "STATE", "ROLES", "LOGS IN BY", "LAST LOGIN", "ID"}}
	for i, o := range all {
		v := viewOperator(o)
		views[i] = v
		rows = append(rows, []string{v.UserName, v.Email, v.State, strings.Join(v.Roles, " "), strings.Join(v.LoginBy, " "), moment(v.LastLogin), v.ID})
	}
	if output == "json" {
		return writeJSON(h.out, views)
	}
	return table(h.out, rows...)
}

// operatorAct is a command that does something with the operator that its argument names.
func operatorAct(cmd *cobra.Command, h *host, where *whereFlags, name string, do func(context.Context, *account.Accounts, account.Actor, *storage.Operator) error) error {
	return withAccounts(cmd, h, where, func(ctx context.Context, a *account.Accounts, o *operator) error {
		found, err := a.Find(ctx, name)
		if err == nil {
			err = do(ctx, a, account.Command(o.actor), found)
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
			return operatorAct(cmd, h, where, args[0], func(ctx context.Context, a *account.Accounts, actor account.Actor, found *storage.Operator) error {
				link, err := a.GiveLink(ctx, actor, found.ID)
				if errors.Is(err, storage.ErrConflict) {
					return fail(exitConflict, "\"brygga operator enable\" comes first", "operator %q is disabled", cut(args[0]))
				}
				if err != nil {
					return err
				}
				return showLink(h, found, link, output)
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
			return operatorAct(cmd, h, where, args[0], func(ctx context.Context, a *account.Accounts, actor account.Actor, found *storage.Operator) error {
				changed, err := a.Change(ctx, actor, found.ID, account.Change{Disabled: &disable})
				if err != nil {
					return err
				}
				if output == "json" {
					return writeJSON(h.out, viewOperator(changed))
				}
				fmt.Fprintf(h.out, "%s operator %s\n", done, changed.UserName.Reveal())
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
			return operatorAct(cmd, h, where, args[0], func(ctx context.Context, a *account.Accounts, actor account.Actor, found *storage.Operator) error {
				if err := a.Remove(ctx, actor, found.ID); err != nil {
					return err
				}
				if output == "json" {
					return writeJSON(h.out, object{{"removed", found.ID}})
				}
				fmt.Fprintf(h.out, "removed operator %s\n", found.UserName.Reveal())
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	outputFlag(cmd, &output)
	return cmd
}

// withAccounts lets do work on the accounts of the installation.
func withAccounts(cmd *cobra.Command, h *host, where *whereFlags, do func(context.Context, *account.Accounts, *operator) error) error {
	return withOperator(cmd, h, where, func(ctx context.Context, o *operator) error {
		a, err := o.accounts(ctx)
		if err != nil {
			return err
		}
		return do(ctx, a, o)
	})
}

// accounts returns the accounts of operators.
func (o *operator) accounts(ctx context.Context) (*account.Accounts, error) {
	key, err := installationSecret(ctx, o.store, "operator names")
	if err != nil {
		return nil, err
	}
	return account.New(account.Options{Store: o.store, Audit: o.audit, Key: key, Console: o.console, Mail: o.mail, Now: o.now})
}

// operatorProblems are what is wrong with what was asked for, and what helps, by field.
var operatorProblems = map[string][2]string{
	"user_name": {"is no user name", "write 2 to 60 letters, digits and signs, without spaces and @"},
	"email":     {"is no e-mail address", "write one such as asa@example.se"},
	"name":      {"cannot be shown", "write at most 100 characters, on one line"},
	"language":  {"is none that there is", "write " + strings.Join(account.Languages, " or ")},
	"roles":     {"are none that there are", "write " + strings.Join(roles, ", ")},
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
	case errors.Is(err, storage.ErrLastOwner):
		return fail(exitConflict, "make another owner first, who has opened the link", "operator %q is the last owner who can log in", cut(name))
	case errors.Is(err, storage.ErrNotFound):
		return fail(exitNotFound, "\"brygga operator list\" shows all", "there is no operator %q", cut(name))
	case errors.Is(err, storage.ErrExists):
		return fail(exitConflict, "\"brygga operator list\" shows all; for another link, use \"brygga operator link\"", "somebody has that user name or e-mail address already")
	}
	return err
}
