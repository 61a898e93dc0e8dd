//go:build linux

package cli

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

// getopt is the string of main in ssh.c, OpenSSH 10.6.
const getopt = "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:P:Q:R:S:TVw:W:XYyZ"

func TestEveryFlagOfSSHIsSomebodys(t *testing.T) {
	var ours strings.Builder
	for i := range len(getopt) {
		if getopt[i] == ':' {
			continue
		}
		f, known := flagNamed(getopt[i])
		if !known {
			t.Errorf("-%c is nobody's", getopt[i])
			continue
		}
		ours.WriteByte(f.letter)
		if f.argument {
			ours.WriteByte(':')
		}
		if f.way != natively && f.way != viaRealSSH && f.way != notAtAll {
			t.Errorf("-%c is %q", f.letter, f.way)
		}
	}
	if ours.String() != getopt {
		t.Errorf("the flags are\n%s, ssh's are\n%s", ours.String(), getopt)
	}
	if n := len(strings.ReplaceAll(getopt, ":", "")); len(sshOptions) != n {
		t.Errorf("there are %d flags, ssh has %d", len(sshOptions), n)
	}
}

// TestFlagsOfTheRealSSHAreHandedOver has each flag that is said to be the
// real ssh's run by a program of that name.
func TestFlagsOfTheRealSSHAreHandedOver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	arguments := map[byte]string{'I': "/lib.so", 'w': "0"}
	fake := `mkdir bin; printf '#!/bin/sh\necho handed over: "$@"\n' >bin/ssh; chmod +x bin/ssh; `
	for _, f := range sshOptions {
		if f.way != viaRealSSH {
			continue
		}
		line := "-" + string(f.letter) + " " + arguments[f.letter]
		if f.letter == 'M' {
			line += " -S /s"
		}
		line = strings.Join(strings.Fields(line), " ")
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			got := b.run(t, "sallyport ssh", fake+`PATH="$PWD/bin:$PATH" ssh `+line+` one 'a  b'`)
			want := "handed over: -F " + b.config + " " + line + " one a  b\n"
			if got.stdout != want || got.status != 0 || got.stderr != "" {
				t.Errorf("%s, want %q", got, want)
			}
			alone := b.run(t, "sallyport ssh", `mkdir bin; ln -s "$(command -v sallyport)" bin; ln -s "$(command -v sallyport)" bin/ssh; PATH="$PWD/bin" ssh `+line+` one true 2>said; rc=$?; /bin/cat said; exit $rc`)
			if named := strings.Contains(alone.stdout, " -"+string(f.letter)); alone.status != ours || !named {
				t.Errorf("without another ssh: %s", alone)
			}
		})
	}
}

// TestTimeoutsOfChannelsAreTheRealSSHs where the command line orders them, of a
// release that knows them.
func TestTimeoutsOfChannelsAreTheRealSSHs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const fake = `mkdir bin; printf '#!/bin/sh\necho handed over: "$@"\nexit\nOpenSSH_9.6p1 Debian-1\0' >bin/ssh; chmod +x bin/ssh; PATH="$PWD/bin:$PATH"; `
	for _, row := range []struct{ script, want string }{
		{`ssh -o ChannelTimeout=session=5m one echo x`, "handed over: -F " + b.config + " -o ChannelTimeout=session=5m one echo x\n"},
		{`ssh -o ChannelTimeout=none one echo x`, "x\n"},
		{`printf 'ChannelTimeout session=5m\nMatch all\nInclude %s\n' "$CONFIG" >c; bare -F c one echo x`, "x\n"},
	} {
		if got := b.run(t, "sallyport ssh", fake+row.script); got.stdout != row.want || got.status != 0 {
			t.Errorf("%s: %s", row.script, got)
		}
	}
}

// TestALinkCalledSSHIsSSH runs us by that name, with nothing but us called so
// before the real ssh in PATH.
func TestALinkCalledSSHIsSSH(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	link := `mkdir bin; ln -s "$(command -v sallyport)" bin/ssh; export PATH="$PWD/bin:$PATH"; command ssh -V; `
	got := b.run(t, "ssh", link+`ssh one echo native; ssh -C one echo by the real one`)
	want := outcome{0, "native\nby the real one\n", config.Release() + ", PROGRAM\n", ""}
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	for _, line := range []struct{ in, want []string }{
		{[]string{"/usr/bin/ssh", "-V"}, []string{"ssh", "-V"}},
		{[]string{"sallyport", "ssh"}, []string{"ssh"}},
		{[]string{"./sallyport"}, []string{}},
	} {
		if got := Arguments(line.in); !slices.Equal(got, line.want) {
			t.Errorf("Arguments(%q) = %q", line.in, got)
		}
	}
}

// TestALinkCalledSSHJumpsAsAMaster has the real ssh, which becomes the master,
// run the link again for each of its jumps.
func TestALinkCalledSSHJumpsAsAMaster(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	link := `mkdir bin; ln -s "$(command -v sallyport)" bin/ssh; export PATH="$PWD/bin:$PATH"; `
	script := `{ echo ControlMaster auto; echo "ControlPath $PWD/%n"; echo ControlPersist no; echo Match all; cat "$CONFIG"; } >c; bare -F c -J two three echo x; rm -r c bin`
	want := outcome{0, "x\n", "", ""}
	if got := b.run(t, "ssh", link+script); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestAScriptThatRunsUsAgainGoesNotRoundForEver has nothing but such a script be
// the real ssh.
func TestAScriptThatRunsUsAgainGoesNotRoundForEver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	fake := `mkdir bin; printf '#!/bin/sh\nexec sallyport ssh "$@"\nOpenSSH_9.6p1 Debian-1\0' >bin/ssh; chmod +x bin/ssh; PATH="$PWD/bin:$PATH"; `
	got := b.run(t, "sallyport ssh", fake+`ssh -C one true 2>said; s=$?; cat said; rm -r said bin; exit $s`)
	if want := "runs us again"; got.status != ours || !strings.Contains(got.stdout, want) {
		t.Errorf("it does not say %q: %s", want, got)
	}
}

// TestTheConnectionOfTheBackgroundProcessIsUsed counts logins.
func TestTheConnectionOfTheBackgroundProcessIsUsed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	place, err := os.MkdirTemp("", "sp") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(place) })
	export := "export XDG_RUNTIME_DIR=" + place + " XDG_STATE_HOME=" + place + "; "
	do := func(script string) outcome {
		t.Helper()
		return b.run(t, "sallyport ssh", export+script)
	}
	t.Cleanup(func() { do("sallyport daemon stop") })

	if got := do(`ssh one true; [ -e "$XDG_RUNTIME_DIR/sallyport" ] && echo started`); got.stdout != "" {
		t.Errorf("ssh has started a background process: %s", got)
	}
	if got := do(`sallyport -F "$CONFIG" two true`); got.status != 0 {
		t.Fatal(got)
	}
	const warnings = "Warning: No xauth data; using fake authentication data for X11 forwarding.\nX11 forwarding request failed on channel 0\n"
	before := b.server.Logins()
	for _, row := range []struct {
		name, script string
		want         outcome
		logins       int
	}{
		{"a command", `echo in | ssh two 'cat; echo err >&2; exit 4'`, outcome{4, "in\n", "err\n", ""}, 0},
		{"a terminal", `ssh -tt one 'test -t 0 && echo yes' </dev/null`, outcome{0, "yes\r\n", "Shared connection to 127.0.0.1 closed.\n", ""}, 0},
		{"no input", `echo in | ssh -n one cat`, outcome{}, 0},
		{"the same user", `ssh "$(id -un)@one" echo x`, outcome{0, "x\n", "", ""}, 0},
		{"-f", `ssh -f one "echo x >$PWD/made"; until [ -s made ]; do sleep 0.05; done`, outcome{0, "", "", "/made: x\n\n"}, 0},
		{"warnings", `sallyport -F "$CONFIG" narrow true; DISPLAY=:77 ssh -X narrow 'echo err >&2'`, outcome{0, "", warnings + "err\n", ""}, 1},
		{"-E takes the warnings", `DISPLAY=:77 ssh -E log -X narrow 'echo err >&2'`, outcome{0, "", "err\n", "/log: " + warnings + "\n"}, 0},
		{"ControlPath none", `ssh -o ControlPath=none one echo x`, outcome{0, "x\n", "", ""}, 1},
		{"-S none", `ssh -S none one echo x`, outcome{0, "x\n", "", ""}, 1},
		{"an option of the connection", `ssh -c aes128-ctr one echo x`, outcome{0, "x\n", "", ""}, 1},
		{"another way", `ssh -J one other echo x`, outcome{0, "x\n", "", ""}, 2},
		{"-W", `ssh -W 127.0.0.1:$SERVER one </dev/null | head -c 4`, outcome{0, "SSH-", "", ""}, 1},
	} {
		got := do(row.script)
		if got != row.want {
			t.Errorf("%s:\n%s\nwant\n%s", row.name, got, row.want)
		}
		if n := b.server.Logins() - before; n != row.logins {
			t.Errorf("%s made %d logins, want %d", row.name, n, row.logins)
		}
		before = b.server.Logins()
	}
}

// TestQueriesNameOnlyWhatWorks has x/crypto/ssh offer all that -Q lists.
func TestQueriesNameOnlyWhatWorks(t *testing.T) {
	lists := map[string][]string{}
	for what := range queries {
		var end *sshExit
		if err := query(what); !errors.As(err, &end) || end.status != 0 {
			t.Fatalf("-Q %s: %v", what, err)
		}
		lists[what] = strings.Fields(end.stdout)
	}
	taken := ssh.Config{Ciphers: slices.Clone(lists["cipher"]), MACs: slices.Clone(lists["mac"]), KeyExchanges: slices.Clone(lists["kex"])}
	taken.SetDefaults() // leaves out what it does not know
	for what, list := range map[string][]string{"cipher": taken.Ciphers, "mac": taken.MACs, "kex": taken.KeyExchanges} {
		for _, name := range lists[what] {
			if !slices.Contains(list, name) {
				t.Errorf("-Q %s lists %s, which x/crypto/ssh does not know", what, name)
			}
		}
	}
	for _, row := range []struct{ what, has, not string }{
		{"cipher", "aes128-ctr", "arcfour512"},
		{"cipher-auth", "chacha20-poly1305@openssh.com", "aes128-ctr"},
		{"mac", "hmac-sha2-256-etm@openssh.com", "umac-64@openssh.com"},
		{"kex", "curve25519-sha256", "sntrup761x25519-sha512@openssh.com"},
		{"key", "ssh-ed25519-cert-v01@openssh.com", "rsa-sha2-256"},
		{"key-cert", "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"},
		{"key-plain", "ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com"},
		{"key-sig", "rsa-sha2-512", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"},
		{"sig", "rsa-sha2-512", "rsa-sha2-512-cert-v01@openssh.com"},
		{"compression", "none", "zlib"},
	} {
		if list := lists[row.what]; !slices.Contains(list, row.has) || slices.Contains(list, row.not) {
			t.Errorf("-Q %s lists %q: it must have %s and not %s", row.what, list, row.has, row.not)
		}
	}
	for name, what := range queryNames {
		if query(name).(*sshExit).stdout != query(what).(*sshExit).stdout {
			t.Errorf("-Q %s is not -Q %s", name, what)
		}
	}
}

// FuzzCommandLine has any command line either be refused in ssh's manner or
// be understood, with a host.
func FuzzCommandLine(f *testing.F) {
	for _, row := range commandLines {
		f.Add(row.script)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := parseSSH(strings.Fields(line))
		if err == nil {
			if c.destination == "" {
				t.Errorf("%q has no host", line)
			}
			_, err = c.line.match()
		}
		if end := (*sshExit)(nil); err != nil && !errors.As(err, &end) {
			t.Errorf("%q: %v", line, err)
		}
	})
}

// TestSSHIsFoundWithoutUs looks for the real ssh in a PATH that begins with
// links to this program.
func TestSSHIsFoundWithoutUs(t *testing.T) {
	real := sshtest.Program(t, "ssh")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "ssh")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+filepath.Dir(real))
	if got, err := config.Program(); err != nil || got != real {
		t.Errorf("found %q, %v, want %q", got, err, real)
	}
	t.Setenv("PATH", dir)
	if got, err := config.Program(); err == nil {
		t.Errorf("found %q where we alone are called ssh", got)
	}
}
