//go:build linux

package cli

import (
	"os"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

// TestTheRealSSHUsesAConnectionWithoutAControlPath logs in once, to a host
// behind another; the configuration that says how is not shown to ssh, which
// could not connect by itself.
func TestTheRealSSHUsesAConnectionWithoutAControlPath(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	place, err := os.MkdirTemp("", "sp") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(place) })
	real := sshtest.Program(t, "ssh")
	do := func(script string) outcome {
		t.Helper()
		return b.run(t, "sallyport ssh", "export XDG_RUNTIME_DIR="+place+" XDG_STATE_HOME="+place+
			` OVER="`+real+` -F none -o ProxyCommand=false"; sp() { sallyport -F "$CONFIG" env "$@"; }; `+script)
	}
	t.Cleanup(func() { do("sallyport daemon stop") })
	before := b.server.Logins()
	for _, row := range []struct {
		name, script string
		want         outcome
	}{
		{"a command", `echo in | $OVER $(sp two) two 'cat; exit 3'`, outcome{3, "in\n", "", ""}},
		{"the options", `sp two | sed 's/mux-.*/mux/'`, outcome{0, "-o ControlMaster=no -o ControlPath=" + place + "/sallyport/mux\n", "", ""}},
		{"JSON", `sp two --json | grep '"host"'`, outcome{0, `  "host": "two",` + "\n", "", ""}},
		{"a host that is not there", `sp refused 2>&1 | grep -c 'connection refused'`, outcome{0, "1\n", "", ""}},
		{"files", `mkdir m; sshfs -o ssh_command="$OVER $(sp two)" two:/etc m && cmp m/passwd /etc/passwd; s=$?; fusermount3 -u m; rmdir m; exit $s`, outcome{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.name == "files" {
				sshtest.Program(t, "sshfs")
				needFUSE(t)
			}
			if got := do(row.script); got != row.want {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
		})
	}
	if n := b.server.Logins() - before; n != 2 {
		t.Errorf("%d logins, want one a hop", n)
	}
	if got := do(`sallyport -F "$CONFIG" env two >path; sallyport daemon stop; ls $XDG_RUNTIME_DIR/sallyport; rm path`); strings.Contains(got.stdout, "mux-") {
		t.Errorf("a socket is left: %s", got)
	}
}
