package config

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// checkRow is a configuration and what Check says of it, each finding as
// "line rule: message [hosts]"; another file than "config" stands before the
// line.
type checkRow struct {
	name  string
	text  string            // DIR stands for its directory, which is the home directory, too
	files map[string]string // beside it; all are 0600
	open  []string          // files that are made 0644
	want  []string          // none: the row must stay silent
}

var checkRows = []checkRow{
	{name: "an unknown keyword is named in ssh's words", text: "Host a\n  Colour red\n",
		want: []string{"2 unknown-keyword: Bad configuration option: colour [a]"}},
	{name: "an unknown keyword that is ignored is none", text: "IgnoreUnknown colour,use*\nHost a\n  Colour red\n  UseKeychain yes\n"},
	{name: "a keyword that this ssh does not have yet is told apart", text: "Host a\n  Tag x\n",
		want: []string{"2 unknown-keyword: Bad configuration option: tag [a]"}},
	{name: "a deprecated keyword", text: "Host a\n  Cipher 3des\n  RSAAuthentication yes\n  Protocol 2\n  PubkeyAcceptedKeyTypes ssh-ed25519\n",
		want: []string{
			`2 deprecated-keyword: Deprecated option "cipher" [a]`,
			`3 deprecated-keyword: Unsupported option "rsaauthentication" [a]`,
			`4 deprecated-keyword: "Protocol" says nothing any more [a]`,
			`5 deprecated-keyword: "PubkeyAcceptedKeyTypes" is an old name of PubkeyAcceptedAlgorithms [a]`,
		}},
	{name: "today's names in any spelling are not old", text: "Host a\n  \"PORT\" 23\n  user=x\n\tpubkeyacceptedalgorithms ssh-ed25519\n"},
	{name: "a value that ssh refuses is named in ssh's words", text: "Host a\n  Port 0\n  BatchMode maybe\n  User b c\n",
		want: []string{
			"2 refused: Bad port '0'. [a]",
			`3 refused: unsupported option "maybe". [a]`,
			"4 refused: keyword user extra arguments at end of line [a]",
		}},
	{name: "a value that ssh refuses for one host", text: "Host a\n  ControlPath ~/%z\nHost b\n  User c\n",
		want: []string{"2 refused: ControlPath: unknown key %z [a]"}},
	{name: "what follows a NUL byte", text: "User a\x00b\n",
		want: []string{"1 ignored-text: what follows the NUL byte is not read []"}},
	{name: "bytes that are not UTF-8, also in a comment", text: "# caf\xe9\nUser \xff\n# bjørn\n",
		want: []string{"1 not-utf8: the line holds bytes that are not UTF-8 []", "2 not-utf8: the line holds bytes that are not UTF-8 []"}},
	{name: "a line over 64 KiB", text: "# " + strings.Repeat("x", 64<<10) + "\nUser a\n",
		want: []string{"1 long-line: the line is longer than 64 KiB []"}},
	{name: "a line of just 64 KiB", text: strings.Repeat("#", 64<<10-1) + "\nUser a\n"},

	{name: "a line after one for all hosts", text: "User root\nHost a\n  User bob\n",
		want: []string{"3 shadowed-line: this User never takes effect: User is set before it at DIR/config:1 [a]"}},
	{name: "a line after one for all hosts in a block", text: "Host *\n  User root\nHost a\n  User bob\n",
		want: []string{`4 shadowed-line: this User never takes effect: User is set before it at DIR/config:2, under "Host *" [a]`}},
	{name: "a line for all hosts after one for some", text: "Host a *b\n  User bob\nHost *\n  User root\n"},
	{name: "a line for all hosts after one with exceptions", text: "Host * !a\n  User bob\nHost *\n  User root\n"},
	{name: "the same keyword twice in a block", text: "Host a*\n  Port 1\n  Port 2\n",
		want: []string{`3 shadowed-line: this Port never takes effect: Port is set before it at DIR/config:2, under "Host a*" []`}},
	{name: "a pattern within an earlier one", text: "Host *.org\n  User a\nHost w?b.example.org\n  User b\n",
		want: []string{`4 shadowed-line: this User never takes effect: User is set before it at DIR/config:2, under "Host *.org" []`}},
	{name: "a pattern that only overlaps an earlier one", text: "Host w*\n  User a\nHost *b\n  User b\nHost ??\n  User c\nHost x?\n  Compression yes\nHost x*\n  Compression no\n"},
	{name: "an exception of the earlier line that the later one shares", text: "Host * !a\n  User b\nHost w* !a !z\n  User c\n",
		want: []string{`4 shadowed-line: this User never takes effect: User is set before it at DIR/config:2, under "Host * !a" []`}},
	{name: "an exception of the earlier line for which the later one is", text: "Host * !a\n  User b\nHost a w\n  User c\nHost ?\n  User d\n"},
	{name: "names settled by several earlier lines", text: "Host a\n  User x\nHost b\n  User y\nHost a b\n  User z\n",
		want: []string{`6 shadowed-line: this User never takes effect: User is set before it at DIR/config:2 and 1 more, under "Host a" [a b]`}},
	{name: "names of which one is not settled", text: "Host a\n  User x\nHost a b\n  User z\n"},
	{name: "keywords that accumulate", text: "IdentityFile none\nSendEnv A\nHost a\n  IdentityFile none\n  SendEnv B\n  LocalForward 1 b:2\n  LocalForward 3 b:4\n"},
	{name: "a second value of an option that has two", text: "RekeyLimit 1G\nHost a\n  RekeyLimit 2G 1h\nHost b\n  RekeyLimit 3G\n",
		want: []string{"5 shadowed-line: this RekeyLimit never takes effect: RekeyLimit is set before it at DIR/config:1 [b]"}},
	{name: "a value that leaves the option open", text: "ConnectTimeout none\nHost a\n  ConnectTimeout 10\n"},
	{name: "ProxyJump and ProxyCommand keep each other out", text: "Host a\n  ProxyCommand nc %h %p\n  ProxyJump x.org\nHost b\n  ProxyJump x.org\n  ProxyCommand nc %h %p\n",
		want: []string{
			`3 shadowed-line: this ProxyJump never takes effect: ProxyCommand is set before it at DIR/config:2, under "Host a" [a]`,
			`6 shadowed-line: this ProxyCommand never takes effect: ProxyJump is set before it at DIR/config:5, under "Host b" [b]`,
		}},
	{name: "ProxyJump none leaves ProxyCommand open", text: "Host a\n  ProxyJump none\n  ProxyCommand nc %h %p\nHost b\n  ProxyCommand none\n  ProxyJump none\n"},
	{name: "a Match line cannot be judged", text: "Match user bob\n  Port 1\nHost a\n  Port 2\nMatch host a\n  Port 3\n"},
	{name: "a Match line after one for all hosts", text: "Port 1\nMatch user bob\n  Port 2\n",
		want: []string{"3 shadowed-line: this Port never takes effect: Port is set before it at DIR/config:1 []"}},
	{name: "an included line after one for all hosts", text: "Host *\n  Port 1\n  Include DIR/in\n", files: map[string]string{"in": "Port 2\nHost a\n  Port 3\n"},
		want: []string{
			`in:1 shadowed-line: this Port never takes effect: Port is set before it at DIR/config:2, under "Host *" [a]`,
			`in:3 shadowed-line: this Port never takes effect: Port is set before it at DIR/config:2, under "Host *" [a]`,
		}},
	{name: "a file that is included for other hosts, too", text: "Host a\n  Port 1\n  Include DIR/in\nHost b\n  Include DIR/in\n", files: map[string]string{"in": "Port 2\n"}},
	{name: "an included line in a block of its own needs both Host lines", text: "Host *.org\n  Include DIR/in\nHost w*\n  Port 3\n", files: map[string]string{"in": "Host w*\n  Port 2\n"}},
	{name: "an included line for one host settles it for that host only", text: "Host a\n  Include DIR/in\nHost a\n  Port 3\nHost b\n  Port 4\n", files: map[string]string{"in": "Port 2\n"},
		want: []string{`4 shadowed-line: this Port never takes effect: Port is set before it at DIR/in:1 [a]`}},

	{name: "a block with exceptions only", text: "Host !a\n  Port 1\n",
		want: []string{"1 unmatched-block: only exceptions are named here, and no host []"}},
	{name: "a block whose exceptions take all away", text: "Host web !w*\n  Port 1\n",
		want: []string{"1 unmatched-block: the exceptions take away every host that is named here []"}},
	{name: "a block whose exceptions leave some", text: "Host web w* !web\n  Port 1\nHost * !web\n  Port 2\n"},
	{name: "commas between names", text: "Host web, db\n  Port 1\n",
		want: []string{`1 unmatched-block: no host can match "web," []`}},
	{name: "a user in a pattern", text: "Host root@web x\n  Port 1\n",
		want: []string{`1 unmatched-block: no host can match "root@web" []`}},
	{name: "addresses and quoted names are names", text: "Host 10.0.0.? \"db\" 2001:db8::1 a_b\n  Port 1\n"},
	{name: "a file included under a host that is none of its own", text: "Host a\n  Port 1\n  Include DIR/in\n", files: map[string]string{"in": "Host b\n  Port 2\n"},
		want: []string{`in:1 unmatched-block: the file is included under "Host a" (DIR/config:1), which is for none of these hosts []`}},
	{name: "a file included under a pattern that fits", text: "Host *.org\n  Include DIR/in\n", files: map[string]string{"in": "Host b.org\n  Port 2\nHost w*\n  Port 3\n"}},

	{name: "a jump host that nobody knows", text: "Host a\n  ProxyJump bob@gate:23\n",
		want: []string{`2 jump-nowhere: ProxyJump leads through "gate", which no Host line names [a]`}},
	{name: "jump hosts that somebody knows", text: "Host a\n  ProxyJump gate\nHost b\n  ProxyJump x.org\nHost c\n  ProxyJump 10.0.0.1,inner\nHost d\n  ProxyJump [::1]\nHost e\n  ProxyJump e-gw\nHost f\n  ProxyJump here\nHost g\n  ProxyJump LOCALHOST\nHost gate\nHost ?-gw\n  HostName %h.example.org\n",
		files: map[string]string{"hosts": "127.0.0.1 localhost here # not this\n"}},
	{name: "a jump host that only a canonical name would find", text: "CanonicalizeHostname yes\nCanonicalDomains example.org\nHost a\n  ProxyJump gate\n"},
	{name: "jumps in a loop", text: "Host a\n  ProxyJump b\nHost b\n  ProxyJump c,d.org\nHost c\n  ProxyJump a\nHost x\n  ProxyJump a\n",
		want: []string{`6 jump-loop: the jumps form a loop: "a" via "b" via "c" via "a" [a b c x]`}},
	{name: "a jump host that jumps through itself", text: "Host gate\n  HostName gate.org\nHost *\n  ProxyJump gate\n",
		want: []string{`4 jump-loop: the jumps form a loop: "gate" via "gate" [gate]`}},
	{name: "jumps in a chain", text: "Host gate\n  ProxyJump none\nHost a\n  ProxyJump b,a2\nHost a2\n  ProxyJump a\nHost b\nHost b *\n  ProxyJump gate\n"},
	{name: "a loop that ssh itself sees", text: "Host web\n  HostName gate.org\n  ProxyJump gate.org\n",
		want: []string{"3 refused: jumphost loop via gate.org [web]"}},

	{name: "a key file that is missing", text: "Host a a2\n  IdentityFile ~/.ssh/none-such\nHost *.org\n  IdentityFile ~/other\nHost b\n  IdentityFile ~/%n\n",
		want: []string{
			`2 key-missing: there is no key file "DIR/.ssh/none-such" [a a2]`,
			`4 key-missing: there is no key file "DIR/other" []`,
			`6 key-missing: there is no key file "DIR/b" [b]`,
		}},
	{name: "key files that are there, in an agent, or none", text: "Host a\n  IdentityFile ~/.ssh/key\n  IdentityFile ~/.ssh/agent\n  IdentityFile none\n  IdentityFile ~/.ssh/agent.pub\n",
		files: map[string]string{".ssh/key": "", ".ssh/agent.pub": ""}, open: []string{".ssh/agent.pub"}},
	{name: "a key file that others can read", text: "Host a\n  IdentityFile ~/.ssh/key\n", files: map[string]string{".ssh/key": ""}, open: []string{".ssh/key"},
		want: []string{`2 key-open: the key file "DIR/.ssh/key" can be read by others [a]`}},

	{name: "a ControlPath that cannot be a socket", text: "Host a\n  ControlPath /" + strings.Repeat("x", 110) + "\n",
		want: []string{`2 controlpath-long: the ControlPath of "a" has 111 bytes, of which ssh can use 107: /` + strings.Repeat("x", 110) + " [a]"}},
	{name: "a ControlPath to which ssh cannot add", text: "ControlMaster auto\nHost a\n  ControlPath /" + strings.Repeat("x", 90) + "\n",
		want: []string{`3 controlpath-long: the ControlPath of "a" has 91 bytes, of which ssh can use 90: /` + strings.Repeat("x", 90) + " [a]"}},
	{name: "a ControlPath that just fits", text: "Host a\n  ControlMaster auto\n  ControlPath /" + strings.Repeat("x", 89) + "\nHost b\n  ControlPath /" + strings.Repeat("y", 106) + "\n"},
	{name: "a ControlPath for all hosts without tokens", text: "Host a\n  User x\nHost *\n  ControlPath ~/m-%r@%h\n",
		want: []string{"4 controlpath-shared: the ControlPath lacks %p, so it can be the same for several connections [a]"}},
	{name: "one ControlPath for two hosts", text: "Host a b\n  ControlPath ~/m\nHost c\n  ControlPath ~/n\nHost d\n  ControlPath ~/n\n",
		want: []string{
			`2 controlpath-shared: "b" has the same ControlPath as "a", DIR/m [b]`,
			`6 controlpath-shared: "d" has the same ControlPath as "c", DIR/n [d]`,
		}},
	{name: "a ControlPath with its tokens, of one host, or none", text: "Host a a.org\n  HostName a.org\n  ControlPath ~/a\nHost b\n  ControlPath none\nHost c*\n  ControlPath ~/%C\nHost *\n  ControlPath ~/%r@%n:%p\n"},

	{name: "weak algorithms", text: "Host a\n  Ciphers +aes128-cbc,3des-cbc\n  MACs ^hmac-md5\n  KexAlgorithms diffie-hellman-group1-sha1,curve25519-sha256\n  HostKeyAlgorithms +ssh-rsa\n  PubkeyAcceptedAlgorithms +ssh-dss\n",
		want: []string{
			"2 weak-algorithm: Ciphers forces on aes128-cbc, 3des-cbc [a]",
			"3 weak-algorithm: MACs forces on hmac-md5 [a]",
			"4 weak-algorithm: KexAlgorithms forces on diffie-hellman-group1-sha1 [a]",
			"5 weak-algorithm: HostKeyAlgorithms forces on ssh-rsa [a]",
			"6 weak-algorithm: PubkeyAcceptedAlgorithms forces on ssh-dss [a]",
		}},
	{name: "algorithms that are on by themselves, or taken away", text: "Host a\n  Ciphers -*-cbc\n  MACs -hmac-md5*,*sha1*\n  KexAlgorithms ^curve25519-sha256\n  HostKeyAlgorithms rsa-sha2-512,ssh-ed25519\nHost b\n  MACs hmac-sha1\n"},

	{name: "two hosts want one port", text: "Host a\n  LocalForward 8080 x:80\nHost b\n  LocalForward localhost:8080 y:80\n",
		want: []string{`4 port-taken: "b" wants to listen on port 8080, as "a" does (DIR/config:2) [b]`}},
	{name: "all hosts of a line want one port", text: "Host a b c\n  DynamicForward 1080\n",
		want: []string{`2 port-taken: all hosts that this line is for want to listen on port 1080, "a" and "b" among them [a b c]`}},
	{name: "one host wants a port twice", text: "Host a\n  LocalForward 1 x:80\n  LocalForward *:1 y:80\n",
		want: []string{`3 port-taken: "a" wants to listen on port 1 twice, here and at DIR/config:2 [a]`}},
	{name: "two hosts want one socket", text: "Host a\n  LocalForward /run/x x:80\nHost b\n  LocalForward /run/x y:80\n",
		want: []string{`4 port-taken: "b" wants to listen on /run/x, as "a" does (DIR/config:2) [b]`}},
	{name: "other addresses, ports, far ports and names of one host", text: "Host a a.org\n  HostName a.org\n  LocalForward 8080 x:80\nHost b\n  LocalForward 127.0.0.2:8080 x:80\n  LocalForward 8081 x:80\n  RemoteForward 8080 x:80\n"},
}

func TestCheckFindsEachFaultAndNotItsNeighbour(t *testing.T) {
	for _, r := range checkRows {
		t.Run(r.name, func(t *testing.T) {
			c, dir := loadText(t, r.text, r.files)
			for _, name := range r.open {
				if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want := slices.Clone(r.want)
			for i := range want {
				want[i] = strings.ReplaceAll(want[i], "DIR", dir)
			}
			var got []string
			for _, f := range c.Check(CheckEnv{HostsFile: dir + "/hosts"}) {
				got = append(got, brief(f, dir))
				if f.Why == "" || f.Fix == "" {
					t.Errorf("no reason or no remedy: %+v", f)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s--- config\n%s", diff, r.text)
			}
		})
	}
}

// brief is a finding as the rows have it.
func brief(f Finding, dir string) string {
	file := strings.TrimPrefix(strings.TrimPrefix(f.Origin.File, dir+"/"), "config")
	if file != "" {
		file += ":"
	}
	return fmt.Sprintf("%s%d %s: %s %v", file, f.Origin.Line, f.Rule, f.Message, f.Hosts)
}

// allRules are those that a person can come across.
var allRules = []*rule{unknownKeyword, deprecatedKeyword, refusedLine, shadowedLine, unmatchedBlock, jumpNowhere, jumpLoop,
	keyMissing, keyOpen, controlTooLong, controlShared, weakAlgorithm, portTaken}

func TestCheckFindsAllInAFileWithOneOfEachFault(t *testing.T) {
	text, err := os.ReadFile("testdata/faults")
	if err != nil {
		t.Fatal(err)
	}
	c, dir := loadText(t, string(text), map[string]string{".ssh/open": ""})
	if err := os.Chmod(dir+"/.ssh/open", 0o644); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, f := range c.Check(CheckEnv{HostsFile: dir + "/hosts"}) {
		got = append(got, f.Rule)
	}
	for _, r := range allRules {
		want = append(want, r.name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules -want +got\n%s", diff)
	}
}

// keyFile is a key as it should be: a file of ours that nobody else can read.
type keyFile struct{}

func (keyFile) Name() string       { return "key" }
func (keyFile) Size() int64        { return 400 }
func (keyFile) Mode() fs.FileMode  { return 0o600 }
func (keyFile) ModTime() time.Time { return time.Time{} }
func (keyFile) IsDir() bool        { return false }
func (keyFile) Sys() any           { return nil }

func TestCheckFindsNothingInTheConfigsOfInstitutes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.config")
	if err != nil || len(files) != 5 {
		t.Fatalf("%d files in testdata (%v), want 5", len(files), err)
	}
	keys := func(string) (fs.FileInfo, error) { return keyFile{}, nil }
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			paths, err := File(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range Load(paths).Check(CheckEnv{Stat: keys}) {
				t.Errorf("%s: %s", f.Origin, f.Message)
			}
		})
	}
}

// What never takes effect can be taken away: no host resolves otherwise. The
// configurations are those that are compared with ssh -G elsewhere.
func TestLinesThatNeverTakeEffectCanBeRemoved(t *testing.T) {
	removed := 0
	for s := range uint64(200) {
		g := generator{rand.New(rand.NewPCG(*seed+s, 1))}
		r := g.row()
		dir := writeRow(t, r)
		paths := Paths{User: dir + "/config", Home: dir, Explicit: true}
		c := Load(paths)
		for _, f := range c.Check(CheckEnv{HostsFile: dir + "/hosts"}) {
			if f.Rule != shadowedLine.name {
				continue
			}
			removed++
			whole := removeLine(t, f.Origin)
			for _, host := range append(aliases(c), randomHosts...) {
				m := g.match()
				m.Command = ""
				before, _ := c.Resolve(host, m)
				after, _ := Load(paths).Resolve(host, m)
				if diff := cmp.Diff(before.Lines(), after.Lines()); diff != "" {
					t.Fatalf("seed %d, host %s, %+v: %s: %s\n%s\n--- config\n%s\n--- included\n%v", s, host, m, f.Origin, f.Message, diff, r.text, r.files)
				}
			}
			if err := os.WriteFile(f.Origin.File, whole, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if removed < 20 {
		t.Errorf("only %d lines were removed", removed)
	}
	t.Logf("%d lines were removed", removed)
}

// removeLine makes a line of a file a comment, and returns the file as it was.
func removeLine(t *testing.T, o Origin) (whole []byte) {
	t.Helper()
	whole, err := os.ReadFile(o.File)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(whole), "\n")
	lines[o.Line-1] = "#" + lines[o.Line-1]
	if err := os.WriteFile(o.File, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	return whole
}

func BenchmarkCheck(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := Load(inventory(b, n))
			b.ReportAllocs()
			for b.Loop() {
				if got := len(c.Check(CheckEnv{})); got < n {
					b.Fatalf("%d findings, want more than %d", got, n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/host")
		})
	}
}
