package sessions

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sallyport/internal/sshtest"
)

const farHost = "@node wall\n@home /home/jon snow\n@shell /bin/zsh\n"

func TestWhatKeepersSayIsRead(t *testing.T) {
	created := time.Unix(1795667779, 0)
	for _, row := range []struct {
		name, out string
		shells    []KeptShell
		open      string // of "paper"
		keeper    string
	}{
		{name: "a host without any", out: farHost},
		{name: "tmux, which nobody has used yet", out: farHost + "@tmux /usr/bin/tmux\n",
			open: "exec /usr/bin/tmux new-session -A -s paper", keeper: "tmux"},
		{name: "tmux with names of all kinds", out: farHost + "@tmux /usr/bin/tmux\n1795667779 0 my work é\n1795667779 2 \x1b[2J\nno server\n",
			shells: []KeptShell{{"tmux", "my work é", false, created, ""}, {"tmux", `\x1b[2J`, true, created, ""}},
			open:   "exec /usr/bin/tmux new-session -A -s paper", keeper: "tmux"},
		{name: "screen, by the whole name of one", out: farHost + "@screen /usr/bin/screen\nThere are screens on:\n\t4683.paper\t(11/26/26 04:36:19)\t(Detached)\n" +
			"\t4676.paper2\t(Multi, attached)\n\t12.x\t(Dead ???)\n\t13.y\t(Remote or dead)\n2 Sockets in /run/screen/S-jon.\n",
			shells: []KeptShell{{"screen", "paper", false, time.Time{}, "4683.paper"}, {"screen", "paper2", true, time.Time{}, "4676.paper2"}},
			open:   "exec /usr/bin/screen -x 4683.paper", keeper: "screen"},
		{name: "screen, by a login shell", out: farHost + "@screen /usr/bin/screen\nNo Sockets found in /run/screen/S-jon.\n\n",
			open: "exec /usr/bin/screen -S paper -s -/bin/zsh", keeper: "screen"},
		{name: "a shell in screen, though there is tmux now", out: farHost + "@tmux /usr/bin/tmux\n@screen /usr/bin/screen\n\t1.paper\t(Detached)\n",
			shells: []KeptShell{{"screen", "paper", false, time.Time{}, "1.paper"}},
			open:   "exec /usr/bin/screen -x 1.paper", keeper: "screen"},
		{name: "abduco, before and since it tells the process", out: farHost + "@abduco /usr/bin/abduco\nActive sessions (on host wall)\n" +
			"* Thu\t 2015-03-12 12:05:20\tone\n+ Thu\t 2015-03-12 12:04:50\tover\n  Thu\t 2015-03-12 12:03:30\t4211\ttwo\n",
			shells: []KeptShell{{"abduco", "one", true, time.Time{}, ""}, {"abduco", "two", false, time.Time{}, ""}},
			open:   "exec /usr/bin/abduco -A paper /bin/zsh -l", keeper: "abduco"},
		{name: "dtach, below a home with a blank", out: farHost + "@dtach /usr/bin/dtach\n-one@wall\n+two@wall\n",
			shells: []KeptShell{{"dtach", "one", false, time.Time{}, ""}, {"dtach", "two", true, time.Time{}, ""}},
			open:   "mkdir -p -m 700 '/home/jon snow/.dtach'; exec /usr/bin/dtach -A '/home/jon snow/.dtach/paper@wall' -z /bin/zsh -l", keeper: "dtach"},
		{name: "words of a login that come before", out: "Welcome!\n@motd now\n\t1.x\t(Detached)\n" + farHost},
		{name: "a program that is an alias", out: farHost + "@tmux alias tmux=x\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := ParseKeepers([]byte(row.out))
			if diff := cmp.Diff(row.shells, k.Shells, cmp.AllowUnexported(KeptShell{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got) %s", diff)
			}
			if open, keeper := k.Open("paper"); open != row.open || keeper != row.keeper {
				t.Errorf("Open gives %q of %q, want %q of %q", open, keeper, row.open, row.keeper)
			}
		})
	}
}

// TestKeepersAreFound runs the script as a host would, beside the real
// programs.
func TestKeepersAreFound(t *testing.T) {
	home := t.TempDir()
	env := append(os.Environ(), "HOME="+home, "TMUX_TMPDIR="+home, "SCREENDIR="+filepath.Join(home, "screen"), "TMUX=", "STY=")
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(sshtest.Program(t, name), args...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v: %s", name, args, err, out)
		}
		return string(out)
	}
	for _, dir := range []string{"screen", ".dtach"} {
		if err := os.Mkdir(filepath.Join(home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	stop := filepath.Join(home, "stop")
	run("mkfifo", stop)
	node := strings.TrimSpace(run("uname", "-n"))
	run("tmux", "-f", "/dev/null", "new-session", "-d", "-s", "one é")
	run("screen", "-dmS", "two")
	run("dtach", "-n", filepath.Join(home, ".dtach", "three@"+node), "cat", stop)
	t.Cleanup(func() {
		run("tmux", "kill-server")
		run("screen", "-S", "two", "-X", "quit")
		_ = os.WriteFile(stop, nil, 0) // ends what dtach runs
	})
	for _, name := range []string{"three@elsewhere", "four@" + node} { // another node's, and nobody's
		if err := os.WriteFile(filepath.Join(home, ".dtach", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	cmd := exec.Command(sshtest.Program(t, "sh"))
	cmd.Stdin = strings.NewReader(KeepersScript)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := []KeptShell{{Keeper: "tmux", Name: "one é"}, {Keeper: "screen", Name: "two"}, {Keeper: "dtach", Name: "three"}}
	if diff := cmp.Diff(want, ParseKeepers(out).Shells, cmpopts.IgnoreUnexported(KeptShell{}), cmpopts.IgnoreFields(KeptShell{}, "Since")); diff != "" {
		t.Errorf("(-want +got) %s\nof %s", diff, out)
	}
}

func TestNamesOfKeptShellsAreHarmless(t *testing.T) {
	for name, want := range map[string]bool{
		"sallyport": true, "paper-2_b": true, "pts-0.wall": true, "0": true, strings.Repeat("x", 64): true,
		"": false, "-d": false, ".x": false, "a b": false, "a;b": false, "$(x)": false, "a/b": false, "a:b": false, "=a": false, "é": false, "a\nb": false, strings.Repeat("x", 65): false,
	} {
		if ValidKeptName(name) != want {
			t.Errorf("%q is taken for a name: %v", name, !want)
		}
	}
}

// FuzzKeepers has a host say anything: the command that comes of it is one
// line, in which a shell finds the words of a keeper and no others.
func FuzzKeepers(f *testing.F) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		f.Skip("there is no sh")
	}
	f.Add([]byte(farHost+"@tmux /usr/bin/tmux\n1 0 x\n"), "paper")
	f.Add([]byte("@home /h'; touch x; '\n@node $(x)\n@dtach /usr/bin/dtach\n"), "paper")
	f.Add([]byte("@shell /bin/sh -c id\n@screen /a b/screen\n\t1.x y'\t(Detached)\n"), "x")
	f.Fuzz(func(t *testing.T, out []byte, name string) {
		k := ParseKeepers(out)
		if len(k.Shells) > 0 && len(k.programs) == 0 {
			t.Error("a shell that nobody keeps")
		}
		command, keeper := k.Open(name)
		if keeper == "" || !ValidKeptName(name) || strings.ContainsRune(command, 0) {
			return
		}
		_, words, _ := strings.Cut(command, "exec ")
		if keeper == "dtach" {
			_, words, _ = strings.Cut(command, "; exec ")
		}
		read, err := exec.Command(sh, "-c", `for word in `+words+`; do printf '%s\0' "$word"; done`).Output()
		if err != nil {
			t.Fatalf("%v, of %q", err, command)
		}
		p := k.programs[slices.IndexFunc(k.programs, func(p program) bool { return p.keeper.name == keeper })]
		want := p.keeper.open(k, p.path, name)
		for _, s := range k.Shells {
			if s.Keeper == keeper && s.Name == name && p.keeper.rejoin != nil {
				want = p.keeper.rejoin(p.path, s)
				break
			}
		}
		if got := strings.Split(strings.TrimSuffix(string(read), "\x00"), "\x00"); !slices.Equal(got, want) {
			t.Errorf("a shell reads %q as %q, want %q", command, got, want)
		}
	})
}
