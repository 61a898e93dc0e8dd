package config

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAConfigurationIsCarriedToAnotherHome(t *testing.T) {
	for _, row := range []struct{ name, text, want, told string }{
		{"a path of a key", "IdentityFile /home/jon/.ssh/id\n", "IdentityFile ~/.ssh/id\n", "1 IdentityFile /home/jon/.ssh/id > ~/.ssh/id"},
		{"odd spacing, quotes and an end of DOS", "\t identityfile=\"/home/jon/my keys/id\"  \r\n", "\t identityfile=\"~/my keys/id\"  \r\n", "1 identityfile /home/jon/my keys/id > ~/my keys/id"},
		{"single quotes, and no newline", "CertificateFile '/home/jon/c'", "CertificateFile '~/c'", "1 CertificateFile /home/jon/c > ~/c"},
		{"several in a line", "UserKnownHostsFile /home/jon/.ssh/a /etc/b /home/jon//c # mine\n", "UserKnownHostsFile ~/.ssh/a /etc/b ~/c # mine\n",
			"1 UserKnownHostsFile /home/jon/.ssh/a > ~/.ssh/a; 1 UserKnownHostsFile /home/jon//c > ~/c"},
		{"includes, sockets and tokens", "Include /home/jon/.ssh/d/*\nControlPath /home/jon/.ssh/%C\nIdentityAgent /home/jon/a\n", "Include ~/.ssh/d/*\nControlPath ~/.ssh/%C\nIdentityAgent ~/a\n",
			"1 Include /home/jon/.ssh/d/* > ~/.ssh/d/*; 2 ControlPath /home/jon/.ssh/%C > ~/.ssh/%C; 3 IdentityAgent /home/jon/a > ~/a"},
		{"what ssh does not expand", "ProxyCommand /home/jon/bin/x %h\nLocalForward 80 /home/jon/s\nMatch exec \"/home/jon/bin/y\"\n", "ProxyCommand /home/jon/bin/x %h\nLocalForward 80 /home/jon/s\nMatch exec \"/home/jon/bin/y\"\n",
			"1 ProxyCommand /home/jon >; 2 LocalForward /home/jon >; 3 Match /home/jon >"},
		{"a path that is written with backslashes", "IdentityFile \\\"/home/jon/id\n", "IdentityFile \\\"/home/jon/id\n", "1 IdentityFile /home/jon >"},
		{"other homes, comments and names", "# /home/jon/x\nHost jon\nIdentityFile /home/jonas/id\nIdentityFile ~/.ssh/id\nUser jon\n", "# /home/jon/x\nHost jon\nIdentityFile /home/jonas/id\nIdentityFile ~/.ssh/id\nUser jon\n", ""},
		{"what is no text", "IdentityFile /home/jon/\xff\x00/home/jon/x\n", "IdentityFile ~/\xff\x00/home/jon/x\n", "1 IdentityFile /home/jon/\xff > ~/\xff; 1 IdentityFile /home/jon >"},
	} {
		got, lines := Carry("config", []byte(row.text), "/home/jon/")
		var told []string
		for _, l := range lines {
			told = append(told, strings.TrimSpace(strings.TrimPrefix(l.Origin.String(), "config:")+" "+l.Keyword+" "+l.Path+" > "+l.Now))
		}
		if diff := cmp.Diff([]string{row.want, row.told}, []string{string(got), strings.Join(told, "; ")}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

// TestWhatIsCarriedMeansTheSame compares what both texts are resolved to here.
func TestWhatIsCarriedMeansTheSame(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its paths are others")
	}
	home := t.TempDir()
	text := strings.ReplaceAll("Host a\nIdentityFile HOME/.ssh/id\nCertificateFile 'HOME/c d'\nUserKnownHostsFile HOME/k HOME/l\nControlPath HOME/%C\nIdentityAgent HOME/agent\n", "HOME", home)
	dump := func(text string) string {
		t.Helper()
		file := filepath.Join(write(t, map[string]string{"config": text}), "config")
		h, err := Load(Paths{User: file, Home: home, Explicit: true}).Resolve("a", Match{})
		if err != nil {
			t.Fatal(err)
		}
		files, _ := h.IdentityFiles()
		return strings.Join(append(files, append(h.CertificateFiles(), h.Get("UserKnownHostsFile"), h.Get("ControlPath"), h.Get("IdentityAgent"))...), "\n")
	}
	carried, lines := Carry("config", []byte(text), home)
	if strings.Contains(string(carried), home) || len(lines) != 6 {
		t.Fatalf("it becomes %s with %v", carried, lines)
	}
	if diff := cmp.Diff(dump(text), dump(string(carried))); diff != "" {
		t.Errorf("it means something else (-before +after):\n%s", diff)
	}
}

func FuzzCarry(f *testing.F) {
	f.Add("IdentityFile /home/jon/.ssh/id\n", "/home/jon")
	f.Add("Include \"/home/jon/x\" '/home/jon/y' # /home/jon/z\r\n", "/home/jon/")
	f.Add("UserKnownHostsFile=\"/home/jon\x00", "/")
	f.Fuzz(func(t *testing.T, text, home string) {
		carried, lines := Carry("f", []byte(text), home)
		if strings.Count(string(carried), "\n") != strings.Count(text, "\n") {
			t.Errorf("%q becomes %q", text, carried)
		}
		if len(lines) == 0 && string(carried) != text {
			t.Errorf("%q became %q, and nothing is told", text, carried)
		}
	})
}

func TestPathsOfAnotherMachineAreFound(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its paths are others")
	}
	text := "Include more\nHost a\nIdentityFile /proc/nowhere/jon/.ssh/id\nProxyCommand nc -X /proc/nowhere/x %h\nControlPath /proc/nowhere/%C\nUserKnownHostsFile " + t.TempDir() + "/new\n# /proc/nowhere/y\n"
	var got []string
	for _, l := range Strange("config", []byte(text)) {
		got = append(got, l.Origin.String()+" "+l.Keyword+" "+l.Path)
	}
	if diff := cmp.Diff([]string{"config:3 IdentityFile /proc/nowhere/jon/.ssh/id", "config:4 ProxyCommand /proc/nowhere/x"}, got); diff != "" {
		t.Errorf("it finds (-want +got):\n%s", diff)
	}
}
