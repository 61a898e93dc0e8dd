//go:build linux

package transport

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

func TestOnlyTheLogOfTheAccountIsTold(t *testing.T) {
	o := logOwner{name: "jon", home: "/home/jon"}
	for line, owned := range map[string]bool{
		"sshd[1]: Failed password for jon from 10.0.0.1 port 22 ssh2":                                            true,
		"sshd[1]: Failed password for invalid user jon from 10.0.0.1":                                            true,
		"sshd[1]: Authentication refused: bad ownership or modes for directory /home/jon/.ssh":                   true,
		"sshd[1]: Authentication refused: bad ownership or modes for directory /home/jon":                        true,
		"sshd[1]: pam_unix(sshd:auth): authentication failure; logname= uid=0 tty=ssh user=jon":                  true,
		"sshd[1]: Failed password for jon-snow from 10.0.0.1 port 22 ssh2":                                       false,
		"sshd[1]: Failed password for jon.snow from 10.0.0.1 port 22 ssh2, and not for jonas nor for NORTH\\jon": false,
		"sshd[1]: Authentication refused: bad ownership or modes for directory /home/jonas/.ssh":                 false,
		"sshd[1]: Failed password for dany from 10.0.0.1":                                                        false,
	} {
		if o.owns(line) != owned {
			t.Errorf("%q is of the account: %v", line, !owned)
		}
	}
	if (logOwner{home: "/"}).owns("sshd: /var/empty") {
		t.Error("every path is in a home that is the root")
	}
}

// The journal is read by journalctl(1), which has nothing to read where no
// systemd runs: another one stands in for it.
func TestTheJournalIsAskedForADayOfSshd(t *testing.T) {
	home := t.TempDir()
	sshtest.Script(t, home+"/journalctl", "echo \"$*\" > \"$HOME/asked\"\n"+
		"echo \"2026-03-02T09:00:00+0000 wall sshd[1]: Failed password for $(id -un) from 10.0.0.1\"\n"+
		"echo \"2026-03-02T09:00:01+0000 wall sshd[1]: Accepted password for $(id -un) from 10.0.0.1\"\n"+
		"echo '2026-03-02T09:00:02+0000 wall sshd[1]: Failed password for nobody-else from 10.0.0.1'\n")
	cmd := exec.Command(sshtest.Program(t, "sh"))
	cmd.Stdin, cmd.Env = strings.NewReader(FarScript), []string{"HOME=" + home, "PATH=" + home + ":" + os.Getenv("PATH")}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	far, ok := parseFar(out)
	if !ok || !slices.ContainsFunc(far.log, func(line string) bool {
		return strings.HasPrefix(line, "2026-03-02T09:00:00+0000 wall sshd[1]: Failed password for ")
	}) {
		t.Errorf("it says %q", out)
	}
	if slices.ContainsFunc(far.log, func(line string) bool {
		return strings.Contains(line, "Accepted") || strings.Contains(line, "nobody-else")
	}) {
		t.Errorf("it tells %q", far.log)
	}
	if asked, err := os.ReadFile(home + "/asked"); err != nil || !strings.Contains(string(asked), "--since -1d -t sshd") {
		t.Errorf("it asks for %q, %v", asked, err)
	}
}

func TestTheDoctorTellsWhatSshdHasSaidOfTheAccount(t *testing.T) {
	const log = "Mar  2 09:00:00 wall sshd[7]: Authentication refused: bad ownership or modes for directory %s/.ssh\\n" +
		"Mar  2 09:00:01 wall sshd[8]: Failed password for " + sshtest.AccountName + " from 10.0.0.1 port 4711 ssh2\\n" +
		"Mar  2 09:00:02 wall sshd[9]: Failed password for dany from 10.0.0.1 port 4712 ssh2\\n" +
		"Mar  2 09:00:03 wall cron[9]: error of " + sshtest.AccountName + "\\n"
	a := sshtest.NewAccount(t, "jon", "/bin/sh", "mount -t tmpfs none /var/log; printf '"+log+"' \"$home\" > /var/log/auth.log; chmod 644 /var/log/auth.log")
	public, err := os.ReadFile(a.Path("authorized_keys"))
	if err != nil {
		t.Fatal(err)
	}
	a.Put(t, ".ssh/authorized_keys", string(public), 0o600)
	a.Run(t)
	p := Patient{
		Config: config.Load(config.Paths{User: a.Path("ssh_config"), Home: a.Path(""), Explicit: true}), Host: sshtest.Alias,
		Env: Env{"HOME=" + a.Path(""), "PATH=" + os.Getenv("PATH")},
	}
	var told []string
	for f := range Diagnose(t.Context(), p) {
		if f.Check == "far-log" {
			told = append(told, f.What)
		}
		if f.Outcome == Wrong {
			t.Errorf("it finds %v", f)
		}
	}
	want := []string{
		"sshd there has said: Mar  2 09:00:00 wall sshd[7]: Authentication refused: bad ownership or modes for directory " + a.Home + "/.ssh",
		"sshd there has said: Mar  2 09:00:01 wall sshd[8]: Failed password for jon from 10.0.0.1 port 4711 ssh2",
	}
	if !slices.Equal(told, want) {
		t.Errorf("it tells %q, and not %q", told, want)
	}
}
