package cli

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"sallyport/daemon"
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
	a.configFile = network.Config()
	defer func() { err = errors.Join(err, a.endDemo()) }()
	return a.screen(ctx, "sallyport demo")
}

// endDemo stops the demo's background process, whose directory goes away.
func (a *app) endDemo() error {
	c, err := a.client()
	if err != nil {
		return err
	}
	d, err := a.dirs()
	if err != nil {
		return err
	}
	ctx := context.Background() // also when the demo was interrupted
	if c.Stop(ctx) != nil {
		return nil // there is none
	}
	return daemon.Stopped(ctx, d)
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
