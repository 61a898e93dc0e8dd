//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// sharedConfig has ssh share its connections to both hosts, and us ours.
const sharedConfig = chainConfig + `
Host *
    ControlMaster auto
    ControlPath ~/.ssh/cm-%n
`

// TestTheSessionsPageShowsAndControlsMasters has one of ssh's, to the bastion,
// and one of ours, to the host behind it.
func TestTheSessionsPageShowsAndControlsMasters(t *testing.T) {
	t.Parallel()
	c := newClient(t, sharedConfig)
	theirs := c.pane(t, 120, 34, "ssh", "bastion")
	theirs.wait(`^jump@bastion:~\$`)
	const forward = "8090:" + innerAddr + ":22"
	c.must("ssh", "-O", "forward", "-L", forward, "bastion")

	s := openScreen(t, c)
	s.shell("inner")
	s.wait(innerPrompt)
	s.line("exit")
	s.list()
	s.keys("3")
	pid := s.wait(`◆ bastion +pid (\d+) .*~/\.ssh/cm-bastion`)[1]
	s.wait(`shared with ssh at ~/\.ssh/cm-inner`)
	guest := c.pane(t, 120, 34, "ssh", "inner", "sleep 1000")
	s.wait(`cm-inner: pid \d+ \(session\)`)

	s.keys("G")
	s.wait(`▌◆ bastion`)
	s.keys("v")
	s.wait(`pid ` + pid + ` answers`)
	s.keys("f")
	s.wait(`A forward of the ssh with pid ` + pid)
	s.line(forward)
	s.wait(`is closed`)
	c.eventually("the port is free", func() bool { return !c.listens("8090") })
	s.keys("f")
	s.wait(`A forward of the ssh with pid ` + pid)
	s.text(forward)
	s.keys("Tab", "Tab", "Enter")
	s.wait(`L 8090 → ` + innerAddr + `:22 +opened from here`)
	c.eventually("the port is taken", func() bool { return c.listens("8090") })
	s.keys("f")
	s.wait(`A forward of the ssh with pid ` + pid)
	s.keys("Enter")
	s.waitGone(`opened from here`)
	c.eventually("the port is free again", func() bool { return !c.listens("8090") })

	s.keys("g")
	s.wait(`▌● inner`)
	s.keys("x")
	s.wait(`1 ssh client uses this connection and will end`)
	s.keys("c", "Enter")
	if status := guest.ended(); status != 255 {
		t.Errorf("the session on our connection ended with %d", status)
	}
	s.waitGone(`cm-inner`)

	s.keys("G")
	s.wait(`▌◆ bastion`)
	s.keys("x")
	s.wait(fmt.Sprintf(`The ssh with pid %s ends`, pid))
	s.keys("e", "Enter")
	theirs.ended()
	s.waitGone(`cm-bastion`)
}

// TestAReplacedProcessKeepsTheClientsOfItsConnections has somebody at work on a
// connection of ours while the next process takes over: the session goes on to
// its end, and who comes later is the next one's.
func TestAReplacedProcessKeepsTheClientsOfItsConnections(t *testing.T) {
	t.Parallel()
	c := newClient(t, sharedConfig)
	over := []string{"ssh", "-o", "ControlMaster=no", "-o", "ProxyCommand=false", "inner"}
	listens := func() {
		t.Helper()
		c.must("sallyport", "inner", "true")
		c.eventually("our connection is shared", func() bool { return c.run(append(over, "true")...).Status == 0 })
	}
	listens()
	p := c.pane(t, 120, 34, over...)
	p.wait(innerPrompt)
	before := c.daemonPID()
	c.must("sallyport", "daemon", "restart")
	if now := c.daemonPID(); now == before {
		t.Fatalf("it is still process %d", now)
	}
	p.line(`echo still he"re"`)
	p.wait(`^still here$`)
	listens()
	p.line("exit 7")
	if status := p.ended(); status != 7 {
		t.Errorf("the session ended with %d", status)
	}
	c.eventually("the process that was replaced has ended", func() bool { return !strings.Contains(c.processes("sallyport")+"\n", fmt.Sprintf("%d ", before)) })
	if r := c.run(append(over, "true")...); r.Status != 0 {
		t.Errorf("its end has taken the next one's socket: %s", short(r))
	}
}
