//go:build unix

package keys

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// opened is a key file that has been read, with this passphrase if it has one.
func opened(t *testing.T, path, passphrase string) *Opened {
	t.Helper()
	o, err := Open(t.Context(), path, func(context.Context, string, int) ([]byte, error) { return []byte(passphrase), nil })
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// agentOf is our connection to an agent.
func agentOf(t *testing.T, socket string) *Agent {
	t.Helper()
	a, err := DialAgent(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func TestAnAgentGetsWhatSSHAddGivesIt(t *testing.T) {
	t.Parallel()
	certified := generate(t, "", "-t", "ecdsa")
	certify(t, certified)
	theirs, ours := sshtest.Agent(t), sshtest.Agent(t)
	a := agentOf(t, ours)
	for _, path := range []string{
		generate(t, "", "-t", "ed25519"), generate(t, "", "-t", "rsa", "-b", "2048", "-m", "PEM"), generate(t, "", "-t", "ed25519", "-C", ""),
		generate(t, "", "-t", "ecdsa", "-b", "521", "-m", "PKCS8"), certified,
	} {
		sshtest.Add(t, theirs, path)
		cert, _ := LoadCertificate(path + "-cert.pub") // none but for one
		check(t, a.AddOpened(opened(t, path, ""), cert, "", Constraints{}))
	}
	list := sshtest.Add(t, theirs, "-L")
	if diff := cmp.Diff(list, sshtest.Add(t, ours, "-L")); diff != "" {
		t.Errorf("the agents hold (-ssh-add +ours):\n%s", diff)
	}
	if n := strings.Count(list, "\n"); n != 6 {
		t.Errorf("ssh-add has added %d keys", n)
	}
	check(t, a.AddOpened(opened(t, generate(t, "winter", "-t", "ed25519"), "winter"), nil, "", Constraints{}))
}

// TestConstraintsAreSaidInTheWordsOfSSHAdd has an agent that only listens.
func TestConstraintsAreSaidInTheWordsOfSSHAdd(t *testing.T) {
	t.Parallel()
	key := generate(t, "", "-t", "ed25519")
	gate, tower, authority := hostKey(t), hostKey(t), hostKey(t)
	known := filepath.Join(t.TempDir(), "known_hosts")
	line := func(names string, key ssh.PublicKey) string {
		return names + " " + string(ssh.MarshalAuthorizedKey(key))
	}
	text := line("gate", gate) + line("tower", tower) + line("@cert-authority tower", authority) + line("@revoked tower", gate)
	check(t, os.WriteFile(known, []byte(text), 0o600))
	atGate := Station{Host: "gate", Keys: []HostKey{{Key: gate}}}
	atTower := Station{User: "jon", Host: "tower", Keys: []HostKey{{Key: tower}, {Key: authority, Authority: true}}}
	for _, row := range []struct {
		args []string
		want Constraints
	}{
		{nil, Constraints{}},
		{[]string{"-t", "90m"}, Constraints{Lifetime: 90 * time.Minute}},
		{[]string{"-c"}, Constraints{Confirm: true}},
		{[]string{"-h", "gate"}, Constraints{Only: []Destination{{To: atGate}}}},
		{[]string{"-h", "jon@"}, Constraints{Only: []Destination{{To: Station{User: "jon"}}}}},
		{[]string{"-c", "-t", "9", "-h", "gate", "-h", "gate>jon@tower"}, Constraints{
			Lifetime: 9 * time.Second, Confirm: true, Only: []Destination{{To: atGate}, {From: atGate, To: atTower}},
		}},
	} {
		t.Run(strings.Join(row.args, " "), func(t *testing.T) {
			socket, requests := listener(t)
			cmd := exec.Command(sshtest.Program(t, "ssh-add"), append(append([]string{"-q", "-H", known}, row.args...), key)...)
			cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			check(t, agentOf(t, socket).AddOpened(opened(t, key, ""), nil, "", row.want))
			theirs, ours := <-requests, <-requests
			if !bytes.Equal(theirs, ours) {
				t.Errorf("ssh-add asks for\n%q, we for\n%q", theirs, ours)
			}
		})
	}
}

func hostKey(t *testing.T) ssh.PublicKey {
	t.Helper()
	return sshtest.WriteKey(t, filepath.Join(t.TempDir(), "hostkey")).PublicKey()
}

// listener is an agent that agrees to all requests and hands them on.
func listener(t *testing.T) (socket string, requests <-chan []byte) {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // t.TempDir is too long for a socket
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	check(t, err)
	t.Cleanup(func() { l.Close() })
	heard := make(chan []byte, 10)
	go func() { // ends with the listener and its clients
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go agree(c, heard)
		}
	}()
	return socket, heard
}

func agree(c net.Conn, heard chan<- []byte) {
	defer c.Close()
	for {
		var length [4]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		request := make([]byte, binary.BigEndian.Uint32(length[:]))
		if _, err := io.ReadFull(c, request); err != nil {
			return
		}
		heard <- request
		c.Write([]byte{0, 0, 0, 1, agentSuccess}) // who does not wait for it has gone
	}
}

func TestAnAgentSignsWithAKeyOfATokenThatWeAdded(t *testing.T) {
	t.Parallel()
	provider := sshtest.Token(t)
	for _, kind := range []string{"ed25519-sk", "ecdsa-sk"} {
		path := generate(t, "", "-t", kind, "-w", provider)
		socket := sshtest.Agent(t)
		a := agentOf(t, socket)
		check(t, a.AddOpened(opened(t, path, ""), nil, provider, Constraints{Lifetime: time.Hour}))
		sshtest.Add(t, socket, "-T", path+".pub") // has it sign, and verifies
		err := a.AddOpened(opened(t, path, ""), nil, "/nonexistent.so", Constraints{})
		if err == nil || !strings.Contains(err.Error(), `"/nonexistent.so" as its provider`) {
			t.Errorf("without a provider: %v", err)
		}
	}
}

func TestAnAgentForgetsAndHidesKeys(t *testing.T) {
	t.Parallel()
	socket := sshtest.Agent(t, generate(t, "", "-t", "ed25519"), generate(t, "", "-t", "ecdsa"), generate(t, "", "-t", "ecdsa"))
	a := agentOf(t, socket)
	holds := func(want int) []*Key {
		t.Helper()
		held, err := a.Keys()
		if err != nil || len(held) != want {
			t.Errorf("it holds %d keys, %v, want %d", len(held), err, want)
		}
		return held
	}
	first := holds(3)[0]
	check(t, a.Remove(first.Public))
	holds(2)
	if err := a.Remove(first.Public); err == nil || err.Error() != "the agent did not remove the key: failure" {
		t.Errorf("removing it again: %v", err)
	}
	check(t, a.Lock([]byte("winter")))
	holds(0)
	if err := a.Lock([]byte("summer")); err == nil {
		t.Error("it was locked twice")
	}
	if err := a.Unlock([]byte("summer")); err == nil {
		t.Error("another passphrase unlocked it")
	}
	check(t, a.Unlock([]byte("winter")))
	holds(2)
	check(t, a.RemoveAll())
	holds(0)
}
