//go:build linux || darwin || freebsd

package mux_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// Nobody is at a port that was given up only a little later: another test's
// child has the listener too until it executes its program.
const untilClosed = `while nc -d 127.0.0.1 $PORT >/dev/null; do :; done`

// commands are lines for sh, which do the same with a real master and with
// ours: the same output, the same status. $CTL is the master's socket, $SSH a
// ssh that uses it and never connects by itself, $OPTS its options, $PORT a
// port that is free, $WEB one where somebody answers "hello" to each
// connection. Escapes come with a newline of their own: whether the last
// character was one is shared by all sessions of a real master.
var commands = []struct{ name, line string }{
	{"a master is alive", `$SSH -O check h`},
	{"a command runs", `$SSH h echo hi`},
	{"a status comes back", `$SSH h exit 7`},
	{"the highest status comes back", `$SSH h exit 254`},
	{"a status of 255 comes back", `$SSH h exit 255`},
	{"a command that is not there", `$SSH h no-such-command`},
	{"a signal ends the command", `$SSH h 'kill -TERM $$'`},
	{"kill -9 ends the command", `$SSH h 'echo before; kill -KILL $$'`},
	{"stdout and stderr stay apart", `$SSH h 'echo out; echo err >&2'`},
	{"input reaches the command", `echo in | $SSH h cat`},
	{"the end of input reaches the command", `printf abc | $SSH h wc -c`},
	{"no input", `$SSH -n h cat </dev/zero`},
	{"an input that nobody reads", `head -c 1000000 /dev/zero | $SSH h true`},
	{"an endless input that nobody reads", `yes | $SSH h 'head -1'`},
	{"an output that nobody reads", `$SSH h yes | head -1`},
	{"an output that is closed", `$SSH h 'echo x' >&-`},
	{"an error output that is closed", `$SSH h 'echo x; echo y >&2' 2>&-`},
	{"every byte", `awk 'BEGIN{for(i=0;i<256;i++)printf "%c",i}' | $SSH h cat | cksum`},
	{"a megabyte each way", `head -c 1048577 /dev/zero | $SSH h 'cat; echo >&2 done' | cksum`},
	{"a megabyte on stderr", `$SSH h 'head -c 1048577 /dev/zero >&2' 2>&1 | cksum`},
	{"files as stdin and stdout", `head -c 300000 /dev/zero >in; $SSH h cat <in >out; cmp in out && ls -l out | cut -d' ' -f5`},
	{"stdout and stderr are one file", `$SSH h "cd $PWD; came() { until grep -qx \$1 both; do sleep 0.02; done; }; for i in 1 2 3; do echo \$i; came \$i; echo e\$i >&2; came e\$i; done" >both 2>&1; cat both`},
	{"an empty command is a shell", `echo 'echo $0 | tr -d -; exit 5' | $SSH h`},
	{"a shell without a terminal", `printf 'tty\nexit 3\n' | $SSH -T h`},
	{"spaces and quotes", `$SSH h printf '%s,' '"a  b"' "'c d'" '\\'`},
	{"a long command", `$SSH h "echo $(head -c 90000 /dev/zero | tr '\0' a) | wc -c"`},
	{"letters of other scripts", `$SSH h 'printf "%s" "žluťoučký 猫"'`},
	{"a terminal without one here", `$SSH -t h tty </dev/null`},
	{"a forced terminal", `$SSH -tt h 'tty >/dev/null && echo terminal' </dev/null`},
	{"the modes of a forced terminal", `$SSH -tt h 'stty -a | tr -d "\r" | grep -v speed' </dev/null`},
	{"the size of a forced terminal", `$SSH -tt h stty size </dev/null`},
	{"the kind of a terminal", `TERM=vt220 $SSH -tt h 'echo $TERM' </dev/null`},
	{"a terminal's status", `$SSH -tt h 'exit 9' </dev/null`},
	{"an escape ends a session", `(printf '\n~.'; sleep 3) | $SSH -tt h 'stty raw; cat >/dev/null; echo never'`},
	{"an escape explains itself", `(printf '\n~?'; sleep 1) | $SSH -tt h 'sleep 0.3'`},
	{"an escape that others have", `(printf '\n~C~~'; sleep 1) | $SSH -tt h 'head -c 2'`},
	{"no escape", `(printf '~.'; sleep 1) | $SSH -e none -tt h 'head -c 2'`},
	{"no escape without a terminal", `printf '~.' | $SSH h cat`},
	{"a variable is sent", `LC_TEST=x $SSH -o SendEnv=LC_TEST h 'echo "$LC_TEST"'`},
	{"a variable that the master does not send", `LC_OTHER=x $SSH -o SendEnv=LC_OTHER h 'echo "$LC_OTHER"'`},
	{"a variable is set", `$SSH -o SetEnv=LC_TEST=y h 'echo "$LC_TEST"'`},
	{"a command of the configuration", `$SSH -o RemoteCommand='echo conf' h`},
	{"a subsystem that is not there", `$SSH -s h nothing`},
	{"the agent is not forwarded", `$SSH -A h 'echo "[$SSH_AUTH_SOCK]"'`},
	{"X11 is not forwarded", `DISPLAY= $SSH -X h 'echo "[$DISPLAY]"'`},
	{"what goes on in the background", `$SSH h '(sleep 0.3; echo late) & echo early'`},
	{"ssh goes to the background", `$SSH -f h 'echo there' | cat`},
	{"ten at once", `for i in 0 1 2 3 4 5 6 7 8 9; do (head -c 10000 /dev/zero | $SSH h "cat >/dev/null; exit $i"; echo $? >s$i) & done; wait; cat s?`},
	{"sftp", `echo data >f; printf 'put f g\nls -1 g\nrm g\n' | sed "s#\bg\b#$PWD/g#g" | sftp -q $OPTS -b - h`},
	{"sftp of a file that is not there", `printf 'get /no/such/file\n' | sftp -q $OPTS -b - h`},
	{"scp there and back", `head -c 200000 /dev/zero >a; scp -q $OPTS a h:$PWD/b && scp -q $OPTS h:$PWD/b c && cmp a c && echo same`},
	{"scp by the old protocol", `echo old >a; scp -O -q $OPTS a h:$PWD/b && scp -O -q $OPTS h:$PWD/b c && cat c`},
	{"scp of a directory", `mkdir -p d/e; echo x >d/e/f; scp -q -r $OPTS d h:$PWD/d2 && cat d2/e/f`},
	{"scp of a file that is not there", `scp -q $OPTS h:/no/such/file x`},
	{"rsync there and back", `mkdir d; head -c 200000 /dev/zero >d/f; echo x >d/g; rsync -a -e "$SSH" d/ h:$PWD/d2/ && rsync -a -e "$SSH" h:$PWD/d2/ d3/ && cat d3/g && cmp d/f d3/f`},
	{"rsync of a file that is not there", `rsync -a -e "$SSH" h:/no/such/file x 2>/dev/null`},
	{"git", `git init -q -b m r && git -C r -c user.name=x -c user.email=x@x commit -q --allow-empty -m first && GIT_SSH_COMMAND="$SSH" git clone -q ssh://h$PWD/r c && git -C c log --format=%s`},
	{"tar", `mkdir d; echo x >d/f; tar c d | $SSH h "mkdir $PWD/t && tar x -C $PWD/t" && cat t/d/f`},
	{"a connection by -W", `$SSH -W 127.0.0.1:$WEB h </dev/null`},
	{"a -W that is refused", `$SSH -W 127.0.0.1:$PORT h </dev/null`},
	{"a local forward is opened and cancelled", `$SSH -O forward -L $PORT:127.0.0.1:$WEB h; nc -d 127.0.0.1 $PORT; $SSH -O cancel -L $PORT:127.0.0.1:$WEB h; ` + untilClosed},
	{"a local forward with a command", `$SSH -L $PORT:127.0.0.1:$WEB h echo hi; $SSH -L $PORT:127.0.0.1:$WEB h echo again; nc -d 127.0.0.1 $PORT; $SSH -O cancel -L $PORT:127.0.0.1:$WEB h`},
	{"a local forward where one is already", `$SSH -O forward -L 127.0.0.1:$WEB:127.0.0.1:1 h`},
	{"a local forward from a socket", `$SSH -O forward -L $PWD/u:127.0.0.1:$WEB h; nc -d -U u; $SSH -O cancel -L $PWD/u:127.0.0.1:$WEB h`},
	{"a remote forward is opened and cancelled", `$SSH -O forward -R $PORT:127.0.0.1:$WEB h; nc -d 127.0.0.1 $PORT; $SSH -O cancel -R $PORT:127.0.0.1:$WEB h; ` + untilClosed}, // ssh doesn't wait for the server's answer
	{"a remote forward where one is already", `$SSH -O forward -R 127.0.0.1:$WEB:127.0.0.1:1 h`},
	{"the far side chooses a port", `p=$($SSH -O forward -R 0:127.0.0.1:$WEB h); nc -d 127.0.0.1 $p; $SSH -O cancel -R 0:127.0.0.1:$WEB h`},
	{"a dynamic forward", `$SSH -O forward -D $PORT h; curl -s --http0.9 -x socks5://127.0.0.1:$PORT http://127.0.0.1:$WEB; $SSH -O cancel -D $PORT h; ` + untilClosed},
	{"a forward that is not there", `$SSH -O cancel -L $PORT:127.0.0.1:$WEB h`},
	{"proxy mode", `echo in | $SSH -O proxy h 'cat; echo err >&2; exit 6'`},
	{"proxy mode with a terminal", `$SSH -O proxy -tt h 'tty >/dev/null && echo terminal; exit 2' </dev/null`},
	{"proxy mode with much data", `head -c 1048577 /dev/zero | $SSH -O proxy h cat | cksum`},
}

func TestCommandsDoTheSameWithOurMaster(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"sftp", "scp", "rsync", "git", "nc", "curl"} {
		sshtest.Program(t, p)
	}
	s := sshtest.StartServer(t, "AcceptEnv LC_TEST LC_OTHER", "Subsystem sftp internal-sftp", "MaxSessions 100", "PrintMotd no", "PrintLastLog no")
	_, ours := serveMaster(t, s)
	theirs := s.StartMaster(t, "-o", "SendEnv=LC_TEST").Socket
	web := startWeb(t)
	for _, row := range commands {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var with sync.WaitGroup
			var want, got ran
			with.Go(func() { want = shell(t, s, theirs, web, row.line) })
			with.Go(func() { got = shell(t, s, ours, web, row.line) })
			with.Wait()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s\nwith a real master and with ours (-real +ours):\n%s", row.line, diff)
			}
			t.Logf("%+v", want)
		})
	}
}

// ran is what a command line did.
type ran struct {
	Out, Err string
	Status   int
}

// shell runs a line of commands.
func shell(t *testing.T, s *sshtest.Server, socket string, web int, line string) ran {
	opts := fmt.Sprintf("-F %s -o ControlMaster=no -o ControlPath=%s -o ProxyCommand=false", s.Path("ssh_config"), socket)
	port := sshtest.FreePort(t)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "CTL="+socket, "OPTS="+opts, "SSH=ssh "+opts, "LC_ALL=C", "HOME="+cmd.Dir,
		fmt.Sprint("PORT=", port), fmt.Sprint("WEB=", web))
	r := run(t, cmd)
	same := strings.NewReplacer(cmd.Dir, "DIR", socket, "CTL", fmt.Sprint(port), "PORT", fmt.Sprint(web), "WEB")
	r.Out, r.Err = same.Replace(r.Out), varying.ReplaceAllString(same.Replace(r.Err), "${1}N")
	return r
}

// varying are numbers that are a process's or a channel's own.
var varying = regexp.MustCompile(`(pid=|channel |#)\d+`)
