//go:build linux

package e2e

import (
	"strings"
	"testing"
)

const socket = "/run/user/0/sallyport/daemon.sock"

// snapshot asks the background process for its snapshot as a user, by number.
// What is printed ends with the HTTP status.
func (c *client) snapshot(uid, socket string) result {
	c.t.Helper()
	return c.run("setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "env", "-C", "/",
		"curl", "-sS", "--max-time", "30", "--unix-socket", socket, "-w", " %{http_code}", "http://sallyport/v1/snapshot")
}

func TestSocketIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	t.Run("sallyport", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, chainConfig)
		if r := c.run("sallyport", "inner", "true"); r.Status != 0 {
			t.Fatalf("%s", short(r))
		}
		if modes := c.must("stat", "-c", "%a %U", "/run/user/0/sallyport", socket); modes != "700 root\n600 root\n" {
			t.Errorf("modes of the directory and the socket:\n%swant 700 and 600", modes)
		}
		if r := c.snapshot("0", socket); !strings.HasSuffix(r.Out, " 200") {
			t.Fatalf("the owner is not answered: %s", short(r))
		}
		if r := c.snapshot("65534", socket); r.Status != 7 {
			t.Errorf("a stranger gets past the directory: %s", short(r))
		}
		// Behind the modes stands the check of who is at the other end.
		c.must("chmod", "711", "/run/user/0", "/run/user/0/sallyport")
		c.must("chmod", "666", socket)
		if r := c.snapshot("65534", socket); strings.HasSuffix(r.Out, " 200") || strings.Contains(r.Out, "links") || r.Status == 7 && strings.Contains(r.Errors, "ermission") {
			t.Errorf("a stranger who reaches the socket: %s", short(r))
		}
		c.must("chmod", "600", socket)
		c.must("chmod", "700", "/run/user/0", "/run/user/0/sallyport")
		if r := c.snapshot("0", socket); !strings.HasSuffix(r.Out, " 200") {
			t.Errorf("after a stranger came, the owner is not answered: %s", short(r))
		}
	})
}

func TestDirectoryThatOthersCanReachIsRefused(t *testing.T) {
	t.Parallel()
	rows := []struct{ name, spoil string }{
		{"writable by everybody", "mkdir -m 777 /run/user/0/sallyport; chmod 777 /run/user/0/sallyport"},
		{"readable by the group", "mkdir /run/user/0/sallyport; chmod 750 /run/user/0/sallyport"},
		{"belonging to somebody else", "mkdir -m 700 /run/user/0/sallyport; chown 65534 /run/user/0/sallyport"},
		{"a link to somewhere", "mkdir -m 700 /run/elsewhere; ln -s /run/elsewhere /run/user/0/sallyport"},
		{"in a directory that others can write", "chmod 777 /run/user/0"},
	}
	t.Run("sallyport", func(t *testing.T) {
		t.Parallel()
		for _, row := range rows {
			c := newClient(t, chainConfig)
			c.must("sh", "-ec", row.spoil)
			r := c.run("sallyport", "inner", "true")
			if r.Status != 255 || r.Out != "" || !strings.Contains(r.Errors, "/run/user/0") {
				t.Errorf("%s: %s", row.name, short(r))
			}
			if left := c.processes("sallyport"); left != "" {
				t.Errorf("%s: a background process runs all the same: %s", row.name, left)
			}
		}
	})
}

func TestWithoutARuntimeDirectory(t *testing.T) {
	t.Parallel()
	t.Run("sallyport", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, chainConfig)
		c.must("touch", "/run/before")
		c.env = append(c.env, "XDG_RUNTIME_DIR=")
		if r := c.run("sallyport", "inner", "exit 7"); r.Status != 7 {
			t.Fatalf("%s", short(r))
		}
		sockets := strings.Fields(c.must("find", "/root", "/run", "-type", "s", "-newer", "/run/before"))
		if len(sockets) != 1 || !strings.HasPrefix(sockets[0], "/root/.local/state/sallyport/") {
			t.Fatalf("sockets %q, want one under the state directory", sockets)
		}
		if mode := c.must("sh", "-c", "stat -c %a $(dirname "+sockets[0]+")"); mode != "700\n" {
			t.Errorf("its directory has mode %s", mode)
		}
		// Other tests take their directories away meanwhile, which find complains of.
		if found := c.must("sh", "-c", "find /tmp -maxdepth 2 -name '*sallyport*.sock' -newer /run/before 2>/dev/null; true"); found != "" {
			t.Errorf("in /tmp: %s", found)
		}
	})
}
