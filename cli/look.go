package cli

import (
	"context"

	"sallyport/api"
)

// look runs a script on a host, over the connection of the background process,
// and gives what it writes; what has to be asked is asked on the terminal.
func (a *app) look(ctx context.Context, c *api.Client, target api.Target, script string) ([]byte, error) {
	return look(ctx, c, target, script, a.ready)
}

// look runs a script on a host once ready says that its session runs.
func look(ctx context.Context, c *api.Client, target api.Target, script string, ready func(context.Context, *api.Client, *api.Terminal) error) ([]byte, error) {
	t, err := c.StartScript(ctx, target)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	if err := ready(ctx, c, t); err != nil {
		return nil, err
	}
	return t.Script(ctx, script)
}
