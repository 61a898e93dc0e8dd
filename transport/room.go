package transport

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// longestPath is sun_path of BSD and macOS, less its NUL and the 17
// characters that ssh appends to a ControlPath while it binds it (mux.c).
const longestPath = 103 - 17

// room is a private directory of one lent link: sockets, and our own program
// under the names by which ssh calls it.
type room struct{ dir string }

// roomPattern is os.MkdirTemp's.
const roomPattern = "lent-*"

// ClearRooms takes away what lent links have left in the directory of the
// options when their process was killed.
func ClearRooms(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, roomPattern)) // the only error is a bad pattern
	for _, l := range left {
		(&room{l}).clear()
	}
}

// newRoom makes a room in the directory of the options, or in a temporary one
// where that is too long for a socket or has characters that mean something in
// a ControlPath or to a shell.
func newRoom(o Options) (*room, error) {
	program := o.Program
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	for _, parent := range []string{o.Dir, os.TempDir(), "/tmp"} {
		if parent == "" || !filepath.IsAbs(parent) {
			continue
		}
		dir, err := os.MkdirTemp(parent, roomPattern) // 0700
		if err != nil {
			return nil, err
		}
		r := &room{dir}
		if !r.fits() {
			r.clear()
			continue
		}
		for _, name := range []string{askpassName, relayName} {
			if err := os.Symlink(program, r.path(name)); err != nil {
				r.clear()
				return nil, err
			}
		}
		return r, nil
	}
	return nil, fmt.Errorf("no directory is fit for a socket of ssh: set TMPDIR to one with a short and plain name")
}

func (r *room) path(name string) string { return filepath.Join(r.dir, name) }

// fits tells whether the paths can be given to ssh as they are.
func (r *room) fits() bool {
	longest := r.path(askpassName + socketSuffix)
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+"
	return len(longest) <= longestPath && strings.Trim(longest, plain) == ""
}

// clear takes the room away.
func (r *room) clear() { _ = os.RemoveAll(r.dir) } // what is left over is empty sockets in a directory of ours
