package keys

import (
	"encoding/base64"
	"net"
	"os"
	"os/user"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// TestAuthorizedLinesAreReadAsSSHDReadsThem logs in with a key whose line is
// written in all ways. That sshd lets it in is the judge.
func TestAuthorizedLinesAreReadAsSSHDReadsThem(t *testing.T) {
	server := sshtest.StartServer(t)
	signer := sshtest.NewKey(t)
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	kind, blob, _ := strings.Cut(line, " ")
	for name, text := range map[string]string{
		"alone":                                   line,
		"a comment":                               line + " jon@wall",
		"space before it and tabs between":        " \t " + kind + "\t \t" + blob + "\tjon",
		"an option":                               "no-pty " + line,
		"a quoted option with a space":            `command="echo a b" ` + line,
		"a quoted option with a comma":            `command="echo a, b",no-pty ` + line,
		"an escaped quote":                        `command="echo \"a b\"" ` + line,
		"a backslash at the end of a quoted word": `command="a\\",no-pty ` + line,
		"a quote that is not closed":              `command="echo a ` + line,
		"space after a comma of options":          "no-pty, no-agent-forwarding " + line,
		"options and tabs":                        "no-pty\t\t" + line,
		"a comment sign":                          "#" + line,
		"a comment sign after space":              "  # " + line,
		"a carriage return at the end":            line + "\r",
		"a carriage return before it":             "\r" + line,
		"no type":                                 blob,
		"another type":                            "ssh-rsa " + blob,
		"a type in capitals":                      "SSH-ED25519 " + blob,
		"a key cut short":                         line[:len(line)-4],
		"a key with a byte more":                  kind + " " + blob + "AAAA",
		"a line break inside the key":             line[:40] + "\n" + line[40:],
		"padding too much":                        line + "==",
		"a vertical tab inside the key":           line[:40] + "\v" + line[40:],
		"a NUL before the key":                    "\x00" + line,
		"a NUL after the key":                     line + "\x00 rest",
		"the file of RFC 4716":                    "---- BEGIN SSH2 PUBLIC KEY ----\n" + blob + "\n---- END SSH2 PUBLIC KEY ----",
	} {
		server.Write(t, "authorized_keys", text+"\n")
		found := false
		for _, a := range ParseAuthorized([]byte(text + "\n")) {
			found = found || Equal(a.Public, signer.PublicKey())
		}
		if lets := letsIn(t, server, signer); lets != found {
			t.Errorf("%s: sshd lets it in: %v; it is found: %v\n%q", name, lets, found, text)
		}
	}
}

// letsIn tells whether a server takes a key. A forced command is not run.
func letsIn(t *testing.T, s *sshtest.Server, signer ssh.Signer) bool {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.Address(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	me, err := user.Current()
	check(t, err)
	c, _, _, err := ssh.NewClientConn(conn, s.Address(), &ssh.ClientConfig{
		User: me.Username, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(s.HostKey),
	})
	if err != nil {
		if !strings.Contains(err.Error(), "unable to authenticate") {
			t.Fatal(err)
		}
		return false
	}
	c.Close()
	return true
}

func TestAuthorizedLinesAreTold(t *testing.T) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKlLfHQuExoJ0G7pOTrBgfsyWEEx28dr8XMmPkHZXF7P"
	list := ParseAuthorized([]byte("# none\n" + key + "\nfrom=\"10.*,!10.1.*\",command=\"a \\\", b\",no-pty " + key + " jon at home\r\n\nCert-Authority " + key + "\n"))
	if len(list) != 3 {
		t.Fatalf("%d keys are found: %+v", len(list), list)
	}
	if a := list[0]; a.Line != 2 || a.Type != "ED25519" || a.Bits != 256 || a.Comment != "" || len(a.Options) != 0 || a.Authority() {
		t.Errorf("the first is %+v", a)
	}
	if a := list[1]; a.Line != 3 || a.Comment != "jon at home" || strings.Join(a.Options, "|") != `from="10.*,!10.1.*"|command="a \", b"|no-pty` {
		t.Errorf("the second is %+v", a)
	}
	if !list[2].Authority() {
		t.Errorf("the third is %+v", list[2])
	}
	if line := AuthorizedLine(list[0].Public, " jon\x1b]52;\n@wall \u202e"); line != key+" jon]52;@wall" {
		t.Errorf("the line is %q", line)
	}
}

// TestPastedKeysAreToldWhatIsWrong has the faults that a help desk sees, of
// keys that ssh-keygen and puttygen made.
func TestPastedKeysAreToldWhatIsWrong(t *testing.T) {
	path := generate(t, "", "-t", "ed25519")
	line := strings.TrimSpace(string(read(t, path+".pub")))
	words := strings.Fields(line)
	ppk := path + ".ppk"
	sshtest.Run(t, "puttygen", path, "-O", "private", "-o", ppk, "--new-passphrase", "/dev/null")
	for name, row := range map[string]struct {
		text string
		want error
	}{
		"the line":                        {line, nil},
		"the line between empty ones":     {"\n\n" + line + "\r\n\r\n", nil},
		"the line without its comment":    {words[0] + " " + words[1], nil},
		"the private half":                {string(read(t, path)), errPastedPrivate},
		"the private half, indented":      {"  " + string(read(t, path)), errPastedPrivate},
		"PuTTY's file":                    {string(read(t, ppk)), errPastedPuTTY},
		"the form of RFC 4716":            {sshtest.Run(t, "ssh-keygen", "-e", "-f", path+".pub"), errPastedRFC4716},
		"a line break inside":             {line[:40] + "\r\n" + line[40:], errPastedBroken},
		"line breaks at each 20 letters":  {words[0] + "\n" + words[1][:20] + "\n" + words[1][20:40] + "\n" + words[1][40:], errPastedBroken},
		"a space inside":                  {line[:40] + " " + line[40:], errPastedBroken},
		"no type":                         {words[1] + " " + words[2], errPastedBare},
		"no type and a line break inside": {words[1][:20] + "\n" + words[1][20:], errPastedBare},
		"the end is missing":              {words[0] + " " + words[1][:50], errPastedCut},
		"another type":                    {"ssh-rsa " + words[1], errPastedType},
		"a letter is another":             {words[0] + " B" + words[1][1:], errPastedCut},
		"nothing":                         {" \n", errPastedNothing},
		"the fingerprint":                 {sshtest.Run(t, "ssh-keygen", "-lf", path), errPastedNothing},
	} {
		key, comment, err := ParsePasted([]byte(row.text))
		if err != row.want || (err == nil) != (key != nil) {
			t.Errorf("%s: %v, %q, %v; want %v", name, key, comment, err, row.want)
		}
	}
}

// FuzzAuthorizedKeys: what is found is what it is told to be, and a line that
// is made of it is found as the same key.
func FuzzAuthorizedKeys(f *testing.F) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKlLfHQuExoJ0G7pOTrBgfsyWEEx28dr8XMmPkHZXF7P"
	for _, seed := range []string{"", key, "\\\"", `command="a \" b",no-pty ` + key + " jon", "a,b," + " " + key, "\"" + key, key + "\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, a := range ParseAuthorized(data) {
			if len(a.Options) > 0 && strings.Contains(strings.Join(a.Options, ""), "\x00") {
				t.Errorf("the options %q go on after the string", a.Options)
			}
			again := ParseAuthorized([]byte(AuthorizedLine(a.Public, a.Comment)))
			if len(again) != 1 || !Equal(again[0].Public, Plain(a.Public)) {
				t.Errorf("%+v becomes %+v", a, again)
			}
			options := strings.Join(a.Options, ",")
			if options == "" {
				continue
			}
			blob := base64.StdEncoding.EncodeToString(a.Public.Marshal())
			again = ParseAuthorized([]byte(options + " " + a.Public.Type() + " " + blob))
			if len(again) != 1 || strings.Join(again[0].Options, ",") != options {
				t.Errorf("the options %q become %+v", options, again)
			}
		}
		ParsePasted(data)
		ParseAccount(data)
		ParseChange(data)
	})
}

// TestFaultsAreThoseOfSSHD holds modes against StrictModes.
func TestFaultsAreThoseOfSSHD(t *testing.T) {
	mine := func(mode string) Entry { return Entry{mode, "7"} }
	good := Account{UID: "7", Home: mine("drwxr-xr-x"), Dir: mine("drwx------"), File: mine("-rw-r--r--")}
	for name, row := range map[string]struct {
		change func(*Account)
		want   string // path and command of each fault
	}{
		"a good one":                 {func(*Account) {}, ""},
		"no ~/.ssh":                  {func(a *Account) { a.Dir, a.File = Entry{}, Entry{} }, ""},
		"a group that writes":        {func(a *Account) { a.Home = mine("drwxrwxr-x") }, "~ chmod go-w ~;"},
		"everybody writes":           {func(a *Account) { a.Dir, a.File = mine("drwxr-xrwx"), mine("-rw----rw-") }, "~/.ssh chmod 700 ~/.ssh;~/.ssh/authorized_keys chmod 600 ~/.ssh/authorized_keys;"},
		"the owner can't enter":      {func(a *Account) { a.Dir = mine("drw-------") }, "~/.ssh chmod 700 ~/.ssh;"},
		"the owner can't read":       {func(a *Account) { a.File = mine("--w-------") }, "~/.ssh/authorized_keys chmod 600 ~/.ssh/authorized_keys;"},
		"root's home, as it is":      {func(a *Account) { a.Home = Entry{"drwxr-xr-x", "0"} }, ""},
		"root's home that all write": {func(a *Account) { a.Home = Entry{"drwxrwxrwx", "0"} }, "~ ;"},
		"another user's":             {func(a *Account) { a.File = Entry{"-rw-------", "8"} }, "~/.ssh/authorized_keys ;"},
		"an access list":             {func(a *Account) { a.Home = mine("drwxr-xr-x+") }, ""},
		"a mode that is none":        {func(a *Account) { a.Home = mine("d") }, ""},
	} {
		a := good
		row.change(&a)
		got := ""
		for _, f := range a.Faults() {
			got += f.Path + " " + f.Mend + ";"
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}

// TestChangeIsRefusedWhereTheFileIsAnother has the file changed between the
// look and the change, and a script that arrives in part.
func TestChangeIsRefusedWhereTheFileIsAnother(t *testing.T) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKlLfHQuExoJ0G7pOTrBgfsyWEEx28dr8XMmPkHZXF7P"
	home := t.TempDir()
	look := func() Account {
		a, ok := ParseAccount(shell(t, home, AccountScript))
		if !ok {
			t.Fatal("the account is not told")
		}
		return a
	}
	script := Change{Add: key}.Script(look())
	for n := range len(script) - len("\nexit 0\n") - len("change") {
		if n%97 == 0 { // each costs a process
			shell(t, home, script[:n])
		}
	}
	if a := look(); a.Dir.Mode != "" {
		t.Fatalf("a part of the script has made %+v", a.Dir)
	}
	if err, ok := ParseChange(shell(t, home, script)); err != nil || !ok {
		t.Fatalf("the script: %v, %v", err, ok)
	}
	was := look()
	file := home + "/.ssh/authorized_keys"
	if err := os.WriteFile(file, []byte(key+"\n# more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]Change{"adding": {Add: key}, "removing": {Remove: was.Authorized}} {
		err, ok := ParseChange(shell(t, home, c.Script(was)))
		if want := "writing ~/.ssh/authorized_keys: somebody else has just changed it"; !ok || err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if text := string(read(t, file)); text != key+"\n# more\n" {
		t.Errorf("the file is %q", text)
	}
}
