package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sallyport/api"
)

// jupyterFlags are those of "sallyport jupyter".
type jupyterFlags struct {
	json, noBrowser, untilEnd bool
	node, port                string
}

func (a *app) jupyterCommand() *cobra.Command {
	var f jupyterFlags
	cmd := &cobra.Command{
		Use:   "jupyter HOST",
		Short: "open a Jupyter server that runs on a host in the browser",
		Long: `Find your running Jupyter servers on a host, forward one to this machine on the
same port or the next that is free, and open it in the browser. The tunnel stays
until "sallyport tunnel rm", or with --until-end as long as the server runs.

A server on a compute node is found through the host if your jobs are in squeue,
or with --node; it has to listen for other machines (--ip=0.0.0.0).

The token goes to the browser by a file that only you can read. It is printed
only where you ask for the address: with --json or --no-browser.`,
		Example: `  sallyport jupyter targaryen
  sallyport jupyter cluster --node r7i3n1
  sallyport jupyter targaryen --no-browser`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeHosts,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.jupyter(cmd.Context(), args[0], f)
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON, with the address, and open no browser")
	cmd.Flags().BoolVar(&f.noBrowser, "no-browser", false, "print the address, and open no browser")
	cmd.Flags().BoolVar(&f.untilEnd, "until-end", false, "stay, and close the tunnel when the server has ended")
	cmd.Flags().StringVar(&f.node, "node", "", "the server runs on `NODE`, which HOST reaches")
	cmd.Flags().StringVar(&f.port, "port", "", "of several servers, the one on `PORT` there, or on a socket")
	return cmd
}

func (a *app) jupyter(ctx context.Context, host string, f jupyterFlags) error {
	c, target, err := a.clientFor(host)
	if err != nil {
		return err
	}
	out, err := a.look(ctx, c, target, api.JupyterScript)
	if err != nil {
		return err
	}
	server, err := a.chooseJupyter(host, out, f)
	if err != nil {
		return err
	}
	tunnel, err := c.ForwardJupyter(ctx, target, server)
	if err != nil {
		return err
	}
	if err := a.openJupyter(ctx, c, host, server, tunnel, f); err != nil || !f.untilEnd {
		return err
	}
	if err := a.awaitJupyter(ctx, c, target, server, f.node); err != nil {
		return err
	}
	_, err = c.SetTunnel(context.WithoutCancel(ctx), api.TunnelRequest{Target: target, Spec: tunnel.Spec})
	return err
}

// chooseJupyter takes the only server, or the one on a port.
func (a *app) chooseJupyter(host string, out []byte, f jupyterFlags) (api.JupyterServer, error) {
	var found []api.JupyterServer
	for _, s := range api.ParseJupyter(out, f.node) {
		if f.port == "" || f.port == jupyterPort(s) {
			found = append(found, s)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return api.JupyterServer{}, api.NoJupyter(host, api.JupyterNodes(out))
	}
	t := tabwriter.NewWriter(a.Err, 0, 0, 2, ' ', 0)
	for _, s := range found {
		fmt.Fprintf(t, "%s\t%s\t%s\n", jupyterPort(s), s.Node, s.Dir)
	}
	if err := t.Flush(); err != nil {
		return api.JupyterServer{}, err
	}
	shown := api.Printable(host)
	return api.JupyterServer{}, &api.Error{
		Code:    api.CodeNotFound,
		Message: fmt.Sprintf("%d Jupyter servers of yours run on %s", len(found), shown),
		Hints:   []string{"sallyport jupyter " + shown + tellingApart(found)},
	}
}

// jupyterPort is what --port calls a server by.
func jupyterPort(s api.JupyterServer) string {
	if s.Socket != "" {
		return api.Printable(s.Socket)
	}
	return strconv.Itoa(s.Port)
}

// tellingApart are flags that take one of several servers: the port, or the node
// where that is the same.
func tellingApart(found []api.JupyterServer) string {
	for i, s := range found {
		if s.Node != "" && slices.ContainsFunc(found[:i], func(o api.JupyterServer) bool { return jupyterPort(o) == jupyterPort(s) && o.Node != s.Node }) {
			return " --node " + s.Node + " --port " + jupyterPort(s)
		}
	}
	return " --port " + jupyterPort(found[0])
}

// openJupyter hands the address to the browser, or to who asked for it.
func (a *app) openJupyter(ctx context.Context, c *api.Client, host string, s api.JupyterServer, t api.Tunnel, f jupyterFlags) error {
	url := s.URL(t.Spec.Listen.Port)
	switch {
	case f.json:
		return printJSON(a.Out, struct {
			api.JupyterServer
			LocalPort int    `json:"localPort"`
			URL       string `json:"url"`
		}{s, t.Spec.Listen.Port, url})
	case f.noBrowser:
		_, err := fmt.Fprintln(a.Out, url)
		return err
	}
	fmt.Fprintf(a.Err, "%s  %s  %s\n", api.Printable(host), t.Spec, tunnelState(t))
	err := browseInPrivate(ctx, c, url)
	if e := (*api.Error)(nil); errors.As(err, &e) {
		e.Hints = append(e.Hints, "have the address printed: sallyport jupyter "+api.Printable(host)+" --no-browser")
	}
	return err
}

// lookForEnd is how often a server is looked for.
const lookForEnd = 5 * time.Second

// awaitJupyter waits until a server has ended, or we are interrupted.
func (a *app) awaitJupyter(ctx context.Context, c *api.Client, target api.Target, s api.JupyterServer, node string) error {
	tick := time.NewTicker(lookForEnd)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		out, err := a.look(ctx, c, target, api.JupyterScript)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		runs := false
		for _, other := range api.ParseJupyter(out, node) {
			runs = runs || other.PID == s.PID && other.Port == s.Port && other.Node == s.Node
		}
		if !runs {
			return nil
		}
	}
}
