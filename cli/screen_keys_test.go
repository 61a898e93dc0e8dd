//go:build linux

package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/api"
	"sallyport/internal/sshtest"
	"sallyport/keys"
)

// The way is up already: only what the account needs is asked.
func TestTheScreenInstallsAKeyAndMendsWhatIsAgreedTo(t *testing.T) {
	i := accountFor(t, "jon", "sh")
	chmod(t, i.account.Home, 0o777)
	if out, errs, err := i.run("installed", sshtest.Alias); err != nil {
		t.Fatalf("%v: %s%s", err, out, errs)
	}
	for _, name := range []string{"XDG_RUNTIME_DIR", "XDG_STATE_HOME"} {
		t.Setenv(name, i.runtime())
	}
	t.Setenv("SSH_AUTH_SOCK", "")
	a := &app{configFile: i.server.Path("ssh_config")}
	var asked []string
	answers := []string{"no", "yes"}
	ask := func(_ context.Context, q api.Question) (api.Answer, bool) {
		asked = append(asked, q.Host+" "+q.Title)
		text := answers[0]
		answers = answers[1:]
		return api.Answer{Texts: [][]byte{[]byte(text)}}, true
	}
	r := a.installOnScreen(t.Context(), sshtest.Alias, i.key, ask)
	if r.State != api.KeyInstalled || r.Login != api.LoginRefused || r.Error == nil || r.Error.Code != "modes" {
		t.Errorf("while the mode is left it is told as %+v, %+v", r, r.Error)
	}
	r = a.installOnScreen(t.Context(), sshtest.Alias, i.key, ask)
	if r.State != api.KeyPresent || r.Login != api.LoginProved || len(r.Mended) != 1 || r.Error != nil {
		t.Errorf("once it is mended it is told as %+v, %+v", r, r.Error)
	}
	if len(asked) != 2 || !strings.HasPrefix(asked[0], sshtest.Alias+" ~: ") {
		t.Errorf("it asks %q", asked)
	}
}

func TestTheScreenMakesAKeyWhereNoneIs(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	a := &app{configFile: filepath.Join(home, "config"), home: home}
	if err := os.WriteFile(a.configFile, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := a.makeOnScreen(api.KeySpec{Type: "ed25519"}, "", []byte("winter"))
	if err != nil {
		t.Fatal(err)
	}
	if made.Path != filepath.Join(home, ".ssh", "id_ed25519") || made.Comment != api.KeyComment() || !made.Private.Encrypted {
		t.Errorf("it made %+v", made.Facts)
	}
	if _, err := a.makeOnScreen(api.KeySpec{Type: "ed25519"}, "", nil); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("a second one: %v", err)
	}
	if _, err := a.makeOnScreen(api.KeySpec{Type: "ed25519-sk"}, "", nil); err == nil || !strings.Contains(err.Error(), "made in a terminal") {
		t.Errorf("one in a token: %v", err)
	}
	if facts, err := keys.Inspect(made.Path); err != nil || facts.SHA256 != made.SHA256 {
		t.Errorf("there is %+v, %v", facts, err)
	}
}

func TestTheScreenImportsAKeyOfPuTTY(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	ppk, passphrase := filepath.Join(home, "Cluster.PPK"), filepath.Join(home, "passphrase")
	if err := os.WriteFile(passphrase, []byte("winter"), 0o600); err != nil {
		t.Fatal(err)
	}
	sshtest.Run(t, sshtest.Program(t, "puttygen"), "-t", "ed25519", "-q", "-C", "dany", "--new-passphrase", passphrase, "-o", ppk)
	a := &app{configFile: filepath.Join(home, "config"), home: home}
	if err := os.WriteFile(a.configFile, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	answers := []string{"summer", "winter"}
	ask := func(_ context.Context, q api.Question) (api.Answer, bool) {
		if q.Kind != api.AskPassphrase || q.File != ppk || len(answers) == 0 {
			return api.Answer{}, false
		}
		text := answers[0]
		answers = answers[1:]
		return api.Answer{Texts: [][]byte{[]byte(text)}}, true
	}
	made, err := a.importOnScreen(t.Context(), ppk, ask)
	if err != nil {
		t.Fatal(err)
	}
	if made.Path != filepath.Join(home, ".ssh", "Cluster") || made.Comment != "dany" || !made.Private.Encrypted {
		t.Errorf("it made %+v", made.Facts)
	}
	if out := sshtest.Run(t, sshtest.Program(t, "ssh-keygen"), "-y", "-P", "winter", "-f", made.Path); !strings.Contains(out, string(ssh.MarshalAuthorizedKey(made.Public))[:60]) {
		t.Errorf("ssh-keygen reads %q, told is %s", out, made.SHA256)
	}
	none := filepath.Join(home, "none.ppk")
	if err := os.WriteFile(none, []byte("PuTTY-User-Key-File-3: "), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.importOnScreen(t.Context(), none, ask); err == nil || !strings.Contains(err.Error(), none) {
		t.Errorf("of a damaged file it says %v", err)
	}
	sshtest.Run(t, "rm", made.Path, made.Path+".pub")
	if _, err := a.importOnScreen(t.Context(), ppk, ask); err == nil || !strings.Contains(err.Error(), "the question was not answered") {
		t.Errorf("nobody gives the passphrase, and it says %v", err)
	}
}
