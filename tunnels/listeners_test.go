package tunnels

import (
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sallyport/config"
)

const (
	tcpHead   = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	loopback  = "   0: 0100007F:22B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 70 1 0000000000000000 100 0 0 10 0\n"
	everyone  = "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 71 1 0000000000000000 100 0 0 10 0\n"
	connected = "   2: 0100007F:22B8 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 72 1 0000000000000000 100 0 0 10 0\n"
	loopback6 = "   0: 00000000000000000000000001000000:170C 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 73 1\n"
	anyone6   = "   1: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 74 1\n"
)

func TestListenersAreRead(t *testing.T) {
	for _, test := range []struct {
		name, out string
		want      []Listener
	}{
		{"nothing", "", nil},
		{"own ports come first, connections do not count", "@uid 1000\n@4\n" + tcpHead + everyone + loopback + connected + "@process 42 9 70 =python3\n", []Listener{
			{Address: "127.0.0.1", Port: 8888, Own: true, PID: 42, Program: "python3", Service: "Jupyter"},
			{Address: "0.0.0.0", Port: 22, Service: "SSH"}}},
		{"a port of both families is one", "@uid 1000\n@4\n" + tcpHead + everyone + "@6\n" + tcpHead + anyone6, []Listener{
			{Address: "0.0.0.0", Port: 22, Service: "SSH"}}},
		{"a program's name counts more than its port", "@uid 1000\n@4\n" + loopback + "@process 42 70 =tensorboard\n", []Listener{
			{Address: "127.0.0.1", Port: 8888, Own: true, PID: 42, Program: "tensorboard", Service: "TensorBoard"}}},
		{"an address of IPv6, a display", "@uid 1000\n@6\n" + loopback6, []Listener{
			{Address: "::1", Port: 5900, Own: true, Service: "VNC"}}},
		{"a name with an escape sequence is made harmless", "@uid 1000\n@4\n" + loopback + "@process 42 70 =a\x1b[31m=b\n", []Listener{
			{Address: "127.0.0.1", Port: 8888, Own: true, PID: 42, Program: config.Printable("a\x1b[31m=b"), Service: "Jupyter"}}},
		{"ss, where there is no /proc/net", "@uid 1000\n@ss\n" +
			"LISTEN 0 128 [::]:5432 [::]:*\nLISTEN 0 128 127.0.0.53%lo:53 0.0.0.0:*\n" +
			`LISTEN 0 128 127.0.0.1:8787 0.0.0.0:* users:(("rserver",pid=7,fd=3))` + "\n", []Listener{
			{Address: "127.0.0.1", Port: 8787, Own: true, PID: 7, Program: "rserver", Service: "RStudio"},
			{Address: "127.0.0.53", Port: 53, Service: "DNS"},
			{Address: "::", Port: 5432, Service: "PostgreSQL"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, ParseListeners(test.out)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzListeners(f *testing.F) {
	f.Add("@uid 1000\n@4\n" + tcpHead + loopback + "@6\n" + loopback6 + "@process 42 70 =x\n")
	f.Add("@ss\nLISTEN 0 128 [::]:5432 [::]:* users:((\"a\",pid=1,fd=3))\n")
	f.Fuzz(func(t *testing.T, out string) {
		for _, l := range ParseListeners(out) {
			if l.Port <= 0 || l.Port > 65535 || config.Printable(l.Program) != l.Program || !utf8.ValidString(l.Program) || config.Printable(l.Address) != l.Address {
				t.Errorf("%+v", l)
			}
		}
	})
}
