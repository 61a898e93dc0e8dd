//go:build unix

package transport

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// TestASmartCardLogsInThroughSSH has the card's PIN asked of a person by the
// ssh-pkcs11-helper of a lent link.
func TestASmartCardLogsInThroughSSH(t *testing.T) {
	sshtest.Program(t, "ssh")
	const library = "/usr/lib/softhsm/libsofthsm2.so"
	sshtest.Program(t, "softhsm2-util")
	n := newNetwork(t)
	key := generate(t, n.dir, "card", "", "-t", "rsa", "-b", "2048", "-m", "PKCS8")
	n.write(t, "authorized", keyText(publicKey(t, key+".pub"))+"\n")
	store := filepath.Join(n.dir, "tokens")
	if err := os.Mkdir(store, 0o700); err != nil {
		t.Fatal(err)
	}
	n.write(t, "softhsm2.conf", "directories.tokendir = "+store+"\n")
	t.Setenv("SOFTHSM2_CONF", filepath.Join(n.dir, "softhsm2.conf"))
	sshtest.Run(t, "softhsm2-util", "--init-token", "--free", "--label", "wall", "--pin", "4711", "--so-pin", "0815")
	sshtest.Run(t, "softhsm2-util", "--import", key, "--token", "wall", "--label", "card", "--id", "a1", "--pin", "4711")
	n.sshd(t, "h", "PKCS11Provider "+library, "IdentitiesOnly no")
	text := strings.Replace(n.config.String(), "IdentitiesOnly yes\n", "IdentityAgent none\n", 1)

	somebody := person{answers: []Answer{typed("4711")}}
	o := newWatch().options()
	o.Asker = askerFunc(somebody.ask)
	links := NewLinks(o)
	defer links.Close()
	env := Env{"PATH=" + os.Getenv("PATH"), "SHELL=/bin/sh", "SOFTHSM2_CONF=" + filepath.Join(n.dir, "softhsm2.conf")}
	l := links.Get(plan(t, load(t, text), "h"), env)
	defer l.Hold()()
	c, err := l.Conn(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := output(t, c, "echo here"); got != "here\n" {
		t.Errorf("the command printed %q", got)
	}
	if s := l.Status(); s.Why != "via ssh: PKCS11Provider "+library {
		t.Errorf("the link is %s, %q", s.Kind, s.Why)
	}
	var prompts []string
	for _, q := range somebody.asked {
		prompts = append(prompts, q.Prompts[0].Text)
	}
	if diff := cmp.Diff([]string{"Enter PIN for 'wall': "}, prompts); diff != "" {
		t.Error(diff)
	}
}
