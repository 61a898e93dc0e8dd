package api

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

// corner is a folder for sockets, whose names must be short.
func corner(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// sharing is the inventory of a server with a ControlPath for every host.
func sharing(t *testing.T, s *sshtest.Server, controlPath, more string) *Inventory {
	t.Helper()
	text, err := os.ReadFile(s.Path("ssh_config"))
	if err != nil {
		t.Fatal(err)
	}
	s.Write(t, "ssh_config", string(text)+more+"\nHost *\n  ControlPath "+controlPath+"\n")
	path := s.Path("ssh_config")
	return ReadInventory(config.Paths{User: path, Home: filepath.Dir(path), Explicit: true})
}

// left makes the socket of a master that has ended.
func left(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func TestMastersAreFoundAndToldApart(t *testing.T) {
	s := sshtest.StartServer(t)
	dir := corner(t)
	v := sharing(t, s, dir+"/%r@%n:%p", fmt.Sprintf("Host twin stale mute\n  HostName 127.0.0.1\n  Port 22\n  User dany\nHost twin\n  ControlPath %s/%%r@%s:%d", dir, sshtest.Alias, s.Port))
	host, err := v.cfg.Resolve(sshtest.Alias, config.Match{})
	if err != nil {
		t.Fatal(err)
	}
	live := sshtest.RunMaster(t, host.ControlPath(), s.SSH(t, "-M", "-N", sshtest.Alias))
	other := sshtest.RunMaster(t, filepath.Join(dir, "dany@elsewhere:22"), s.SSH(t, "-M", "-N", "-S", dir+"/dany@elsewhere:22", sshtest.Alias))
	left(t, dir+"/dany@stale:22")
	left(t, dir+"/dany@gone:22")
	asked := make(chan struct{}, 10)
	for _, name := range []string{"dany@mute:22", "dany@stranger:22", "agent.4711"} {
		deaf(t, filepath.Join(dir, name), asked)
	}

	got := v.Masters(t.Context())
	want := []Master{
		{Hosts: []string{sshtest.Alias}, Path: live.Socket, PID: live.PID, State: MasterAlive},
		{Hosts: []string{"stale"}, Path: dir + "/dany@stale:22", State: MasterStale},
		{Hosts: []string{"mute"}, Path: dir + "/dany@mute:22", State: MasterUnusable},
		{Hosts: []string{}, Path: other.Socket, PID: other.PID, State: MasterAlive},
		{Hosts: []string{}, Path: dir + "/dany@gone:22", State: MasterStale},
	}
	slices.SortFunc(want[3:], func(a, b Master) int { return strings.Compare(a.Path, b.Path) })
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Master{}, "Since", "Problem")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, m := range got {
		if age := time.Since(m.Since); age < 0 || age > time.Minute {
			t.Errorf("%s listens for %v", m.Path, age)
		}
		if (m.Problem != "") != (m.State == MasterUnusable) {
			t.Errorf("%s, %s: %q", m.Path, m.State, m.Problem)
		}
	}
	if n := len(asked); n != 2 {
		t.Errorf("%d sockets that are no masters were asked, want the 2 that have the name of one", n)
	}
}

// deaf is some other program's socket: it hangs up on whoever comes.
func deaf(t *testing.T, path string, asked chan<- struct{}) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			asked <- struct{}{}
			c.Close()
		}
	}()
}

// TestHostsWithFoldersOfTheirOwn has a token where the folder is.
func TestHostsWithFoldersOfTheirOwn(t *testing.T) {
	s, dir := sshtest.NewServer(t), corner(t)
	v := sharing(t, s, dir+"/%n/socket", "")
	if err := os.Mkdir(filepath.Join(dir, sshtest.Alias), 0o700); err != nil {
		t.Fatal(err)
	}
	left(t, filepath.Join(dir, sshtest.Alias, "socket"))
	want := []Master{{Hosts: []string{sshtest.Alias}, Path: filepath.Join(dir, sshtest.Alias, "socket"), State: MasterStale}}
	if diff := cmp.Diff(want, v.Masters(t.Context()), cmpopts.IgnoreFields(Master{}, "Since")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestNoHostIsResolvedWhereThereIsNoSocket keeps the list of ten thousand
// hosts quick.
func TestNoHostIsResolvedWhereThereIsNoSocket(t *testing.T) {
	s := sshtest.NewServer(t)
	v := sharing(t, s, corner(t)+"/%C", "")
	if got := v.Masters(t.Context()); len(got) > 0 {
		t.Errorf("found %v", got)
	}
	if v.controls != nil {
		t.Error("the hosts were resolved")
	}
}

func TestMastersAreFollowed(t *testing.T) {
	s := sshtest.StartServer(t)
	dir := filepath.Join(corner(t), "made-later")
	v := sharing(t, s, dir+"/%n", "")
	news := make(chan []Master, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.FollowMasters(ctx, func(all []Master) { news <- all })
	}()
	defer func() { cancel(); <-done }()
	expect := func(what string, want ...Master) {
		t.Helper()
		var got []Master
		for end := time.After(15 * time.Second); ; {
			select {
			case got = <-news:
				if cmp.Equal(want, got, cmpopts.IgnoreFields(Master{}, "Since"), cmpopts.EquateEmpty()) {
					return
				}
			case <-end:
				t.Fatalf("%s: the last news are %v, want %v", what, got, want)
			}
		}
	}
	expect("at first there is none")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, sshtest.Alias)
	m := sshtest.RunMaster(t, path, s.SSH(t, "-M", "-N", sshtest.Alias))
	live := Master{Hosts: []string{sshtest.Alias}, Path: path, PID: m.PID, State: MasterAlive}
	expect("one begins to listen", live)
	if err := RemoveStale(path); err == nil {
		t.Error("the socket of a live master was removed")
	}
	m.Kill()
	stale := live
	stale.PID, stale.State = 0, MasterStale
	expect("it is killed, and its socket stays", stale)
	if err := RemoveStale(path); err != nil {
		t.Error(err)
	}
	expect("its socket is removed")
	m = sshtest.RunMaster(t, path, s.SSH(t, "-M", "-N", sshtest.Alias))
	live.PID = m.PID
	expect("another one listens", live)
	if err := StopMaster(ctx, path, m.PID); err != nil {
		t.Error(err)
	}
	expect("it listens no longer")
	m = sshtest.RunMaster(t, path, s.SSH(t, "-M", "-N", sshtest.Alias))
	live.PID = m.PID
	expect("and a third one", live)
	if err := EndMaster(ctx, path, m.PID+1); err == nil {
		t.Error("another one than was meant has ended")
	}
	if err := EndMaster(ctx, path, m.PID); err != nil {
		t.Error(err)
	}
	expect("it ends")
}

// TestAMasterThatIsKnownIsNotAskedAgain keeps ControlPersist working: each
// question puts off the end of a master.
func TestAMasterThatIsKnownIsNotAskedAgain(t *testing.T) {
	s := sshtest.StartServer(t)
	dir := corner(t)
	v := sharing(t, s, dir+"/%n", "")
	path := filepath.Join(dir, sshtest.Alias)
	m := sshtest.RunMaster(t, path, s.SSH(t, "-M", "-N", sshtest.Alias))
	l := newLookout(v)
	want := l.look(t.Context(), l.folders())
	if len(want) != 1 || want[0].PID != m.PID {
		t.Fatalf("found %v", want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing can be asked any more
	if diff := cmp.Diff(want, l.look(ctx, l.folders())); diff != "" {
		t.Errorf("-first +then\n%s", diff)
	}
}

// TestWhatGaveNoAnswerIsAskedOnceALook has the folder of a socket that is no
// master's change again and again.
func TestWhatGaveNoAnswerIsAskedOnceALook(t *testing.T) {
	s := sshtest.NewServer(t)
	dir := corner(t)
	v := sharing(t, s, dir+"/%n", "Host other")
	asked := make(chan struct{}, 10)
	deaf(t, filepath.Join(dir, sshtest.Alias), asked)
	want := []Master{{Hosts: []string{sshtest.Alias}, Path: filepath.Join(dir, sshtest.Alias), State: MasterUnusable}}
	for looks := 1; looks <= 2; looks++ {
		ctx, cancel := context.WithCancel(t.Context())
		news := 0
		v.FollowMasters(ctx, func(all []Master) {
			if news++; news > 2 {
				cancel()
				return
			}
			other := slices.DeleteFunc(all, func(m Master) bool { return m.State == MasterStale })
			if diff := cmp.Diff(want, other, cmpopts.IgnoreFields(Master{}, "Since", "Problem")); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			left(t, filepath.Join(dir, fmt.Sprintf("left-%d-%d", looks, news)))
		})
		if n := len(asked); n != looks {
			t.Errorf("after %d looks it was asked %d times", looks, n)
		}
	}
}

// TestAMasterThatSaysNothingHoldsUpNobody stops a real one.
func TestAMasterThatSaysNothingHoldsUpNobody(t *testing.T) {
	s := sshtest.StartServer(t)
	m := s.StartMaster(t)
	if err := CheckMaster(t.Context(), m.Socket, m.PID); err != nil {
		t.Fatal(err)
	}
	m.Freeze(t)
	want := fmt.Sprintf("control socket %q: no answer within 2s", m.Socket)
	for name, ask := range map[string]func(context.Context, string, int) error{"check": CheckMaster, "stop": StopMaster, "exit": EndMaster} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := ask(t.Context(), m.Socket, m.PID); err == nil || err.Error() != want {
				t.Errorf("it fails with %v, want %s", err, want)
			}
		})
	}
}

func TestAForwardOfAMasterIsOpenedAndCancelled(t *testing.T) {
	s := sshtest.StartServer(t)
	m := s.StartMaster(t)
	_, spec, err := ReadForward(fmt.Sprintf("%d:127.0.0.1:%d", sshtest.FreePort(t), s.Port))
	if err != nil {
		t.Fatal(err)
	}
	greets := func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", spec.Listen.Port))
		if err != nil {
			return false
		}
		defer conn.Close()
		greeting := make([]byte, len("SSH-2.0"))
		_, err = io.ReadFull(conn, greeting)
		return err == nil && string(greeting) == "SSH-2.0"
	}
	if _, err := ForwardOnMaster(t.Context(), m.Socket, m.PID, spec); err != nil {
		t.Fatal(err)
	}
	if !greets() {
		t.Error("nobody answers through the forward")
	}
	if err := CancelOnMaster(t.Context(), m.Socket, m.PID, spec); err != nil {
		t.Fatal(err)
	}
	sshtest.Eventually(t, "it is closed", func() bool { return !greets() })
	want := fmt.Sprintf("cancelling the %s failed: port not forwarded", MasterForward(spec))
	if err := CancelOnMaster(t.Context(), m.Socket, m.PID, spec); err == nil || err.Error() != want {
		t.Errorf("cancelled twice: %v, want %s", err, want)
	}
}
