//go:build linux

package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/api"
	"sallyport/internal/sshtest"
)

// TestABannerIsShownToWhoLogsIn has a real server announce something before
// the login, to ssh and to us.
func TestABannerIsShownToWhoLogsIn(t *testing.T) {
	t.Parallel()
	const announced = "The cluster rests on Monday.\nAsk the help desk."
	file := filepath.Join(t.TempDir(), "issue")
	if err := os.WriteFile(file, []byte(announced+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, level := range []struct{ name, said string }{{"INFO", announced + "\n"}, {"ERROR", ""}} {
		t.Run(level.name, func(t *testing.T) {
			t.Parallel()
			c := newClients(t, sshtest.StartServer(t, "Banner "+file), "LogLevel "+level.name)
			run := func(args ...string) string {
				t.Helper()
				cmd := c.sallyport(args...)
				var said bytes.Buffer
				cmd.Stderr = &said
				if err := cmd.Run(); err != nil {
					t.Fatalf("%q: %v: %s", args, err, &said)
				}
				return said.String()
			}
			for _, row := range []struct {
				what, want string
				args       []string
			}{
				{"the first", level.said, []string{sshtest.Alias, "true"}},
				{"one on the connection of the first", "", []string{sshtest.Alias, "true"}},
				{"one in place of ssh", level.said, []string{"ssh", "-F", c.server.Path("ssh_config"), "-S", "none", sshtest.Alias, "true"}},
			} {
				if got := run(row.args...); got != row.want {
					t.Errorf("%s hears %q, want %q", row.what, got, row.want)
				}
			}
			out := new(bytes.Buffer)
			ssh := c.server.SSH(t, "-o", "LogLevel="+level.name, sshtest.Alias, "true")
			ssh.Stderr = out
			if err := ssh.Run(); err != nil || out.String() != level.said {
				t.Errorf("ssh hears %q (%v), want %q", out, err, level.said)
			}
		})
	}
}

// TestAKeyThatOthersCanReachIsNotPassedOverInSilence logs in with the second of
// two keys, of which the first is not used.
func TestAKeyThatOthersCanReachIsNotPassedOverInSilence(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"INFO", "QUIET"} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			s := sshtest.StartServer(t)
			open := filepath.Join(t.TempDir(), "open")
			copyFile(t, s.Path("id"), open)
			c := newClients(t, s, "LogLevel "+level, "IdentityFile "+open)
			if err := os.Chmod(open, 0o644); err != nil {
				t.Fatal(err)
			}
			want := ""
			if level == "INFO" {
				want = "The key " + open + " was passed over: its mode is 0644, which lets others reach it. chmod 600 " + open + "\n"
			}
			for _, want := range []string{want, ""} { // the second uses the connection of the first
				cmd := c.sallyport(sshtest.Alias, "true")
				var said bytes.Buffer
				cmd.Stderr = &said
				if err := cmd.Run(); err != nil || said.String() != want {
					t.Errorf("it says %q (%v), want %q", &said, err, want)
				}
			}
			process := &api.Client{Socket: filepath.Join(c.runtime(), "sallyport", "daemon.sock")}
			now, err := process.Snapshot(t.Context())
			if err != nil || len(now.Links) != 1 || !strings.HasSuffix(now.Links[0].Notice, "chmod 600 "+open) {
				t.Errorf("the connection that is up is %+v, %v", now.Links, err)
			}
		})
	}
}

// TestAServerIsToldVersionAddendum where the ssh in PATH tells it, since 10.0.
func TestAServerIsToldVersionAddendum(t *testing.T) {
	t.Parallel()
	newer := t.TempDir()
	if err := sshtest.WriteProgram(filepath.Join(newer, "ssh"), "#!/bin/false\x00OpenSSH_10.0p1 Debian-1\x00"); err != nil {
		t.Fatal(err)
	}
	server := sshtest.StartServer(t, "LogLevel DEBUG1")
	c := newClients(t, server)
	for addendum, want := range map[string]string{"research %n": "Sallyport research " + sshtest.Alias, "a\x01b": "Sallyport ab", "none": "Sallyport"} {
		cmd := c.sallyport()
		cmd.Args = []string{c.ours, "ssh", "-F", server.Path("ssh_config"), "-S", "none", "-o", "VersionAddendum=" + addendum, sshtest.Alias, "true"}
		cmd.Env = append(slices.Clone(c.env), "PATH="+newer+":"+os.Getenv("PATH"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%q: %v: %s", addendum, err, out)
		}
		if log := strings.ReplaceAll(server.Log(), "\r", ""); !strings.Contains(log, "remote software version "+want+"\n") {
			t.Errorf("%q is not told as %q", addendum, want)
		}
	}
}

// TestAnExchangeThatAQuantumComputerUndoesIsWarnedOf where the ssh in PATH is
// one that does, by what its bytes say of its release.
func TestAnExchangeThatAQuantumComputerUndoesIsWarnedOf(t *testing.T) {
	t.Parallel()
	newer := t.TempDir()
	if err := sshtest.WriteProgram(filepath.Join(newer, "ssh"), "#!/bin/false\x00OpenSSH_10.6p1 Debian-1\x00"); err != nil {
		t.Fatal(err)
	}
	const warning = "** WARNING: connection is not using a post-quantum key exchange algorithm.\n" +
		"** This session may be vulnerable to \"store now, decrypt later\" attacks.\n" +
		"** The server may need to be upgraded. See https://openssh.com/pq.html\n"
	// It wants two keys, and is told of once.
	server := sshtest.StartServer(t, "KexAlgorithms curve25519-sha256", "AuthenticationMethods publickey,publickey")
	second := filepath.Join(t.TempDir(), "second")
	public := ssh.MarshalAuthorizedKey(sshtest.WriteKey(t, second).PublicKey())
	first, err := os.ReadFile(server.Path("authorized_keys"))
	if err != nil {
		t.Fatal(err)
	}
	server.Write(t, "authorized_keys", string(first)+string(public))
	c := newClients(t, server, "LogLevel INFO", "IdentityFile "+second)
	for _, row := range []struct {
		name, path, want string
		options          []string
	}{
		{"by 10.6", newer + ":", warning, nil},
		{"by 10.6 once it is switched off", newer + ":", "", []string{"-o", "WarnWeakCrypto=no-pq-kex"}},
		{"by 10.6 that is quiet", newer + ":", "", []string{"-q"}},
		{"by 9.2", "", "", nil},
	} {
		cmd := c.sallyport()
		cmd.Args = append([]string{c.ours, "ssh", "-F", server.Path("ssh_config"), "-S", "none"}, append(row.options, sshtest.Alias, "true")...)
		cmd.Env = append(c.env, "PATH="+row.path+os.Getenv("PATH"))
		said := new(bytes.Buffer)
		cmd.Stderr = said
		if err := cmd.Run(); err != nil || said.String() != row.want {
			t.Errorf("%s one hears %q (%v), want %q", row.name, said, err, row.want)
		}
	}
}
