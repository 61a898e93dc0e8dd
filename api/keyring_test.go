//go:build linux

package api

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/config"
	"sallyport/internal/sshtest"
	"sallyport/keys"
	"sallyport/transport"
)

// saying answers questions with one text after the other; without one it
// declines.
func saying(texts ...string) Interview {
	return func(_ context.Context, q Question) (Answer, bool) {
		if len(texts) == 0 {
			return Answer{}, false
		}
		text := texts[0]
		texts = texts[1:]
		return Answer{Texts: [][]byte{[]byte(text)}}, true
	}
}

// followed is a home whose keys are followed.
type followed struct {
	*testing.T
	dir, socket string
	rings       chan *Keyring
}

func followKeys(t *testing.T) *followed {
	home := t.TempDir()
	f := &followed{t, filepath.Join(home, ".ssh"), sshtest.Agent(t), make(chan *Keyring)}
	if err := os.Mkdir(f.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	v := ReadInventory(config.Paths{User: filepath.Join(f.dir, "config"), Home: home})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		v.FollowKeys(ctx, f.socket, func(ring *Keyring, err error) {
			if err != nil {
				t.Error(err)
			}
			select {
			case f.rings <- ring:
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return f
}

// until waits for keys of which something holds, and gives the pair of a file.
func (f *followed) until(what, name string, holds func(*KeyPair) bool) *KeyPair {
	f.Helper()
	for end := time.After(time.Minute); ; {
		select {
		case ring := <-f.rings:
			i := slices.IndexFunc(ring.Pairs, func(p *KeyPair) bool { return p.Path == filepath.Join(f.dir, name) })
			if i >= 0 && holds(ring.Pairs[i]) {
				return ring.Pairs[i]
			}
		case <-end:
			f.Fatalf("it is never told that %s", what)
		}
	}
}

func TestKeysAreFollowedThroughWhatIsDoneToThem(t *testing.T) {
	t.Parallel()
	f := followKeys(t)
	sshtest.Keygen(t, filepath.Join(f.dir, "id_ed25519"), "winter", "-t", "ed25519")
	pair := f.until("a key is there", "id_ed25519", func(p *KeyPair) bool { return p.Public != nil })
	if pair.InAgent || !pair.Private.Encrypted {
		t.Errorf("it is %+v", pair)
	}

	if err := pair.Hold(t.Context(), f.socket, saying("summer", "winter")); err != nil {
		t.Fatal(err)
	}
	pair = f.until("the agent holds it", "id_ed25519", func(p *KeyPair) bool { return p.InAgent })
	if list := held(t, f.socket); !strings.Contains(list, pair.SHA256) {
		t.Errorf("ssh-add lists %q", list)
	}
	if err := pair.Forget(t.Context(), f.socket); err != nil {
		t.Fatal(err)
	}
	f.until("the agent has forgotten it", "id_ed25519", func(p *KeyPair) bool { return !p.InAgent })
	if list := held(t, f.socket); list != "" {
		t.Errorf("ssh-add lists %q", list)
	}

	if err := os.Chmod(pair.Path, 0o644); err != nil {
		t.Fatal(err)
	}
	pair = f.until("others can read it", "id_ed25519", func(p *KeyPair) bool { return len(p.Findings) > 0 })
	if err := pair.Findings[0].Mend(pair.Path); err != nil {
		t.Fatal(err)
	}
	f.until("nothing is wrong any more", "id_ed25519", func(p *KeyPair) bool { return len(p.Findings) == 0 })
}

// held is what the agent holds, by ssh-add.
func held(t *testing.T, socket string) string {
	t.Helper()
	agent, err := keys.DialAgent(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer agent.Close()
	all, err := agent.Keys()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, k := range all {
		list = append(list, keys.Fingerprint(k.Public))
	}
	return strings.Join(list, "\n")
}

func TestAKeyThatIsNotUnlockedIsNotGiven(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "id")
	sshtest.Keygen(t, path, "winter", "-t", "ed25519")
	socket := sshtest.Agent(t)
	pair := &KeyPair{Facts: &keys.Facts{Path: path}}
	for _, row := range []struct {
		name   string
		socket string
		ask    Interview
		want   string
	}{
		{"a wrong passphrase three times", socket, saying("a", "b", "c", "winter"), "the passphrase is wrong"},
		{"none at all", socket, saying(), transport.ErrCancelled.Error()},
		{"no agent", "", saying("winter"), "there is no agent: SSH_AUTH_SOCK is not set"},
	} {
		if err := pair.Hold(t.Context(), row.socket, row.ask); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: it says %v", row.name, err)
		}
	}
	if list := held(t, socket); list != "" {
		t.Errorf("the agent holds %q", list)
	}
}

func TestAKeyIsMadeOnceAndReadByOpenSSH(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "id")
	spec, err := keys.Spec{Type: "ecdsa", Bits: 384, Comment: "jon@wall"}.Check()
	if err != nil {
		t.Fatal(err)
	}
	made, err := MakeKey(NewKey{Spec: spec, Path: path, Rounds: 1}, []byte("winter"))
	if err != nil {
		t.Fatal(err)
	}
	if got := sshtest.Run(t, "ssh-keygen", "-l", "-f", path); got != "384 "+made.SHA256+" jon@wall (ECDSA)\n" {
		t.Errorf("ssh-keygen says %q", got)
	}
	sshtest.Run(t, "ssh-keygen", "-y", "-P", "winter", "-f", path)
	before, _ := os.ReadFile(path)
	if _, err := MakeKey(NewKey{Spec: spec, Path: path, Rounds: 1}, nil); err == nil {
		t.Error("a key was written over")
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the key has changed")
	}
	var e *Error
	if err := VacantKey(path, "name another file"); !errors.As(err, &e) || e.Code != "key-exists" {
		t.Errorf("it says %v", err)
	}
}
