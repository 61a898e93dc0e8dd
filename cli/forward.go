package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sallyport/config"
)

func (a *app) forwardCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "forward",
		Short: "add and remove port forwards of the configuration",
		Long: `These commands edit the LocalForward, RemoteForward and DynamicForward lines of a
host's own block. "sallyport tunnel" switches them on and off.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(a.forwardAdd(), a.forwardRemove())
	return cmd
}

// kinds are the forwards of -L, -R and -D.
type kinds struct {
	local, remote, dynamic []string
}

func (k *kinds) register(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&k.local, "local", "L", nil, "a LocalForward, as `[BIND:]PORT:HOST:PORT`")
	flags.StringArrayVarP(&k.remote, "remote", "R", nil, "a RemoteForward, as `[BIND:]PORT[:HOST:PORT]`")
	flags.StringArrayVarP(&k.dynamic, "dynamic", "D", nil, "a DynamicForward (SOCKS), as `[BIND:]PORT`")
}

// each calls f for every forward, with its keyword.
func (k *kinds) each(f func(keyword, spec string)) {
	for _, kind := range []struct {
		keyword string
		specs   []string
	}{{"LocalForward", k.local}, {"RemoteForward", k.remote}, {"DynamicForward", k.dynamic}} {
		for _, spec := range kind.specs {
			f(kind.keyword, spec)
		}
	}
}

func (a *app) forwardAdd() *cobra.Command {
	var k kinds
	cmd := &cobra.Command{
		Use:     "add HOST",
		Short:   "add forwards to a host",
		Example: "  sallyport forward add targaryen -L 8080:localhost:80",
		Args:    cobra.ExactArgs(1),
	}
	k.register(cmd.Flags())
	return a.editing(cmd, func(args []string) ([]config.Edit, error) {
		var edits []config.Edit
		k.each(func(keyword, spec string) {
			edits = append(edits, config.AddForward{Host: args[0], Keyword: keyword, Spec: spec})
		})
		if len(edits) == 0 {
			return nil, badUsage("no forward was named: use -L, -R or -D")
		}
		return edits, nil
	})
}

func (a *app) forwardRemove() *cobra.Command {
	var k kinds
	cmd := &cobra.Command{
		Use:   "rm HOST [FORWARD]...",
		Short: "remove forwards of a host, each named by its listening port or in full",
		Example: `  sallyport forward rm targaryen 8080
  sallyport forward rm targaryen -R 9000`,
		Args: cobra.MinimumNArgs(1),
	}
	k.register(cmd.Flags())
	return a.editing(cmd, func(args []string) ([]config.Edit, error) {
		var edits []config.Edit
		for _, spec := range args[1:] {
			edits = append(edits, config.RemoveForward{Host: args[0], Forward: spec})
		}
		k.each(func(keyword, spec string) {
			edits = append(edits, config.RemoveForward{Host: args[0], Keyword: keyword, Forward: spec})
		})
		if len(edits) == 0 {
			return nil, badUsage("no forward was named: sallyport forward rm HOST 8080")
		}
		return edits, nil
	})
}
