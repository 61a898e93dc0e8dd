//go:build linux

package cli

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"sallyport/internal/sshtest"
)

// masterLines are scripts as those of commandLines. $M is the socket of a
// master that the real ssh has started, and own starts another one for $OWN.
var masterLines = []struct{ name, script string }{
	// Sessions.
	{"output, errors, input and status", `echo in | ssh -S $M one 'cat; echo err >&2; exit 7'`},
	{"a command that a signal ends", `ssh -S $M one 'kill -TERM $$'`},
	{"the connection is the master's", `ssh -S $M -o ProxyCommand=false one echo x`},
	{"-n gives no input", `echo in | ssh -S $M -n one cat`},
	{"an input that ends later", `(echo a; sleep 0.2; echo b) | ssh -S $M one cat`},
	{"much output", `ssh -S $M one 'head -c 3000000 /dev/zero' | cksum`},
	{"an output that nobody reads", `ssh -S $M one 'yes' 2>/dev/null | head -1`},
	{"a closed output", `ssh -S $M one 'echo x; exit 3' >&-`},
	{"a shell", `echo 'echo $((1+2)); exit 5' | ssh -S $M one`},
	{"a forced terminal", `ssh -S $M -tt one 'test -t 0 && exit 4' </dev/null`},
	{"a terminal without one here", `ssh -S $M -t one tty </dev/null`},
	{"a terminal, and no words", `ssh -S $M -q -tt one true </dev/null`},
	{"the environment", `LC_X=1 TERM=vt52 ssh -S $M -tt -o 'SendEnv=LC_*' -o SetEnv=LC_Y=2 one 'echo $LC_Y $TERM' </dev/null`},
	{"RemoteCommand", `ssh -S $M -o 'RemoteCommand=echo %n' one`},
	{"a subsystem", `ssh -S $M -s one sftp </dev/null`},
	{"a subsystem that is not there", `ssh -S $M -s one nothing </dev/null`},
	{"-N gets a shell", `echo 'echo x; exit 3' | ssh -S $M -N one`},
	{"-f", `ssh -S $M -f one "echo x >$PWD/made"; until [ -s made ]; do sleep 0.05; done`},
	{"no LocalCommand", `ssh -S $M -o PermitLocalCommand=yes -o LocalCommand='echo local' one echo x`},
	{"ControlMaster auto", `ssh -S $M -o ControlMaster=auto -o ProxyCommand=false one echo x`},
	{"ControlPath of a jump", `printf 'Host jump\n ControlPath %s\n ProxyCommand false\nHost end\n HostName 127.0.0.1\n HostKeyAlias [127.0.0.1]:%s\n Port %s\nInclude %s\n' $M $SERVER $SERVER "$CONFIG" >conf; ssh -F conf -J jump end echo x; rm conf`},
	{"-W", `ssh -S $M -W 127.0.0.1:$SERVER one </dev/null | head -c 8`},
	{"-W to where nobody is", `ssh -S $M -W 127.0.0.1:1 one </dev/null`},

	// Masters that are none.
	{"nothing there", `ssh -S "$PWD/none" one echo x`},
	{"what is no socket", `touch f; ssh -S "$PWD/f" one echo x`},
	{"-O of what is no socket", `touch f; ssh -S "$PWD/f" -O check one`},
	{"a stale socket", `own; kill -9 $PID; until ! kill -0 $PID 2>/dev/null; do sleep 0.05; done; ssh -S $OWN one echo x; ssh -S $OWN -O check one`},
	{"a path that is too long", `ssh -S /$(printf %0120d 1) one true`},
	{"-O of a path that is too long", `ssh -S /$(printf %0120d 1) -O exit one`},
	{"-S none", `ssh -S none one echo x; ssh -S none -O check one`},
	{"a session that the master's user refuses", `own -M; ssh -S $OWN one echo x; kill $PID`},
	{"-W that the master's user refuses", `own -M; ssh -S $OWN -W 127.0.0.1:1 one; kill $PID`},
	{"-O that the master's user refuses", `own -M; for what in check "forward -L $FREE:x:1" stop exit; do ssh -S $OWN -O $what one; echo $?; done; kill $PID`},

	// Forwards.
	{"-L", `ssh -S $M -L $FREE:127.0.0.1:$SERVER one "head -c 8 </dev/tcp/127.0.0.1/$FREE"; ssh -S $M -O cancel -L $FREE:127.0.0.1:$SERVER one; nc -d 127.0.0.1 $FREE`},
	{"-L that is taken", `ssh -S $M -L 127.0.0.1:$SERVER:x:1 one echo x`},
	{"-R, and one more", `ssh -S $M -R $FREE:127.0.0.1:$SERVER -R "$PWD/s:127.0.0.1:$SERVER" one "head -c 8 </dev/tcp/127.0.0.1/$FREE; nc -U $PWD/s </dev/null | head -c 8"; ssh -S $M -O cancel -R $FREE:127.0.0.1:$SERVER -R "$PWD/s:127.0.0.1:$SERVER" one`},
	{"-O forward and cancel -L", `ssh -S $M -O forward -L $FREE:127.0.0.1:$SERVER one; nc -d -w1 127.0.0.1 $FREE | head -c 8; ssh -S $M -O cancel -L $FREE:127.0.0.1:$SERVER one; echo $?; nc -d 127.0.0.1 $FREE`},
	{"-O forward and cancel -D", `ssh -S $M -O forward -D $FREE one; ssh -S $M -O cancel -D $FREE one; ssh -S $M -O cancel -D $FREE one; echo $?`},
	{"-O forward -R of a chosen port", `ssh -S $M -O forward -R 0:x:1 one | tr -d 0-9; ssh -S $M -O cancel -R 0:x:1 one`},
	{"-O forward -R of a chosen port, told", `ssh -v -S $M -O forward -R 0:a:1 one | tr -d 0-9; ssh -S $M -O cancel -R 0:a:1 one`},
	{"-O forward of a proxy there", `ssh -S $M -O forward -R $FREE one; nc -N -X 5 -x 127.0.0.1:$FREE 127.0.0.1 $SERVER </dev/null | head -c 8; ssh -S $M -O cancel -R $FREE one`},
	{"-O forward from anywhere", `ssh -S $M -O forward -L "*:$FREE:x:1" one; grep -c " 00000000:$(printf %04X $FREE) " /proc/net/tcp; ssh -S $M -O cancel -L "*:$FREE:x:1" one`},
	{"-O forward of what is taken", `ssh -S $M -O forward -L 127.0.0.1:$SERVER:x:1 one`},
	{"-O forward of two, one is taken", `ssh -S $M -O forward -L 127.0.0.1:$SERVER:x:1 -L $FREE:x:1 one; echo $?; ssh -S $M -O cancel -L $FREE:x:1 one`},
	{"-O forward -R of what is taken", `ssh -S $M -O forward -R 127.0.0.1:$SERVER:x:1 one`},
	{"-O cancel of what is not there", `ssh -S $M -O cancel -L $FREE:x:1 -R $FREE:x:1 one`},
	{"-O forward of nothing", `ssh -S $M -O forward one`},
	{"-O forward of the host's, which is refused", `ssh -S $M -O forward -o LocalForward="127.0.0.1:$SERVER x:1" one`},

	// The other commands of -O.
	{"-O check", `ssh -S $M -O check one`},
	{"-O check, quietly", `ssh -q -S $M -O check one`},
	{"-O proxy", `echo in | ssh -S $M -O proxy one 'cat; echo err >&2; exit 6'`},
	{"-O stop", `own; ssh -S $OWN -O stop one; ssh -S $OWN -O check one; kill -0 $PID && echo lives; kill $PID`},
	{"-O exit", `own; ssh -S $OWN -O exit one; until ! kill -0 $PID 2>/dev/null; do sleep 0.05; done; ssh -S $OWN -O exit one`},
	{"-O exit, quietly", `own; ssh -q -S $OWN -O exit one`},
	{"kill -9 of the master", `own; (until [ -e up ]; do sleep 0.05; done; kill -9 $PID) & ssh -S $OWN one "touch $PWD/up; sleep 100"; echo $?`},
	{"kill -9 of the master of a terminal", `own; (until [ -e up ]; do sleep 0.05; done; kill -9 $PID) & ssh -S $OWN -tt one "touch $PWD/up; sleep 100" </dev/null; echo $?`},
}

// ownMaster has the real ssh start a master, whose paths do not tell it from
// that of another run.
const ownMaster = `own() {
	SOCKETS=$(mktemp -d /tmp/own-XXXXXX); OWN=$SOCKETS/s
	trap 'rm -rf $SOCKETS' EXIT
	SSH_ASKPASS_REQUIRE=force ANSWER=no command ssh -F "$CONFIG" -M -N "$@" -S $OWN one >/dev/null 2>&1 &
	PID=$!; disown
	until [ -S $OWN ]; do sleep 0.02; done
}; `

// varyingInMasters are the names that ownMaster makes, and what a master says
// of itself.
var varyingInMasters = regexp.MustCompile(`own-\w{6}|pid=\d+|kill: \(\d+\)`)

func TestOverAMasterEachCommandLineDoesWhatSSHDoes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := filepath.Join(b.bin, "m")
	sshtest.RunMaster(t, m, exec.Command(sshtest.Program(t, "ssh"), "-F", b.config, "-M", "-N", "-S", m, "one"))
	t.Run("rows", func(t *testing.T) {
		for _, row := range masterLines {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				same := func(ssh string) string {
					return varyingInMasters.ReplaceAllString(b.run(t, ssh, "M="+m+"; "+ownMaster+row.script).String(), "X")
				}
				want := same("ssh")
				t.Log(want)
				if got := same("sallyport ssh"); got != want {
					t.Errorf("%s\n--- ssh\n%s\n--- sallyport ssh\n%s", row.script, want, got)
				}
			})
		}
	})
}
