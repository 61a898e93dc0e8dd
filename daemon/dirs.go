package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Dirs are the places that belong to one user's background process on one
// machine.
type Dirs struct {
	Runtime string // the socket and the lock: 0700, gone with the login session
	State   string // what outlives the process: wanted tunnels, the log
}

// Socket is where the process listens.
func (d Dirs) Socket() string { return filepath.Join(d.Runtime, "daemon.sock") }

// Agent is where an ssh-agent listens that was started for all shells of the
// user. It is no part of the process.
func (d Dirs) Agent() string { return filepath.Join(d.Runtime, "agent.sock") }

func (d Dirs) lock() string  { return filepath.Join(d.Runtime, "daemon.lock") }
func (d Dirs) state() string { return filepath.Join(d.State, "state.json") }

// Log is where the process writes what happened.
func (d Dirs) Log() string { return filepath.Join(d.State, "daemon.log") }

// maxSocketPath is the shortest sun_path of the systems we run on (104 bytes
// on BSD and macOS, 108 on Linux), less its final NUL.
const maxSocketPath = 103

// Locate finds the directories by the XDG variables; it creates nothing. With
// no XDG_RUNTIME_DIR (su, cron, containers, some login nodes) the runtime
// directory is inside the state directory, with the machine's name in it, for
// homes are shared between machines. /tmp is never used.
func Locate(getenv func(string) string, home string) (Dirs, error) {
	state := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		state = filepath.Join(home, ".local", "state")
	}
	d := Dirs{State: filepath.Join(state, "sallyport")}
	if run := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) && isDir(run) {
		d.Runtime = filepath.Join(run, "sallyport")
	} else {
		host, err := os.Hostname()
		if err != nil {
			return Dirs{}, fmt.Errorf("finding this machine's name: %w", err)
		}
		d.Runtime = filepath.Join(d.State, "run-"+filepath.Base(host))
	}
	if n := len(d.Socket()); n > maxSocketPath {
		return Dirs{}, fmt.Errorf("the socket's path %q has %d bytes, and only %d are possible: set XDG_RUNTIME_DIR to a shorter directory", d.Socket(), n, maxSocketPath)
	}
	return d, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Prepare makes the directories, and refuses those that others could reach.
func (d Dirs) Prepare() error {
	for _, dir := range []string{d.State, d.Runtime} {
		if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
			return err
		}
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := private(d.State); err != nil {
		return err
	}
	return d.Trusted()
}

// Trusted checks that the runtime directory is ours alone and that nobody
// else could put another in its place. A client checks it too before it
// trusts the socket there; a directory that does not exist is an error that
// is fs.ErrNotExist.
func (d Dirs) Trusted() error {
	if err := private(d.Runtime); err != nil {
		return err
	}
	parent := filepath.Dir(d.Runtime)
	info, err := os.Stat(parent)
	if err != nil {
		return err
	}
	if err := ownedByUs(parent, info, true); err != nil {
		return err
	}
	if mode := info.Mode(); othersMay(mode.Perm(), 0o022) && mode&fs.ModeSticky == 0 {
		return fmt.Errorf("%q has mode %04o: others could replace %q in it", parent, mode.Perm(), filepath.Base(d.Runtime))
	}
	return nil
}

// private checks that dir is a real directory, owned by this uid, mode 0700.
func private(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%q is not a directory", dir)
	}
	if err := ownedByUs(dir, info, false); err != nil {
		return err
	}
	if mode := info.Mode().Perm(); othersMay(mode, 0o077) {
		return fmt.Errorf("%q has mode %04o: others can reach it; chmod 700 %s", dir, mode, dir)
	}
	return nil
}

// logLimit is the size in bytes above which the log begins anew; the one
// before it is kept beside it.
const logLimit = 4 << 20

// OpenLog opens the log for writing at its end.
func (d Dirs) OpenLog() (*os.File, error) {
	if err := d.Prepare(); err != nil {
		return nil, err
	}
	if info, err := os.Stat(d.Log()); err == nil && info.Size() > logLimit {
		if err := os.Rename(d.Log(), d.Log()+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(d.Log(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
}
