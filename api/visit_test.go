//go:build linux

package api

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"sallyport/config"
	"sallyport/internal/sshtest"
	"sallyport/transport"
)

// attended is what a visit has told so far.
type attended struct {
	mu    sync.Mutex // guards what follows
	found []transport.Finding
	steps []string
	over  bool
}

func (a *attended) take(n VisitNews) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case n.Finding != nil:
		a.found = append(a.found, *n.Finding)
	case n.Over:
		a.over = true
	default:
		a.steps = append(a.steps, n.Step)
	}
}

func (a *attended) isOver() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.over
}

// attend begins a visit to a server. leave ends it.
func attend(t *testing.T, s *sshtest.Server) (v *Visit, told *attended, leave func()) {
	t.Helper()
	home := s.Path("")
	p := transport.Patient{
		Config: config.Load(config.Paths{User: s.Path("ssh_config"), Home: home, Explicit: true}), Host: sshtest.Alias,
		Env: transport.Env{"HOME=" + home, "PATH=" + os.Getenv("PATH")},
	}
	v, told = NewVisit(p, "1.0"), &attended{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); v.Attend(ctx, told.take) }()
	leave = func() { cancel(); <-ended }
	t.Cleanup(leave)
	sshtest.Eventually(t, "all is told", told.isOver)
	return v, told, leave
}

func TestAVisitTellsItsStepsAndStaysUntilItIsLeft(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	v, told, leave := attend(t, s)
	if !slices.ContainsFunc(told.steps, func(step string) bool { return strings.HasPrefix(step, "Authenticated to ") }) {
		t.Errorf("its steps are %q", told.steps)
	}
	if !slices.ContainsFunc(told.found, func(f transport.Finding) bool { return f.Check == "session" && f.Outcome == transport.Healthy }) {
		t.Errorf("it has found %v", told.found)
	}
	if len(s.Sessions()) == 0 {
		t.Error("the connection has ended, and with it the repairs of the far side")
	}
	report, err := v.Report(t.Context())
	if err != nil || !strings.Contains(report, "Authenticated to ") {
		t.Errorf("the report is %q, %v", report, err)
	}
	leave()
	sshtest.Eventually(t, "the connection ends", func() bool { return len(s.Sessions()) == 0 })
}

func TestWhatAVisitHasFoundCanBeMendedWhileItLasts(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	if err := os.Chmod(s.Path("id"), 0o644); err != nil {
		t.Fatal(err)
	}
	v, told, _ := attend(t, s)
	i := slices.IndexFunc(told.found, func(f transport.Finding) bool { return f.Check == "key-file" && f.Ours })
	if i < 0 {
		t.Fatalf("it has found %v", told.found)
	}
	if err := v.Mend(t.Context(), told.found[i]); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(s.Path("id")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
}
