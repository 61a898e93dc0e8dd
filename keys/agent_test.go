package keys

import (
	"context"
	"crypto/rand"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

func TestAnAgentSignsWithEveryTypeOfKey(t *testing.T) {
	t.Parallel()
	certified := generate(t, "", "-t", "rsa", "-b", "2048")
	certify(t, certified)
	a, err := DialAgent(t.Context(), sshtest.Agent(t, generate(t, "", "-t", "ed25519"), generate(t, "", "-t", "ecdsa"), certified))
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
