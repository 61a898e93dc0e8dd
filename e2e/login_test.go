//go:build linux

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

// dialog is a question that is asked on the way to a shell: how ssh words it,
// how we do (on the screen and on the command line alike), and the answers to
// its prompts in their order.
type dialog struct {
	ssh, ours string
	answers   []string
	// next are the prompts after the first, awaited because ssh throws away
	// what was typed before a prompt.
	next    []string
	visible bool // the answers may be shown
}

// login is a host called "goal" that is reached by answering dialogs.
type login struct {
	config  string
	env     []string
	dialogs []dialog
	prompt  string // of the shell
}

// mustLogIn goes each way to a shell and answers what is asked.
func mustLogIn(t *testing.T, prepare func(t *testing.T, c *client) login) {
	for _, way := range openers {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, "")
			l := prepare(t, c)
			c.file("/root/.ssh/config", l.config)
			c.env = append(c.env, l.env...)
			p := way.open(t, c, "goal")
			for _, d := range l.dialogs {
				p.answer(way, d)
			}
			p.wait(l.prompt)
			p.line("exit 7")
			way.left(t, p, 7)
			for _, d := range l.dialogs {
				c.keptSecret(p, d)
			}
		})
	}
}

// answer waits for a question and answers it.
func (p *pane) answer(way opener, d dialog) {
	p.t.Helper()
	pattern := d.ours
	if way.name == "ssh" {
		pattern = d.ssh
	}
	p.wait(pattern)
	for i, answer := range d.answers {
		if i > 0 {
			p.wait(d.next[i-1])
		}
		p.line(answer)
	}
	if way.name == "screen" {
		p.waitGone(pattern)
	}
}

// keptSecret sees that no answer was shown or written down.
func (c *client) keptSecret(p *pane, d dialog) {
	c.t.Helper()
	if d.visible {
		return
	}
	for _, answer := range d.answers {
		if shown := p.tmux("capture-pane", "-p", "-S", "-"); strings.Contains(shown, answer) {
			c.t.Errorf("the terminal shows the secret %q:\n%s", answer, framed(shown))
		}
		if r := c.run("grep", "-rlF", answer, "/root", "/run", "/var/log"); r.Out != "" {
			c.t.Errorf("the secret %q is written in %s", answer, r.Out)
		}
		if r := c.run("sh", "-c", "ps -eo args | grep -vF grep | grep -F "+answer); r.Out != "" {
			c.t.Errorf("the secret %q is in a command line: %s", answer, r.Out)
		}
	}
}

// toBastion is the first hop of every login here, with the lab's key.
const toBastion = `
Host bastion
    HostName ` + bastionAddr + `
    User jump
    IdentityFile ~/.ssh/id_ed25519
    IdentitiesOnly yes
`

// goal is a host behind the bastion with further lines of configuration.
func goal(s *sshd, user string, lines ...string) string {
	return fmt.Sprintf("%s\nHost goal\n    HostName %s\n    Port %d\n    User %s\n    %s\n", toBastion, s.m.addr, s.port, user, strings.Join(append(lines, "ProxyJump bastion"), "\n    "))
}

func TestLoginWithAnEncryptedKey(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		args []string
	}{
		{"ed25519", []string{"-t", "ed25519"}},
		{"ecdsa-521", []string{"-t", "ecdsa", "-b", "521"}},
		{"rsa-4096", []string{"-t", "rsa", "-b", "4096"}},
		{"rsa in PEM", []string{"-t", "rsa", "-b", "3072", "-m", "PEM"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			passphrase := secret()
			path, public, err := keygen(t.TempDir(), "key", append(row.args, "-N", passphrase)...)
			if err != nil {
				t.Fatal(err)
			}
			key, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			user := l.account(t, l.inner, "")
			if err := l.inner.authorize(user, public); err != nil {
				t.Fatal(err)
			}
			mustLogIn(t, func(t *testing.T, c *client) login {
				c.file("/root/.ssh/id_locked", string(key))
				c.file("/root/.ssh/id_locked.pub", public+"\n")
				return login{
					config: goal(l.servers[l.inner], user, "IdentityFile ~/.ssh/id_locked", "IdentitiesOnly yes"),
					dialogs: []dialog{{
						ssh:     `Enter passphrase for key '/root/\.ssh/id_locked':`,
						ours:    `(?s)goal, hop 2 of 2.*id_locked`,
						answers: []string{passphrase},
					}},
					prompt: `^` + user + `@inner:~\$`,
				}
			})
		})
	}
}

func TestLoginWithAKeyThatOnlyTheAgentHas(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sshtest.Program(t, "ssh-agent")
	dir := t.TempDir()
	path, public, err := keygen(dir, "agentkey", "-t", "ed25519")
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	user := l.account(t, l.inner, "")
	if err := l.inner.authorize(user, public); err != nil {
		t.Fatal(err)
	}
	mustLogIn(t, func(t *testing.T, c *client) login {
		c.file("/root/agentkey", string(key))
		c.must("sh", "-c", "ssh-agent -a /run/user/0/agent >/dev/null; SSH_AUTH_SOCK=/run/user/0/agent ssh-add -q /root/agentkey; rm /root/agentkey")
		return login{
			env:    []string{"SSH_AUTH_SOCK=/run/user/0/agent"},
			config: goal(l.servers[l.inner], user),
			prompt: `^` + user + `@inner:~\$`,
		}
	})
	t.Run("sallyport/with the agent of who asks, not of who came first", func(t *testing.T) {
		c := newClient(t, goal(l.servers[l.inner], user))
		if r := c.run("sallyport", "bastion", "true"); r.Status != 0 {
			t.Fatalf("without an agent: %+v", r)
		}
		c.file("/root/agentkey", string(key))
		c.must("sh", "-c", "ssh-agent -a /run/user/0/agent >/dev/null; SSH_AUTH_SOCK=/run/user/0/agent ssh-add -q /root/agentkey")
		c.env = append(c.env, "SSH_AUTH_SOCK=/run/user/0/agent")
		if r := c.run("sallyport", "goal", "whoami"); r.Status != 0 || r.Out != user+"\n" {
			t.Errorf("with an agent that came later: %+v", r)
		}
	})
}

func TestLoginWithAPasswordAtEachHop(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	first, second := secret(), secret()
	outer := l.server(t, l.bastion, "PasswordAuthentication yes", "PubkeyAuthentication no")
	inner := l.server(t, l.inner, "PasswordAuthentication yes", "PubkeyAuthentication no")
	jump, user := l.account(t, l.bastion, first), l.account(t, l.inner, second)
	mustLogIn(t, func(t *testing.T, c *client) login {
		c.file("/root/.ssh/known_hosts", outer.known("ed25519")+inner.known("ed25519"))
		config := fmt.Sprintf("Host door\n    HostName %s\n    Port %d\n    User %s\nHost goal\n    HostName %s\n    Port %d\n    User %s\n    ProxyJump door\n",
			bastionAddr, outer.port, jump, innerAddr, inner.port, user)
		return login{
			config: config,
			dialogs: []dialog{
				{ssh: jump + `@` + quoted(bastionAddr) + `'s password:`, ours: `door, hop 1 of 2`, answers: []string{first}},
				{ssh: user + `@` + quoted(innerAddr) + `'s password:`, ours: `goal, hop 2 of 2`, answers: []string{second}},
			},
			prompt: `^` + user + `@inner:~\$`,
		}
	})
}

func TestLoginThroughPAMBehindABastionWithAnotherPassword(t *testing.T) {
	l := newLab(t)
	first, second := secret(), secret()
	outer := l.server(t, l.bastion, "PasswordAuthentication yes", "PubkeyAuthentication no")
	if err := l.inner.write("/etc/pam.d/sshd", "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n"); err != nil {
		t.Fatal(err)
	}
	inner := l.server(t, l.inner, "UsePAM yes", "KbdInteractiveAuthentication yes", "PubkeyAuthentication no")
	jump, user := l.account(t, l.bastion, first), l.account(t, l.inner, second)
	mustLogIn(t, func(t *testing.T, c *client) login {
		c.file("/root/.ssh/known_hosts", outer.known("ed25519")+inner.known("ed25519"))
		return login{
			config: fmt.Sprintf("Host door\n    HostName %s\n    Port %d\n    User %s\nHost goal\n    HostName %s\n    Port %d\n    User %s\n    ProxyJump door\n",
				bastionAddr, outer.port, jump, innerAddr, inner.port, user),
			dialogs: []dialog{
				{ssh: jump + `@` + quoted(bastionAddr) + `'s password:`, ours: `door, hop 1 of 2`, answers: []string{first}},
				{ssh: `\(` + user + `@` + quoted(innerAddr) + `\) Password:`, ours: `(?s)goal, hop 2 of 2.*Password:`, answers: []string{second}},
			},
			prompt: `^` + user + `@inner:~\$`,
		}
	})
}

func TestLoginWithTwoRoundsBehindABastionWithAnotherPassword(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	first, second, code := secret(), secret(), "493021"
	outer := l.server(t, l.bastion, "PasswordAuthentication yes", "PubkeyAuthentication no")
	jump := l.account(t, l.bastion, first)
	port := 2000 + int(ports.Add(1))
	hostKey := strings.SplitN(playOn(t, l.inner, "one-time-code", port, second, code)(), "\n", 2)[0]
	mustLogIn(t, func(t *testing.T, c *client) login {
		c.file("/root/.ssh/known_hosts", outer.known("ed25519")+fmt.Sprintf("[%s]:%d %s\n", innerAddr, port, hostKey))
		return login{
			config: fmt.Sprintf("Host door\n    HostName %s\n    Port %d\n    User %s\nHost goal\n    HostName %s\n    Port %d\n    User twice\n    ProxyJump door\n",
				bastionAddr, outer.port, jump, innerAddr, port),
			dialogs: []dialog{
				{ssh: jump + `@` + quoted(bastionAddr) + `'s password:`, ours: `door, hop 1 of 2`, answers: []string{first}},
				{ssh: `(?s)First the one you know\..*Password:`, ours: `(?s)goal, hop 2 of 2.*First the one you know\..*Password:`, answers: []string{second}},
				{ssh: `(?s)Now the one you have\..*One-time code:`, ours: `(?s)goal, hop 2 of 2.*Now the one you have\..*One-time code:`, answers: []string{code, "blue"}, next: []string{`Your colour:`}, visible: true},
			},
			prompt: `(?s)two factors were right.*code\$`,
		}
	})
}

func TestWrongPasswordIsAskedAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	password := secret()
	inner := l.server(t, l.inner, "PasswordAuthentication yes", "PubkeyAuthentication no")
	user := l.account(t, l.inner, password)
	mustLogIn(t, func(t *testing.T, c *client) login {
		c.file("/root/.ssh/known_hosts", l.knownHosts()+inner.known("ed25519"))
		return login{
			config: goal(inner, user),
			dialogs: []dialog{
				{ssh: user + `@` + quoted(innerAddr) + `'s password:`, ours: `goal asks for a password`, answers: []string{"not-this-one"}},
				{ssh: `(?s)Permission denied, please try again\..*password:`, ours: `(?si)goal, hop 2 of 2.*(wrong|again|not accept|denied|refused|try 2)`, answers: []string{password}},
			},
			prompt: `^` + user + `@inner:~\$`,
		}
	})
}
