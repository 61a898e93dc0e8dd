package config

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"sallyport/internal/sshtest"
)

// inventory are the paths of a configuration with n hosts.
func inventory(t testing.TB, n int) Paths {
	path := sshtest.Inventory(t, n)
	return Paths{User: path, Home: filepath.Dir(path), Explicit: true}
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

// BenchmarkUnknown resolves every host of a configuration that has a keyword in
// each block that this ssh does not know.
func BenchmarkUnknown(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			path := write(b, map[string]string{"config": numbered("Host node%d\n  UseKeychain yes\n", n)}) + "/config"
			c := Load(Paths{User: path, Home: filepath.Dir(path), Explicit: true})
			for b.Loop() {
				for _, name := range c.Names() {
					if _, err := c.Resolve(name, Match{}); err == nil {
						b.Fatal("an unknown keyword is not refused")
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/host")
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
