package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"brygga/account"
	"brygga/secret"
	"brygga/storage"
)

// firstOperator is what the first owner is called that nobody has made by a command.
const firstOperator = "owner"

// firstLink makes the first owner of an installation that has no operator, and returns what leads to its account. It is empty when there is one.
func (s *server) firstLink(ctx context.Context) (link account.Link, err error) {
	accounts, err := s.operator().accounts(ctx)
	if err != nil {
		return link, err
	}
	all, err := accounts.Operators(ctx)
	if err != nil || len(all) > 0 {
		return link, err
	}
	_, link, err = accounts.Bootstrap(ctx, account.Command(s.starter), account.Invitation{
		UserName: secret.New(firstOperator), Rights: storage.Rights{Roles: []storage.Role{storage.RoleOwner}, AllClients: true},
	})
	if errors.Is(err, storage.ErrExists) {
		return account.Link{}, nil // another process was first
	}
	return link, err
}

// tellFirstLink prints the link of the first owner, once. It is no line of the log, where it would be kept.
func (s *server) tellFirstLink(ctx context.Context) error {
	if s.out == nil {
		return nil
	}
	link, err := s.firstLink(ctx)
	if err != nil || link.Address.IsZero() {
		return err
	}
	fmt.Fprintf(s.out, "\nNobody can log in to the console yet. This link makes the account %q, an owner; it works once, until %s:\n\n  %s\n\n"+
		"Whoever opens it chooses the password. \"brygga operator link %s\" prints another.\n\n", firstOperator, moment(link.Expires), link.Address.Reveal(), firstOperator)
	return nil
}

// devLink returns a link for the owner of a development installation: one that makes the account, as long as it is not taken into use. It is
// empty after that.
func (s *server) devLink(ctx context.Context) (link account.Link, err error) {
	if link, err = s.firstLink(ctx); err != nil || !link.Address.IsZero() {
		return link, err
	}
	accounts, err := s.operator().accounts(ctx)
	if err != nil {
		return link, err
	}
	all, err := accounts.Operators(ctx)
	if err != nil || slices.ContainsFunc(all, func(o *storage.Operator) bool { return o.State == storage.OperatorActive }) {
		return link, err
	}
	return accounts.GiveLink(ctx, account.Command("brygga dev"), all[0].ID)
}
