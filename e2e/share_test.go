//go:build linux

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

// guarded is a client whose bastion, "door", asks for a password and a code,
// and whose connection there is shared as ssh_config(5) has it. Behind it is
// "deep", which asks for nothing.
type guarded struct {
	*client
	door           *sshd
	user, password string
	code           func() string
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	l := newLab(t)
	g := &guarded{password: secret()}
	g.door = l.server(t, l.bastion, "UsePAM yes", "KbdInteractiveAuthentication yes", "AuthenticationMethods keyboard-interactive")
	g.user = l.account(t, l.bastion, g.password)
	g.code = token(t, l.bastion, g.user)
	g.client = newClient(t, fmt.Sprintf(`
Host door
    HostName %s
    Port %d
    User %s
    ControlMaster auto
    ControlPath ~/.ssh/cm-%%C

Host deep
    HostName %s
    User dany
    ProxyJump door
    LocalForward 8022 localhost:22
`, bastionAddr, g.door.port, g.user, innerAddr))
	g.file("/root/.ssh/known_hosts", l.knownHosts()+g.door.known("ed25519"))
	return g
}

// login answers what the bastion asks in a terminal, up to its shell.
func (g *guarded) login(p *pane, way opener) {
	g.t.Helper()
	p.answer(way, dialog{ssh: `Password:`, ours: `Password:`, answers: []string{g.password}})
	p.answer(way, dialog{ssh: `Verification code:`, ours: `Verification code:`, answers: []string{g.code()}})
	p.wait(`^` + g.user + `@bastion:~\$`)
}

// askedOnce sees that there was one login at the bastion, and no attempt at
// another.
func (g *guarded) askedOnce() {
	g.t.Helper()
	log, err := os.ReadFile(g.door.m.path(g.door.log))
	if err != nil {
		g.t.Fatal(err)
	}
	if n := strings.Count(string(log), "\nConnection from "); n != 1 {
		g.t.Errorf("the bastion was connected to %d times:\n%s", n, log)
	}
	if n := strings.Count(string(log), "Accepted keyboard-interactive/pam for "+g.user); n != 1 {
		g.t.Errorf("the bastion has let in %d logins", n)
	}
}

// TestOneLoginAtABastionWithTwoFactorsDoes is a third of what the program is
// for. It has PAM for itself, and so runs beside no test that sets it.
func TestOneLoginAtABastionWithTwoFactorsDoes(t *testing.T) {
	l := newLab(t)
	pam(t, l.bastion, "auth required pam_unix.so", "auth required pam_google_authenticator.so")
	t.Run("made by ssh, for the screen", sshLogsInForTheScreen)
	t.Run("made on the screen, for ssh and what runs it", screenLogsInForSSH)
}

func sshLogsInForTheScreen(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	g.login(g.pane(t, 120, 34, "ssh", "door"), openers[0])

	s := openScreen(t, g.client)
	s.shell("deep")
	s.wait(innerPrompt)
	s.line("exit")
	s.list()
	s.keys("t")
	s.wait(`\[x\] L 8022 .* ●`)
	if r := g.run("ssh", "-p", "8022", "-o", "BatchMode=yes", "-o", "HostKeyAlias="+innerAddr, "dany@127.0.0.1", "hostname"); r != (result{0, "inner\n", ""}) {
		t.Errorf("through the tunnel: %s", short(r))
	}
	g.askedOnce()
}

// riders are what a terminal has done for it on a connection that is there, in
// one directory, one after the other.
var riders = []struct{ name, script, out string }{
	{"a command", `ssh door 'echo out; exit 7' || echo $?`, "out\n7\n"},
	{"a host behind it", `ssh deep hostname`, "inner\n"},
	{"scp there and back", `echo fire >a; scp -q a door:a; scp -q door:a b; cat b`, "fire\n"},
	{"rsync there and back", `rsync -a a door:c; rsync -a door:c d; cat d`, "fire\n"},
	{"sftp", `echo 'get a e' | sftp -q -b - door >/dev/null; cat e`, "fire\n"},
	{"git", `ssh door 'git init -q r && git -C r -c user.name=d -c user.email=d commit -q --allow-empty -m blood'; git clone -q door:r w; git -C w log --format=%s`, "blood\n"},
	{"sshfs", `mkdir m; sshfs door: m; cat m/a; fusermount3 -u m`, "fire\n"},
	{"ssh -O forward", `ssh -O forward -L 8023:` + innerAddr + `:22 door; nc -d -w 20 127.0.0.1 8023 | head -c 7`, "SSH-2.0"},
	{"ssh -O cancel", `ssh -O cancel -L 8023:` + innerAddr + `:22 door; nc -z 127.0.0.1 8023 || echo closed`, "closed\n"},
	{"ansible", `ANSIBLE_SSH_ARGS="-o ControlMaster=auto -o ControlPersist=60s -o ControlPath=$HOME/.ssh/cm-%C" ansible all -i door, -o -m ping 2>&1 | grep -o '"ping": "pong"'`, "\"ping\": \"pong\"\n"},
}

func screenLogsInForSSH(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"scp", "rsync", "sftp", "git", "sshfs", "ansible"} {
		sshtest.Program(t, program)
	}
	g := newGuarded(t)
	s := openScreen(t, g.client)
	s.shell("door")
	g.login(s.pane, openers[2])
	g.must("mkdir", "/root/work")
	for _, row := range riders {
		if row.name == "sshfs" && !sshtest.CanMount() {
			t.Log("file systems cannot be mounted here")
			continue
		}
		if r := g.run("sh", "-ec", "cd /root/work; "+row.script); r != (result{0, row.out, ""}) {
			t.Errorf("%s: %s gives %s", row.name, row.script, short(r))
		}
	}
	if r := g.run("ssh", "-O", "check", "door"); r != (result{0, "", fmt.Sprintf("Master running (pid=%d)\r\n", g.daemonPID())}) {
		t.Errorf("ssh -O check: %s", short(r))
	}
	g.askedOnce()
}
