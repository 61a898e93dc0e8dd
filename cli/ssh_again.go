package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sallyport/api"
	"sallyport/config"
	"sallyport/internal/again"
	"sallyport/sessions"
)

// recipesKept is how many recipes lie around at most.
const recipesKept = 256

// remember has the next run with the same words go over a control socket at
// once. lost is what that says, at a level, when the connection ends under the
// command. Where it does not work, the next run looks for its way as this one
// has.
func (s *sshSession) remember(socket string, level int, lost string) {
	line, ok := again.Parse(s.call.args)
	if !ok || !s.repeatable() {
		return
	}
	files, settled := s.host.Settled()
	wanted := s.masterSpec()
	before, err := wanted.Before()
	dir, trusted := s.recipes()
	if !settled || err != nil || !trusted {
		return
	}
	if ssh, err := config.Program(); err == nil {
		files = append(files, ssh) // whose release says what the lines mean
	}
	r := again.Recipe{Files: files, Socket: socket, Before: before, Env: named(wanted.Env)}
	if s.log.shows(level) {
		r.Lost = lost + "\r\n"
	}
	if content := r.Encode(line); content != nil {
		_ = keepRecipe(dir, line.Name(), content) // there is none, then
	}
}

// named is an environment by the names of what is in ours.
func named(env []string) (out []string) {
	for _, set := range env {
		name, value, _ := strings.Cut(set, "=")
		if ours, there := os.LookupEnv(name); there && ours == value {
			out = append(out, "$"+name)
		} else {
			out = append(out, "="+set)
		}
	}
	return out
}

// repeatable tells whether a command is all that there is to do, would be the
// same with a standard input of another kind, and says nothing by the way.
func (s *sshSession) repeatable() bool {
	forwards, err := s.wanted()
	alone := err == nil && len(forwards) == 0 && s.call.command != "" && given(s.host, "RemoteCommand") == "" &&
		s.sessionType() != "none" && s.background == nil
	sameInput := !s.spec.PTY && s.host.Get("RequestTTY") != "yes" && !s.yes("StdinNull")
	silent := s.call.logFile == "" && len(s.call.warnings) == 0 && !s.log.shows(logVerbose)
	return alone && sameInput && silent && !sessions.Sends(s.host, "_") // which is not looked at, see package again
}

// recipes is the directory for them, which is made here.
func (s *sshSession) recipes() (dir string, ok bool) {
	dirs, err := s.dirs()
	run := os.Getenv("XDG_RUNTIME_DIR")
	dir = filepath.Join(run, again.Dir)
	if err != nil || run == "" || dirs.Runtime != filepath.Dir(dir) {
		return "", false
	}
	for _, missing := range []string{dirs.Runtime, dir} {
		if err := os.Mkdir(missing, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", false
		}
	}
	return dir, dirs.Trusted() == nil
}

// keepRecipe writes a recipe. When too many lie around, all go: those in use
// are soon back.
func keepRecipe(dir, name string, content []byte) error {
	there, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(there) >= recipesKept {
		for _, old := range there {
			_ = os.Remove(filepath.Join(dir, old.Name())) // another run may have been faster
		}
	}
	return replaceFile(filepath.Join(dir, name), content, 0o600)
}

// rememberHeld is remember for a connection of the background process, which
// listens on a socket for it from now on. Its clients there get the agent and
// the display of who has connected, who may be another caller than this one.
func (s *sshSession) rememberHeld(ctx context.Context, client *api.Client) {
	spec := s.masterSpec()
	if spec.Agent || spec.X11 || s.yes("PermitLocalCommand") || s.spec.Kind == sessions.None || !s.repeatable() {
		return
	}
	if served, err := client.Share(ctx, s.chain.ID()); err == nil {
		s.remember(served.Path, logInfo, fmt.Sprintf("Connection to %s closed by remote host.", s.host.HostName()))
	}
}
