package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"brygga/admin"
	"brygga/logins"
)

func newStatisticsCommand(h *host) *cobra.Command {
	var where whereFlags
	var month, output string
	cmd := &cobra.Command{
		Use: "statistics", Short: "Count the logins of a month, by client", Args: cobra.NoArgs,
		Long: "Count the logins of a month in Swedish time, by client, for the yearly report and the invoice of the bank. IDENTIFIED is how many times BankID identified\n" +
			"somebody: orders that were completed, whether their result was accepted here or refused. Orders that failed, were cancelled or renewed are not counted,\n" +
			"nor answers out of a session.",
		Example: "  brygga statistics --month 2026-11 -o csv --config brygga.yaml > 2026-11.csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			at := time.Now()
			if month != "" {
				first, err := time.Parse("2006-01", month)
				if err != nil {
					return fail(exitUsage, "write a month such as 2026-11", "--month %q is no month", cut(month))
				}
				at = first.AddDate(0, 0, 14)
			}
			if output != "csv" {
				if err := checkOutput(output); err != nil {
					return err
				}
			}
			return withOperations(cmd, h, &where, func(ctx context.Context, s operations) error {
				found, err := s.Statistics(ctx, at)
				switch {
				case err != nil:
					return err
				case output == "csv":
					return found.WriteCSV(h.out)
				case output == "json":
					return writeJSON(h.out, found)
				}
				return writeStatistics(h, found)
			})
		},
	}
	where.add(cmd, h)
	cmd.Flags().StringVar(&month, "month", "", "`month` such as 2026-11, this one if not given")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text, json or csv")
	return cmd
}

func writeStatistics(h *host, s *admin.Statistics) error {
	rows := [][]string{{"CLIENT", "NAME", "IDENTIFIED", "COMPLETED", "SIGNATURES", "PAYMENTS", "REFUSED", "FAILED", "ENDED", "LOGINS", "FROM SESSION"}}
	var sum logins.Counts
	row := func(id, name string, c *logins.Counts) {
		cells := []string{id, name}
		for _, n := range []int64{c.Identified(), c.Completed, c.Signatures, c.Payments, c.Refused, c.Failed, c.Ended, c.Logins, c.Sessions} {
			cells = append(cells, strconv.FormatInt(n, 10))
		}
		rows = append(rows, cells)
	}
	for _, c := range s.Clients {
		row(c.ID, c.Name, c.Counts)
		sum.Add(c.Counts)
	}
	row("all", "", &sum)
	fmt.Fprintf(h.out, "%s, from %s to %s\n\n", s.Month, moment(s.From), moment(s.To))
	return table(h.out, slices.Clone(rows)...)
}
