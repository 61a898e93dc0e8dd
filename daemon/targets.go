package daemon

import (
	"fmt"

	"sallyport/api"
	"sallyport/config"
	"sallyport/transport"
)

// plan resolves a target as its caller would: the caller's file, and with
// programs run where the configuration asks for it, for somebody wants to
// open this host.
func plan(t api.Target) (transport.Chain, error) {
	if t.Host == "" || t.Config == "" {
		return nil, &api.Error{Code: api.CodeBadRequest, Message: "a target needs a host and a configuration file"}
	}
	paths, err := pathsOf(t)
	if err != nil {
		return nil, err
	}
	chain, err := transport.Plan(config.Load(paths), t.Host, config.Match{User: t.User, Port: t.Port, Execute: true})
	if err != nil {
		e := *api.AsError(err)
		e.Code = api.CodeConfig
		e.Message = fmt.Sprintf("%s is not opened: %s", api.Printable(t.Host), e.Message)
		return nil, &e
	}
	return chain, nil
}

func pathsOf(t api.Target) (config.Paths, error) {
	if t.Explicit {
		return config.File(t.Config)
	}
	return config.DefaultPaths()
}
