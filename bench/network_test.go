//go:build linux

package bench

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// network is a set of places, each with a network of its own, between any two
// of which a packet takes half of the round trip. The kernel's own delay
// ("tc netem") is not built everywhere, so each place has a TUN device, and a
// relay here holds the packets back.
type network struct {
	places []*place
	delay  time.Duration // one way
}

// place is a network namespace. It ends with its last process and descriptor.
type place struct {
	address string
	space   int      // descriptor of the namespace
	tun     *os.File // packets in and out
	queue   chan packet
}

type packet struct {
	due  time.Time
	data []byte
}

// queued is how many packets are under way to a place: more than the windows
// of TCP hold.
const queued = 1 << 14

// newNetwork makes n places that are a round trip from each other.
func newNetwork(b *testing.B, n int, roundTrip time.Duration) *network {
	b.Helper()
	net := &network{delay: roundTrip / 2}
	for i := range n {
		p := newPlace(b, fmt.Sprintf("10.98.0.%d", i+1))
		net.places = append(net.places, p)
		go p.deliver()
	}
	for _, p := range net.places {
		go net.carry(p)
	}
	return net
}

// carry takes what a place sends, until its device is closed.
func (n *network) carry(from *place) {
	for {
		buf := make([]byte, 2048)
		size, err := from.tun.Read(buf)
		if err != nil {
			return
		}
		if size < 20 || buf[0]>>4 != 4 {
			continue // the kernel looks for IPv6 neighbours by itself
		}
		if to := int(buf[19]) - 1; to >= 0 && to < len(n.places) { // the last byte of the destination
			select {
			case n.places[to].queue <- packet{time.Now().Add(n.delay), buf[:size]}:
			default: // a full line drops
			}
		}
	}
}

// deliver hands a place its packets when they are due, as long as the process
// lives.
func (p *place) deliver() {
	for packet := range p.queue {
		time.Sleep(time.Until(packet.due))
		if _, err := p.tun.Write(packet.data); err != nil && !errors.Is(err, unix.EIO) { // the device is down
			return
		}
	}
}

// newPlace makes a namespace with one device.
func newPlace(b *testing.B, address string) *place {
	b.Helper()
	p := &place{address: address, queue: make(chan packet, queued)}
	home := spaceOfThread(b)
	defer unix.Close(home)
	runtime.LockOSThread() // a namespace is the thread's
	defer runtime.UnlockOSThread()
	must(b, "making a network namespace", unix.Unshare(unix.CLONE_NEWNET))
	defer func() { must(b, "leaving the namespace", unix.Setns(home, unix.CLONE_NEWNET)) }()
	p.space = spaceOfThread(b)
	p.tun = openTUN(b)
	b.Cleanup(func() {
		p.tun.Close()
		unix.Close(p.space)
	})
	ip(b, "link set lo up\nlink set "+device+" up\naddr add "+address+"/24 dev "+device)
	return p
}

// ip gives commands to ip(8), one a line, for the namespace of this thread.
func ip(b *testing.B, commands string) {
	b.Helper()
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(commands + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("ip: %v: %s", err, out)
	}
}

// within runs f, which starts processes, in the place.
func (p *place) within(b *testing.B, f func()) {
	b.Helper()
	if p == nil { // where the test is
		f()
		return
	}
	home := spaceOfThread(b)
	defer unix.Close(home)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	must(b, "entering a namespace", unix.Setns(p.space, unix.CLONE_NEWNET))
	defer func() { must(b, "leaving the namespace", unix.Setns(home, unix.CLONE_NEWNET)) }()
	f()
}

func spaceOfThread(b *testing.B) int {
	b.Helper()
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	must(b, "opening the network namespace", err)
	return fd
}

const device = "line"

// openTUN makes the device in the namespace of this thread (tun(4)).
func openTUN(b *testing.B) *os.File {
	b.Helper()
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	must(b, "opening /dev/net/tun", err)
	request, err := unix.NewIfreq(device)
	must(b, "naming the device", err)
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	must(b, "making the device", unix.IoctlIfreq(fd, unix.TUNSETIFF, request))
	return os.NewFile(uintptr(fd), device)
}

func must(b *testing.B, what string, err error) {
	b.Helper()
	if err != nil {
		b.Fatalf("%s: %v", what, err)
	}
}
