package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"brygga/notice"
)

func newBannerCommand(h *host) *cobra.Command {
	var where whereFlags
	cmd := group("banner", "Tell everybody something on the login page", newBannerShow(h, &where), newBannerSet(h, &where), newBannerClear(h, &where))
	where.add(cmd, h)
	return cmd
}

func newBannerShow(h *host, where *whereFlags) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "show", Short: "Show the message that is set", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				b, err := s.Banner(ctx)
				if err != nil {
					return err
				}
				if output == "json" {
					return writeJSON(h.out, b)
				}
				return pairs(h.out, [2]string{"sv", b.Texts["sv"]}, [2]string{"en", b.Texts["en"]}, [2]string{"from", moment(b.From)}, [2]string{"to", moment(b.To)},
					[2]string{"set by", b.Actor}, [2]string{"set at", moment(b.At)})
			})
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func newBannerSet(h *host, where *whereFlags) *cobra.Command {
	var sv, en, from, to string
	cmd := &cobra.Command{
		Use: "set", Short: "Put a message on the login page", Args: cobra.NoArgs,
		Long: "Put a message on the login page of every process, within seconds. A text that is missing in a language is shown in the other.",
		Example: "  brygga banner set --sv 'Planerat underhåll i kväll 22–23.' --en 'Planned maintenance tonight, 22–23.' \\\n" +
			"    --from 2026-11-27T08:00:00+01:00 --to 2026-11-27T23:00:00+01:00 --config brygga.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := notice.Banner{Texts: map[string]string{"sv": sv, "en": en}}
			for _, at := range []struct {
				flag, text string
				to         *time.Time
			}{{"--from", from, &b.From}, {"--to", to, &b.To}} {
				if at.text == "" {
					continue
				}
				parsed, err := time.Parse(time.RFC3339, at.text)
				if err != nil {
					return fail(exitUsage, "write 2026-11-27T22:00:00+01:00", "%s %q is no time", at.flag, cut(at.text))
				}
				*at.to = parsed.UTC()
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				return noticed(s.SetBanner(ctx, b))
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&sv, "sv", "", "`text` in Swedish")
	flags.StringVar(&en, "en", "", "`text` in English")
	flags.StringVar(&from, "from", "", "`time` from which it is shown, now if not given")
	flags.StringVar(&to, "to", "", "`time` until which it is shown, until it is cleared if not given")
	return cmd
}

func newBannerClear(h *host, where *whereFlags) *cobra.Command {
	return &cobra.Command{
		Use: "clear", Short: "Take the message away", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				return noticed(s.SetBanner(ctx, notice.Banner{}))
			})
		},
	}
}

// noticed turns what is wrong with a banner into an error with a remedy.
func noticed(err error) error {
	var problems notice.Problems
	switch {
	case errors.As(err, &problems):
		return fail(exitUsage, "see --help for the flags; nothing was changed", "%s %s", problems[0].Field, problems[0].Problem)
	case errors.Is(err, notice.ErrConflict):
		return fail(exitConflict, "try again", "it was changed by somebody else meanwhile")
	}
	return err
}
