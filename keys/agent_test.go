package keys

import (
	"bufio"
	"context"
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// startAgent runs a real ssh-agent for the test and returns its socket.
func startAgent(t *testing.T) string {
	t.Helper()
	needs(t, "ssh-agent", "ssh-add")
	dir, err := os.MkdirTemp("", "agent") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		os.RemoveAll(dir)
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // it listens before it prints
		t.Fatal(err)
	}
	return socket
}

func addKey(t *testing.T, socket, path string, args ...string) {
	t.Helper()
	cmd := exec.Command("ssh-add", append(append([]string{"-q"}, args...), path)...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ssh-add: %v\n%s", err, out)
	}
}

func TestAnAgentSignsWithEveryTypeOfKey(t *testing.T) {
	socket := startAgent(t)
	authority := generate(t, "", "-t", "ed25519")
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		path := generate(t, "", "-t", kind)
		if kind == "rsa" {
			run(t, "ssh-keygen", "-q", "-s", authority, "-I", "jon", "-n", "jon", path+".pub")
		}
		addKey(t, socket, path)
	}
	a, err := DialAgent(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	held, err := a.Keys()
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, k := range held {
		types = append(types, TypeName(k.Public))
		if k.Comment != "jon@wall" || !k.InAgent || k.Path != "" {
			t.Errorf("the key is %+v", k)
		}
		if err := k.Usable(); err != nil {
			t.Error(err)
		}
		if kind := k.Public.Type(); kind == ssh.CertAlgoRSAv01 {
			continue // verified as the plain key
		}
		for _, algorithm := range SignatureAlgorithms(k.Public) {
			if algorithm == ssh.KeyAlgoRSA {
				continue // SHA-1 is refused by newer agents
			}
			signature, err := k.Signer.(ssh.AlgorithmSigner).SignWithAlgorithm(rand.Reader, []byte("x"), algorithm)
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Public.Verify([]byte("x"), signature); err != nil {
				t.Errorf("%s: %v", algorithm, err)
			}
		}
	}
	if got := strings.Join(types, " "); got != "ED25519 ECDSA RSA RSA-CERT" {
		t.Errorf("the agent holds %s", got)
	}
}

func TestAnAgentThatIsNotThereSaysWhere(t *testing.T) {
	_, err := DialAgent(t.Context(), "/nonexistent/agent")
	if err == nil || !strings.HasPrefix(err.Error(), `connecting to the agent at "/nonexistent/agent": `) {
		t.Errorf("dialling: %v", err)
	}
}

func TestTheEndOfTheContextFreesFromASilentAgent(t *testing.T) {
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	a, err := DialAgent(ctx, filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	silent, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	go func() {
		silent.Read(make([]byte, 1)) // the request has come; it is never answered
		cancel()
	}()
	if _, err := a.Keys(); err == nil {
		t.Error("a silent agent listed keys")
	}
}
