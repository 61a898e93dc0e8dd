package transport

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

// memoryWay is a chain of the one host "h", whose key is known, and who waits
// for nothing longer than a second.
func memoryWay(t testing.TB, key ssh.PublicKey) Chain {
	t.Helper()
	dir := t.TempDir()
	known, file := filepath.Join(dir, "known_hosts"), filepath.Join(dir, "config")
	for path, text := range map[string]string{
		known: "h " + string(ssh.MarshalAuthorizedKey(key)),
		file:  "Host h\n ConnectTimeout 1\n StrictHostKeyChecking yes\n IdentityFile none\n UserKnownHostsFile " + known + "\n GlobalKnownHostsFile none\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	chain, err := Plan(config.Load(config.Paths{User: file, Home: dir, Explicit: true}), "h", config.Match{})
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// inMemory dials a server at the other end of a pipe. Its end is waited for.
func inMemory(t *testing.T, chain Chain, serve func(*pipe)) error {
	t.Helper()
	near, far := newPipe()
	served := make(chan struct{})
	go func() { // ends with the pipe
		defer close(served)
		defer far.Close()
		serve(far)
	}()
	links := NewLinks(Options{})
	links.connect = func(ctx context.Context, c dialCall) (*Conn, error) {
		trust, err := newHostKeys(ctx, c.host(), nil, c.ask, nil)
		if err != nil {
			return nil, c.explain(err)
		}
		login := newAuth(ctx, c.host(), nil, c.ask, c.step)
		defer login.close()
		return c.handshake(ctx, near, trust, login)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // of synctest's time, or never
	defer cancel()
	_, err := links.Get(chain, nil).Conn(ctx)
	links.Close()
	near.Close()
	<-served
	return err
}

func FuzzServerBytes(f *testing.F) {
	signer := sshtest.NewKey(f)
	chain := memoryWay(f, signer.PublicKey())
	for step := range rawSteps {
		f.Add(uint8(step), false, []byte("\x00\x00\x00\x0c\x06\x14garbage"))
		f.Add(uint8(step), true, []byte("\x01\x34\x09\x33\x00\x00\x00\x00\x01"))
	}
	f.Add(uint8(0), false, []byte("SSH-2.0-x\r\n\x00\x00\x00\x0c\x0a\x14"))
	f.Add(uint8(6), true, []byte("\x12\x3c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01"))
	f.Add(uint8(6), true, []byte("\x0d\x01\x00\x00\x00\x0b\x00\x00\x00\x03bye\x00"))
	f.Fuzz(func(t *testing.T, step uint8, sealed bool, data []byte) {
		err := inMemory(t, chain, func(far *pipe) {
			s := newRawServer(far, signer)
			if s.behave(rawSteps[int(step)%len(rawSteps)].name) != nil {
				return
			}
			if !sealed {
				_, _ = far.Write(data) // the client may have gone
				return
			}
			for len(data) > 0 { // each message after its length
				n := min(int(data[0])+1, len(data))
				if n > 1 && s.send(string(data[1:n])) != nil {
					return
				}
				data = data[n:]
			}
		})
		var failure *Failure
		if err != nil && !errors.As(err, &failure) {
			t.Fatalf("Conn: %v", err)
		}
		if failure != nil && (config.Printable(failure.Message) != failure.Message || failure.Hop != "h") {
			t.Errorf("the failure is %+v", failure)
		}
	})
}

func TestAServerThatFallsSilentIsNotWaitedForWithoutEnd(t *testing.T) {
	signer := sshtest.NewKey(t)
	chain := memoryWay(t, signer.PublicKey())
	for _, row := range []struct{ until, want string }{
		{"the version line", `connecting to "h": h port 22 accepted the connection but said nothing within 1s`},
		{"KEXINIT", `connecting to "h": h port 22: no answer to the key exchange within 1s`},
		{"SERVICE_ACCEPT", `connecting to "h": h port 22: no answer to the request to log in within 2m0s`},
		{"the answer to none", `connecting to "h": h port 22: no answer to the request to log in within 2m0s`},
	} {
		synctest.Test(t, func(t *testing.T) {
			err := inMemory(t, chain, func(far *pipe) {
				if s := newRawServer(far, signer); s.behave(row.until) == nil {
					_ = s.listen() // until the client has gone
				}
			})
			if f, ok := failureOf(err); !ok || f.Code != CodeTimeout || f.Message != row.want {
				t.Errorf("silent before %s: %v", row.until, err)
			}
		})
	}
}
