//go:build linux

package nss

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// standIn has a script stand for getent.
func standIn(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	sshtest.Script(t, dir+"/getent", script)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// machineWith has this process take a machine for its own.
func machineWith(t *testing.T, nsswitch string) {
	t.Helper()
	databases, understood := parseSwitch(nsswitch)
	latest.mu.Lock()
	defer latest.mu.Unlock()
	latest.said, latest.at = system{databases: databases, understood: understood}, time.Now().Add(time.Hour)
	t.Cleanup(func() {
		latest.mu.Lock()
		defer latest.mu.Unlock()
		latest.at = time.Time{}
	})
}

// TestTheRealGetentIsUnderstood has it print what is in files anyway.
func TestTheRealGetentIsUnderstood(t *testing.T) {
	sshtest.Program(t, "getent")
	found, err := ask(t.Context(), "localhost")
	if err != nil {
		t.Fatal(err)
	}
	want, err := net.DefaultResolver.LookupNetIP(t.Context(), "ip", "localhost")
	for i := range want {
		want[i] = want[i].Unmap()
	}
	if err != nil || !sameAddrs(found.addrs, want) {
		t.Errorf("localhost is %v, want %v (%v)", found.addrs, want, err)
	}
	if _, err := ask(t.Context(), "dragon.invalid"); !errors.Is(err, errUnknown) {
		t.Errorf("a host that there is not: %v", err)
	}
	if _, err := ask(t.Context(), "-sfiles"); !errors.Is(err, errUnknown) {
		t.Errorf("a host that looks like an option: %v", err)
	}
	me, err := user.LookupId(strconv.Itoa(os.Getuid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{me.Uid, me.Username} {
		got, err := askUser(key)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(me, got); diff != "" {
			t.Errorf("%s: -os/user +getent\n%s", key, diff)
		}
	}
	if _, err := askUser("hodor"); !errors.Is(err, errUnknown) {
		t.Errorf("a user who is nobody: %v", err)
	}
}

func sameAddrs(a, b []netip.Addr) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, netip.Addr.Compare)
	slices.SortFunc(b, netip.Addr.Compare)
	return slices.Equal(a, b)
}

// TestAGetentThatHangsIsGivenUp has one that also leaves a child with its pipe.
func TestAGetentThatHangsIsGivenUp(t *testing.T) {
	standIn(t, "sleep 1000 & echo $! >\"$0.child\"; wait")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began := make(chan error, 1)
	go func() { _, err := getent(ctx, time.Hour, "passwd", "x"); began <- err }()
	program, _ := exec.LookPath("getent")
	var child int
	sshtest.Eventually(t, "it waits", func() bool {
		text, _ := os.ReadFile(program + ".child")
		child, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return child != 0
	})
	t.Cleanup(func() {
		if p, err := os.FindProcess(child); err == nil {
			p.Kill()
		}
	})
	cancel()
	if err := <-began; !errors.Is(err, context.Canceled) {
		t.Errorf("who gives up is told %v", err)
	}
	if _, err := getent(t.Context(), time.Millisecond, "passwd", "x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after its time: %v", err)
	}
}

func TestOddWordsOfGetentAreNoHost(t *testing.T) {
	machineWith(t, "hosts: ldap")
	for _, row := range []struct {
		name, script, want string
		unknown            bool
	}{
		{"nothing", "", "lookup dragon: no such host", true},
		{"no addresses", "echo dragon STREAM dragon; echo 1.2.3.4.5 STREAM", "lookup dragon: no such host", true},
		{"other sockets", "echo 127.0.0.1 DGRAM", "lookup dragon: no such host", true},
		{"a failure", "exit 3", "lookup dragon: exit status 3", false},
		{"no end of words", "while :; do echo 127.0.0.1 STREAM dragon; done", "lookup dragon: getent prints too much", false},
		{"an older one", `case $2 in -A) exit 64;; esac; exit 2`, "lookup dragon: no such host", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			standIn(t, row.script)
			addrs, err := LookupNetIP(t.Context(), "ip", "dragon")
			var told *net.DNSError
			if err == nil || !errors.As(err, &told) || told.IsNotFound != row.unknown || err.Error() != row.want {
				t.Errorf("%v, %v; want %s", addrs, err, row.want)
			}
		})
	}
}

func TestAddressesOfGetent(t *testing.T) {
	machineWith(t, "hosts: ldap")
	standIn(t, `[ "$*" = "-i -- ahosts dragon" ] || exit 64
echo '2001:db8::7   STREAM keep.test'
echo '2001:db8::7   DGRAM '
echo '::ffff:192.0.2.7  STREAM '
echo 'fe80::1%lo  STREAM '`)
	all := []netip.Addr{netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("fe80::1%lo")}
	for network, want := range map[string][]netip.Addr{"ip": all, "ip4": all[1:2], "ip6": {all[0], all[2]}} {
		if got, err := LookupNetIP(t.Context(), network, "dragon"); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", network, got, err, want)
		}
	}
	if got, err := LookupCNAME(t.Context(), "dragon"); err != nil || got != "keep.test." {
		t.Errorf("the name in the end is %q, %v", got, err)
	}
}

func TestWithoutGetentPackageNetHasTheLastWord(t *testing.T) {
	machineWith(t, "hosts: ldap files\npasswd: ldap")
	t.Setenv("PATH", t.TempDir())
	addrs, err := LookupNetIP(t.Context(), "ip4", "localhost")
	if err != nil || !slices.Contains(addrs, netip.AddrFrom4([4]byte{127, 0, 0, 1})) {
		t.Errorf("localhost: %v, %v", addrs, err)
	}
	if _, err := LookupUser("hodor"); !errors.As(err, new(user.UnknownUserError)) {
		t.Errorf("a user who is nobody: %v", err)
	}
}

func TestOddWordsOfGetentAreNobody(t *testing.T) {
	machineWith(t, "passwd: files ldap")
	usual := directory.answers
	t.Cleanup(func() { directory.answers = usual })
	unknown := user.UnknownUserError("arya").Error()
	for _, row := range []struct{ name, script, want string }{
		{"nothing", "", unknown},
		{"another", "echo sansa:x:4713:4713::/home/sansa:/bin/sh", unknown},
		{"few fields", "echo arya:x:4713:4713::/home/arya", unknown},
		{"many fields", "echo arya:x:4713:4713::/home/arya:/bin/sh:", unknown},
		{"no number", "echo arya:x:root:4713::/home/arya:/bin/sh", unknown},
		{"a large number", "echo arya:x:4713:4294967296::/home/arya:/bin/sh", unknown},
		{"nobody", "exit 2", unknown},
		{"a failure", "exit 1", `asking getent for the user "arya": exit status 1`},
		{"her", "echo arya:x:4713:4714:Arya,Wall,,:/home/arya:/bin/sh; echo more", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			directory.answers = map[string]answer{}
			standIn(t, row.script)
			for range 2 { // what was said is remembered
				got, err := LookupUser("arya")
				if row.want != "" {
					if err == nil || err.Error() != row.want {
						t.Errorf("%v, %v; want %s", got, err, row.want)
					}
				} else if diff := cmp.Diff(&user.User{Username: "arya", Uid: "4713", Gid: "4714", Name: "Arya", HomeDir: "/home/arya"}, got); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
				standIn(t, "exit 4")
			}
		})
	}
}

func TestFilesAreEnoughWhereTheyKnow(t *testing.T) {
	machineWith(t, "passwd: ldap files\nhosts: files dns")
	standIn(t, `touch "$0.asked"; exit 2`)
	me, err := CurrentUser()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LookupUser(me.Username); err != nil {
		t.Error(err)
	}
	if _, err := LookupNetIP(t.Context(), "ip", "localhost"); err != nil {
		t.Error(err)
	}
	machineWith(t, "passwd: files")
	if _, err := LookupUser("brienne"); !errors.As(err, new(user.UnknownUserError)) {
		t.Errorf("a user who is nobody: %v", err)
	}
	program, _ := exec.LookPath("getent")
	if _, err := os.Stat(program + ".asked"); err == nil {
		t.Error("getent was asked")
	}
}
