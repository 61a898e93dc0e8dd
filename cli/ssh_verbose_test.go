//go:build linux

package cli

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// landmarks are what people and scripts look for in what -v prints.
var landmarks = regexp.MustCompile(`^(debug1: (Reading configuration data |.*: Applying options for |Connecting to |connect to address |Connection established|` +
	`Authenticating to |Server host key: |Host '.*' is known |Found key in |Authentications that can continue: |Next authentication method: |` +
	`Offering public key: |Server accepts key: |No more authentication methods|Entering interactive session|Sending command: |Exit status )|` +
	`Authenticated to |Transferred|Bytes per second)`)

// landmarksOf are those of one run.
func (b *bench) landmarksOf(t *testing.T, ssh []string, args string) []string {
	t.Helper()
	words := append(append(ssh, "-F", b.config), strings.Fields(args)...)
	cmd := exec.Command(sshtest.Program(t, words[0]), words[1:]...)
	cmd.Env = append(plainEnvironment(), "XDG_RUNTIME_DIR="+b.bin)
	errs := new(strings.Builder)
	cmd.Stderr = errs
	_ = cmd.Run() // its status is a landmark
	var found []string
	for line := range strings.Lines(rewordedBy(figures, errs.String())) {
		if landmarks.MatchString(line) {
			found = append(found, line)
		}
	}
	return found
}

func TestWhatIsLookedForInTheLinesOfVIsThere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, args := range []string{
		"-v one true",
		"-v one exit 3",
		"-vv one true",
		"-v -i " + b.server.Path("stranger") + " one true",
		"-o LogLevel=VERBOSE one true",
		"one true",
		"-v refused true",
		"-v narrow true",
		"-v -o PubkeyAuthentication=no -o BatchMode=yes one true",
	} {
		t.Run(args, func(t *testing.T) {
			want := b.landmarksOf(t, []string{"ssh"}, args)
			if got := b.landmarksOf(t, []string{b.bin + "/sallyport", "ssh"}, args); cmp.Diff(want, got) != "" {
				t.Errorf("(-ssh +sallyport ssh)\n%s", cmp.Diff(want, got))
			}
		})
	}
}
