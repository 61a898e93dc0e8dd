//go:build unix

package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/api"
	"sallyport/config"
	"sallyport/daemon"
	"sallyport/demo"
	"sallyport/internal/sshtest"
)

// house is a background process in this one, on the embedded network.
type house struct {
	*api.Client
	t       *testing.T
	dirs    daemon.Dirs
	network *demo.Network
	asked   chan bool // for all processors
	stop    func() error
}

// westeros is one embedded network for all tests of the package.
var westeros = sync.OnceValues(func() (*demo.Network, error) { return demo.Start(context.Background()) })

func TestMain(m *testing.M) {
	status := m.Run()
	if network, err := westeros(); err == nil {
		network.Close()
	}
	os.Exit(status)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	network, err := westeros()
	if err != nil {
		t.Fatal(err)
	}
	short, err := os.MkdirTemp("", "sp") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	h := &house{
		t:       t,
		network: network,
		asked:   make(chan bool, 1),
		dirs:    daemon.Dirs{Runtime: filepath.Join(short, "run"), State: filepath.Join(short, "state")},
	}
	h.Client = &api.Client{Socket: h.dirs.Socket()}
	h.start()
	t.Cleanup(func() { h.stop() })
	return h
}

// start runs the process until h.stop.
func (h *house) start() {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, daemon.Options{Dirs: h.dirs, Version: "test", Log: slog.New(slog.DiscardHandler), Processors: h.processors})
	}()
	h.stop = func() error {
		cancel()
		err := <-ended
		ended <- err // for a second stop
		return err
	}
	h.until("the process answers", func(s api.Snapshot) bool { return s.Daemon.PID != 0 })
}

// processors is daemon.Options.Processors. What nobody takes is forgotten.
func (h *house) processors(all bool) {
	select {
	case h.asked <- all:
	default:
	}
}

func (h *house) target(host string) api.Target {
	return api.Target{Host: host, Config: h.network.Config(), Explicit: true}
}

// until waits until the events have brought the snapshot to where is holds.
func (h *house) until(what string, is func(api.Snapshot) bool) api.Snapshot {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	var now api.Snapshot
	reached := false
	h.Follow(ctx, func(e api.Event) {
		now.Apply(e)
		if is(now) {
			reached = true
			cancel()
		}
	})
	if !reached {
		h.t.Fatalf("waited in vain until %s; the state is %+v", what, now)
	}
	return now
}

// run runs a command to its end.
func (h *house) run(host, command, stdin string) (exit api.Exit, stdout, stderr string, err error) {
	h.t.Helper()
	t, err := h.StartSession(h.t.Context(), api.SessionRequest{Target: h.target(host), Spec: api.SessionSpec{Command: command}})
	if err != nil {
		return exit, "", "", err
	}
	defer t.Close()
	if err := t.Ready(h.t.Context()); err != nil {
		return exit, "", "", err
	}
	var out, errs bytes.Buffer
	exit, err = t.Attach(h.t.Context(), strings.NewReader(stdin), &out, &errs)
	return exit, out.String(), errs.String(), err
}

func TestCommandsRunBehindTheBastionOverOneLogin(t *testing.T) {
	h := newHouse(t)
	if _, _, _, err := h.run("targaryen", "true", ""); err != nil {
		t.Fatal(err)
	}
	first := h.until("both hops are up", bothUp)
	for name, row := range map[string]struct {
		command, stdin string
		status         int
		stdout, stderr string
	}{
		"output":                {"echo winter is coming", "", 0, "winter is coming\n", ""},
		"a status of its own":   {"exit 7", "", 7, "", ""},
		"input to its end":      {"cat", "8-bit \xff\x00 input", 0, "8-bit \xff\x00 input", ""},
		"what is not a command": {"valyria", "", 127, "", "sh: valyria: command not found\n"},
	} {
		t.Run(name, func(t *testing.T) {
			exit, out, errs, err := h.run("targaryen", row.command, row.stdin)
			if err != nil || exit.Status != row.status || exit.Failure != nil || out != row.stdout || errs != row.stderr {
				t.Errorf("%q: status %d, %v, %v; output %q, errors %q", row.command, exit.Status, exit.Failure, err, out, errs)
			}
		})
	}
	s := h.until("the sessions are gone", func(s api.Snapshot) bool { return len(s.Sessions) == 0 })
	for i, l := range s.Links {
		if !bothUp(s) || l.ID != first.Links[i].ID || !l.Since.Equal(first.Links[i].Since) {
			t.Errorf("the links are %+v, want still those of the first command, %+v", s.Links, first.Links)
		}
	}
}

func TestASessionThatNamesItsLinkRunsOnThatAlone(t *testing.T) {
	h := newHouse(t)
	on := func(host, link string) error {
		term, err := h.StartSession(t.Context(), api.SessionRequest{Target: h.target(host), Spec: api.SessionSpec{Command: "true"}, Link: link})
		if err != nil {
			return err
		}
		defer term.Close()
		return term.Ready(t.Context())
	}
	refused := func(err error) bool { return err != nil && api.AsError(err).Code == api.CodeNotFound }
	if err := on("targaryen", "0123456789abcdef"); !refused(err) {
		t.Errorf("a link that is not there gives %v, want not-found", err)
	}
	if s := h.until("the state is known", func(api.Snapshot) bool { return true }); len(s.Links) > 0 {
		t.Errorf("it was dialled: %+v", s.Links)
	}
	if _, _, _, err := h.run("targaryen", "true", ""); err != nil {
		t.Fatal(err)
	}
	s := h.until("both hops are up", bothUp)
	for _, l := range s.Links {
		err := on("targaryen", l.ID)
		if right := l.Host == "targaryen"; right && err != nil || !right && !refused(err) {
			t.Errorf("on the link to %s: %v", l.Host, err)
		}
	}
}

func TestASignalReachesWhatRuns(t *testing.T) {
	h := newHouse(t)
	term, err := h.StartSession(t.Context(), api.SessionRequest{Target: h.target("targaryen"), Spec: api.SessionSpec{Command: "cat"}})
	if err != nil {
		t.Fatal(err)
	}
	defer term.Close()
	if err := term.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := term.Signal("TERM"); err != nil {
		t.Fatal(err)
	}
	stdin, keyboard := io.Pipe()
	defer keyboard.Close()
	exit, err := term.Attach(t.Context(), stdin, io.Discard, io.Discard)
	if want := (api.Exit{Status: 255, Signal: "TERM"}); err != nil || exit != want {
		t.Errorf("it ended with %+v, %v, want %+v", exit, err, want)
	}
}

// TestASessionIsEndedFromElsewhere has a client end what another one sees.
func TestASessionIsEndedFromElsewhere(t *testing.T) {
	h := newHouse(t)
	ended := make(chan api.Exit, 1)
	go func() {
		exit, _, _, err := h.run("targaryen", "sleep 1000", "")
		if err != nil {
			t.Error(err)
		}
		ended <- exit
	}()
	s := h.until("the command runs", func(s api.Snapshot) bool {
		return len(s.Sessions) == 1 && s.Sessions[0].State == api.SessionRunning
	})
	if err := h.EndSession(t.Context(), s.Sessions[0].ID); err != nil {
		t.Fatal(err)
	}
	if exit := <-ended; exit.Status != 255 {
		t.Errorf("its viewer saw %+v", exit)
	}
	h.until("it is listed no more", func(s api.Snapshot) bool { return len(s.Sessions) == 0 })
	sshtest.Eventually(t, "ending it again finds none", func() bool {
		var none *api.Error
		return errors.As(h.EndSession(t.Context(), s.Sessions[0].ID), &none) && none.Code == api.CodeNotFound
	})
}

// bothUp tells that two links are up and no other one exists.
func bothUp(s api.Snapshot) bool {
	return len(s.Links) == 2 && s.Links[0].State == api.LinkUp && s.Links[1].State == api.LinkUp
}

func TestAQuestionIsAnsweredByWhoeverWatches(t *testing.T) {
	for name, row := range map[string]struct {
		password string
		cancel   bool
		status   int
		code     string
	}{
		"the right password opens": {password: "dracarys"},
		"nobody wants to answer":   {cancel: true, code: "cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			term, err := h.StartSession(t.Context(), api.SessionRequest{Target: h.target("esrf"), Spec: api.SessionSpec{Command: "exit 0"}})
			if err != nil {
				t.Fatal(err)
			}
			defer term.Close()
			s := h.until("a password is asked", func(s api.Snapshot) bool { return len(s.Questions) > 0 })
			q := s.Questions[0]
			if q.Kind != api.AskPassword || q.Host != "esrf" || q.Link != term.Links()[0] {
				t.Errorf("asked was %+v", q)
			}
			if row.cancel {
				err = h.Cancel(t.Context(), q.ID)
			} else {
				err = h.Answer(t.Context(), q.ID, api.Answer{Texts: [][]byte{[]byte(row.password)}})
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := h.Answer(t.Context(), q.ID, api.Answer{}); err == nil || api.AsError(err).Code != api.CodeNotFound {
				t.Errorf("a second answer gives %v, want not-found", err)
			}
			err = term.Ready(t.Context())
			if row.code == "" && err != nil || row.code != "" && (err == nil || api.AsError(err).Code != row.code) {
				t.Errorf("Ready = %v, want code %q", err, row.code)
			}
		})
	}
}

// TestACommandThatIsGivenUpAtAQuestionDoesNotRun: whoever answers later, it has
// gone.
func TestACommandThatIsGivenUpAtAQuestionDoesNotRun(t *testing.T) {
	h := newHouse(t)
	term, err := h.StartSession(t.Context(), api.SessionRequest{Target: h.target("esrf"), Spec: api.SessionSpec{Command: "exit 0"}})
	if err != nil {
		t.Fatal(err)
	}
	h.until("a password is asked", func(s api.Snapshot) bool { return len(s.Questions) > 0 })
	term.Close()
	h.until("nobody is asked, and nothing waits to run", func(s api.Snapshot) bool {
		return len(s.Questions) == 0 && len(s.Sessions) == 0
	})
}

// TestAProcessThatWasSucceededIsNotWaitedFor: its lock is the next one's.
func TestAProcessThatWasSucceededIsNotWaitedFor(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := daemon.Stopped(ctx, h.dirs, func() bool { return h.Succeeded(ctx, api.DaemonStatus{}) }); err != nil {
		t.Error(err)
	}
}

// TestWhoTurnsBackAtTheDoorEndsNoShell: "sallyport attach" that fails before it shows
// anything leaves the shell as it was.
func TestWhoTurnsBackAtTheDoorEndsNoShell(t *testing.T) {
	h := newHouse(t)
	term, err := h.StartSession(t.Context(), api.SessionRequest{
		Target: h.target("targaryen"), Spec: api.SessionSpec{PTY: true, Term: "xterm"}, TTY: "force", Keep: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := term.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys, typing := io.Pipe()
	defer typing.Close()
	left := make(chan error, 1)
	go func() {
		_, err := term.Attach(t.Context(), keys, io.Discard, io.Discard)
		left <- err
	}()
	term.Detach()
	if err := <-left; !errors.Is(err, api.ErrDetached) {
		t.Fatalf("leaving it gives %v", err)
	}
	nobodyLooks := func(s api.Snapshot) bool { return len(s.Sessions) == 0 || len(s.Sessions[0].Viewers) == 0 }
	s := h.until("nobody looks at it", nobodyLooks)
	view, err := h.View(t.Context(), s.Sessions[0], api.SessionView{})
	if err != nil {
		t.Fatal(err)
	}
	if err := view.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	view.Close()
	s = h.until("nobody looks at it", nobodyLooks)
	if len(s.Sessions) != 1 || !s.Sessions[0].Left() {
		t.Errorf("after that the sessions are %+v", s.Sessions)
	}
}

func TestATunnelOutlivesTheProcessThatHeldIt(t *testing.T) {
	h := newHouse(t)
	inv := api.ReadInventory(config.Paths{User: h.network.Config(), Home: h.network.Dir(), Explicit: true})
	forward := inv.Detail("got-bastion").Forwards[0]
	spec := forward.Spec
	spec.Listen.Port = sshtest.FreePort(t)
	up := api.TunnelRequest{Target: h.target("got-bastion"), Spec: spec, Up: true}
	if _, err := h.SetTunnel(t.Context(), up); err != nil {
		t.Fatal(err)
	}
	isUp := func(s api.Snapshot) bool { return len(s.Tunnels) == 1 && s.Tunnels[0].State == api.TunnelUp }
	h.until("the tunnel is up", isUp)
	page(t, spec.Listen.Port)
	if s, err := h.Snapshot(t.Context()); err != nil || s.Tunnels[0].Total == 0 || s.Tunnels[0].Received == 0 {
		t.Errorf("the counters are %+v, %v", s.Tunnels, err)
	}

	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	if !h.dirs.Wants() {
		t.Error("the tunnel is not on record")
	}
	h.start()
	h.until("the tunnel is up again", isUp)
	page(t, spec.Listen.Port)

	up.Up = false
	if _, err := h.SetTunnel(t.Context(), up); err != nil {
		t.Fatal(err)
	}
	h.until("the tunnel is gone", func(s api.Snapshot) bool { return len(s.Tunnels) == 0 })
	if h.dirs.Wants() {
		t.Error("the tunnel is still on record")
	}
	if _, err := h.SetTunnel(t.Context(), up); err == nil || api.AsError(err).Code != api.CodeNotFound {
		t.Errorf("closing it again gives %v, want not-found", err)
	}
}

// TestATunnelForThisOnceDoesNotComeBack has two wishes changed while the
// tunnels are open.
func TestATunnelForThisOnceDoesNotComeBack(t *testing.T) {
	h := newHouse(t)
	request := func(port int) api.TunnelRequest {
		spec := api.TunnelSpec{Kind: api.LocalForward, Listen: api.Address{Network: "tcp", Port: port}, Connect: api.Address{Network: "tcp", Host: "targaryen", Port: 8080}}
		return api.TunnelRequest{Target: h.target("got-bastion"), Spec: spec, Up: true}
	}
	stays, goes := request(sshtest.FreePort(t)), request(sshtest.FreePort(t))
	stays.Once = true
	set := func(r api.TunnelRequest) {
		t.Helper()
		if s, err := h.SetTunnel(t.Context(), r); err != nil || s.Once != r.Once {
			t.Fatalf("the tunnel is %+v, %v", s, err)
		}
	}
	set(stays)
	set(goes)
	stays.Once, goes.Once = false, true
	set(stays)
	set(goes)
	h.until("the wishes are told", func(s api.Snapshot) bool {
		return len(s.Tunnels) == 2 && !s.Tunnels[0].Once && s.Tunnels[1].Once && s.Tunnels[1].State == api.TunnelUp
	})
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	h.start()
	now := h.until("one is back", func(s api.Snapshot) bool { return len(s.Tunnels) > 0 && s.Tunnels[0].State == api.TunnelUp })
	if len(now.Tunnels) != 1 || now.Tunnels[0].Spec != stays.Spec {
		t.Errorf("what came back is %+v", now.Tunnels)
	}
}

func TestASecondProcessIsRefused(t *testing.T) {
	h := newHouse(t)
	err := daemon.Run(t.Context(), daemon.Options{Dirs: h.dirs, Log: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, daemon.ErrRunning) {
		t.Errorf("Run = %v, want ErrRunning", err)
	}
}

func TestRequestsThatAreNoneAreRefused(t *testing.T) {
	h := newHouse(t)
	if _, err := h.SetTunnel(t.Context(), api.TunnelRequest{Up: true}); err == nil || api.AsError(err).Code != api.CodeBadRequest {
		t.Errorf("a tunnel to nowhere gives %v", err)
	}
	for name, spec := range map[string]api.TunnelSpec{
		"no kind":          {},
		"an unknown kind":  {Kind: "X", Listen: api.Address{Network: "tcp", Port: 9000}},
		"no network":       {Kind: api.DynamicForward, Listen: api.Address{Port: 9000}},
		"no target":        {Kind: api.LocalForward, Listen: api.Address{Network: "tcp", Port: 9000}},
		"a port of chance": {Kind: api.DynamicForward, Listen: api.Address{Network: "tcp"}},
	} {
		_, err := h.SetTunnel(t.Context(), api.TunnelRequest{Target: h.target("targaryen"), Spec: spec, Up: true})
		if err == nil || api.AsError(err).Code != api.CodeBadRequest || h.dirs.Wants() {
			t.Errorf("a tunnel of %s gives %v; on record: %v", name, err, h.dirs.Wants())
		}
	}
	nowhere := h.target("targaryen")
	nowhere.Config = filepath.Join(t.TempDir(), "none")
	if _, err := h.Open(t.Context(), nowhere); err == nil || api.AsError(err).Code != api.CodeConfig {
		t.Errorf("a configuration that is not there gives %v", err)
	}
	if err := h.CloseLink(t.Context(), "nothing"); err == nil || api.AsError(err).Code != api.CodeNotFound {
		t.Errorf("closing nothing gives %v", err)
	}
}

func TestStopEndsTheProcess(t *testing.T) {
	h := newHouse(t)
	if _, err := h.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := daemon.Stopped(t.Context(), h.dirs, func() bool { return false }); err != nil {
		t.Fatal(err)
	}
	if s, err := h.Snapshot(t.Context()); err != nil || s.Daemon.PID != 0 {
		t.Errorf("afterwards there is %+v, %v", s.Daemon, err)
	}
}

// page reads the demo's page through a port.
func page(t *testing.T, port int) {
	t.Helper()
	resp, err := http.Get("http://localhost:" + strconv.Itoa(port) + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(text, []byte("<html")) {
		t.Fatalf("the page is %s, %v:\n%.300s", resp.Status, err, text)
	}
	http.DefaultClient.CloseIdleConnections()
}
