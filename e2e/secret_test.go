//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// findings are the places of a machine where one of the texts stands: command
// lines and environments of its processes, and files.
func (m *machine) findings(t *testing.T, texts ...string) []string {
	t.Helper()
	var all []string
	look := func(path string) {
		data, err := os.ReadFile(path)
		if err != nil {
			return // it has ended, or cannot be read as a file
		}
		for _, text := range texts {
			if bytes.Contains(data, []byte(text)) {
				all = append(all, fmt.Sprintf("%q in %s", text, strings.TrimPrefix(path, m.path(""))))
			}
		}
	}
	processes, err := filepath.Glob(m.path("/proc/[0-9]*"))
	if err != nil || len(processes) == 0 {
		t.Fatalf("no processes are seen: %v", err)
	}
	for _, process := range processes {
		look(process + "/cmdline")
		look(process + "/environ")
	}
	for _, dir := range []string{"/root", "/run", "/var/log"} {
		err := filepath.WalkDir(m.path(dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				look(path)
			}
			return nil // what vanishes meanwhile holds nothing
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// coreFiles are those in the working directory of the background process,
// where the kernel puts them unless a program takes them.
func coreFiles(t *testing.T) map[string]bool {
	t.Helper()
	paths, err := filepath.Glob("/core*")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, path := range paths {
		all[path] = true
	}
	return all
}

func TestNoSecretIsLeftBehind(t *testing.T) {
	l := newLab(t)
	passphrase, first, second, code := "passphrase-"+secret(), "password-"+secret(), "password-"+secret(), "code-"+secret()
	outer := l.server(t, l.bastion, "PasswordAuthentication yes", "AuthenticationMethods publickey,password")
	jump := l.account(t, l.bastion, first)
	path, public, err := keygen(t.TempDir(), "key", "-t", "ed25519", "-N", passphrase)
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.bastion.authorize(jump, public); err != nil {
		t.Fatal(err)
	}
	port := 2000 + int(ports.Add(1))
	hostKey := strings.SplitN(playOn(t, l.inner, "one-time-code", port, second, code)(), "\n", 2)[0]

	c := newClient(t, fmt.Sprintf("Host door\n    HostName %s\n    Port %d\n    User %s\n    IdentityFile ~/.ssh/id_locked\n    IdentitiesOnly yes\n    ProxyCommand nc %%h %%p\n"+
		"Host goal\n    HostName %s\n    Port %d\n    User twice\n    ProxyJump door\n", bastionAddr, outer.port, jump, innerAddr, port))
	c.env = append(c.env, "GOTRACEBACK=crash") // a program of Go that crashes then leaves a core file
	c.file("/root/.ssh/id_locked", string(key))
	c.file("/root/.ssh/known_hosts", outer.known("ed25519")+fmt.Sprintf("[%s]:%d %s\n", innerAddr, port, hostKey))
	p := c.pane(t, 120, 34, "sallyport", "goal")
	way := opener{name: "sallyport"}
	for _, d := range []dialog{
		{ours: `(?s)door, hop 1 of 2.*id_locked`, answers: []string{passphrase}},
		{ours: `(?s)door, hop 1 of 2.*asks for a password`, answers: []string{first}},
		{ours: `(?s)goal, hop 2 of 2.*Password:`, answers: []string{second}},
		{ours: `(?s)goal, hop 2 of 2.*One-time code:`, answers: []string{code, "blue"}, next: []string{`Your colour:`}, visible: true},
	} {
		p.answer(way, d)
	}
	p.wait(`(?s)two factors were right.*code\$`)
	for _, known := range []string{"%h %p", "id_locked", "XDG_RUNTIME_DIR=/run/user/0"} { // in a file, a file, and an environment
		if c.findings(t, known) == nil {
			t.Errorf("the search does not find %q, which is there", known)
		}
	}
	if c.processes("nc") == "" {
		t.Error("the ProxyCommand does not run, so nothing is shown of its environment")
	}
	if found := c.findings(t, passphrase, first, second, code); found != nil {
		t.Errorf("on the client: %s", strings.Join(found, "\n"))
	}
	if found := l.bastion.findings(t, passphrase, second, code); found != nil {
		t.Errorf("on the bastion: %s", strings.Join(found, "\n"))
	}

	pid := c.daemonPID()
	c.must("prlimit", "--pid", fmt.Sprint(pid), "--core=unlimited")
	before := coreFiles(t)
	c.must("kill", "-QUIT", fmt.Sprint(pid)) // a program of Go writes down what each goroutine does
	c.eventually("the background process has ended", func() bool { return c.run("kill", "-0", fmt.Sprint(pid)).Status != 0 })
	for path := range coreFiles(t) {
		if !before[path] {
			t.Errorf("the background process has left the core file %s", path)
			os.Remove(path)
		}
	}
	if c.findings(t, "goroutine ") == nil {
		t.Error("it has written down nothing")
	}
	if found := c.findings(t, passphrase, first, second, code); found != nil {
		t.Errorf("after the end of the background process: %s", strings.Join(found, "\n"))
	}
}
