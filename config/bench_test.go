package config

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

// inventory writes n hosts into ten included files below a config, as a site
// with many machines has them.
func inventory(t testing.TB, n int) Paths {
	files := map[string]string{}
	var config strings.Builder
	for i := range 10 {
		name := fmt.Sprintf("hosts%d", i)
		fmt.Fprintf(&config, "Include DIR/%s\n", name)
		var b strings.Builder
		for j := i * n / 10; j < (i+1)*n/10; j++ {
			fmt.Fprintf(&b, "# Tags: rack%d\nHost node%05d n%d\n  HostName node%05d.cluster.example.org\n  User user%d\n  Port 22\n  IdentityFile ~/.ssh/id_%d\n  ProxyJump bastion%d\n\n", j%7, j, j, j, j%5, j%3, j%2)
		}
		files[name] = b.String()
	}
	config.WriteString("Host bastion*\n  User gate\nHost *.example.org node0* !node00001\n  ForwardAgent no\nMatch host *.cluster.example.org user user1\n  Compression yes\nHost *\n  ServerAliveInterval 30\n")
	files["config"] = config.String()
	dir := t.TempDir()
	for name, text := range files {
		files[name] = strings.ReplaceAll(text, "DIR", dir)
	}
	writeIn(t, dir, files)
	return Paths{User: dir + "/config", Home: dir, Explicit: true}
}

var sizes = []int{10, 1000, 10_000, 50_000}

func BenchmarkLoadAndList(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			paths := inventory(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if got := len(Load(paths).Hosts()); got != 2*n {
					b.Fatalf("%d hosts, want %d", got, 2*n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/host")
		})
	}
}

func BenchmarkResolve(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := Load(inventory(b, n))
			name := fmt.Sprintf("node%05d", n/2)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Resolve(name, Match{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSSH is what a single host costs the real ssh.
func BenchmarkSSH(b *testing.B) {
	ssh := sshtest.Program(b, "ssh")
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			paths := inventory(b, n)
			for b.Loop() {
				if err := exec.Command(ssh, "-F", paths.User, "-G", "--", fmt.Sprintf("node%05d", n/2)).Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLines(b *testing.B) {
	c := Load(inventory(b, 1000))
	h, _ := c.Resolve("node00500", Match{})
	b.ReportAllocs()
	for b.Loop() {
		_ = h.Lines()
	}
}

func BenchmarkPrintable(b *testing.B) {
	for name, s := range map[string]string{"plain": "targaryen.example.org", "words": "Ærøskøbing ✓", "hostile": "\x1b[31m[red]\u202e"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = Printable(s)
			}
		})
	}
}

func TestAHostTakesLessThanAKilobyte(t *testing.T) {
	const n = 10_000
	paths := inventory(t, n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c := Load(paths)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (after.HeapAlloc - before.HeapAlloc) / n; each > 1024 {
		t.Errorf("a host takes %d bytes", each)
	} else {
		t.Logf("a host takes %d bytes", each)
	}
	runtime.KeepAlive(c)
}

// BenchmarkEdit changes one host and proves that no other one changes.
func BenchmarkEdit(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := Load(inventory(b, n))
			host := fmt.Sprintf("n%d", n/2)
			for b.Loop() {
				if _, err := c.Edit(SetOption{host, "User", "eve"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
