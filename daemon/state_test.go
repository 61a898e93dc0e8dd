package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/api"
	"sallyport/tunnels"
)

func TestStateIsReadAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	want := state{Version: stateVersion, Tunnels: []wanted{{
		Target: api.Target{Host: "targaryen", Config: "/home/dany/.ssh/config"},
		Spec: tunnels.Spec{
			Kind:    tunnels.Local,
			Listen:  tunnels.Address{Network: "tcp", Port: 8080},
			Connect: tunnels.Address{Network: "tcp", Host: "localhost", Port: 8888},
		},
	}}}
	for range 2 { // the second write replaces the first
		if err := want.write(path); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readState(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state differs (-written +read):\n%s", diff)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("files left beside the state: %v, %v", left, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
}

func TestAStateThatCannotBeReadIsNotTakenForAnEmptyOne(t *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"cut short":         {`{"version": 1, "tunnels": [`, "unexpected end of JSON input"},
		"of a newer format": {`{"version": 99}`, "was written by a newer sallyport"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := readState(path); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want %q", err, row.want)
			}
		})
	}
}
