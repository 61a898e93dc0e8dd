//go:build unix

package transport

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

// ailment is something that is wrong with the way to the host "wall".
type ailment struct {
	name   string
	gate   []string                // lines of sshd_config, of a bastion of its own
	root   bool                    // a fault for root only
	server []string                // lines of sshd_config, of a server of its own
	above  []string                // lines of ssh_config before the wall's
	block  []string                // the wall's; HOME is the home here
	setUp  func(*testing.T, *ward) // before the configuration is written
	later  func(*testing.T, *ward) // and after
	serve  func(net.Conn)          // instead of a real server
	realm  *sshtest.Realm          // lets in whom the key does not
	says   map[Kind]string         // the answers of the person; nil for nobody
	found  []string                // the checks that find something, in order
	said   string                  // is in what the first of them says, or in its fix
	mended bool                    // the repairs make it well
	shut   bool                    // healthy, and no shell
	then   []string                // what further looks find, where repairs show more
}

// ward is where an ailment is: a home here, with a configuration of its own,
// and one there.
type ward struct {
	home, far string
	wall      *sshtest.Server
	port      int
	env       Env
	named     bool // the configuration is given by -F, so that a real ssh finds it
}

// here is a file of ~/.ssh.
func (w *ward) here(name string) string { return filepath.Join(w.home, ".ssh", name) }

// there is a file of the home there.
func (w *ward) there(name string) string { return filepath.Join(w.far, name) }

// move gives the key another name.
func (w *ward) move(t *testing.T, name string) {
	t.Helper()
	for _, end := range []string{"", ".pub"} {
		if err := os.Rename(w.here("id_ed25519"+end), w.here(name+end)); err != nil {
			t.Fatal(err)
		}
	}
}

// stranger puts a key in the place of the one that the server knows.
func (w *ward) stranger(t *testing.T, passphrase string, args ...string) {
	t.Helper()
	os.Remove(w.here("id_ed25519"))
	os.Remove(w.here("id_ed25519.pub"))
	sshtest.Keygen(t, w.here("id_ed25519"), passphrase, args...)
}

// newWard furnishes the homes; client is the key that the servers know.
func newWard(t *testing.T, client string, public string) *ward {
	t.Helper()
	w := &ward{home: shortDir(t), far: shortDir(t)}
	for _, dir := range []string{w.home, w.far} {
		if err := os.Mkdir(filepath.Join(dir, ".ssh"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.env = Env{"HOME=" + w.home, "PATH=" + os.Getenv("PATH"), "SHELL=/bin/sh"}
	write(t, w.here("id_ed25519"), client)
	write(t, w.here("id_ed25519.pub"), public)
	write(t, w.there(".ssh/authorized_keys"), public)
	return w
}

// open starts what is behind the wall's address.
func (w *ward) open(t *testing.T, a ailment, plain *sshtest.Server) {
	t.Helper()
	w.wall = plain
	if a.server != nil {
		w.wall = sshtest.NewServer(t, append(a.server, "AuthorizedKeysFile "+w.there(".ssh/authorized_keys"), "SetEnv HOME="+w.far)...)
		if a.realm != nil {
			w.wall.Env, w.env = a.realm.Env, append(w.env, a.realm.Env...)
		}
		w.wall.Run(t)
	}
	w.port = w.wall.Port
	if a.serve != nil {
		w.port = serve(t, a.serve)
	}
	write(t, w.here("known_hosts"), plain.Known()+w.wall.Known())
}

// bastion starts one of its own where a row has settings for it.
func (w *ward) bastion(t *testing.T, a ailment, plain *sshtest.Server) (port int) {
	t.Helper()
	if a.gate == nil {
		return plain.Port
	}
	gate := sshtest.StartServer(t, append(a.gate, "AuthorizedKeysFile "+w.there(".ssh/authorized_keys"))...)
	write(t, w.here("known_hosts"), text(t, w.here("known_hosts"))+gate.Known())
	return gate.Port
}

// configure writes the configuration: the wall's, and a bastion called gate.
func (w *ward) configure(t *testing.T, a ailment, gate int) {
	t.Helper()
	lines := append(append(append([]string{}, a.above...), "Host wall"), a.block...)
	for _, line := range []string{"HostName 127.0.0.1", fmt.Sprintf("Port %d", w.port)} {
		keyword, _, _ := strings.Cut(line, " ")
		if !slices.ContainsFunc(a.block, func(set string) bool { return strings.HasPrefix(set, keyword+" ") }) {
			lines = append(lines, line)
		}
	}
	lines = append(lines, "Host gate", "HostName 127.0.0.1", fmt.Sprintf("Port %d", gate),
		"Host *", "User "+me(t), "StrictHostKeyChecking yes", "UserKnownHostsFile "+w.here("known_hosts"), "GlobalKnownHostsFile none")
	write(t, w.here("config"), strings.ReplaceAll(strings.Join(lines, "\n"), "HOME", w.home)+"\n")
}

// patient is the ward as the doctor sees it.
func (w *ward) patient(says map[Kind]string) Patient {
	p := Patient{Config: config.Load(config.Paths{User: w.here("config"), Home: w.home, Explicit: w.named}), Host: "wall", Env: w.env}
	p.Save = func(ctx context.Context, c *config.Change) error {
		return c.Apply(ctx, filepath.Join(w.home, "backups"))
	}
	if says != nil {
		p.Asker = newPatient(says)
	}
	return p
}

// wrong are the findings that tell of a fault. What can be repaired is.
func (w *ward) wrong(t *testing.T, says map[Kind]string) []Finding {
	t.Helper()
	return faults(t, w.patient(says))
}

// faults are what is wrong with a patient, once the doctor has mended it.
func faults(t *testing.T, p Patient) (all []Finding) {
	t.Helper()
	for f := range Diagnose(soon(t), p) {
		if text := f.What + f.Why + f.Fix; config.Printable(text) != text || f.What == "" {
			t.Errorf("it says %+v", f)
		}
		if f.Outcome != Wrong {
			continue
		}
		all = append(all, f)
		if f.Why == "" || f.Ours && f.Fix == "" {
			t.Errorf("it leaves something out: %+v", f)
		}
		if f.Ours {
			if err := f.Repair(soon(t)); err != nil {
				t.Errorf("mending %q: %v", f.What, err)
			}
		}
	}
	return all
}

// healed looks, mends all that is offered, and looks again until nothing is.
// It gives what the first look has found, and the checks of the others.
func healed(t *testing.T, look func() []Finding) (first []Finding, later []string) {
	t.Helper()
	const most = 3
	for n := 1; ; n++ {
		all := look()
		if n == 1 {
			first = all
		} else {
			later = append(later, named(all)...)
		}
		switch offered := slices.ContainsFunc(all, func(f Finding) bool { return f.Ours }); {
		case !offered:
			return first, later
		case n == most:
			t.Errorf("it is still mended: %+v", all)
			return first, later
		}
	}
}

// compare holds a row against what was found, and tells whether all is well in
// the end.
func (a ailment) compare(t *testing.T, first []Finding, later []string) (well bool) {
	t.Helper()
	if diff := cmp.Diff(a.found, named(first)); diff != "" {
		t.Fatalf("what is found (-want +got):\n%s%+v", diff, first)
	}
	if len(first) > 0 && !strings.Contains(first[0].What+first[0].Fix, a.said) {
		t.Errorf("it does not say %q: %+v", a.said, first[0])
	}
	if diff := cmp.Diff(a.then, later); diff != "" {
		t.Errorf("what is found later (-want +got):\n%s", diff)
	}
	offered := slices.ContainsFunc(first, func(f Finding) bool { return f.Ours })
	if a.mended && !offered {
		t.Error("nothing is offered")
	}
	return a.mended || len(first) == 0
}

// logsIn has the real ssh log in with the key alone, as a person at this home
// does: ssh takes the home from the passwd entry, so that it is mounted there.
func (w *ward) logsIn(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		return // nobody else can mount
	}
	passwd, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	argv := []string{"-m", "sh", "-c", `mount --bind "$1" "$2" && shift 2 && exec "$@"`, "sh", w.home, passwd.HomeDir, sshtest.Program(t, "ssh")}
	if w.named {
		argv = append(argv, "-F", w.here("config"))
	}
	cmd := exec.Command(sshtest.Program(t, "unshare"), append(argv, "-o", "BatchMode=yes", "-o", "PreferredAuthentications=publickey", "-o", "ClearAllForwardings=yes", "wall", "true")...)
	cmd.Env = w.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("ssh: %v: %s", err, out)
	}
}

// named are the checks of findings, with the hop where it is not the wall.
func named(all []Finding) (names []string) {
	for _, f := range all {
		name := f.Check
		if f.Hop != "" && f.Hop != "wall" && f.Hop != sshtest.Alias {
			name += " of " + f.Hop
		}
		names = append(names, name)
	}
	return names
}

func TestTheDoctorFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	realm := sshtest.StartRealm(t)
	realm.LogIn(t, me(t), "1h")
	empty := sshtest.StartRealm(t) // without a ticket
	kerberos := []string{"GSSAPIAuthentication yes", "GSSAPIStrictAcceptorCheck no"}
	byTicket := []string{"GSSAPIAuthentication yes", "PreferredAuthentications publickey,gssapi-with-mic"}
	own := []string{"PrintMotd no"} // a server of its own, with nothing special
	dir := t.TempDir()
	ca := generate(t, dir, "ca", "", "-t", "ed25519")
	mode := func(name string, mode os.FileMode) func(*testing.T, *ward) {
		return func(t *testing.T, w *ward) { chmod(t, w.here(name), mode) }
	}
	modeThere := func(name string, mode os.FileMode) func(*testing.T, *ward) {
		return func(t *testing.T, w *ward) { chmod(t, w.there(name), mode) }
	}
	owner := func(name string) func(*testing.T, *ward) {
		return func(t *testing.T, w *ward) {
			if os.Getuid() != 0 {
				t.Skip("only root can give a file away")
			}
			if err := os.Chown(w.here(name), 4711, 4711); err != nil {
				t.Fatal(err)
			}
		}
	}
	stub := func(name, script string) func(*testing.T, *ward) { // a program there that says what it would say
		return func(t *testing.T, w *ward) {
			os.Mkdir(w.there("bin"), 0o700)
			sshtest.Script(t, w.there("bin/"+name), script+"\n")
			write(t, w.there(".bashrc"), "PATH=$HOME/bin:$PATH\n")
		}
	}
	unknown := func(t *testing.T, w *ward) { w.stranger(t, "", another...) }
	byName := func(t *testing.T, w *ward) {
		sshtest.Program(t, "ssh")
		w.named = true
	}
	rows := []ailment{
		// the key's name, which is 30 % of a help desk's work
		{name: "the key has a name that ssh does not look for", setUp: func(t *testing.T, w *ward) { w.move(t, "meso_key") },
			found: []string{"key-unused"}, said: "IdentityFile=", mended: true},
		{name: "the configuration names a file that is not there", setUp: func(t *testing.T, w *ward) { w.move(t, "meso_key") },
			block: []string{"IdentityFile ~/.ssh/id_rsa"}, found: []string{"key-missing", "key-unused"}, said: "id_rsa", mended: true},
		{name: "the configuration names the key without its directory", block: []string{"IdentityFile id_ed25519_lab"}, setUp: func(t *testing.T, w *ward) { w.move(t, "id_ed25519_lab") },
			found: []string{"key-missing", "key-unused"}, said: "~/.ssh/id_ed25519_lab", mended: true},

		// what the file is
		{name: "the key can be read by others", setUp: mode("id_ed25519", 0o644), found: []string{"key-file"}, said: "chmod 600", mended: true},
		{name: "the key has the mode 0777", setUp: mode("id_ed25519", 0o777), found: []string{"key-file"}, said: "0777", mended: true},
		{name: "the private half is the public one", setUp: func(t *testing.T, w *ward) { write(t, w.here("id_ed25519"), text(t, w.here("id_ed25519.pub"))) },
			found: []string{"key-file"}},
		{name: "the configuration names the public half", block: []string{"IdentityFile ~/.ssh/id_ed25519.pub"}, found: []string{"key-file"}, said: "IdentityFile=", mended: true},
		{name: "the configuration names the public half of a key that is elsewhere", block: []string{"IdentityFile ~/.ssh/id_ed25519.pub"},
			setUp: func(t *testing.T, w *ward) { os.Remove(w.here("id_ed25519")) }, found: []string{"key-file"}, said: "ssh-add"},
		{name: "a healthy host whose key is in the agent, and the configuration names its public half", block: []string{"IdentityFile ~/.ssh/id_ed25519.pub"},
			setUp: func(t *testing.T, w *ward) {
				socket := sshtest.Agent(t)
				sshtest.Add(t, socket, w.here("id_ed25519"))
				os.Remove(w.here("id_ed25519"))
				w.env = append(w.env, "SSH_AUTH_SOCK="+socket)
			}},
		{name: "the key is PuTTY's", setUp: func(t *testing.T, w *ward) {
			sshtest.Run(t, "puttygen", w.here("id_ed25519"), "-O", "private", "-o", w.here("ppk"), "--old-passphrase", "/dev/null", "--new-passphrase", "/dev/null")
			os.Rename(w.here("ppk"), w.here("id_ed25519"))
		}, found: []string{"key-file"}, said: "sallyport key import"},
		{name: "the key was cut off when it was copied", setUp: func(t *testing.T, w *ward) {
			write(t, w.here("id_ed25519"), text(t, w.here("id_ed25519"))[:120])
		}, found: []string{"key-file"}},
		{name: "the .pub file is another key's", setUp: func(t *testing.T, w *ward) {
			write(t, w.here("id_ed25519.pub"), text(t, ca+".pub"))
		}, found: []string{"key-file"}, said: "public half"},
		{name: "a DSA key", setUp: func(t *testing.T, w *ward) {
			os.Remove(w.here("id_ed25519.pub"))
			write(t, w.here("id_ed25519"), text(t, "testdata/dsa"))
		}, found: []string{"key-file"}, said: "DSA"},
		{name: "the certificate has expired", setUp: func(t *testing.T, w *ward) {
			unknown(t, w)
			sshtest.Run(t, "ssh-keygen", "-q", "-s", ca, "-I", "jon", "-n", me(t), "-V", "20200101:20210101", w.here("id_ed25519.pub"))
		}, found: []string{"key-file"}, said: "expired"},
		{name: "the passphrase cannot be asked for", setUp: func(t *testing.T, w *ward) { w.stranger(t, "winter", another...) }, server: own,
			later: func(t *testing.T, w *ward) {
				write(t, w.there(".ssh/authorized_keys"), text(t, w.here("id_ed25519.pub")))
			},
			found: []string{"login"}, said: "ssh-add"},
		{name: "the passphrase is forgotten", setUp: func(t *testing.T, w *ward) { w.stranger(t, "winter", another...) }, server: own,
			later: func(t *testing.T, w *ward) {
				write(t, w.there(".ssh/authorized_keys"), text(t, w.here("id_ed25519.pub")))
			},
			says: map[Kind]string{AskPassphrase: "summer"}, found: []string{"login"}, said: "passphrase was wrong"},

		// the configuration and this machine
		{name: "others can write to the configuration", later: mode("config", 0o666), found: []string{"config-mode"}, said: "chmod 644", mended: true},
		{name: "the configuration is another user's", later: owner("config"), found: []string{"config-mode"}, said: "chown"},
		{name: "a keyword is misspelt", block: []string{"HostNmae wall"}, found: []string{"config"}, said: "config:2"},
		{name: "a value that ssh refuses", block: []string{"Port twenty-two"}, found: []string{"config"}},
		{name: "a jump through itself by another", above: []string{"Host wall", "ProxyJump tower", "Host tower", "ProxyJump wall"}, found: []string{"config"}, said: "tower"},
		{name: "the control socket has no directory", block: []string{"ControlMaster auto", "ControlPath HOME/.ssh/cm/%C"}, found: []string{"controlpath"}, mended: true},
		{name: "the path of the control socket is too long", block: []string{"ControlMaster auto", "ControlPath HOME/" + strings.Repeat("x", 100) + "%C"},
			found: []string{"config"}},
		{name: "a line that never takes effect", block: []string{"ServerAliveInterval 10", "ServerAliveInterval 30"}, found: []string{"config-lint"}},
		{name: "others can write to ~/.ssh", later: mode("", 0o777), found: []string{"ssh-dir"}, said: "chmod 700", mended: true},
		{name: "chmod -R 600 was tried", later: mode("", 0o600), found: []string{"ssh-dir"}, mended: true},
		{name: "others can write to the home", later: mode("..", 0o777), found: []string{"home"}, mended: true},
		{name: "the agent is gone, and has the only key", setUp: func(t *testing.T, w *ward) {
			os.Remove(w.here("id_ed25519"))
			os.Remove(w.here("id_ed25519.pub"))
			w.env = append(w.env, "SSH_AUTH_SOCK=/nonexistent/agent")
		}, found: []string{"agent"}, said: "ssh-agent"},
		{name: "the agent has no keys, and there is no other", setUp: func(t *testing.T, w *ward) {
			os.Remove(w.here("id_ed25519"))
			os.Remove(w.here("id_ed25519.pub"))
			w.env = append(w.env, "SSH_AUTH_SOCK="+sshtest.Agent(t))
		}, found: []string{"login"}, said: "ssh-add FILE"},

		// the way
		{name: "the name is not known", block: []string{"HostName no-such-host.invalid"}, found: []string{"name"}},
		{name: "nobody listens at the port", block: []string{"Port 1"}, found: []string{"port"}},
		{name: "a web server answers", serve: say("HTTP/1.1 400 Bad Request\r\n\r\n"), found: []string{"banner"}},
		{name: "what answers says nothing", serve: silentServer, block: []string{"ConnectTimeout 1"}, found: []string{"banner"}},
		{name: "what answers hangs up", serve: say(""), found: []string{"banner"}},
		{name: "a server of protocol 1", serve: say("SSH-1.5-old\n"), found: []string{"banner"}},
		{name: "a server that takes no more logins", serve: say("Not allowed at this time\r\n"), found: []string{"banner"}},
		{name: "the ProxyCommand dies", block: []string{"ProxyCommand sh -c 'echo shut >&2; exit 3'"}, found: []string{"proxycommand"}},
		{name: "the program of the ProxyCommand is not there", block: []string{"ProxyCommand /no/such/program %h"}, found: []string{"proxycommand"}},
		{name: "the wrong account at the bastion", block: []string{"ProxyJump jon@gate"}, found: []string{"login of gate"}},
		{name: "the bastion cannot reach the host", block: []string{"ProxyJump gate", "Port 1"}, found: []string{"jump"}},
		{name: "no key exchange in common", server: []string{"KexAlgorithms diffie-hellman-group14-sha1"}, found: []string{"kex"}, said: "KexAlgorithms"},
		{name: "no cipher in common", server: []string{"Ciphers aes256-ctr"}, block: []string{"Ciphers aes128-ctr"}, found: []string{"kex"}},
		{name: "no host key algorithm in common", block: []string{"HostKeyAlgorithms rsa-sha2-256"}, found: []string{"kex"}},
		{name: "the host key is not known", block: []string{"HostKeyAlias never-seen"}, found: []string{"hostkey"}},
		{name: "the host key has changed", block: []string{"StrictHostKeyChecking accept-new"}, later: func(t *testing.T, w *ward) {
			write(t, w.here("known_hosts"), strings.Replace(text(t, ca+".pub"), "ssh-", fmt.Sprintf("[127.0.0.1]:%d ssh-", w.port), 1))
		}, found: []string{"hostkey"}, said: "ssh-keygen -f", mended: true},

		{name: "the host key has changed, and the names are hashed", later: func(t *testing.T, w *ward) {
			write(t, w.here("known_hosts"), strings.Replace(text(t, ca+".pub"), "ssh-", fmt.Sprintf("[127.0.0.1]:%d ssh-", w.port), 1))
			sshtest.Run(t, "ssh-keygen", "-H", "-f", w.here("known_hosts"))
		}, block: []string{"StrictHostKeyChecking accept-new"}, found: []string{"hostkey"}, said: "ssh-keygen -f", mended: true},
		{name: "the host key is revoked", later: func(t *testing.T, w *ward) {
			write(t, w.here("known_hosts"), "@revoked "+text(t, w.here("known_hosts")))
		}, found: []string{"hostkey"}, said: "revoked"},
		{name: "the bastion's host key is not known", block: []string{"ProxyJump gate"}, above: []string{"Host gate", "HostKeyAlias never-seen"}, found: []string{"hostkey of gate"}},
		{name: "the bastion forbids to go on", gate: []string{"AllowTcpForwarding no"}, block: []string{"ProxyJump gate"}, found: []string{"jump"}, said: "AllowTcpForwarding"},
		{name: "the bastion is reached by the old way of ssh -W, with the wrong account", above: []string{"Host gate", "User jon"}, block: []string{"ProxyCommand ssh gate -W %h:%p"}, found: []string{"login of gate"}},
		{name: "no message authentication in common", server: []string{"Ciphers aes128-ctr", "MACs hmac-sha2-256"}, block: []string{"MACs hmac-sha2-512"}, found: []string{"kex"}},
		{name: "an address of this machine that it does not have", block: []string{"BindAddress 192.0.2.1"}, found: []string{"route"}, said: "BindAddress"},
		{name: "only IPv6 is to be used, and the address is of IPv4", block: []string{"AddressFamily inet6"}, found: []string{"name"}, said: "AddressFamily is set at"},
		{name: "the port of the other institute's gateway", block: []string{"Port 5023"}, found: []string{"port"}, said: "Port is set at"},

		// what is pasted from a page and not filled in
		{name: "the account of the page was not filled in", block: []string{"User <login_ipsl_mesocentre>"}, found: []string{"login"}, said: "User is set at"},
		{name: "the key of the page was not filled in", block: []string{"IdentityFile <path_to_ssh_key>"}, setUp: func(t *testing.T, w *ward) { w.move(t, "meso_key") },
			found: []string{"key-missing", "key-unused"}, said: "path_to_ssh_key", mended: true},
		{name: "the address of the page was not filled in", block: []string{"HostName ip.ip.ip.ip"}, found: []string{"name"}},

		// the login
		{name: "the key is not installed", setUp: unknown, found: []string{"login"}, said: "authorized_keys"},
		{name: "the key is not installed, and passwords are taken", server: []string{"PasswordAuthentication yes"}, setUp: unknown,
			found: []string{"login"}, said: "ssh-copy-id"},
		{name: "the wrong account", block: []string{"User jon"}, found: []string{"login"}, said: "User is set at"},
		{name: "the account may not log in", server: []string{"AllowUsers jon"}, found: []string{"login"}},
		{name: "authorized_keys can be written to by others", server: []string{"StrictModes yes"}, setUp: modeThere(".ssh/authorized_keys", 0o666),
			found: []string{"login"}, said: "chmod go-w"},
		{name: "too many keys", server: []string{"MaxAuthTries 2"}, setUp: func(t *testing.T, w *ward) {
			for _, name := range []string{"one", "two", "three"} {
				sshtest.Keygen(t, w.here(name), "", another...)
			}
		}, block: []string{"IdentityFile ~/.ssh/one", "IdentityFile ~/.ssh/two", "IdentityFile ~/.ssh/three", "IdentityFile ~/.ssh/id_ed25519"},
			found: []string{"login"}, said: "IdentitiesOnly"},
		{name: "the server takes no keys of this type", server: []string{"PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256"}, found: []string{"login"}},
		{name: "the server takes RSA by SHA-1 only", server: []string{"PubkeyAcceptedAlgorithms ssh-rsa"}, setUp: func(t *testing.T, w *ward) {
			w.stranger(t, "", rsaKey...)
			write(t, w.there(".ssh/authorized_keys"), text(t, w.here("id_ed25519.pub")))
		}, found: []string{"login"}},
		{name: "passwords are switched off here", server: []string{"PubkeyAuthentication no", "PasswordAuthentication yes", "KbdInteractiveAuthentication no"},
			block: []string{"PasswordAuthentication no"}, found: []string{"login"}, said: "PasswordAuthentication is set at"},

		{name: "root may not log in", server: []string{"PermitRootLogin no"}, found: []string{"login"}, root: true},
		{name: "the agent's keys are too many", server: []string{"MaxAuthTries 3"}, setUp: func(t *testing.T, w *ward) {
			var more []string
			for _, name := range []string{"one", "two", "three", "four"} {
				sshtest.Keygen(t, w.there(name), "", another...)
				more = append(more, w.there(name))
			}
			w.env = append(w.env, "SSH_AUTH_SOCK="+sshtest.Agent(t, more...))
		}, found: []string{"login"}, said: "IdentitiesOnly"},
		{name: "the key is in the agent, and IdentitiesOnly keeps it from being offered", block: []string{"IdentitiesOnly yes"}, setUp: func(t *testing.T, w *ward) {
			w.env = append(w.env, "SSH_AUTH_SOCK="+sshtest.Agent(t, w.here("id_ed25519")))
			os.Remove(w.here("id_ed25519"))
			os.Remove(w.here("id_ed25519.pub"))
		}, found: []string{"login"}, said: "IdentitiesOnly is set at"},
		{name: "public keys are switched off here", block: []string{"PubkeyAuthentication no"}, found: []string{"login"}, said: "PubkeyAuthentication is set at"},
		{name: "the server wants a ticket, and there is none", server: append([]string{"PubkeyAuthentication no"}, kerberos...), block: byTicket,
			realm: empty, found: []string{"login"}, said: "kinit"},
		{name: "the certificate is another account's", server: []string{"TrustedUserCAKeys " + ca + ".pub"}, setUp: func(t *testing.T, w *ward) {
			unknown(t, w)
			sshtest.Run(t, "ssh-keygen", "-q", "-s", ca, "-I", "jon", "-n", "jon", w.here("id_ed25519.pub"))
		}, found: []string{"login"}, said: "jon"},

		// what a login shows
		{name: "the key is not installed, and a ticket lets in", server: kerberos, realm: realm, block: byTicket, setUp: unknown,
			found: []string{"far-keys"}, said: "sallyport key install", mended: true},
		{name: "the key was pasted over two lines", server: kerberos, realm: realm, block: byTicket, setUp: func(t *testing.T, w *ward) {
			write(t, w.there(".ssh/authorized_keys"), strings.Replace(text(t, w.here("id_ed25519.pub")), "AAAA", "AAAA\n", 1))
		}, found: []string{"far-keys"}, said: "line 1", mended: true},
		{name: "the key was pasted in PuTTY's form", server: kerberos, realm: realm, block: byTicket, setUp: func(t *testing.T, w *ward) {
			write(t, w.there(".ssh/authorized_keys"), "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"jon\"\nAAAAC3Nza\n---- END SSH2 PUBLIC KEY ----")
		}, found: []string{"far-keys"}, said: "BEGIN SSH2", mended: true},
		{name: "there is no ~/.ssh", server: kerberos, realm: realm, block: byTicket, setUp: func(t *testing.T, w *ward) {
			os.RemoveAll(w.there(".ssh"))
		}, found: []string{"far-keys"}, mended: true},
		{name: "authorized_keys is spelt in the British way", server: kerberos, realm: realm, block: byTicket, setUp: func(t *testing.T, w *ward) {
			os.Rename(w.there(".ssh/authorized_keys"), w.there(".ssh/authorised_keys"))
		}, found: []string{"far-keys"}, said: "authorised_keys", mended: true},
		{name: "scp has put the keys one directory too deep", server: kerberos, realm: realm, block: byTicket, setUp: func(t *testing.T, w *ward) {
			os.Mkdir(w.there(".ssh/cluster-keys"), 0o700)
			os.Rename(w.there(".ssh/authorized_keys"), w.there(".ssh/cluster-keys/authorized_keys"))
		}, found: []string{"far-keys"}, said: "cluster-keys", mended: true},
		{name: "others can write to ~/.ssh there", server: own, setUp: modeThere(".ssh", 0o777), found: []string{"far-modes"}, mended: true},
		{name: "the start-up files print", server: own, setUp: func(t *testing.T, w *ward) { write(t, w.there(".bashrc"), "echo Winter is coming\n") },
			found: []string{"far-shell"}, said: "Winter is coming"},
		{name: "the quota is used up", server: own, setUp: stub("quota", "echo 'Disk quotas for jon: over quota on /home'"), found: []string{"far-disk"}, said: "over quota"},
		{name: "the disk there is full", server: own, setUp: stub("df", "echo 'Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 100 0 100% /home'"),
			found: []string{"far-disk"}, said: "0 KiB"},
		{name: "the clock there is wrong", server: own, setUp: stub("date", "echo 1700000000"), found: []string{"far-clock"}},
		{name: "an account without a shell", server: []string{"ForceCommand echo This account is currently not available.; exit 1"}, found: []string{"session"}},
		{name: "a server that opens no sessions", server: []string{"MaxSessions 0"}, found: []string{"session"}},
		{name: "a port that the server may not open for us", server: []string{"AllowTcpForwarding local"}, block: []string{"RemoteForward 8080 localhost:8080"}, found: []string{"forwarding"}, said: "RemoteForward"},
		{name: "one of two targets that the server forbids", server: []string{"PermitOpen localhost:8080"}, block: []string{"LocalForward 8080 localhost:8080", "LocalForward 8888 localhost:8888"},
			found: []string{"forwarding"}, said: "8888"},
		{name: "a SOCKS proxy that the server forbids", server: []string{"PermitOpen localhost:8080"}, block: []string{"DynamicForward 1080"}, found: []string{"forwarding"}, said: "DynamicForward"},
		{name: "forwards that the server forbids", server: []string{"AllowTcpForwarding no"}, block: []string{"LocalForward 8080 localhost:8080"}, found: []string{"forwarding"}},

		// two at once
		{name: "the key is open, and nobody listens", setUp: mode("id_ed25519", 0o644), block: []string{"Port 1"}, found: []string{"key-file", "port"}, then: []string{"port"}},
		{name: "a key file is missing, and the key of the other is not installed", block: []string{"IdentityFile ~/.ssh/gone", "IdentityFile ~/.ssh/id_ed25519"}, setUp: unknown,
			found: []string{"key-missing", "login"}},
		{name: "the configuration is open, and misspelt", block: []string{"HostNmae wall"}, later: mode("config", 0o666), found: []string{"config-mode"}, then: []string{"config"}},
		{name: "the key is open, and so is the home", setUp: mode("id_ed25519", 0o644), later: mode("..", 0o777), found: []string{"key-file", "home"}, mended: true},
		{name: "the wrong account, and ~/.ssh is open", block: []string{"User jon"}, later: mode("", 0o777), found: []string{"login", "ssh-dir"}, then: []string{"login"}},
		{name: "~/.ssh there is open, and the start-up files print", server: own, setUp: func(t *testing.T, w *ward) {
			write(t, w.there(".bashrc"), "echo Winter is coming\n")
			chmod(t, w.there(".ssh"), 0o777)
		}, found: []string{"far-shell", "far-modes"}, then: []string{"far-shell"}},

		// nothing
		{name: "a healthy host"},
		{name: "a healthy host behind a bastion", block: []string{"ProxyJump gate"}},
		{name: "a healthy host that only ssh can log in to", block: []string{"RekeyLimit default 1h", "IdentityFile HOME/.ssh/id_ed25519"}, setUp: byName},
		{name: "a host that only ssh can log in to, and the key is not installed", block: []string{"RekeyLimit default 1h", "IdentityFile HOME/.ssh/id_ed25519"}, setUp: unknown, later: byName, found: []string{"login"}},
		{name: "a healthy host with forwards", block: []string{"LocalForward 8080 localhost:8080"}},
		{name: "a healthy host that permits the one target there is", server: []string{"PermitOpen localhost:8080"}, block: []string{"LocalForward 8080 localhost:8080"}},
		{name: "a healthy host that permits the one port there is", server: []string{"PermitListen 18080"}, block: []string{"RemoteForward 18080 localhost:8080"}},
		{name: "a healthy host whose home there is behind a link", server: own, setUp: func(t *testing.T, w *ward) {
			real := shortDir(t)
			os.Rename(w.far, real+"/far")
			os.Symlink(real+"/far", w.far)
		}},
		{name: "a key of many that the server knows", block: []string{"IdentityFile ~/.ssh/one", "IdentityFile ~/.ssh/id_ed25519"},
			setUp: func(t *testing.T, w *ward) { sshtest.Keygen(t, w.here("one"), "", another...) }},
		{name: "a key in the agent", setUp: func(t *testing.T, w *ward) {
			w.env = append(w.env, "SSH_AUTH_SOCK="+sshtest.Agent(t, w.here("id_ed25519")))
			os.Remove(w.here("id_ed25519"))
			os.Remove(w.here("id_ed25519.pub"))
		}},
		{name: "a server of git", server: []string{"ForceCommand echo Hi jon, there is no shell for you here.; exit 1"}, shut: true},
	}
	plain := sshtest.NewServer(t)
	plain.Run(t)
	client, public := text(t, plain.Path("id")), text(t, plain.Path("authorized_keys"))
	t.Run("each", func(t *testing.T) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				if row.root && os.Getuid() != 0 {
					t.Skip("this test is not run as root")
				}
				w := newWard(t, client, public)
				if row.setUp != nil {
					row.setUp(t, w)
				}
				w.open(t, row, plain)
				w.configure(t, row, w.bastion(t, row, plain))
				if row.later != nil {
					row.later(t, w)
				}
				first, later := healed(t, func() []Finding { return w.wrong(t, row.says) })
				if row.compare(t, first, later) && !row.shut {
					w.logsIn(t)
				}
			})
		}
	})
}

// What the far side says may be anything.
func FuzzFarSide(f *testing.F) {
	f.Add("")
	f.Add("motd\n@sallyport\n@time 1700000000\n@uid 1\n@dir drwxrwxrwx 1\n@room 12\n@quota over\n@misplaced /home/jon/x\n@me jon\n@log sshd: Failed password for jon\n@authorized\nssh-ed25519 AAAA\n")
	f.Add("@sallyport\n@time x\n@dir\n@room -1\n")
	f.Fuzz(func(t *testing.T, out string) {
		far, ok := parseFar([]byte(out))
		if ok != strings.Contains(out, "@sallyport\n") || !strings.HasPrefix(out, far.printed) {
			t.Errorf("%q: %v, printed %q", out, ok, far.printed)
		}
		far.account.Faults()
		if number, said := brokenKey(far.authorized); number > 0 && !strings.Contains(out, said) {
			t.Errorf("line %d is %q", number, said)
		}
	})
}
