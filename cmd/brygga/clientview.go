package main

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"brygga/clients"
	"brygga/storage"
)

// object is a JSON object whose members have an order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	text.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			text.WriteByte(',')
		}
		if err := e.Encode(m.key); err != nil {
			return nil, err
		}
		text.WriteByte(':')
		if err := e.Encode(m.value); err != nil {
			return nil, err
		}
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

// brandView is a client's looks; of the logo, only what it is.
type brandView struct {
	LogoType         string `json:"logo_type,omitempty"`
	LogoBytes        int    `json:"logo_bytes,omitempty"`
	Accent           string `json:"accent,omitempty"`
	AccentDark       string `json:"accent_dark,omitempty"`
	SupportURL       string `json:"support_url,omitempty"`
	AccessibilityURL string `json:"accessibility_url,omitempty"`
}

func viewOfBrand(b storage.Brand) *brandView {
	v := brandView{b.LogoType, len(b.Logo), b.Accent, b.AccentDark, b.SupportURL, b.AccessibilityURL}
	if v == (brandView{}) {
		return nil
	}
	return &v
}

type secretView struct {
	Created time.Time `json:"created,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
}

// effective returns a client with what holds for it whatever its settings say.
func effective(c *storage.Client) *storage.Client {
	shown := *c
	shown.RequirePKCE = c.NeedsPKCE()
	return &shown
}

// clientView is a client as JSON: all but the hashes of its secrets.
func clientView(c *storage.Client) object {
	c = effective(c)
	v := object{{"id", c.ID}}
	for _, s := range clients.Settings() {
		if value := s.Value(c); value != nil {
			v = append(v, member{s.Key, value})
		}
	}
	if len(clients.PolicyLines(&c.Policy)) > 0 {
		v = append(v, member{"policy", c.Policy})
	}
	if brand := viewOfBrand(c.Brand); brand != nil {
		v = append(v, member{"brand", brand})
	}
	if c.Static { // its times are those of this start
		return append(v, member{"static", true})
	}
	var secrets []secretView
	for _, s := range c.Secrets {
		secrets = append(secrets, secretView{s.Created, s.Expires})
	}
	if secrets != nil {
		v = append(v, member{"secrets", secrets})
	}
	return append(v, member{"static", false}, member{"created", c.Created}, member{"updated", c.Updated})
}

func newClientShow(h *host, where *whereFlags) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one client", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				c, err := s.Client(ctx, args[0])
				if err != nil {
					return explain(args[0], err)
				}
				if output == "json" {
					return writeJSON(h.out, clientView(c))
				}
				return showClient(h, c)
			})
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func showClient(h *host, c *storage.Client) error {
	c = effective(c)
	lines := [][2]string{{"id", c.ID}}
	for _, l := range clients.Lines(c) {
		lines = append(lines, [2]string{l.Key, l.Value})
	}
	if c.Static {
		return pairs(h.out, append(lines, [2]string{"", "stands in the configuration file"})...)
	}
	lines = append(lines, [2]string{"created", moment(c.Created)}, [2]string{"updated", moment(c.Updated)})
	for _, s := range c.Secrets {
		until := "no end"
		if !s.Expires.IsZero() {
			until = "works until " + moment(s.Expires)
		}
		lines = append(lines, [2]string{"secret", "made " + moment(s.Created) + ", " + until})
	}
	return pairs(h.out, lines...)
}
