//go:build unix

package daemon_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"testing"

	"sallyport/api"
	"sallyport/internal/sshtest"
)

// jupyter is the page of the embedded network, as its host sees it.
var jupyter = api.Address{Network: "tcp", Host: "localhost", Port: 8080}

func TestATakenPortIsPassedOver(t *testing.T) {
	h := newHouse(t)
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(sshtest.FreePort(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	got, err := h.ForwardTo(t.Context(), h.target("targaryen"), jupyter, taken)
	if err != nil || got.Spec.Listen.Port <= taken || got.State != api.TunnelUp {
		t.Fatalf("%+v, %v", got, err)
	}
	page(t, got.Spec.Listen.Port)
	now, err := h.Snapshot(t.Context())
	if err != nil || len(now.Tunnels) != 1 {
		t.Errorf("the tunnels are %+v, want the one alone (%v)", now.Tunnels, err)
	}
	again, err := h.ForwardTo(t.Context(), h.target("targaryen"), jupyter, taken)
	if err != nil || again.ID != got.ID {
		t.Errorf("what goes there already is not taken: %+v, %v", again, err)
	}
}

// TestOneServerIsOneTunnel has a server named as Jupyter does and as the list
// of ports does.
func TestOneServerIsOneTunnel(t *testing.T) {
	h := newHouse(t)
	port := sshtest.FreePort(t)
	named, err := h.ForwardTo(t.Context(), h.target("targaryen"), jupyter, port)
	if err != nil {
		t.Fatal(err)
	}
	numbered, err := h.ForwardTo(t.Context(), h.target("targaryen"), api.Address{Network: "tcp", Host: "127.0.0.1", Port: 8080}, port)
	if err != nil || numbered.ID != named.ID {
		t.Errorf("%+v, %v, want the tunnel %+v", numbered, err, named)
	}
	other, err := h.ForwardTo(t.Context(), h.target("targaryen"), api.Address{Network: "tcp", Host: "::1", Port: 8080}, port)
	if err != nil || other.ID == named.ID {
		t.Errorf("what listens on ::1 may be another server: %+v, %v", other, err)
	}
}

func TestAPortOfRootGetsOneThatIsNot(t *testing.T) {
	h := newHouse(t)
	got, err := h.ForwardTo(t.Context(), h.target("targaryen"), api.Address{Network: "tcp", Host: "localhost", Port: 443}, 443)
	if err != nil || got.Spec.Listen.Port < 8443 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestAForwardThatIsGivenUpIsForgotten gives up while a person is asked.
func TestAForwardThatIsGivenUpIsForgotten(t *testing.T) {
	h := newHouse(t)
	ctx, giveUp := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := h.ForwardTo(ctx, h.target("esrf"), jupyter, sshtest.FreePort(t))
		ended <- err
	}()
	h.until("the tunnel waits for an answer", func(s api.Snapshot) bool { return len(s.Tunnels) == 1 && len(s.Questions) > 0 })
	giveUp()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	h.until("the tunnel is off", func(s api.Snapshot) bool {
		return len(s.Tunnels) == 0 || s.Tunnels[0].State == api.TunnelClosed
	})
}
