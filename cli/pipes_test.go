//go:build linux

package cli

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// pipes are scripts of bash around a command line $RUN of a host, and $BIG, a
// file of any bytes.
var pipes = []struct{ name, script string }{
	{"much goes up", `$RUN cksum <$BIG`},
	{"much comes down", `$RUN "cat $BIG" | cksum`},
	{"much goes there and back", `$RUN cat <$BIG | cmp - $BIG; echo ${PIPESTATUS[*]}`},
	{"errors and output come apart", `$RUN "cat $BIG >&2 & head -c 3000000 $BIG; wait; exit 4" 2> >(cksum >errors) | cksum; echo ${PIPESTATUS[*]}; until [ -s errors ]; do sleep 0.02; done; cat errors`},
	{"who reads here stops", `$RUN "cat $BIG" 2>/dev/null | head -c 5 | cksum`},
	{"who reads here stops, and it goes on there", `$RUN "trap '' PIPE; cat $BIG 2>/dev/null; exit 7" | head -c 5 | cksum; echo ${PIPESTATUS[*]}`},
	{"who reads here stops, which ends what writes there", `$RUN "cat $BIG" | head -c 5 | cksum; echo ${PIPESTATUS[*]}`},
	{"who reads there stops", `$RUN "head -c 5; exit 3" <$BIG | cksum; echo ${PIPESTATUS[*]}`},
	{"nobody reads there", `$RUN "exec <&-; sleep 0.1; exit 3" <$BIG; echo $?`},
	{"who writes there is told that nobody reads", `$RUN "cat $BIG | head -c 5; echo \${PIPESTATUS[*]}" | cksum`},
	{"no input", `$RUN 'cat; exit 5' </dev/null; echo $?`},
	{"a signal there", `$RUN 'echo before; kill -KILL $$' 2>/dev/null; echo $?`},
	{"a status", `for n in 0 1 77 127 254 255; do $RUN "exit $n"; echo $?; done`},
}

// TestPipesAreThoseOfSSH sends 100 MiB through ssh, "sallyport HOST" and
// "sallyport ssh".
func TestPipesAreThoseOfSSH(t *testing.T) {
	t.Parallel()
	ssh, bash := sshtest.Program(t, "ssh"), sshtest.Program(t, "bash")
	server := sshtest.StartServer(t)
	big := make([]byte, 100<<20)
	rand.NewChaCha8([32]byte{}).Read(big) // it never fails
	server.Write(t, "big", string(big))
	c := newClients(t, server)
	ours := filepath.Join(product(t), "sallyport") // the test itself is slow, with the race detector
	run := func(script string, argv ...string) (got outcome) {
		cmd := exec.Command(bash, "-c", script)
		cmd.Dir = t.TempDir()
		cmd.Env = append(c.env, "BIG="+server.Path("big"), "RUN="+strings.Join(append(argv, "-F", server.Path("ssh_config"), sshtest.Alias), " "))
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String(), ""}
	}
	for _, row := range pipes {
		want := run(row.script, ssh)
		for _, argv := range [][]string{{ours}, {ours, "ssh"}} {
			if diff := cmp.Diff(want.String(), run(row.script, argv...).String()); diff != "" {
				t.Errorf("%s, %q (-ssh +sallyport): %s", row.name, fmt.Sprint(argv[1:]), diff)
			}
		}
	}
}
