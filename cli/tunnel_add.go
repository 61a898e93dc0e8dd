package cli

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
)

// added is a forward of the command line.
type added struct {
	keyword string
	spec    api.TunnelSpec
}

func (a *app) tunnelAdd() *cobra.Command {
	var k kinds
	var save, yes bool
	cmd := &cobra.Command{
		Use:   "add HOST",
		Short: "open forwards that the configuration does not have",
		Long: `Open forwards of a host that its configuration does not have. They stay open,
also when the background process starts anew, until "sallyport tunnel rm".

--save writes them into the host's own block of ~/.ssh/config as well, as
"sallyport forward add" does.`,
		Example: `  sallyport tunnel add targaryen -L 8080:localhost:8888
  sallyport tunnel add targaryen -D 1080
  sallyport tunnel add targaryen -R 0:localhost:3000`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeHosts,
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := k.parse()
			if err != nil {
				return err
			}
			if save {
				if err := a.change(cmd.Context(), editFlags{yes: yes}, saving(args[0], list)); err != nil {
					return err
				}
			}
			var specs []api.TunnelSpec
			for _, f := range list {
				specs = append(specs, f.spec)
			}
			return a.openTunnels(cmd.Context(), args[0], specs, decided, 0)
		},
	}
	k.register(cmd.Flags())
	cmd.Flags().BoolVar(&save, "save", false, "write them into the configuration, too")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "with --save, write without asking")
	return cmd
}

// parse reads the forwards of the command line. Sockets of this side are those
// below the working directory here; the background process has another.
func (k *kinds) parse() (list []added, err error) {
	k.each(func(keyword, text string) {
		spec, parseErr := api.ParseForward(keyword, text)
		if parseErr == nil {
			parseErr = absolute(&spec)
		}
		if parseErr != nil && err == nil {
			err = badUsage("%s", api.Printable(parseErr.Error()))
		}
		list = append(list, added{keyword, spec})
	})
	if err == nil && len(list) == 0 {
		err = badUsage("no forward was named: use -L, -R or -D")
	}
	return list, err
}

// absolute makes the path of a socket of this side absolute.
func absolute(s *api.TunnelSpec) (err error) {
	here := &s.Listen
	if s.Kind == api.RemoteForward {
		here = &s.Connect
	}
	if here.Path != "" {
		here.Path, err = filepath.Abs(here.Path)
	}
	return err
}

// saving are the edits that write forwards down.
func saving(host string, list []added) (edits []config.Edit) {
	for _, f := range list {
		_, text, _ := strings.Cut(f.spec.String(), " ")
		edits = append(edits, config.AddForward{Host: host, Keyword: f.keyword, Spec: text})
	}
	return edits
}

func (a *app) tunnelRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "rm HOST FORWARD...",
		Short: "close tunnels and forget them, each named by its listening port or in full",
		Long: `Close tunnels of a host and forget them. What the configuration has stays there:
see "sallyport forward rm".`,
		Example:           "  sallyport tunnel rm targaryen 8080",
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: a.completeHosts,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, want := range args[1:] {
				if err := a.tunnelDown(cmd.Context(), args[0], want); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
