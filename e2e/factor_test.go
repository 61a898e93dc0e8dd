//go:build linux

package e2e

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

// token gives an account a second factor, as its owner does with
// google-authenticator, and returns what shows the code of the moment. The
// window is of some minutes, so that a code lives as long as a slow test.
func token(t *testing.T, m *machine, user string) (code func() string) {
	t.Helper()
	const module = "/usr/lib/*/security/pam_google_authenticator.so"
	if _, err := m.sh("ls " + module); err != nil {
		missing(t, "libpam-google-authenticator is not installed")
	}
	seed := make([]byte, 20)
	rand.Read(seed) // it never fails
	secret := base32.StdEncoding.EncodeToString(seed)
	file := fmt.Sprintf("%s\n\" WINDOW_SIZE 17\n\" TOTP_AUTH\n", secret)
	if _, err := m.sh(fmt.Sprintf("umask 077; cat > /home/%[1]s/.google_authenticator <<'END'\n%[2]sEND\nchown %[1]s: /home/%[1]s/.google_authenticator", user, file)); err != nil {
		t.Fatal(err)
	}
	return func() string { return strings.TrimSpace(sshtest.Run(t, "oathtool", "--totp", "--base32", secret)) }
}

// pam sets what sshd asks PAM for on a machine.
func pam(t *testing.T, m *machine, auth ...string) {
	t.Helper()
	lines := append(auth, "account required pam_permit.so", "session required pam_permit.so")
	if err := m.write("/etc/pam.d/sshd", strings.Join(lines, "\n")+"\n"); err != nil {
		t.Fatal(err)
	}
}

func TestLoginWithASecondFactorAtEachHop(t *testing.T) {
	l := newLab(t)
	const code = "auth required pam_google_authenticator.so"
	pam(t, l.bastion, code)
	pam(t, l.inner, "auth required pam_unix.so", code)
	outer := l.server(t, l.bastion, "UsePAM yes", "KbdInteractiveAuthentication yes", "AuthenticationMethods publickey,keyboard-interactive")
	inner := l.server(t, l.inner, "UsePAM yes", "KbdInteractiveAuthentication yes", "AuthenticationMethods keyboard-interactive")
	password := secret()
	jump, user := l.account(t, l.bastion, ""), l.account(t, l.inner, password)
	if err := l.bastion.authorize(jump, l.public); err != nil {
		t.Fatal(err)
	}
	first, second := token(t, l.bastion, jump), token(t, l.inner, user)
	mustLogIn(t, func(t *testing.T, c *client) login {
		c.file("/root/.ssh/known_hosts", outer.known("ed25519")+inner.known("ed25519"))
		return login{
			config: fmt.Sprintf("Host door\n    HostName %s\n    Port %d\n    User %s\nHost goal\n    HostName %s\n    Port %d\n    User %s\n    ProxyJump door\n",
				bastionAddr, outer.port, jump, innerAddr, inner.port, user),
			dialogs: []dialog{
				{ssh: jump + `@` + quoted(bastionAddr) + `\) Verification code:`, ours: `(?s)door, hop 1 of 2.*Verification code:`, answers: []string{first()}, visible: true},
				{ssh: user + `@` + quoted(innerAddr) + `\) Password:`, ours: `(?s)goal, hop 2 of 2.*Password:`, answers: []string{password}},
				{ssh: user + `@` + quoted(innerAddr) + `\) Verification code:`, ours: `(?s)goal, hop 2 of 2.*Verification code:`, answers: []string{second()}, visible: true},
			},
			prompt: `^` + user + `@inner:~\$`,
		}
	})
}
