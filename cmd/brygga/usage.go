package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"brygga/spelling"
)

// usageErrors gives wrong arguments and unknown commands, which cobra reports as plain errors, the exit code of wrong usage, the
// name of what is missing, and a guess of what was meant.
func usageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if check(c, args) == nil {
				return nil
			}
			return argumentError(c, args)
		}
	}
	for _, child := range cmd.Commands() {
		usageErrors(child)
	}
}

// argumentError says what is wrong with the arguments of a command, of which Use names each.
func argumentError(cmd *cobra.Command, args []string) error {
	if cmd.HasSubCommands() {
		return unknownCommand(cmd, args[0])
	}
	use := "write: " + cmd.CommandPath()
	names := strings.Fields(cmd.Use)[1:]
	for _, name := range names {
		use += " " + name
	}
	if len(args) < len(names) {
		return fail(exitUsage, use, "%s%s is missing", commandPrefix(cmd), names[len(args)])
	}
	return fail(exitUsage, use, "%s%q is one argument too many", commandPrefix(cmd), args[len(names)])
}

// unknownCommand says that parent has no command of that name, and which was meant.
func unknownCommand(parent *cobra.Command, name string) error {
	var known []string
	for _, child := range parent.Commands() {
		known = append(known, child.Name())
	}
	remedy := "see \"" + parent.CommandPath() + " --help\""
	if near := spelling.Nearest(name, known); near != "" {
		remedy = "did you mean \"" + parent.CommandPath() + " " + near + "\"?"
	}
	return fail(exitUsage, remedy, "%sunknown command %q", commandPrefix(parent), name)
}

// flagError says what is wrong with a flag, and which was meant.
func flagError(cmd *cobra.Command, err error) error {
	remedy := "see \"" + cmd.CommandPath() + " --help\""
	if name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --"); unknown {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				known = append(known, f.Name)
			}
		})
		if near := spelling.Nearest(name, known); near != "" {
			remedy = "did you mean --" + near + "?"
		}
	}
	return fail(exitUsage, remedy, "%s%w", commandPrefix(cmd), err)
}

// commandPrefix returns the words of a command without the program's, for the beginning of a message: "client add: ".
func commandPrefix(cmd *cobra.Command) string {
	path := strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()), " ")
	if path == "" {
		return ""
	}
	return path + ": "
}

// newHelp returns "brygga help", which knows commands and topics, and says so of anything else.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND|TOPIC]", Short: "Help about any command or topic", Args: cobra.ArbitraryArgs,
		Long: "Show the help of a command, such as \"brygga help client add\", or a page, such as \"brygga help audit-log\"; \"brygga help\" lists both.",
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			cmd, rest, err := root.Find(args)
			if err != nil {
				return unknownCommand(root, args[0])
			}
			if len(rest) > 0 {
				return unknownCommand(cmd, rest[0])
			}
			if !cmd.HasParent() || cmd.Runnable() {
				return cmd.Help()
			}
			_, err = fmt.Fprintln(root.OutOrStdout(), cmd.Long)
			return err
		},
	}
}
