package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Network is a running demo network with its home directory.
type Network struct {
	dir     string
	started time.Time
	ports   map[string]int            // of the listeners, by host name; does not change after Start
	serve   map[string]func(net.Conn) // what answers at an inner address; does not change after Start

	// ctx ends with the network; all servers and connections hang on it.
	ctx    context.Context
	cancel context.CancelFunc
	// running counts the goroutines of servers and connections. Only a
	// goroutine that is counted itself may add to it once Start has returned.
	running sync.WaitGroup

	closing  sync.Once
	closeErr error // written once under closing
}

// Start brings up the network with its home in a new private directory (mode
// 0700), below $XDG_RUNTIME_DIR where that can be written and below the
// directory for temporary files otherwise. When ctx ends the servers stop;
// Close is needed all the same, for the directory.
func Start(ctx context.Context) (*Network, error) {
	ids, err := makeIdentities()
	if err != nil {
		return nil, fmt.Errorf("starting the demo network: %w", err)
	}
	return startFor(ctx, ids)
}

// startFor is Start for a person who has keys already.
func startFor(ctx context.Context, ids identities) (*Network, error) {
	dir, err := privateDir()
	if err != nil {
		return nil, fmt.Errorf("making a directory for the demo: %w", err)
	}
	n := &Network{
		dir:     dir,
		started: time.Now(),
		ports:   map[string]int{},
		serve:   map[string]func(net.Conn){},
	}
	n.ctx, n.cancel = context.WithCancel(ctx)
	if err := n.build(ids); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the demo network: %w", err), n.Close())
	}
	return n, nil
}

// Config is the path of the ssh_config file, for -F.
func (n *Network) Config() string { return n.ssh("config") }

// Dir is the home directory of the demo: ".ssh" with configuration, keys and
// known_hosts, "run" and "state" for the background process.
func (n *Network) Dir() string { return n.dir }

// Env is the environment of this process with the demo's directories in place
// of the user's and without the user's agent: what the background process of
// the demo is to be started with.
func (n *Network) Env() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(replaced, name)
	})
	return append(env,
		"HOME="+n.dir,
		"XDG_RUNTIME_DIR="+filepath.Join(n.dir, "run"),
		"XDG_STATE_HOME="+filepath.Join(n.dir, "state"),
	)
}

// replaced are the variables that would lead from the demo to the user's own
// files and agent. The XDG directories that Env does not set follow HOME.
var replaced = []string{
	"HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME",
	"SSH_AUTH_SOCK", "SSH_AGENT_PID",
}

// Close ends the network, waits for its goroutines and removes its directory.
// A background process that uses the directory is to be stopped before. It
// may be called more than once.
func (n *Network) Close() error {
	n.closing.Do(func() {
		n.cancel()
		n.running.Wait()
		n.closeErr = os.RemoveAll(n.dir)
	})
	return n.closeErr
}

// ssh is the path of a file in the demo's .ssh directory.
func (n *Network) ssh(name string) string { return filepath.Join(n.dir, ".ssh", name) }

// privateDir makes the home. A socket path must fit 104 bytes on some
// systems, so the name is short.
func privateDir() (string, error) {
	if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		if dir, err := os.MkdirTemp(run, "demo-"); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", "sallyport-demo-")
}

// build makes the host keys, starts the servers and writes the home, in the
// order in which each needs the one before.
func (n *Network) build(ids identities) error {
	keys, err := makeHostKeys()
	if err != nil {
		return err
	}
	for _, h := range hosts {
		if err := n.startHost(h, keys[h.name], ids); err != nil {
			return err
		}
	}
	n.startPage()
	return n.writeHome(ids, keys)
}

// startHost makes a host answer: at a loopback port or at an inner address.
func (n *Network) startHost(h *host, keys hostKeys, ids identities) error {
	s := newServer(n, h, keys, ids)
	if h.inner != "" {
		n.serve[h.inner] = s.serve
		return nil
	}
	l, err := listen(h.port)
	if err != nil {
		return fmt.Errorf("listening for %q: %w", h.name, err)
	}
	n.ports[h.name] = l.Addr().(*net.TCPAddr).Port
	n.running.Go(func() { n.accept(l, s.serve) }) // until ctx ends; Close waits
	return nil
}

// listen binds a loopback port: the preferred one if it is free.
func listen(prefer int) (net.Listener, error) {
	if prefer != 0 {
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", prefer)); err == nil {
			return l, nil
		}
	}
	return net.Listen("tcp", "127.0.0.1:0")
}

// accept hands each connection of l to serve, until the network ends.
func (n *Network) accept(l net.Listener, serve func(net.Conn)) {
	defer context.AfterFunc(n.ctx, func() { _ = l.Close() })() // ends Accept below; an error changes nothing
	defer l.Close()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors, say: others may end meanwhile
			if !pause(n.ctx, 100*time.Millisecond) {
				return
			}
			continue
		}
		n.running.Go(func() { serve(c) }) // serve ends with ctx; Close waits
	}
}

// dial connects to an inner address, if there is something at it.
func (n *Network) dial(address string) (net.Conn, bool) {
	serve, ok := n.serve[address]
	if !ok {
		return nil, false
	}
	near, far := newPipe(address)
	n.running.Go(func() { serve(far) }) // serve ends with ctx; Close waits
	return near, true
}

// pause waits for d and reports whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
