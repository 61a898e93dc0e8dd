package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"sallyport/api"
	"sallyport/tunnels"
)

// stateVersion is the format of the state file. A newer one is not touched.
const stateVersion = 1

// state is what outlives the process. It holds no secrets and no environment.
type state struct {
	Version int      `json:"version"`
	Tunnels []wanted `json:"tunnels"`

	Borrowed []api.Borrowed `json:"borrowed,omitempty"` // of a process that did not give them back
}

// wanted is a tunnel that somebody switched on and nobody switched off.
type wanted struct {
	Target api.Target   `json:"target"`
	Spec   tunnels.Spec `json:"spec"`
	Once   bool         `json:"once,omitempty"` // only as long as this process lives
	Lent   bool         `json:"lent,omitempty"` // for a client of a master of ours, and by nobody else
}

// readState reads the state file; one that does not exist is empty.
func readState(path string) (state, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state{Version: stateVersion}, nil
	}
	if err != nil {
		return state{}, err
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return state{}, fmt.Errorf("reading %q: %w", path, err)
	}
	if s.Version > stateVersion {
		return state{}, fmt.Errorf("%q was written by a newer sallyport (format %d, this one knows %d)", path, s.Version, stateVersion)
	}
	return s, nil
}

// write replaces the state file: at any moment there is a whole one.
func (s state) write(path string) error {
	text, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".state-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails once it was renamed
	if _, err := tmp.Write(append(text, '\n')); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Sync(); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// Wants tells whether there are tunnels that the background process would
// bring up if it were started.
func (d Dirs) Wants() bool {
	s, err := readState(d.state())
	lasting := func(w wanted) bool { return !w.Once }
	return err != nil || slices.ContainsFunc(s.Tunnels, lasting) // an unreadable state is told by the process that needs it
}
