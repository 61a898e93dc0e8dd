package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"sallyport/demo"
)

func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "try everything on an embedded network that needs no server and no configuration",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.demo(cmd.Context())
		},
	}
}

// demo is the product itself on another configuration and in another place:
// the environment sends the background process there too.
func (a *app) demo(ctx context.Context) (err error) {
	network, err := demo.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, network.Close()) }()
	for _, kv := range network.Env() {
		if err := setenv(kv); err != nil {
			return err
		}
	}
	a.configFile, a.home = network.Config(), network.Dir()
	// Its directory goes away, so it ends too, also when the demo was interrupted.
	defer func() { err = errors.Join(err, a.stopDaemon(context.Background())) }()
	if err := a.screen(ctx, "sallyport demo"); err != nil {
		return err
	}
	// The footer has said that tunnels stay, which is so elsewhere.
	_, err = fmt.Fprintln(a.Err, "sallyport: the demo is over, and its hosts and tunnels are gone; on hosts of your own tunnels stay")
	return err
}

// setenv sets "NAME=value", or unsets a bare "NAME=".
func setenv(kv string) error {
	for i := range len(kv) {
		if kv[i] != '=' {
			continue
		}
		if i == len(kv)-1 {
			return os.Unsetenv(kv[:i])
		}
		return os.Setenv(kv[:i], kv[i+1:])
	}
	return os.Unsetenv(kv)
}
