package transport

import (
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"
)

func TestInformationIsInTheFormOfOpenSSH(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	n := newNetwork(t)
	bastion := n.sshd(t, "bastion", "RekeyLimit 1G", "Ciphers aes128-ctr", "MACs hmac-sha2-256")
	n.sshd(t, "h", "ProxyJump bastion", "Ciphers chacha20-poly1305@openssh.com", "RekeyLimit 1G")
	links := NewLinks(Options{})
	defer links.Close()
	first := `^Connection information for ` + regexp.QuoteMeta(host) + ` pid ` + strconv.Itoa(os.Getpid()) + "\r\n" +
		`  versions Sallyport -> OpenSSH_\S.*` + "\r\n"
	last := "  compression none\r\n" +
		"  rekey limit blocks %s interval none\r\n" +
		`  traffic \d+\.\dKB in, \d+\.\dKB out` + "\r\n$"
	for _, row := range []struct{ host, middle, blocks string }{
		{"bastion", `  tcp 127\.0\.0\.1:\d+ -> 127\.0\.0\.1:` + strconv.Itoa(bastion.Port) + "\r\n" +
			"  duration 00:00:\\d\\d\r\n  kexalgorithm \\S+\r\n  hostkeyalgorithm ssh-ed25519\r\n  cipher aes128-ctr\r\n  mac hmac-sha2-256\r\n", "67108864"},
		{"h", "  duration 00:00:\\d\\d\r\n  kexalgorithm \\S+\r\n  hostkeyalgorithm ssh-ed25519\r\n  cipher chacha20-poly1305@openssh\\.com\r\n  mac <implicit>\r\n", "134217728"},
	} {
		conn, err := links.Get(plan(t, n.load(t), row.host), Env(os.Environ())).Conn(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		want := first + row.middle + regexp.MustCompile("%s").ReplaceAllString(last, row.blocks)
		if got := conn.Information(t.Context()); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("of %s it says %q, want %q", row.host, got, want)
		}
	}
}

func TestTimesAndSizesAreWrittenAsOpenSSHDoes(t *testing.T) {
	for _, row := range []struct {
		d    time.Duration
		want string
	}{
		{1999 * time.Millisecond, "00:00:01"},
		{23*time.Hour + 59*time.Minute + 58*time.Second, "23:59:58"},
		{49*time.Hour + 7*time.Minute, "2d01h07m"},
		{15*24*time.Hour + 3*time.Hour, "02w1d03h"},
	} {
		if got := timeframe(row.d); got != row.want {
			t.Errorf("%v is %q, want %q", row.d, got, row.want)
		}
	}
	for n, want := range map[int64]string{0: "0", 1023: "1023", 1024: "1.0K", 3800: "3.7K", 150 << 10: "150K", 5 << 30: "5.0G"} {
		if got := scaled(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
