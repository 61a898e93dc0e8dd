//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestATunnelThatCannotListenSaysWhyAndListensOnceItCan has something in the way
// of each forward, asks for it, and takes that away.
func TestATunnelThatCannotListenSaysWhyAndListensOnceItCan(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	echo := 2000 + int(ports.Add(1))
	playOn(t, l.bastion, "echo", echo)
	playOn(t, l.inner, "echo", echo)
	for _, row := range []struct {
		name   string
		listen string
		comes  string // a script
		says   string
		hint   string
		goes   string // a script
	}{
		{
			"another program has the port", "7000",
			"nc -l 127.0.0.1 7000 >/dev/null 2>&1 & echo $! > /run/nc; until grep -q ' 0100007F:1B58 ' /proc/net/tcp; do sleep 0.02; done",
			`port 7000 is in use by "nc" (pid `, "or listen on port 7001 instead",
			"kill $(cat /run/nc)",
		},
		{
			"another host has the port", "8080",
			"sallyport tunnel up bastion",
			"port 8080 is in use by another tunnel of ours", "listen on port 8081 instead",
			"sallyport tunnel down bastion",
		},
		{
			"another program has left a socket", "/run/s",
			"nc -lU /run/s & pid=$!; until [ -S /run/s ]; do sleep 0.02; done; kill -KILL $pid",
			`the socket "/run/s" was left over: nobody listens on it`, "rm /run/s, or StreamLocalBindUnlink yes",
			"rm /run/s",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			forward := fmt.Sprintf("    LocalForward %s localhost:%d\n", row.listen, echo)
			c := newClient(t, strings.Replace(chainConfig, "Host bastion\n", "Host bastion\n"+fmt.Sprintf("    LocalForward 8080 localhost:%d\n", echo), 1)+forward)
			script := func(text string) {
				t.Helper()
				if _, err := c.machine.sh(strings.ReplaceAll(text, "sallyport", product(t))); err != nil {
					t.Fatal(err)
				}
			}
			script(row.comes)
			asked := c.run("sallyport", "tunnel", "up", "inner")
			if asked.Status == 0 || asked.Out != "" || !strings.Contains(asked.Errors, row.says) || !strings.Contains(asked.Errors, "hint: ") || !strings.Contains(asked.Errors, row.hint) {
				t.Errorf("%s", short(asked))
			}
			script(row.goes)
			script(actAs(t, "exchange", row.listen))
			if list := c.must("sallyport", "tunnel", "ls"); !strings.Contains(list, " up ") || strings.Contains(list, row.says) {
				t.Errorf("the list says\n%s", list)
			}
		})
	}
}

// TestAPrivilegedPortIsForRootAlone asks for one as somebody else.
func TestAPrivilegedPortIsForRootAlone(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	echo := 2000 + int(ports.Add(1))
	playOn(t, l.inner, "echo", echo)
	c := newClient(t, chainConfig+fmt.Sprintf("    LocalForward 80 localhost:%d\n", echo))
	if err := c.user("somebody", ""); err != nil {
		t.Fatal(err)
	}
	c.must("sh", "-ec", "cp -r /root/.ssh /home/somebody/; chown -R somebody /home/somebody/.ssh")
	as := func(argv ...string) result {
		return c.run(append([]string{"setpriv", "--reuid", "somebody", "--regid", "somebody", "--init-groups",
			"env", "-C", "/home/somebody", "HOME=/home/somebody", "USER=somebody", "LOGNAME=somebody", "XDG_RUNTIME_DIR="}, c.resolve(argv)...)...)
	}
	t.Cleanup(func() { as("sallyport", "daemon", "stop") })
	t.Run("ssh", func(t *testing.T) {
		if r := as("ssh", "-o", "ExitOnForwardFailure=yes", "inner", "true"); r.Status != 255 || !strings.Contains(r.Errors, "cannot listen to port: 80") {
			t.Errorf("%s", short(r))
		}
	})
	t.Run("sallyport", func(t *testing.T) {
		r := as("sallyport", "tunnel", "up", "inner")
		hint := fmt.Sprintf("hint: choose a higher port, such as 8080:localhost:%d", echo)
		if r.Status == 0 || r.Out != "" || !strings.Contains(r.Errors, "port 80 is privileged: only root may listen on ports below 1024") || !strings.Contains(r.Errors, hint) {
			t.Errorf("%s", short(r))
		}
		if r := as("sallyport", "tunnel", "add", "inner", "-L", fmt.Sprintf("8080:localhost:%d", echo)); r.Status != 0 {
			t.Errorf("what is hinted at does not do: %s", short(r))
		}
		if _, err := c.machine.sh(actAs(t, "exchange", "8080")); err != nil {
			t.Error(err)
		}
	})
}
