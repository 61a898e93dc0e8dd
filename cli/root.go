package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sallyport/api"
)

const long = `Sallyport picks hosts from ~/.ssh/config, opens shells through any number of
jump hosts, and keeps port forwards alive in a background process.

  sallyport                    the full-screen list of hosts
  sallyport HOST [COMMAND]     a shell on HOST, or one command, as ssh does it
  sallyport HOST --log FILE    the same, with what is shown written to FILE
  sallyport HOST --keep        a shell that goes on there when the connection is gone

A HOST that has the name of a command is reached after "--":
  sallyport -- version`

// root is the command line as a whole.
func root(std Stdio) *app {
	a := &app{Stdio: std}
	shell := &shellFlags{}
	a.cmd = &cobra.Command{
		Use:               "sallyport [HOST [COMMAND...]]",
		Short:             "pick SSH hosts from a list, open shells, keep port forwards alive",
		Long:              long,
		Args:              cobra.ArbitraryArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
		ValidArgsFunction: a.completeHosts,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.screen(cmd.Context(), "sallyport")
			}
			command, err := afterHost(cmd, args)
			if errors.Is(err, errHelp) {
				return cmd.Help()
			}
			if err != nil {
				return err
			}
			err = a.shell(cmd.Context(), args[0], strings.Join(command, " "), *shell)
			if shell.hold {
				return a.hold(cmd.Context(), err)
			}
			return err
		},
	}
	a.cmd.SetIn(std.In)
	a.cmd.SetOut(std.Out)
	a.cmd.SetErr(std.Err)
	a.cmd.PersistentFlags().StringVarP(&a.configFile, "config", "F", "", "read `FILE` instead of ~/.ssh/config and the system's file")
	// What follows the command is the command's, as with ssh.
	a.cmd.Flags().SetInterspersed(false)
	shell.register(a.cmd.Flags())
	a.cmd.AddCommand(
		a.hostsCommand(), a.hostCommand(), a.forwardCommand(), a.configCommand(),
		a.tunnelCommand(), a.runCommand(), a.jupyterCommand(), a.portsCommand(),
		a.attachCommand(), a.sessionsCommand(), a.mastersCommand(), a.envCommand(),
		a.keyCommand(), a.agentCommand(), a.doctorCommand(),
		a.daemonCommand(), a.demoCommand(), a.sshCommand(), a.versionCommand())
	refuseUnknown(a.cmd)
	a.cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if cmd == a.cmd {
			return badOption(err)
		}
		return err
	})
	return a
}

// badOption is the refusal of an option before the command. One of ssh's is taken
// by "sallyport ssh".
func badOption(err error) error {
	refused := &api.Error{Code: api.CodeBadRequest, Message: err.Error()}
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "" {
		letter := unknown.GetSpecifiedName()
		if _, sshs := flagNamed(letter[0]); sshs {
			refused.Hints = []string{"sallyport ssh takes -" + letter + " and all other options of ssh"}
		}
	}
	return refused
}

// refuseUnknown has commands that only hold others refuse a name that none of
// those has; cobra shows their help then, and says that all went well.
func refuseUnknown(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		refuseUnknown(c)
		if c.HasSubCommands() && !c.Runnable() {
			c.DisableFlagsInUseLine = true
			c.RunE = func(cmd *cobra.Command, args []string) error {
				if len(args) == 0 {
					return cmd.Help()
				}
				return &api.Error{
					Code:    api.CodeBadRequest,
					Message: fmt.Sprintf("unknown command %q for %q", api.Printable(args[0]), cmd.CommandPath()),
					Hints:   []string{cmd.CommandPath() + " --help"},
				}
			}
		}
	}
}

// afterHost reads the options between the host and the command, which ssh has
// there, too (main of ssh.c), and leaves the command.
func afterHost(cmd *cobra.Command, args []string) ([]string, error) {
	rest := args[1:]
	if len(rest) == 0 || !strings.HasPrefix(rest[0], "-") || cmd.ArgsLenAtDash() == 0 {
		return rest, nil
	}
	if err := cmd.Flags().Parse(rest); err != nil {
		return nil, badOption(err)
	}
	if help, _ := cmd.Flags().GetBool("help"); help { // cobra has made it
		return nil, errHelp
	}
	return cmd.Flags().Args(), nil
}

// completeHosts completes an alias of the configuration.
func (a *app) completeHosts(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	inv, err := a.inventory()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, name := range inv.Names() {
		if strings.HasPrefix(name, begun) && api.Printable(name) == name {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
