//go:build unix

package daemon

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLocateFollowsTheXDGVariables(t *testing.T) {
	run := t.TempDir()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		env  map[string]string
		want Dirs
	}{
		"both set": {
			map[string]string{"XDG_RUNTIME_DIR": run, "XDG_STATE_HOME": "/s"},
			Dirs{Runtime: run + "/sallyport", State: "/s/sallyport"},
		},
		"no runtime directory: a private one for this machine in the state directory": {
			map[string]string{"XDG_STATE_HOME": "/s"},
			Dirs{Runtime: "/s/sallyport/run-" + host, State: "/s/sallyport"},
		},
		"a runtime directory that does not exist is as none": {
			map[string]string{"XDG_RUNTIME_DIR": run + "/nowhere", "XDG_STATE_HOME": "/s"},
			Dirs{Runtime: "/s/sallyport/run-" + host, State: "/s/sallyport"},
		},
		"a relative path does not count": {
			map[string]string{"XDG_RUNTIME_DIR": ".", "XDG_STATE_HOME": "s"},
			Dirs{Runtime: "/h/.local/state/sallyport/run-" + host, State: "/h/.local/state/sallyport"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Locate(func(k string) string { return row.env[k] }, "/h")
			if err != nil || got != row.want {
				t.Errorf("Locate = %+v, %v, want %+v", got, err, row.want)
			}
		})
	}
}

func TestLocateRefusesAPathThatNoSocketCanHave(t *testing.T) {
	_, err := Locate(func(string) string { return "" }, "/"+strings.Repeat("long", 30))
	if err == nil || !strings.Contains(err.Error(), "set XDG_RUNTIME_DIR") {
		t.Errorf("error %v does not say what to do", err)
	}
}

func TestDirectoriesThatOthersCanReachAreRefused(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(t *testing.T, d Dirs)
		want  string // in the error; "" for none
	}{
		"made by us": {func(*testing.T, Dirs) {}, ""},
		"readable by the group": {func(t *testing.T, d Dirs) {
			must(t, os.Chmod(d.Runtime, 0o740))
		}, "others can reach it; chmod 700"},
		"writable by everybody": {func(t *testing.T, d Dirs) {
			must(t, os.Chmod(d.Runtime, 0o707))
		}, "others can reach it; chmod 700"},
		"a link to somewhere": {func(t *testing.T, d Dirs) {
			must(t, os.Remove(d.Runtime))
			must(t, os.Symlink(t.TempDir(), d.Runtime))
		}, "is not a directory"},
		"in a parent where others can replace it": {func(t *testing.T, d Dirs) {
			must(t, os.Chmod(filepath.Dir(d.Runtime), 0o777))
		}, "others could replace"},
		"in a parent where only its owner can": {func(t *testing.T, d Dirs) {
			must(t, os.Chmod(filepath.Dir(d.Runtime), 0o777|fs.ModeSticky))
		}, ""},
		"a state directory that others can read": {func(t *testing.T, d Dirs) {
			must(t, os.Chmod(d.State, 0o755))
		}, "others can reach it"},
		"belonging to somebody else": {func(t *testing.T, d Dirs) {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a directory away")
			}
			must(t, os.Chown(d.Runtime, 65534, -1))
		}, "belongs to uid 65534"},
	} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			d := Dirs{Runtime: filepath.Join(top, "run", "sallyport"), State: filepath.Join(top, "state", "sallyport")}
			must(t, d.Prepare())
			row.spoil(t, d)
			err := d.Prepare()
			if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
				t.Errorf("error %v, want %q", err, row.want)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
