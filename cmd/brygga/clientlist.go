package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"brygga/admin"
	"brygga/storage"
)

func newClientList(h *host, where *whereFlags) *cobra.Command {
	var output string
	var filter admin.ClientFilter
	cmd := &cobra.Command{
		Use: "list", Short: "List all clients", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				list := clientList{out: h.out, json: output == "json"}
				if err := eachClient(ctx, s, filter, list.write); err != nil {
					return err
				}
				return list.end()
			})
		},
	}
	cmd.Flags().StringVar(&filter.Text, "search", "", "`text` in the ID, a name or a redirect URI")
	cmd.Flags().StringVar(&filter.Group, "admin-group", "", "only apps of that `group`")
	outputFlag(cmd, &output)
	return cmd
}

// eachClient calls do with pages of the clients that are wanted, ordered by ID.
func eachClient(ctx context.Context, s operations, f admin.ClientFilter, do func([]*storage.Client) error) error {
	for after, more := "", true; more; {
		page, rest, err := s.Clients(ctx, f, after, clientPage)
		if err != nil {
			return err
		}
		if more = rest; more {
			after = page[len(page)-1].ID
		}
		if err := do(page); err != nil {
			return err
		}
	}
	return nil
}

// clientPage is how many clients are read and written at a time, as there may be millions.
const clientPage = 1000

// clientList writes pages of clients: as a table, whose columns are as wide as each page needs, or as one JSON array.
type clientList struct {
	out   io.Writer
	json  bool
	begun bool
}

func (l *clientList) write(page []*storage.Client) error {
	if l.json {
		return l.writeJSON(page)
	}
	var rows [][]string
	if !l.begun {
		rows = [][]string{{"CLIENT", "NAME", "STATE", "AUTHENTICATION", "ALGORITHM", "REDIRECT URIS"}}
		l.begun = true
	}
	for _, c := range page {
		state := "active"
		if c.Disabled {
			state = "disabled"
		}
		rows = append(rows, []string{c.ID, c.Name, state, c.AuthMethod, c.IDTokenAlg, strings.Join(c.RedirectURIs, " ")})
	}
	return table(l.out, rows...)
}

// writeJSON writes the elements as the function of that name does when it is given all of them.
func (l *clientList) writeJSON(page []*storage.Client) error {
	var text bytes.Buffer
	for _, c := range page {
		separator := ",\n  "
		if !l.begun {
			separator = "[\n  "
			l.begun = true
		}
		text.WriteString(separator)
		e := json.NewEncoder(&text)
		e.SetIndent("  ", "  ")
		e.SetEscapeHTML(false)
		if err := e.Encode(clientView(c)); err != nil {
			return err
		}
		text.Truncate(text.Len() - 1) // the encoder ends with a line break
	}
	_, err := l.out.Write(text.Bytes())
	return err
}

func (l *clientList) end() error {
	if !l.json {
		return nil
	}
	end := "\n]\n"
	if !l.begun {
		end = "[]\n"
	}
	_, err := io.WriteString(l.out, end)
	return err
}
