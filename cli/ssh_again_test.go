//go:build linux

package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

// twice runs the words after it twice, on the same input, and tells how each
// run ended.
const twice = `twice() { for run in 1 2; do echo in | "$@"; echo "status $?"; done; }; `

// The second of two runs over a master does not start the whole program, which
// shows in what is initialized, and does what the first did, and ssh.
func TestACommandRunsAgainOverItsMaster(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := filepath.Join(b.bin, "again")
	sshtest.RunMaster(t, m, exec.Command(sshtest.Program(t, "ssh"), "-F", b.config, "-M", "-N", "-S", m, "one"))
	place := t.TempDir()
	for _, row := range []struct {
		name, script string
		starts       int // of the whole program
	}{
		{"output, errors, input and status", `twice ssh -S $M one 'cat; echo err >&2; exit 7'`, 1},
		{"another command", `ssh -S $M one echo a; ssh -S $M one echo b '$((1+1))'`, 1},
		{"options ended by --", `twice ssh -S $M -- one echo x`, 1},
		{"a subsystem", `ssh -S $M -s one sftp </dev/null; ssh -S $M -s one nothing`, 1},
		{"a command that a signal ends", `twice ssh -S $M one 'kill -TERM $$'`, 1},
		{"the environment", `export LC_X=1; twice ssh -S $M -o 'SendEnv=LC_*' -o SetEnv=LC_Y=2 one 'echo $LC_X $LC_Y'`, 1},
		{"another environment", `for n in 1 2; do LC_X=$n ssh -S $M -o 'SendEnv=LC_*' one 'echo $LC_X'; done`, 2},
		{"another directory", `ssh -S $M one echo x; mkdir d; cd d; ssh -S $M one echo x`, 2},
		{"much output", `twice ssh -S $M one 'head -c 3000000 /dev/zero' | cksum`, 1},
		{"a long command", `twice ssh -S $M one "echo $(printf %0100000d 1) | wc -c"`, 1},
		{"a closed output", `for n in 1 2; do ssh -S $M one 'echo x; exit 3' >&-; done`, 1},
		// ssh heeds signals from when its master has answered, which may be after the command has begun.
		{"kill of the client", `for n in 1 2; do (exec $SSH -F "$CONFIG" -S $M one "touch $PWD/up; while [ -e $PWD/up ]; do sleep 0.05; done") & until [ -e up ] && grep -q 'SigCgt:.*[4-7c-f]...$' /proc/$!/status; do sleep 0.02; done; kill $!; wait $!; echo $?; rm up; done`, 1},

		{"a file that has changed", `cp "$CONFIG" c; ssh -S $M -F c one echo x; echo '  SetEnv LC_Y=2' >>c; ssh -S $M -F c one 'echo $LC_Y'; rm c`, 2},
		{"a file that has come", `printf 'Include %s/more\nInclude %s\n' $PWD "$CONFIG" >c; sleep 0.1; ssh -S $M -F c one 'echo $LC_Y'; printf 'Host *\n SetEnv LC_Y=3\n' >more; ssh -S $M -F c one 'echo $LC_Y'; rm c more`, 2},
		{"a file of a pattern that has come", `mkdir d; printf 'Include %s/d/*\nInclude %s\n' $PWD "$CONFIG" >c; sleep 0.1; ssh -S $M -F c one 'echo $LC_Y'; printf 'Host *\n SetEnv LC_Y=3\n' >d/more; ssh -S $M -F c one 'echo $LC_Y'; rm -r c d`, 2},
		{"a program decides", `printf 'Match exec "touch %s/asked$RANDOM"\nInclude %s\n' $PWD "$CONFIG" >c; sleep 0.1; twice ssh -S $M -F c one echo x; rm c asked*`, 2},

		{"a shell", `echo 'echo x' >in; for n in 1 2; do ssh -S $M one <in; done; rm in`, 2},
		{"a terminal", `twice ssh -S $M -tt one 'read x; tty | tr 0-9 N'`, 2},
		{"no input", `twice ssh -S $M -n one cat`, 2},
		{"a forward", `twice ssh -S $M -L $FREE:127.0.0.1:$SERVER one echo x; ssh -S $M -O cancel -L $FREE:127.0.0.1:$SERVER one`, 3},
		{"options after the host", `twice ssh -S $M one -q echo x`, 2},

		{"the master has gone", `own; ssh -S $OWN one echo x; command ssh -F "$CONFIG" -S $OWN -O exit one 2>/dev/null; until [ ! -S $OWN ]; do sleep 0.02; done; ssh -S $OWN one echo y`, 2},
		{"kill -9 of the master", `own; ssh -S $OWN one echo x; (until [ -e up ]; do sleep 0.05; done; kill -9 $PID) & ssh -S $OWN one "touch $PWD/up; sleep 100"; echo $?`, 1},
		{"a master that refuses", `own -M; for n in 1 2; do ssh -S $OWN one echo x; done; kill $PID`, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			script := "M=" + m + " XDG_RUNTIME_DIR=" + place + "; " + ownMaster + twice + row.script
			want := varyingInMasters.ReplaceAllString(b.run(t, "ssh", script).String(), "X")
			ours, starts := traced(b.run(t, "sallyport ssh", "export GODEBUG=inittrace=1; "+script))
			if got := varyingInMasters.ReplaceAllString(ours.String(), "X"); got != want {
				t.Errorf("%s\n--- ssh\n%s\n--- sallyport ssh\n%s", row.script, want, got)
			}
			if starts != row.starts {
				t.Errorf("%s\nThe program was started whole %d times, want %d", row.script, starts, row.starts)
			}
		})
	}
}

// The same over a connection of the background process. What the first run
// does is in the other tests.
func TestACommandRunsAgainOverAConnectionOfTheBackgroundProcess(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	place, err := os.MkdirTemp("", "sp") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(place) })
	do := func(script string) (outcome, int) {
		t.Helper()
		return traced(b.run(t, "sallyport ssh", "export XDG_RUNTIME_DIR="+place+" XDG_STATE_HOME="+place+"; sp() { sallyport -F \"$CONFIG\" \"$@\"; }; "+twice+
			"trace() { export GODEBUG=inittrace=1; }; "+script))
	}
	t.Cleanup(func() { do("sallyport daemon stop") })
	for _, row := range []struct {
		name, script string
		want         outcome
		starts       int
		logins       int
	}{
		{"a command behind a hop", `sp two true; trace; twice ssh two 'cat; echo err >&2; exit 3'`, outcome{0, "in\nstatus 3\nin\nstatus 3\n", "err\nerr\n", ""}, 1, 2},
		{"a command that a signal ends", `trace; twice ssh two 'kill -TERM $$'`, outcome{0, "status 255\nstatus 255\n", "", ""}, 1, 0},
		{"one that is to have the agent", `trace; twice ssh -A two echo x`, outcome{0, "x\nstatus 0\nx\nstatus 0\n", "", ""}, 2, 0},
		{"-S none", `trace; twice ssh -S none two echo x`, outcome{0, "x\nstatus 0\nx\nstatus 0\n", "", ""}, 2, 4},
		{"the process ends meanwhile", `(trace; ssh two echo x); sallyport daemon stop; trace; ssh two echo y`, outcome{0, "x\ny\n", "", ""}, 2, 2},
		{"the process ends under the command", `sp two true; (trace; ssh two echo x); (until [ -e up ]; do sleep 0.05; done; sallyport daemon stop) & trace; ssh two "touch $PWD/up; while [ -e $PWD/up ]; do sleep 0.05; done" 2>said; echo $?; cat said >&2; grep 'closed by' said; rm up said; wait`,
			outcome{0, "x\n255\nConnection to 127.0.0.1 closed by remote host.\r\n", "", ""}, 1, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := b.server.Logins()
			got, starts := do(row.script)
			if got != row.want || starts != row.starts {
				t.Errorf("%s\n--- got\n%s\n--- want\n%s\nThe program was started whole %d times, want %d", row.script, got, row.want, starts, row.starts)
			}
			if n := b.server.Logins() - before; n != row.logins {
				t.Errorf("%s\n%d logins, want %d", row.script, n, row.logins)
			}
		})
	}
}

// traced takes the trace of initialization out of what was said, and counts
// how often the last package is in it.
func traced(o outcome) (without outcome, starts int) {
	var said []string
	for line := range strings.Lines(o.stderr) {
		if !strings.HasPrefix(line, "init ") {
			said = append(said, line)
		} else if strings.HasPrefix(line, "init sallyport/cli ") {
			starts++
		}
	}
	o.stderr = strings.Join(said, "")
	return o, starts
}
