package sshtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Inventory writes n hosts into ten included files below a configuration, as a
// site with many machines has them, each with two aliases: "node00000" and
// "n0". It returns the path of the configuration; ~ is its directory.
func Inventory(t testing.TB, n int) (path string) {
	t.Helper()
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var config strings.Builder
	for i := range 10 {
		name := fmt.Sprintf("hosts%d", i)
		fmt.Fprintf(&config, "Include %s/%s\n", dir, name)
		var b strings.Builder
		for j := i * n / 10; j < (i+1)*n/10; j++ {
			fmt.Fprintf(&b, "# Tags: rack%d\nHost node%05d n%d\n  HostName node%05d.cluster.example.org\n  User user%d\n  Port 22\n  IdentityFile ~/.ssh/id_%d\n  ProxyJump bastion%d\n\n", j%7, j, j, j, j%5, j%3, j%2)
		}
		put(name, b.String())
	}
	config.WriteString("Host bastion*\n  User gate\nHost *.example.org node0* !node00001\n  ForwardAgent no\nMatch host *.cluster.example.org user user1\n  Compression yes\nHost *\n  ServerAliveInterval 30\n")
	put("config", config.String())
	return filepath.Join(dir, "config")
}
