package transport

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// A KnownHostsCommand that notes its arguments and says what a row wants.
const tellingCommand = `echo "$@" >> DIR/asked
`

func TestKnownHostsCommandIsRunAsBySSH(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "ssh")
	server := startHostKeyServer(t)
	const all = `KnownHostsCommand DIR/tell %I %H "%t %f" %K %h %p %n %C literal`
	for _, row := range []struct {
		hostKeyRow
		says   string // what the command does
		hint   string // of the failure, in part
		notice string // in part
	}{
		{hostKeyRow{name: "a key that it says is accepted", options: []string{all}, want: "ok"}, "echo '127.0.0.1 ED'; echo '[127.0.0.1]:PORT ED'", "", ""},
		{hostKeyRow{name: "the type that it says is asked for", options: []string{all}, want: "ok"}, "echo '127.0.0.1 RSA'; echo '[127.0.0.1]:PORT RSA'", "", ""},
		{hostKeyRow{name: "another key counts as changed", options: []string{all}, want: "hostkey-changed"}, "echo '[127.0.0.1]:PORT OTHER'", "KnownHostsCommand is set at", ""},
		{hostKeyRow{name: "a key for another host is none", options: []string{all}, want: "hostkey-unknown"}, "echo 'else ED'", "", ""},
		{hostKeyRow{name: "nothing said leaves it to the files", known: "[127.0.0.1]:PORT ED", options: []string{all}, want: "ok"}, "true", "", ""},
		{hostKeyRow{name: "what it revokes is revoked", known: "[127.0.0.1]:PORT ED", options: []string{all}, want: "hostkey-revoked"}, "echo '@revoked [127.0.0.1]:PORT ED'", "", ""},
		{hostKeyRow{name: "its authority is one", options: []string{all, "HostKeyAlias wall"}, want: "ok"}, "echo '@cert-authority wall CA'; echo '@cert-authority 127.0.0.1 CA'", "", ""},
		{hostKeyRow{name: "its failure refuses", known: "[127.0.0.1]:PORT ED", options: []string{all}, want: "hostkey-unknown"}, "echo 'no data base' >&2; exit 3", "KnownHostsCommand is set at", ""},
		{hostKeyRow{name: "its complaints are shown", known: "[127.0.0.1]:PORT ED", options: []string{all}, want: "ok"}, "echo 'the data base is old' >&2", "", "the data base is old"},
		{hostKeyRow{name: "one that is not there is passed over", known: "[127.0.0.1]:PORT ED", options: []string{"KnownHostsCommand DIR/nothing"}, want: "ok"}, "true", "", "was not run: no such file or directory"},
		{hostKeyRow{name: "what cannot be run refuses", known: "[127.0.0.1]:PORT ED", options: []string{"KnownHostsCommand DIR"}, want: "hostkey-unknown"}, "true", "KnownHostsCommand is set at", ""},
		{hostKeyRow{name: "one that is not named by its path is passed over", known: "[127.0.0.1]:PORT ED", options: []string{"KnownHostsCommand true"}, want: "ok"}, "true", "", "was not run: its path is not absolute"},
		{hostKeyRow{name: "a list of algorithms in order needs no order", options: []string{all, "HostKeyAlgorithms ssh-ed25519"}, want: "ok"}, "echo '[127.0.0.1]:PORT ED'", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			prepare := func() (block []string, dir string) {
				block = server.block(t, row.hostKeyRow)
				dir = filepath.Dir(blockFile(block))
				sshtest.Script(t, filepath.Join(dir, "tell"), strings.ReplaceAll(tellingCommand, "DIR", dir)+server.texts.Replace(row.says)+"\n")
				write(t, filepath.Join(dir, "asked"), "")
				return block, dir
			}
			theirs, theirDir := prepare()
			said := realSSH(t, nil, theirs...)
			if strings.Contains(said, "KnownHostsCommand failed") {
				said = "Host key verification failed"
			}
			if got := sshVerdict(said); got != row.want {
				t.Errorf("ssh says %q, want %q", got, row.want)
			}
			ours, ourDir := prepare()
			h := resolve(t, ours...)
			k, err := newHostKeys(t.Context(), h, os.Environ(), (&person{}).ask, nil)
			f, _ := failureOf(err)
			if err == nil {
				f = exchangeKeys(t, h, k)
				if notices := strings.Join(k.notices, "\n"); !strings.Contains(notices, row.notice) {
					t.Errorf("the notices are %q, want %q", notices, row.notice)
				}
			}
			if got := verdict(f); got != row.want {
				t.Errorf("we say %q, want %q: %v", got, row.want, f)
			} else if f != nil && !strings.Contains(f.Hint, row.hint) {
				t.Errorf("the hint is %q, want %q", f.Hint, row.hint)
			}
			if diff := cmp.Diff(read(t, filepath.Join(theirDir, "asked")), read(t, filepath.Join(ourDir, "asked"))); diff != "" {
				t.Errorf("ssh asks with the arguments (-), we (+):\n%s", diff)
			}
		})
	}
}

// blockFile is the known_hosts file of a block.
func blockFile(block []string) string {
	for _, line := range block {
		if file, ok := strings.CutPrefix(line, "UserKnownHostsFile "); ok {
			return file
		}
	}
	return ""
}
