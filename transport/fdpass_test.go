//go:build unix

package transport

import (
	"net"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

func TestAProxyCommandPassesASocket(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	server := n.sshd(t, "plain")
	nc := sshtest.Program(t, "nc")
	n.host("passed", server.Port, "ProxyCommand "+nc+" -F %h %p", "ProxyUseFdpass yes")
	n.host("behind", server.Port, "ProxyJump passed")
	cfg := n.load(t)
	for _, name := range []string{"passed", "behind"} {
		t.Run(name, func(t *testing.T) {
			links := NewLinks(newWatch().options())
			defer links.Close()
			l, c := connected(t, links, plan(t, cfg, name))
			first, err := links.Find(l.Chain()[0]).Conn(soon(t))
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := first.wire.Conn.(*net.TCPConn); !ok {
				t.Errorf("it speaks through a %T", first.wire.Conn)
			}
			output(t, c, "true")
		})
	}
}

func TestAProxyCommandThatPassesNoSocketSaysWhy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, command, says string }{
		{"it ends with a word", "sh -c 'echo no route for you >&2; exit 3'", `the ProxyCommand ended with exit status 3: no route for you; ProxyUseFdpass wants a connection from it`},
		{"it ends well without one", "true", `the ProxyCommand ended without a word; ProxyUseFdpass wants a connection from it`},
		{"it passes bytes instead", "echo SSH-2.0-x", `the ProxyCommand ended without a word; ProxyUseFdpass wants a connection from it`},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := newNetwork(t)
			n.host("h", 22, "ProxyCommand "+test.command, "ProxyUseFdpass yes")
			f := n.failure(t, "h")
			if f.Code != CodeProxyCommand || !strings.HasSuffix(f.Message, test.says) || !strings.HasPrefix(f.Hint, "ProxyCommand is set at ") {
				t.Errorf("the failure is %+v", f)
			}
		})
	}
}
