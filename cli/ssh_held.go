package cli

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/api"
	"sallyport/sessions"
	"sallyport/transport"
)

// ownAffairs are the options, in lower case, that change nothing of a
// connection but what is done with it here.
var ownAffairs = []string{
	"requesttty", "sessiontype", "loglevel", "escapechar", "stdinnull", "forkafterauthentication", "batchmode",
	"forwardagent", "forwardx11", "permitlocalcommand", "localcommand", "clearallforwardings", "exitonforwardfailure",
}

// heldLimit is how long a background process that hangs may keep us from
// logging in by ourselves.
const heldLimit = 2 * time.Second

// held is a session of the background process, if that holds a connection by
// the same way and the command line asks for nothing that may differ there. It
// starts no background process, and has it make no connection.
func (s *sshSession) held(ctx context.Context) (*api.Client, *api.Terminal) {
	if !s.asItIsHeld() {
		return nil, nil
	}
	dirs, err := s.dirs()
	if err != nil {
		return nil, nil
	}
	client := &api.Client{Socket: dirs.Socket()}
	asking, giveUp := context.WithCancel(ctx)
	limit := time.AfterFunc(heldLimit, giveUp)
	if !s.forwardsOpen(asking, client) {
		giveUp()
		return nil, nil
	}
	t, err := client.StartSession(asking, api.SessionRequest{
		Target: s.target(), Spec: s.asConfigured(), TTY: s.ttyRequest(), Link: s.chain.ID(), Warn: s.call.logFile != ""})
	switch {
	case err != nil:
		giveUp()
		return nil, nil
	case !limit.Stop():
		t.Close()
		return nil, nil
	}
	s.log.say(logDebug, "using the connection of the background process")
	return client, t
}

// asItIsHeld tells whether the command line asks for nothing that may differ
// on a connection of the background process.
func (s *sshSession) asItIsHeld() bool {
	if s.call.stdio != "" || s.spec.Kind == sessions.None || s.match.Jump != "" {
		return false
	}
	for _, line := range s.match.Options {
		keyword, _ := splitOption(line)
		decided := keyword == "remotecommand" && s.spec.Command != ""
		if !decided && !slices.Contains(ownAffairs, keyword) {
			return false
		}
	}
	return true
}

// forwardsOpen tells whether the background process has all the forwards that
// are wanted, if any are.
func (s *sshSession) forwardsOpen(ctx context.Context, client *api.Client) bool {
	specs, err := s.wanted()
	if err != nil || len(specs) == 0 {
		return err == nil
	}
	now, err := client.Snapshot(ctx)
	if err != nil {
		return false
	}
	for _, spec := range specs {
		open := slices.ContainsFunc(now.Tunnels, func(t api.Tunnel) bool {
			return t.Spec == spec && t.Host == api.Printable(s.host.Name) && t.State == api.TunnelUp
		})
		if !open {
			return false
		}
	}
	return true
}

// overHeld goes on with a session on the background process's connection, or
// on one of our own where the server lets no more sessions share that.
func (s *sshSession) overHeld(ctx context.Context, client *api.Client, t *api.Terminal) error {
	defer t.Close()
	if err := s.ready(ctx, client, t); err != nil {
		if api.AsError(err).Code == transport.CodeProhibited {
			return s.dial(ctx)
		}
		return err
	}
	if err := s.localCommand(ctx, s.host); err != nil {
		return err
	}
	s.settle()
	s.begun = true
	s.spec.PTY = t.PTY()
	if s.call.logFile != "" {
		t.WarnTo(s.log)
	}
	v := shared(t, s.host)
	v.can.forwards = heldForwards{client, s.target(), t.ID()}
	err := s.view(ctx, v, "Shared connection to %s closed.")
	s.rememberHeld(ctx, client) // nobody waits for the first byte any more
	return err
}

// target is the host as the background process finds it by the same way.
func (s *sshSession) target() api.Target {
	hop := s.chain[len(s.chain)-1]
	t := api.Target{Host: s.host.Name, Config: hop.Config, Explicit: s.configFile != "", Env: os.Environ()}
	if s.match.User != "" || strings.Contains(s.call.destination, "@") {
		t.User = s.host.User()
	}
	if s.match.Port != "" || strings.HasPrefix(s.call.destination, "ssh://") {
		t.Port = strconv.Itoa(s.host.Port())
	}
	return t
}

// asConfigured is what to run, with what is lent to the far side as the
// command line has it.
func (s *sshSession) asConfigured() api.SessionSpec {
	wanted := s.spec
	wanted.ForwardAgent, wanted.ForwardX11 = s.host.Get("ForwardAgent"), sessions.NoX11
	if s.yes("ForwardX11") {
		wanted.ForwardX11 = sessions.ConfiguredX11
	}
	return wanted
}

// ttyRequest is what was decided here, in the background process's words.
func (s *sshSession) ttyRequest() string {
	switch {
	case s.spec.NeedPTY:
		return "force"
	case s.spec.PTY:
		return "auto"
	}
	return "no"
}
