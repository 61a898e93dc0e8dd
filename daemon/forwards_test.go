//go:build unix

package daemon_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sallyport/api"
	"sallyport/internal/sshtest"
	"sallyport/tunnels"
)

// TestASOCKSProxyLeadsIntoTheHouse reads the demo's page by its name, which
// only the far side knows.
func TestASOCKSProxyLeadsIntoTheHouse(t *testing.T) {
	h := newHouse(t)
	spec := api.TunnelSpec{Kind: api.DynamicForward, Listen: api.Address{Network: "tcp", Port: sshtest.FreePort(t)}}
	if _, err := h.SetTunnel(t.Context(), api.TunnelRequest{Target: h.target("targaryen"), Spec: spec, Up: true}); err != nil {
		t.Fatal(err)
	}
	h.until("the proxy is up", func(s api.Snapshot) bool { return len(s.Tunnels) == 1 && s.Tunnels[0].State == api.TunnelUp })
	proxy := &url.URL{Scheme: "socks5h", Host: fmt.Sprintf("127.0.0.1:%d", spec.Listen.Port)}
	client := http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}}
	resp, err := client.Get("http://targaryen:8080/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(text), "<html") {
		t.Errorf("through the proxy comes %.100q, %v", text, err)
	}
}

// TestTwoHostsWantOnePort has the second one say who has it, and take it when
// the first lets go.
func TestTwoHostsWantOnePort(t *testing.T) {
	h := newHouse(t)
	s := sshtest.StartServer(t)
	spec := api.TunnelSpec{Kind: api.LocalForward, Listen: api.Address{Network: "tcp", Port: sshtest.FreePort(t)}, Connect: jupyter}
	first := api.TunnelRequest{Target: h.target("targaryen"), Spec: spec, Up: true}
	second := api.TunnelRequest{Target: api.Target{Host: sshtest.Alias, Config: s.Path("ssh_config"), Explicit: true}, Spec: spec, Up: true}
	had, err := h.SetTunnel(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	is := func(id string, state api.TunnelState) func(api.Snapshot) bool {
		return func(s api.Snapshot) bool {
			return slices.ContainsFunc(s.Tunnels, func(t api.Tunnel) bool { return t.ID == id && t.State == state })
		}
	}
	h.until("the first has the port", is(had.ID, api.TunnelUp))
	wants, err := h.SetTunnel(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	now := h.until("the second has to wait", is(wants.ID, api.TunnelBusy))
	for _, got := range now.Tunnels {
		if got.ID == wants.ID && (got.Failure == nil || !strings.HasSuffix(got.Failure.Message, "is in use by another tunnel of ours") || got.FreePort <= spec.Listen.Port) {
			t.Errorf("who waits says %+v and offers port %d", got.Failure, got.FreePort)
		}
	}
	first.Up = false
	if _, err := h.SetTunnel(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	h.until("the second has the port", is(wants.ID, api.TunnelUp))
}

// TestRemoteForwardsAreKept opens one on a port of the server's choice, which
// the log tells, and one more on a socket here, on a real server; both come
// back with the next process.
func TestRemoteForwardsAreKept(t *testing.T) {
	h := newHouse(t)
	s := sshtest.StartServer(t)
	dir, err := os.MkdirTemp("", "sp")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	page, err := net.Listen("unix", filepath.Join(dir, "page"))
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	go http.Serve(page, http.NotFoundHandler()) // ends with page

	target := api.Target{Host: sshtest.Alias, Config: s.Path("ssh_config"), Explicit: true}
	remote := api.TunnelSpec{Kind: api.RemoteForward, Listen: api.Address{Network: "tcp"}, Connect: api.Address{Network: "unix", Path: page.Addr().String()}}
	for _, spec := range []api.TunnelSpec{remote, {Kind: api.LocalForward, Listen: api.Address{Network: "unix", Path: filepath.Join(dir, "s")}, Connect: remote.Connect}} {
		if _, err := h.SetTunnel(t.Context(), api.TunnelRequest{Target: target, Spec: spec, Up: true}); err != nil {
			t.Fatal(err)
		}
	}
	check := func() {
		t.Helper()
		now := h.until("both are up", func(s api.Snapshot) bool {
			return len(s.Tunnels) == 2 && s.Tunnels[0].State == api.TunnelUp && s.Tunnels[1].State == api.TunnelUp
		})
		port := now.Tunnels[0].Allocated
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("through port %d comes %s", port, resp.Status)
		}
		told := fmt.Sprintf("targaryen: listens on port %d for %s", port, tunnels.Spec(remote))
		h.until("the log tells the port", func(s api.Snapshot) bool {
			for _, e := range s.Log {
				if e.Message == told {
					return true
				}
			}
			return false
		})
		http.DefaultClient.CloseIdleConnections()
	}
	check()
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	leftOver(t, filepath.Join(dir, "s")) // what a process leaves that is killed
	h.start()
	check()
}

// TestATunnelIsToldInFull asks for one that is on, and for one that is not.
func TestATunnelIsToldInFull(t *testing.T) {
	h := newHouse(t)
	spec := api.TunnelSpec{Kind: api.LocalForward, Listen: api.Address{Network: "tcp", Port: sshtest.FreePort(t)}, Connect: api.Address{Network: "tcp", Host: "targaryen", Port: 8080}}
	s, err := h.SetTunnel(t.Context(), api.TunnelRequest{Target: h.target("got-bastion"), Spec: spec, Up: true})
	if err != nil {
		t.Fatal(err)
	}
	h.until("it is up", func(s api.Snapshot) bool { return len(s.Tunnels) == 1 && s.Tunnels[0].State == api.TunnelUp })
	page(t, spec.Listen.Port)
	sshtest.Eventually(t, "the connection is told of", func() bool {
		r, err := h.Tunnel(t.Context(), s.ID)
		return err == nil && r.Status.ID == s.ID && len(r.Connections) > 0 && r.Connections[0].Received > 0 && r.Connections[0].Target == "targaryen:8080"
	})
	r, err := h.Tunnel(t.Context(), s.ID)
	if err != nil || r.Log[len(r.Log)-1].State != api.TunnelUp {
		t.Errorf("its log is %+v, %v", r.Log, err)
	}
	if _, err := h.Tunnel(t.Context(), "../snapshot"); api.AsError(err).Code != api.CodeNotFound {
		t.Errorf("of a tunnel that is none is told %v", err)
	}
}

// leftOver makes a socket on which nobody listens.
func leftOver(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
}
