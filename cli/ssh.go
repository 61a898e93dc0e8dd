package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
	"sallyport/sessions"
	"sallyport/transport"
)

const sshLong = `Stands in for ssh(1): the same options, operands and exit status, the remote
command's output to the byte, and ssh's own words where tools look for them. So
it serves programs that run ssh:

  GIT_SSH_COMMAND="sallyport ssh" git clone HOST:project
  rsync -e "sallyport ssh" -a HOST:data .
  sftp -S /usr/local/bin/ssh HOST     where that ssh is a link to sallyport

It uses the connection of a live ControlMaster, else that which the background
process holds to HOST, and else logs in by itself; "-o ControlPath=none" always
logs in anew.
What it cannot do itself, as -w, it hands to the ssh that is installed.`

// sshCommand is "sallyport ssh". Its flags are not cobra's: see parseSSH.
func (a *app) sshCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "ssh [OPTION...] HOST [COMMAND...]",
		Short:              "stand in for the ssh command, for programs that run it",
		Long:               sshLong,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "--help" {
				return cmd.Help()
			}
			return a.ssh(cmd.Context(), args)
		},
	}
}

// Arguments are the arguments of a command line that begins with the program.
// One that was started by a link called ssh behaves as "sallyport ssh".
func Arguments(line []string) []string {
	if len(line) == 0 {
		return nil
	}
	if strings.TrimSuffix(filepath.Base(line[0]), ".exe") == "ssh" {
		return append([]string{"ssh"}, line[1:]...)
	}
	return line[1:]
}

// ssh does what the ssh command does with args, and ends as it does.
func (a *app) ssh(ctx context.Context, args []string) error {
	outliveReaders()
	call, err := parseSSH(args)
	if err != nil {
		return a.leave(err)
	}
	for _, warning := range call.warnings {
		io.WriteString(a.Err, warning)
	}
	log, err := call.openLog(a.Err)
	if err != nil {
		return a.leave(err)
	}
	if call.verbose > 0 {
		log.say(logInfo, "%s", sshVersion())
	}
	s, err := a.plan(ctx, call, log)
	if err != nil {
		return a.leave(err)
	}
	if call.dump {
		return s.host.Dump(a.Out)
	}
	return s.bySignal(ctx, s.run(ctx))
}

// bySignal is the end of ssh, err but for a signal: until its loop begins one
// kills it as any program, and then it ends by itself, well where it was there
// for forwards alone (client_loop, clientloop.c).
func (s *sshSession) bySignal(ctx context.Context, err error) error {
	var i signalled
	switch {
	case !errors.As(context.Cause(ctx), &i):
		return err
	case !s.begun:
		return killed(i)
	case s.sessionType() == "none" && i.by == syscall.SIGTERM:
		return nil
	}
	if number, ok := i.by.(syscall.Signal); ok {
		s.log.say(logVerbose, "Killed by signal %d.", int(number))
	}
	return status(ours)
}

// leave ends as ssh ends before it has connected.
func (a *app) leave(err error) error {
	var end *sshExit
	if !errors.As(err, &end) {
		return err
	}
	io.WriteString(a.Out, end.stdout)
	io.WriteString(a.Err, end.stderr)
	return status(end.status)
}

// sshSession is one run of ssh: a command line and what the configuration
// makes of it.
type sshSession struct {
	*app
	call   *sshCall
	log    *sshLog
	config *config.Config
	match  config.Match
	host   *config.Host
	chain  transport.Chain // nil for -G

	spec       sessions.Spec // what to run, of the command line and the configuration
	forwards   *ownForwards  // of a connection of our own; nil until there is one
	background *os.File      // tells the parent of ssh -f; nil for any other process
	begun      bool          // what there is to do once the host is reached
	rates      func()        // says what has passed; nil where the connection is not ours
}

// plan reads the configuration and makes the checks that ssh makes before it
// connects. Nothing of what was asked for is dropped: an error is an end.
func (a *app) plan(ctx context.Context, call *sshCall, log *sshLog) (*sshSession, error) {
	a.configFile = cmp.Or(call.configFile, a.configFile)
	paths, err := a.paths()
	if err != nil {
		return nil, err
	}
	match, err := call.line.match()
	if err != nil {
		return nil, err
	}
	match.Command, match.Stdio, match.Execute, match.Stderr = call.command, call.stdio != "", true, a.Err
	match.Told = func(line string) { log.say(logDebug, "%s", line) }
	background := takeBackground()
	if background != nil { // the parent has shown it
		match.Stderr = nil
	}
	load := config.Load
	if call.dump {
		load = func(p config.Paths) *config.Config { return config.LoadExactly(ctx, p) }
	}
	s := &sshSession{app: a, call: call, log: log, config: load(paths), match: match, background: background}
	if err := s.resolve(); err != nil {
		return nil, err
	}
	log.follow(s.host)
	s.match.Told, s.match.Stderr = nil, nil // it has been told
	return s, s.check()
}

// resolve finds the host's options, and unless they are only to be printed
// the way there.
func (s *sshSession) resolve() (err error) {
	if s.call.dump {
		s.host, _ = s.config.Resolve(s.call.destination, s.match) // what is wrong is told apart below
	} else {
		s.chain, err = transport.Plan(s.config, s.call.destination, s.match)
		s.host = s.chain[len(s.chain)-1].Host
	}
	if s.refused(s.config) {
		return status(ours)
	}
	if f := (*transport.Failure)(nil); errors.As(err, &f) {
		s.log.failure(f, s.chain)
		return status(ours)
	}
	return err
}

// check makes the checks of main of ssh.c that are not of the configuration
// alone, and finds out what to run and on what.
func (s *sshSession) check() error {
	if s.call.control != "" && given(s.host, "ControlPath") == "" {
		return s.fatal(`No ControlPath specified for "-O" command`)
	}
	if path := agentPath(s.host); path != "" {
		if _, err := os.Stat(path); err != nil {
			s.log.say(logError, "Cannot forward agent socket path \"%s\": %s", api.Printable(path), strerror(err))
			if s.yes("ExitOnForwardFailure") {
				return status(ours)
			}
		}
	}
	s.spec = s.configured()
	return nil
}

// agentPath is the socket that ForwardAgent names, "" where it is a switch.
func agentPath(h *config.Host) string {
	value := h.Get("ForwardAgent")
	switch value {
	case "", "yes", "no", "true", "false":
		return ""
	}
	if name, ok := strings.CutPrefix(value, "$"); ok {
		return cmp.Or(os.Getenv(name), value)
	}
	return value
}

// configured is what to run. Without a terminal here there is one on the far
// side only by force (main of ssh.c).
func (s *sshSession) configured() sessions.Spec {
	wanted := spec(s.call.command)
	terminal := wanted.PTY && !s.yes("StdinNull")
	wanted.PTY = s.call.control == "" || s.call.control == "proxy"
	wanted = sessions.Configured(s.host, wanted, "")
	if wanted.PTY && !terminal && s.host.Get("RequestTTY") != "force" {
		s.log.say(logInfo, "Pseudo-terminal will not be allocated because stdin is not a terminal.")
		wanted.PTY, wanted.NeedPTY = false, false
	}
	return wanted
}

func (s *sshSession) sessionType() string { return s.host.Get("SessionType") }

// yes reads a switch; ssh -G prints some as "true" and "false".
func (s *sshSession) yes(keyword string) bool {
	value := s.host.Get(keyword)
	return value == "yes" || value == "true"
}

// given is a value that "none" takes away.
func given(h *config.Host, keyword string) string {
	if value := h.Get(keyword); !strings.EqualFold(value, "none") {
		return value
	}
	return ""
}

// fatal says why ssh ends, at its level.
func (s *sshSession) fatal(format string, args ...any) error {
	s.log.say(logFatal, format, args...)
	return status(ours)
}

// run hands the command line over where we cannot do what it asks for, and
// else connects.
func (s *sshSession) run(ctx context.Context) error {
	if why := s.beyond(); why != "" {
		return s.handOver(why)
	}
	if s.call.control != "" {
		return s.control(ctx)
	}
	if s.background == nil && s.yes("ForkAfterAuthentication") {
		return s.startInBackground(ctx)
	}
	if done, err := s.overMaster(ctx); done || err != nil {
		return err
	}
	if s.wantsMaster() {
		return s.handOver("ControlMaster")
	}
	if client, t := s.held(ctx); t != nil {
		return s.overHeld(ctx, client, t)
	}
	return s.dial(ctx)
}

// dial connects in this process and does there what was asked for.
func (s *sshSession) dial(ctx context.Context) error {
	banner, touch := &banners{out: s.log, loud: func(l api.Link) bool { return s.levelOf(l.ID) >= logInfo }}, new(touches)
	s.forwards = &ownForwards{host: s.host, log: s.log, id: s.chain.ID(), moved: make(chan struct{}, 1)}
	links := transport.NewLinks(transport.Options{
		Asker: &sshAsker{chain: s.chain, log: s.log, floor: newFloor()},
		Notify: func(now transport.LinkStatus) {
			banner.see(now)
			touch.see(now)
			s.forwards.linkChanged(now)
		},
		Trace:  s.trace,
		Stderr: s.Err, // even where -E has a log
	})
	defer links.Close() // an ssh that lends us its connection ends with us
	link := links.Get(s.chain, os.Environ())
	conn, err := link.Conn(ctx)
	if err != nil {
		return s.failed(ctx, err)
	}
	s.forwards.link, s.forwards.conn = link, conn
	defer s.forwards.close()
	return s.over(ctx, link, conn)
}

// trace prints a step of the dial.
func (s *sshSession) trace(t transport.Trace) {
	if level := levelOfTrace(t); level <= s.levelOf(t.Link) {
		s.log.print(level, "%s", t.Message)
	}
}

// levelOf is the level up to which a link's own is said. The ssh that would
// reach a jump gets our -v (main of ssh.c), and else goes by what the
// configuration says of the jump.
func (s *sshSession) levelOf(link string) int {
	for i, hop := range s.chain[:len(s.chain)-1] {
		switch {
		case s.chain[:i+1].ID() != link:
		case s.call.verbose > 0:
			return logDebug + s.call.verbose - 1
		default:
			return logLevel(hop.Host)
		}
	}
	return s.log.upTo()
}

// failed ends with a connection that could not be made, or that broke.
func (s *sshSession) failed(ctx context.Context, err error) error {
	var f *transport.Failure
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &f):
		s.log.failure(f, s.chain)
		return status(ours)
	}
	return fmt.Errorf("connecting to %q: %w", s.host.Name, err)
}
