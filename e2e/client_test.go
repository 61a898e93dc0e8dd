//go:build linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// client is the computer of somebody who uses Sallyport: connected to the
// bastion, with a home of its own.
type client struct {
	*machine
	t   *testing.T
	lab *lab
	env []string // added to the environment of what runs on it
}

// newClient starts a client whose ~/.ssh holds the lab's key, everybody's host
// keys and this configuration. It ends with the test, and with it the
// background process, which must obey when it is told to.
func newClient(t *testing.T, config string) *client {
	t.Helper()
	l := newLab(t)
	n := clients.Add(1)
	m, err := startMachine(filepath.Join(l.dir, fmt.Sprintf("client%d", n)), fmt.Sprintf("client%d", n), fmt.Sprintf("10.99.%d.%d", 1+n/200, 1+n%200))
	if err != nil {
		t.Fatal(err)
	}
	c := &client{machine: m, t: t, lab: l, env: []string{"GORACE=log_path=/run/race atexit_sleep_ms=0"}}
	t.Cleanup(c.leave)
	if err := connect(l.bastion, m); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(l.key)
	if err != nil {
		t.Fatal(err)
	}
	c.file("/root/.ssh/id_ed25519", string(key))
	c.file("/root/.ssh/known_hosts", l.knownHosts())
	c.file("/root/.ssh/config", config)
	return c
}

// file writes a file on the client.
func (c *client) file(name, content string) {
	c.t.Helper()
	if err := c.write(name, content); err != nil {
		c.t.Fatal(err)
	}
}

// read returns a file of the client, or nothing if there is none.
func (c *client) read(name string) string {
	c.t.Helper()
	b, err := os.ReadFile(c.path(name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.t.Fatal(err)
	}
	return string(b)
}

// leave ends the background process and looks after what is left.
func (c *client) leave() {
	defer c.stop()
	if c.t.Failed() {
		for _, s := range c.lab.servers {
			s.tell(c.t)
		}
		c.tellDaemon()
	}
	if c.processes("sallyport") != "" {
		c.run("sallyport", "daemon", "stop")
		c.eventually("no process of ours is left after daemon stop", func() bool { return c.processes("sallyport") == "" })
	}
	// net/http survives a panic of a handler, and so would the test.
	if logged := c.run("grep", "-rn", "panic", "/root/.local/state"); logged.Out != "" {
		c.t.Errorf("the background process panicked:\n%s", logged.Out)
	}
	races, err := filepath.Glob(c.path("/run/race.*"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, race := range races {
		report, err := os.ReadFile(race)
		c.t.Errorf("the race detector reports (%v):\n%s", err, report)
	}
}

// tellDaemon puts what the background process last said into the test's log.
func (c *client) tellDaemon() {
	out, err := c.machine.sh("find /root/.local/state /run/user/0 -name '*.log' -exec tail -n 60 {} + 2>/dev/null || true; ps -eo pid,ppid,stat,args")
	c.t.Logf("the client's logs and processes (%v):\n%s", err, out)
}

// processes lists the processes of the client that have this name.
func (c *client) processes(name string) string {
	out, err := c.machine.sh("ps -C " + name + " -o pid=,stat=,args= || true")
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// eventually waits until a condition holds.
func (c *client) eventually(what string, holds func() bool) {
	c.t.Helper()
	until(c.t, what, holds)
}

// until waits until a condition holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	if !within(patience, holds) {
		t.Fatalf("waited %v in vain until %s", patience, what)
	}
}

// within tells whether a condition comes to hold before long.
func within(long time.Duration, holds func() bool) bool {
	for end := time.Now().Add(long); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// result is what a program left behind.
type result struct {
	Status      int
	Out, Errors string
}

// command is a program on the client, not started yet. "sallyport" is the
// program under test.
func (c *client) command(argv ...string) *exec.Cmd {
	c.t.Helper()
	argv = c.resolve(argv)
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	c.t.Cleanup(cancel)
	cmd := c.inside(ctx, nil, argv...)
	cmd.Env = append(cmd.Env, c.env...)
	return cmd
}

// resolve puts the program under test in place of its name.
func (c *client) resolve(argv []string) []string {
	c.t.Helper()
	resolved := make([]string, len(argv))
	for i, arg := range argv {
		if arg == "sallyport" && (i == 0 || argv[i-1] == "exec") {
			arg = product(c.t)
		}
		resolved[i] = arg
	}
	return resolved
}

// run runs a program on the client with nothing to read.
func (c *client) run(argv ...string) result {
	c.t.Helper()
	return c.feed("", argv...)
}

// feed runs a program on the client that reads input.
func (c *client) feed(input string, argv ...string) result {
	c.t.Helper()
	cmd := c.command(argv...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatalf("on %s: %q: %v\n%s%s", c.name, argv, err, out.String(), errs.String())
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// must runs a program that has to succeed and returns what it printed.
func (c *client) must(argv ...string) string {
	c.t.Helper()
	r := c.run(argv...)
	if r.Status != 0 {
		c.t.Fatalf("on %s: %q ended with %d\n%s%s", c.name, argv, r.Status, r.Out, r.Errors)
	}
	return r.Out
}

// daemonPID is the process number of the background process, on the client; 0
// while there is none.
func (c *client) daemonPID() int {
	c.t.Helper()
	r := c.run("sallyport", "daemon", "status", "--json")
	var status struct {
		PID int `json:"pid"`
	}
	if err := json.Unmarshal([]byte(r.Out), &status); err != nil {
		c.t.Fatalf("daemon status --json: %v: %+v", err, r)
	}
	return status.PID
}

var builtProduct = sync.OnceValues(func() (string, error) {
	path := filepath.Join(labDir, "bin", "sallyport")
	// With the race detector, as the tests of the packages run.
	build := exec.Command("go", "build", "-race", "-o", path, ".")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// product builds the program under test and returns where it is.
func product(t *testing.T) string {
	t.Helper()
	path, err := builtProduct()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
