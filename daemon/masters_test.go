//go:build linux || darwin || freebsd

package daemon_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sallyport/api"
	"sallyport/internal/sshtest"
	"sallyport/mux"
	"sallyport/tunnels"
)

// shared is a background process that holds a connection to a real server, and
// listens where its configuration says.
type shared struct {
	*house
	server *sshtest.Server
	socket string
	link   string
	env    []string // of who asks for it
}

// share opens the connection. lines are of the host's configuration.
func share(t *testing.T, lines ...string) *shared {
	t.Helper()
	return shareWith(t, []string{"Subsystem sftp internal-sftp"}, nil, lines...)
}

// shareWith is share with lines of the server's configuration, and the
// environment of who asks.
func shareWith(t *testing.T, server, env []string, lines ...string) *shared {
	t.Helper()
	s := &shared{house: newHouse(t), server: sshtest.StartServer(t, server...), env: env}
	s.socket = filepath.Join(filepath.Dir(s.dirs.Runtime), "cm")
	text, err := os.ReadFile(s.server.Path("ssh_config"))
	if err != nil {
		t.Fatal(err)
	}
	lines = append(lines, "ControlPath "+s.socket)
	s.server.Write(t, "ssh_config", string(text)+strings.Join(lines, "\n")+"\n")
	s.open()
	return s
}

func (s *shared) open() {
	s.t.Helper()
	link, err := s.Open(s.t.Context(), s.at())
	if err != nil {
		s.t.Fatal(err)
	}
	s.link = link.ID
	s.until("the link is up", func(now api.Snapshot) bool { return len(now.Links) == 1 && now.Links[0].State == api.LinkUp })
}

func (s *shared) at() api.Target {
	return api.Target{Host: sshtest.Alias, Config: s.server.Path("ssh_config"), Explicit: true, Env: s.env}
}

// listens waits until somebody may attach.
func (s *shared) listens() {
	s.t.Helper()
	sshtest.Eventually(s.t, "it listens", func() bool { _, err := os.Stat(s.socket); return err == nil })
}

// ssh runs a shell's line with $SSH and $CONFIG of the server, and $PORT.
func (s *shared) ssh(line string, port int) (out string, status int) {
	s.t.Helper()
	ssh := s.server.SSH(s.t)
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = s.t.TempDir()
	cmd.Env = append(os.Environ(), "SSH="+strings.Join(ssh.Args, " "), "CONFIG="+s.server.Path("ssh_config"), fmt.Sprintf("PORT=%d", port), "REMOTE="+s.server.Path("remote"),
		"GIT_AUTHOR_NAME=d", "GIT_AUTHOR_EMAIL=d@d", "GIT_COMMITTER_NAME=d", "GIT_COMMITTER_EMAIL=d@d")
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return both.String(), cmd.ProcessState.ExitCode()
}

// TestRealProgramsUseTheConnectionOfTheBackgroundProcess has one login do for
// all of them.
func TestRealProgramsUseTheConnectionOfTheBackgroundProcess(t *testing.T) {
	s := share(t, "ControlMaster auto")
	s.listens()
	web := httpServer(t)
	for _, row := range []struct {
		name, program, line string
		out                 string
		status              int
	}{
		{"a command", "ssh", `$SSH targaryen 'echo out; exit 7'`, "out\n", 7},
		{"a check", "ssh", `$SSH -O check targaryen`, fmt.Sprintf("Master running (pid=%d)\r\n", os.Getpid()), 0},
		{"a copy there and back", "scp", `echo fire >a && scp -q -F $CONFIG a targaryen:$REMOTE && scp -q -F $CONFIG targaryen:$REMOTE b && cat b`, "fire\n", 0},
		{"sftp", "sftp", `echo "get $REMOTE c" | sftp -q -F $CONFIG -b - targaryen >/dev/null && cat c`, "fire\n", 0},
		{"rsync", "rsync", `rsync -e "ssh -F $CONFIG" targaryen:$REMOTE d && cat d`, "fire\n", 0},
		{"git", "git", `git init -q r && git -C r commit -q --allow-empty -m blood && GIT_SSH_COMMAND="ssh -F $CONFIG" git clone -q targaryen:$PWD/r w && git -C w log --format=%s`, "blood\n", 0},
		{"a connection", "ssh", fmt.Sprintf(`printf 'GET / HTTP/1.0\r\n\r\n' | $SSH -W 127.0.0.1:%d targaryen | tail -n 1`, web), "winter", 0},
		{"proxy mode", "ssh", `$SSH -O proxy targaryen 'cat; exit 3' <$CONFIG | head -n 1`, "Host targaryen\n", 0},
		{"a forward from here", "curl", fmt.Sprintf(`$SSH -O forward -L $PORT:127.0.0.1:%d targaryen && curl -sS http://127.0.0.1:$PORT/ && $SSH -O cancel -L $PORT:127.0.0.1:%d targaryen`, web, web), "winter", 0},
		{"a SOCKS proxy", "curl", fmt.Sprintf(`$SSH -O forward -D $PORT targaryen && curl -sS -x socks5h://127.0.0.1:$PORT http://127.0.0.1:%d/ && $SSH -O cancel -D $PORT targaryen`, web), "winter", 0},
		{"a forward from there", "curl", fmt.Sprintf(`$SSH -O forward -R $PORT:127.0.0.1:%d targaryen && curl -sS http://127.0.0.1:$PORT/ && $SSH -O cancel -R $PORT:127.0.0.1:%d targaryen`, web, web), "winter", 0},
		{"a forward of a session's", "curl", fmt.Sprintf(`$SSH -R $PORT:127.0.0.1:%d targaryen curl -sS http://127.0.0.1:$PORT/ && $SSH -O cancel -R $PORT:127.0.0.1:%d targaryen`, web, web), "winter", 0},
		{"a forward in proxy mode", "curl", fmt.Sprintf(`$SSH -O proxy -o ExitOnForwardFailure=yes -R $PORT:127.0.0.1:%d targaryen curl -sS http://127.0.0.1:$PORT/`, web), "winter", 0},
		{"its port is free again", "curl", fmt.Sprintf(`$SSH -O proxy -R $PORT:127.0.0.1:%d targaryen true; $SSH -O proxy -o ExitOnForwardFailure=yes -R $PORT:127.0.0.1:%d targaryen true`, web, web), "", 0},
		{"a port of the far side's choice", "curl", fmt.Sprintf(`$SSH -o LogLevel=INFO -O proxy -R 0:127.0.0.1:%d targaryen true 2>&1 | grep -c '^Allocated port [1-9]'`, web), "1\n", 0},
		{"a forward that is refused in proxy mode", "ssh", fmt.Sprintf(`$SSH -O proxy -R %d:h:1 targaryen echo on`, web), "on\n", 0},
		{"a forward that is not there", "ssh", `$SSH -O cancel -L $PORT:h:1 targaryen`, "mux_client_forward: forwarding request failed: port not forwarded\r\nmuxclient: master cancel forward request failed\r\n", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			sshtest.Program(t, row.program)
			out, status := s.ssh(row.line, sshtest.FreePort(t))
			if status != row.status || out != row.out {
				t.Errorf("status %d, %q, want %d, %q", status, out, row.status, row.out)
			}
		})
	}
	if n := s.server.Logins(); n != 1 {
		t.Errorf("%d logins", n)
	}
	s.until("no forward is left", func(now api.Snapshot) bool { return len(now.Tunnels) == 0 })
	if out, status := s.ssh(`$SSH -O forward -L $PORT:h:1 targaryen`, sshtest.FreePort(t)); status != 0 {
		t.Errorf("-O forward: status %d, %q", status, out)
	}
	s.until("a client's forward is a tunnel", func(now api.Snapshot) bool { return len(now.Tunnels) == 1 && now.Tunnels[0].Host == sshtest.Alias })
	if out, status := s.ssh(`$SSH -O exit targaryen`, 0); status != 0 {
		t.Errorf("-O exit: status %d, %q", status, out)
	}
	s.until("the tunnel is gone", func(now api.Snapshot) bool { return len(now.Tunnels) == 0 })
	s.until("the link is gone", func(now api.Snapshot) bool { return len(now.Links) == 0 })
	sshtest.Eventually(t, "the socket is gone", func() bool { _, err := os.Lstat(s.socket); return err != nil })
}

// TestAMasterTellsOfItsConnection asks as "ssh -O conninfo" and "ssh -O channels"
// of 10.3 do.
func TestAMasterTellsOfItsConnection(t *testing.T) {
	s := share(t, "ControlMaster auto")
	s.listens()
	master, err := mux.Dial(t.Context(), s.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	text, err := master.Info(t.Context(), "connection")
	if err != nil || !strings.Contains(text, fmt.Sprintf(" pid %d\r\n  versions Sallyport -> OpenSSH_", os.Getpid())) {
		t.Errorf("of the connection it tells %q, %v", text, err)
	}
	const none = "The following connections are open:\r\n"
	if text, err := master.Info(t.Context(), "channels"); text != none || err != nil {
		t.Errorf("of the channels it tells %q, %v", text, err)
	}
	stdin, keep, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	client := s.server.SSH(t, sshtest.Alias, "cat")
	client.Stdin = stdin
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	sshtest.Eventually(t, "its session is told", func() bool {
		text, err := master.Info(t.Context(), "channels")
		return err == nil && text == none+"  #0 client-session\r\n"
	})
	keep.Close()
	if err := client.Wait(); err != nil {
		t.Error(err)
	}
	if text, err := master.Info(t.Context(), "weather"); err == nil {
		t.Errorf("of the weather it tells %q", text)
	}
}

// httpServer answers "winter" on the port.
// TestWhoTypesIntoARealSSHHasAllProcessors is for an ssh over the connection of
// a process that is busy.
func TestWhoTypesIntoARealSSHHasAllProcessors(t *testing.T) {
	for _, row := range []struct{ name, how string }{
		{"with its own descriptors", "-tt"},
		{"in proxy mode", "-ttOproxy"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := share(t, "ControlMaster auto")
			s.listens()
			busy, rest := context.WithCancel(t.Context())
			defer rest()
			go func() { // ends with busy
				for busy.Err() == nil {
				}
			}()
			ssh := s.server.SSH(t, row.how, "targaryen", "cat")
			keys, err := ssh.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := ssh.Start(); err != nil {
				t.Fatal(err)
			}
			defer ssh.Wait() // it was killed
			defer ssh.Process.Kill()
			sshtest.Eventually(t, "all processors were asked for", func() bool {
				if _, err := keys.Write([]byte("k")); err != nil {
					t.Fatal(err)
				}
				select {
				case all := <-s.asked:
					return all
				default:
					return false
				}
			})
		})
	}
}

func httpServer(t *testing.T) (port int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "winter") })) // ends with l
	return l.Addr().(*net.TCPAddr).Port
}

func TestWhoIsAttachedIsKnown(t *testing.T) {
	s := share(t, "ControlMaster yes")
	s.listens()
	if info, err := os.Stat(s.socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	cmd := s.server.SSHOver(t, s.socket, sshtest.Alias, "cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all []api.Served
	sshtest.Eventually(t, "it is listed", func() bool {
		all, err = s.Served(t.Context())
		return err == nil && len(all) == 1 && len(all[0].Clients) == 1
	})
	g := all[0].Clients[0]
	if all[0].Link != s.link || all[0].Host != sshtest.Alias || all[0].Path != s.socket || g.PID != cmd.Process.Pid || g.What != api.GuestSession || g.Since.IsZero() {
		t.Errorf("listed is %+v", all[0])
	}
	if now, err := s.Snapshot(t.Context()); err != nil || len(now.Served) != 1 || len(now.Served[0].Clients) != 1 || now.Served[0].Clients[0] != g {
		t.Errorf("in the snapshot is %+v, %v", now.Served, err)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	sshtest.Eventually(t, "it is listed no more", func() bool {
		all, err = s.Served(t.Context())
		return err == nil && len(all) == 1 && len(all[0].Clients) == 0
	})
}

func TestALinkIsSharedAsItsConfigurationSays(t *testing.T) {
	for name, row := range map[string]struct {
		lines   []string
		listens bool
	}{
		"no master":   {[]string{"ControlMaster no"}, false},
		"none at all": {nil, false},
		"no path":     {[]string{"ControlMaster yes", "ControlPath none"}, false},
		"auto":        {[]string{"ControlMaster auto"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := share(t, row.lines...)
			if row.listens {
				s.listens()
			}
			served, err := s.Share(t.Context(), s.link)
			if err != nil {
				t.Fatal(err)
			}
			if (served.Path == s.socket) != row.listens {
				t.Errorf("it listens on %s", served.Path)
			}
			if out, status := run(t, s.server.SSHOver(t, served.Path, "x", "echo hi")); status != 0 || out != "hi\n" {
				t.Errorf("status %d, %q", status, out)
			}
			if again, err := s.Share(t.Context(), s.link); err != nil || again.Path != served.Path {
				t.Errorf("asked again it is %s, %v", again.Path, err)
			}
		})
	}
}

func run(t *testing.T, cmd *exec.Cmd) (out string, status int) {
	t.Helper()
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

func TestAMasterThatLivesKeepsItsSocket(t *testing.T) {
	s := share(t, "ControlMaster no")
	text, err := os.ReadFile(s.server.Path("ssh_config"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CloseLink(t.Context(), s.link); err != nil {
		t.Fatal(err)
	}
	m := sshtest.RunMaster(t, s.socket, s.server.SSH(t, "-M", "-N", "-S", s.socket, sshtest.Alias))
	s.server.Write(t, "ssh_config", strings.Replace(string(text), "ControlMaster no", "ControlMaster yes", 1))
	for range 10 { // before our side has found that it lives, and after
		s.open()
		served, err := s.Share(t.Context(), s.link)
		if err != nil || served.Path == s.socket {
			t.Errorf("ours listens on %s, %v", served.Path, err)
		}
		if err := s.CloseLink(t.Context(), s.link); err != nil {
			t.Fatal(err)
		}
	}
	if out, status := run(t, s.server.SSHOver(t, s.socket, "-O", "check", "x")); status != 0 || out != fmt.Sprintf("Master running (pid=%d)\r\n", m.PID) {
		t.Errorf("the other says %d, %q", status, out)
	}
}

func TestAStaleSocketIsReplacedAndALostLinkListensAgain(t *testing.T) {
	s := share(t, "ControlMaster auto")
	s.listens()
	if err := s.CloseLink(t.Context(), s.link); err != nil {
		t.Fatal(err)
	}
	sshtest.Eventually(t, "the socket is gone", func() bool { _, err := os.Lstat(s.socket); return err != nil })
	m := sshtest.RunMaster(t, s.socket, s.server.SSH(t, "-M", "-N", "-S", s.socket, sshtest.Alias))
	m.Kill()
	s.open()
	sshtest.Eventually(t, "ours listens", func() bool {
		out, _ := s.ssh(`$SSH -O check targaryen`, 0)
		return out == fmt.Sprintf("Master running (pid=%d)\r\n", os.Getpid())
	})
}

// TestTheTimeOfControlPersist has a connection end a while after its last
// client, and not before.
func TestTheTimeOfControlPersist(t *testing.T) {
	s := share(t, "ControlMaster auto", "ControlPersist 1")
	s.listens()
	cmd := s.server.SSHOver(t, s.socket, sshtest.Alias, "cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out, status := s.ssh(`$SSH targaryen sleep 2`, 0)
	if status != 0 {
		t.Errorf("another session: %d, %q", status, out)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("a session that is older than the time: %v", err)
	}
	s.until("the link is closed", func(now api.Snapshot) bool { return len(now.Links) == 0 })
	if n := s.server.Logins(); n != 1 {
		t.Errorf("%d logins", n)
	}
}

// TestAForwardOfAClientOutlivesNoControlPersist has ssh ask for a forward and
// go: what listens does not keep a connection, what passes through it does.
func TestAForwardOfAClientOutlivesNoControlPersist(t *testing.T) {
	for _, row := range []struct{ name, kind string }{{"from here", "-L"}, {"from there", "-R"}, {"of SOCKS", "-D"}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := share(t, "ControlMaster auto", "ControlPersist 1")
			s.listens()
			port, to := sshtest.FreePort(t), fmt.Sprintf(":127.0.0.1:%d", slowServer(t))
			if row.kind == "-D" {
				to = ""
			}
			if out, status := s.ssh(`$SSH -O forward `+row.kind+` $PORT`+to+` targaryen`, port); status != 0 {
				t.Fatalf("-O forward: %d, %q", status, out)
			}
			if row.kind != "-D" {
				if got := readAll(t, port); got != "late" {
					t.Errorf("a connection that takes longer than the time brought %q", got)
				}
			}
			s.until("the link and the forward are gone", func(now api.Snapshot) bool { return len(now.Links) == 0 && len(now.Tunnels) == 0 })
			if n := s.server.Logins(); n != 1 {
				t.Errorf("%d logins", n)
			}
		})
	}
}

// TestATunnelOfOursOutlivesControlPersist has a person want what a client of
// ssh has opened: from then on it is as any other tunnel.
func TestATunnelOfOursOutlivesControlPersist(t *testing.T) {
	s := share(t, "ControlMaster auto", "ControlPersist 1")
	s.listens()
	port, slow := sshtest.FreePort(t), slowServer(t)
	forward := fmt.Sprintf("%d:127.0.0.1:%d", port, slow)
	if out, status := s.ssh(`$SSH -O forward -L `+forward+` targaryen`, port); status != 0 {
		t.Fatalf("-O forward: %d, %q", status, out)
	}
	spec, err := tunnels.Parse(tunnels.Local, forward)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetTunnel(t.Context(), api.TunnelRequest{Target: s.at(), Spec: spec, Up: true}); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{slow, port} { // the time passes twice beside the tunnel, and then in it
		if got := readAll(t, at); got != "late" {
			t.Errorf("port %d brought %q", at, got)
		}
	}
	if n := s.server.Logins(); n != 1 {
		t.Errorf("%d logins", n)
	}
}

// slowServer says one word to each client, two seconds after it has come.
func slowServer(t *testing.T) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with l
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if exec.Command("sleep", "2").Run() == nil {
				_, _ = io.WriteString(c, "late") // the reader tells what has not come
			}
			c.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// readAll is what somebody who connects to a port here is told.
func readAll(t *testing.T, port int) string {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	text, err := io.ReadAll(c)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// TestControlPersistYesKeepsTheConnection has no clock to wait for; what ends
// the connection is only -O exit.
func TestControlPersistYesKeepsTheConnection(t *testing.T) {
	s := share(t, "ControlMaster auto", "ControlPersist yes")
	s.listens()
	if out, status := s.ssh(`$SSH targaryen true`, 0); status != 0 {
		t.Errorf("a client: %d, %q", status, out)
	}
	sshtest.Eventually(t, "the client has left", func() bool {
		all, err := s.Served(t.Context())
		return err == nil && len(all) == 1 && len(all[0].Clients) == 0
	})
	if out, status := s.ssh(`$SSH -O exit targaryen`, 0); status != 0 {
		t.Errorf("-O exit: %d, %q", status, out)
	}
	s.until("the link is gone", func(now api.Snapshot) bool { return len(now.Links) == 0 && len(now.Served) == 0 })
	if n := s.server.Logins(); n != 1 {
		t.Errorf("%d logins", n)
	}
}

// TestAMasterThatWasStoppedListensAgainWhenAsked has ssh -O stop close the
// socket: nobody is told of it until somebody asks for one.
func TestAMasterThatWasStoppedListensAgainWhenAsked(t *testing.T) {
	for _, lines := range [][]string{{"ControlMaster auto"}, {"ControlMaster no"}} {
		t.Run(lines[0], func(t *testing.T) {
			s := share(t, lines...)
			first, err := s.Share(t.Context(), s.link)
			if err != nil {
				t.Fatal(err)
			}
			s.socket = first.Path
			s.listens()
			if out, err := s.server.SSHOver(t, first.Path, "-O", "stop", sshtest.Alias).CombinedOutput(); err != nil {
				t.Fatalf("-O stop: %v, %q", err, out)
			}
			s.until("it is not listed", func(now api.Snapshot) bool { return len(now.Links) == 1 && len(now.Served) == 0 })
			again, err := s.Share(t.Context(), s.link)
			if err != nil {
				t.Fatal(err)
			}
			if out, err := s.server.SSHOver(t, again.Path, sshtest.Alias, "echo on").CombinedOutput(); err != nil || string(out) != "on\n" {
				t.Errorf("over %q: %v, %q", again.Path, err, out)
			}
			if n := s.server.Logins(); n != 1 {
				t.Errorf("%d logins", n)
			}
		})
	}
}

// TestAStoppedMasterEndsWithWhatIsOpen has ssh -O stop end the time of
// ControlPersist: the client that is there goes on, and then nobody can come.
func TestAStoppedMasterEndsWithWhatIsOpen(t *testing.T) {
	s := share(t, "ControlMaster auto", "ControlPersist yes")
	s.listens()
	cmd := s.server.SSHOver(t, s.socket, sshtest.Alias, "cat; echo done")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.until("a client is there", func(now api.Snapshot) bool { return len(now.Served) == 1 && len(now.Served[0].Clients) == 1 })
	if out, status := s.ssh(`$SSH -O stop targaryen`, 0); out != "Stop listening request sent.\r\n" || status != 0 {
		t.Errorf("-O stop: %d, %q", status, out)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil || out.String() != "done\n" {
		t.Errorf("who was there: %v, %q", err, out.String())
	}
	s.until("the link is closed", func(now api.Snapshot) bool { return len(now.Links) == 0 && len(now.Served) == 0 })
}

// TestOfTwoThatStartAtOnceOneListens has another background process connect to
// the same host at the same moment. The one that comes too late goes on
// without, as ssh does.
func TestOfTwoThatStartAtOnceOneListens(t *testing.T) {
	first := share(t, "ControlMaster auto")
	if err := first.CloseLink(t.Context(), first.link); err != nil {
		t.Fatal(err)
	}
	sshtest.Eventually(t, "the socket is gone", func() bool { _, err := os.Lstat(first.socket); return err != nil })
	second := &shared{house: newHouse(t), server: first.server, socket: first.socket}
	var both sync.WaitGroup
	for _, s := range []*shared{first, second} {
		both.Go(func() {
			if _, err := s.Open(t.Context(), s.at()); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	listening := 0
	for _, s := range []*shared{first, second} {
		now := s.until("the link is up", func(now api.Snapshot) bool { return len(now.Links) == 1 && now.Links[0].State == api.LinkUp })
		all, err := s.Share(t.Context(), now.Links[0].ID) // where the other listens there, elsewhere
		if err != nil {
			t.Fatal(err)
		}
		if all.Path == s.socket {
			listening++
		}
		if out, status := run(t, s.server.SSHOver(t, all.Path, "x", "echo hi")); status != 0 || out != "hi\n" {
			t.Errorf("over %s: %d, %q", all.Path, status, out)
		}
	}
	if listening != 1 {
		t.Errorf("%d listen there", listening)
	}
}

func TestAClientIsAskedFor(t *testing.T) {
	for choice, status := range map[string]int{api.AcceptOnce: 0, api.Refuse: 255} {
		t.Run(choice, func(t *testing.T) {
			s := share(t, "ControlMaster autoask")
			s.listens()
			defer s.watched()()
			ended := make(chan int, 1)
			cmd := s.server.SSHOver(t, s.socket, sshtest.Alias, "true")
			go func() { cmd.Run(); ended <- cmd.ProcessState.ExitCode() }()
			now := s.until("a question is asked", func(now api.Snapshot) bool { return len(now.Questions) == 1 })
			q := now.Questions[0]
			if q.Kind != api.AskShare || q.Link != s.link || q.Title != "Allow shared connection to targaryen?" {
				t.Errorf("asked is %+v", q)
			}
			if err := s.Answer(t.Context(), q.ID, api.Answer{Choice: choice}); err != nil {
				t.Fatal(err)
			}
			if got := <-ended; got != status {
				t.Errorf("status %d, want %d", got, status)
			}
		})
	}
}

// watched has somebody look on until stop is called.
func (s *shared) watched() (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	here, done := make(chan struct{}), make(chan struct{})
	go func() { // ends by stop
		defer close(done)
		var once sync.Once
		s.Follow(ctx, func(api.Event) { once.Do(func() { close(here) }) })
	}()
	<-here
	return func() { cancel(); <-done }
}

// TestAClientWaitsForNobodyWhoIsNotThere has ssh do what it does beside a real
// master that has no program to ask with: it says so, and connects by itself.
func TestAClientWaitsForNobodyWhoIsNotThere(t *testing.T) {
	for _, looks := range []bool{false, true} {
		t.Run(fmt.Sprintf("somebody looks at first: %v", looks), func(t *testing.T) {
			s := share(t, "ControlMaster autoask")
			s.listens()
			var person sync.WaitGroup
			if looks {
				leave := s.watched()
				person.Go(func() {
					defer leave()
					s.until("a question is asked", func(now api.Snapshot) bool { return len(now.Questions) == 1 })
				})
			}
			want := "Master refused session request: Permission denied\r\nControlSocket " + s.socket + " already exists, disabling multiplexing\r\non\n"
			if out, status := s.ssh(`$SSH targaryen echo on`, 0); out != want || status != 0 {
				t.Errorf("status %d, %q, want %q", status, out, want)
			}
			person.Wait()
			if n := s.server.Logins(); n != 2 {
				t.Errorf("%d logins", n)
			}
			s.until("it is in the log", func(now api.Snapshot) bool {
				return len(now.Questions) == 0 && strings.Contains(fmt.Sprintf("%+v", now.Log), "a client of ssh was refused: nobody looks at sallyport")
			})
		})
	}
}

func TestTheEndOfTheProcessTakesItsSocketAway(t *testing.T) {
	s := share(t, "ControlMaster auto")
	s.listens()
	client, err := mux.Dial(t.Context(), s.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(s.socket); err == nil {
		t.Error("the socket was left behind")
	}
	if _, err := client.Alive(t.Context()); err == nil {
		t.Error("a client is told that its master lives")
	}
}
