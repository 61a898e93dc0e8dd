package transport

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/keys"
)

// hint is the next command. cut tells that the server had enough of us.
func (a *auth) hint(cut bool) string {
	for _, find := range []func() string{
		a.hintBarred,
		func() string { return a.hintFewer(cut) },
		a.hintPublic,
		a.hintMode,
		a.hintSHA1,
		a.hintLocked,
		a.hintSwitch,
		a.hintAgent,
		a.hintMissing,
		a.hintNewKey,
		a.hintPrincipal,
		a.hintInstall,
		a.hintKerberos,
		a.hintHostbased,
		a.hintUser,
	} {
		if hint := find(); hint != "" {
			return hint
		}
	}
	return ""
}

// hintBarred is for a server that hangs up on who has shown what they are: sshd
// does so where PAM keeps an account out (do_pam_account, auth-pam.c).
func (a *auth) hintBarred() string {
	if n := len(a.tried); n > 0 && a.tried[n-1].cut {
		return fmt.Sprintf("the account %q may be locked, have expired or be kept out for now: ask the server's administrator", a.host.User())
	}
	return ""
}

// hintFewer is for MaxAuthTries: too many keys were offered.
func (a *auth) hintFewer(cut bool) string {
	offered := 0
	for _, t := range a.tried {
		if t.method == "publickey" {
			offered++
		}
	}
	if !cut || offered < 2 || yes(a.host, "IdentitiesOnly") {
		return ""
	}
	path := "FILE"
	if named := a.namedFile(); named != "" {
		path = a.word(named)
	}
	return fmt.Sprintf("too many keys were offered: ssh -o IdentitiesOnly=yes -i %s %s", path, shellescape.Quote(a.host.Name))
}

// namedFile is the first file that the configuration names, that has a key and
// that was not refused already; else the first of them.
func (a *auth) namedFile() string {
	paths, explicit := a.host.IdentityFiles()
	if !explicit {
		return ""
	}
	paths = slices.DeleteFunc(paths, func(path string) bool {
		return !slices.ContainsFunc(a.usable(), func(id *identity) bool { return id.key.Path == path })
	})
	for _, path := range paths {
		if !slices.ContainsFunc(a.tried, func(t *trial) bool { return t.key != nil && t.key.key.Path == path }) {
			return path
		}
	}
	return slices.Concat(paths, []string{""})[0]
}

// hintPublic is for an IdentityFile that is the public half of a key.
func (a *auth) hintPublic() string {
	for _, t := range a.tried {
		if t.err != errPublic {
			continue
		}
		path := t.key.key.Path
		private := strings.TrimSuffix(path, ".pub")
		if _, err := os.Stat(private); err != nil || private == path {
			return "name the private half of " + a.word(path) + ", or give it to the agent: ssh-add FILE"
		}
		if origin, set := a.host.IsSet("IdentityFile"); set && origin != config.CommandLine {
			return "name the private half, " + a.word(private) + ": " + whereSet(a.host, "IdentityFile")
		}
		return "name the private half: ssh -i " + a.word(private) + " " + shellescape.Quote(a.host.Name)
	}
	return ""
}

// hintMode is for a key file that others can reach.
func (a *auth) hintMode() string {
	var all []error
	for _, t := range a.tried {
		all = append(all, t.err)
	}
	for _, p := range a.unused {
		all = append(all, p.err)
	}
	var open *keys.PermissionError
	if errors.As(errors.Join(all...), &open) {
		return "chmod 600 " + a.word(open.Path)
	}
	return ""
}

func (a *auth) hintSHA1() string {
	if slices.ContainsFunc(a.tried, func(t *trial) bool { return t.err == errSHA1 }) {
		return "ssh -o PubkeyAcceptedAlgorithms=+ssh-rsa " + shellescape.Quote(a.host.Name)
	}
	for _, t := range a.tried {
		if t.key == nil || t.signed || keys.Plain(t.key.key.Public).Type() != ssh.KeyAlgoRSA {
			continue
		}
		if can, err := a.algorithms(t.key.key.Public); err == nil && slices.Equal(can, []string{ssh.KeyAlgoRSA}) {
			return "OpenSSH's servers refuse signatures by SHA-1 since 8.8: " + whereSet(a.host, "PubkeyAcceptedAlgorithms")
		}
	}
	return ""
}

// hintLocked is for keys that the server knows and that could not sign. An
// agent's is tried with ssh-add -T, which says more than the agent's protocol.
func (a *auth) hintLocked() string {
	for _, t := range a.tried {
		if !t.unsent() {
			continue
		}
		path := t.key.key.Path
		switch {
		case t.key.key.InAgent && path == "":
			return "ssh-add -l"
		case t.key.key.InAgent:
			return "ssh-add -T " + a.word(strings.TrimSuffix(path, ".pub")+".pub")
		case keys.IsSecurityKey(t.key.key.Public):
			return "plug in the security key, and touch it when it blinks"
		case path != "":
			return "ssh-add " + a.word(path)
		}
	}
	return ""
}

// hintSwitch is for methods that the configuration forbids.
func (a *auth) hintSwitch() string {
	for _, name := range a.accepted {
		m, known := a.methods()[name]
		where := ""
		switch {
		case !known || m.keyword == "GSSAPIAuthentication": // see hintKerberos
		case switchedOff(a.host, m.keyword):
			where = whereSet(a.host, m.keyword)
		case m.person && yes(a.host, "BatchMode"):
			if origin, _ := a.host.IsSet("BatchMode"); origin != config.CommandLine { // whoever typed it knows
				where = whereSet(a.host, "BatchMode")
			}
		case !slices.Contains(a.preferred(), name):
			where = whereSet(a.host, "PreferredAuthentications")
		}
		if where != "" {
			return where
		}
	}
	return ""
}

// hintMissing is for a key file that the configuration names and that is not
// there.
func (a *auth) hintMissing() string {
	missing := func(p problem) bool { return p.what != "agent" && errors.Is(p.err, fs.ErrNotExist) }
	if len(a.usable()) > 0 || !slices.ContainsFunc(a.unused, missing) {
		return ""
	}
	return whereSet(a.host, "IdentityFile")
}

// hintAgent is for an agent from which keys were to come.
func (a *auth) hintAgent() string {
	switch {
	case len(a.usable()) > 0 || !slices.Contains(a.accepted, "publickey"):
		return ""
	case slices.ContainsFunc(a.unused, func(p problem) bool { return errors.As(p.err, new(passedError)) }):
		return whereSet(a.host, "IdentitiesOnly")
	case slices.ContainsFunc(a.unused, func(p problem) bool { return p.err == errNoKeys }):
		return "ssh-add FILE for a key that you have, or ssh-keygen -t ed25519 for a new one"
	case slices.ContainsFunc(a.unused, func(p problem) bool { return errors.As(p.err, new(keptError)) }):
		name, _ := namesOf(a.host)
		return fmt.Sprintf("ssh-add -h %s FILE for a key that may be used there", shellescape.Quote(name))
	case slices.ContainsFunc(a.unused, func(p problem) bool { return p.what == "agent" }):
		return cmp.Or(whereSet(a.host, "IdentityAgent"), `eval "$(ssh-agent)" && ssh-add`)
	}
	return ""
}

// hintNewKey is for keys of a kind that nobody takes any more.
func (a *auth) hintNewKey() string {
	old := func(id *identity) bool {
		return id.key.Public != nil && keys.Plain(id.key.Public).Type() == ssh.InsecureKeyAlgoDSA
	}
	if len(a.usable()) == 0 || slices.ContainsFunc(a.usable(), func(id *identity) bool { return !old(id) }) {
		return ""
	}
	return "ssh-keygen -t ed25519, since DSA is accepted nowhere any more; then ssh-copy-id " + shellescape.Quote(a.host.Name)
}

// hintPrincipal is for a certificate that names other accounts, where sshd has
// no AuthorizedPrincipalsFile to say otherwise (match_principals_option, auth2-pubkey.c).
func (a *auth) hintPrincipal() string {
	for _, id := range a.usable() {
		cert, ok := id.key.Public.(*ssh.Certificate)
		if !ok || len(cert.ValidPrincipals) == 0 || slices.Contains(cert.ValidPrincipals, a.host.User()) {
			continue
		}
		return fmt.Sprintf("the certificate of %s is for %s and not for %q: ask who signed it for another one; %s",
			a.word(id.key.Path), strings.Join(cert.ValidPrincipals, ", "), a.host.User(), a.otherUser())
	}
	return ""
}

// hintInstall is for keys that the server does not know, or does not want to
// know: sshd refuses a file that others may write to as if it were not there
// (StrictModes).
func (a *auth) hintInstall() string {
	if !slices.Contains(a.accepted, "publickey") || a.mistyped() {
		return ""
	}
	alias := shellescape.Quote(a.host.Name)
	for _, id := range a.usable() {
		_, certificate := id.key.Public.(*ssh.Certificate)
		if id.key.Path == "" || id.key.Public == nil || certificate {
			continue
		}
		public := a.word(strings.TrimSuffix(id.key.Path, ".pub") + ".pub")
		install := "have the line of " + public + " added to .ssh/authorized_keys of " + shellescape.Quote(a.host.User()) + " there"
		if a.mayType() {
			install = "ssh-copy-id -i " + public + " " + alias
		}
		return install + "; if it is there: chmod go-w ~ ~/.ssh ~/.ssh/authorized_keys on the server; " + a.otherUser()
	}
	switch {
	case len(a.usable()) > 0:
		return ""
	case a.mayType():
		return "ssh-keygen -t ed25519 && ssh-copy-id " + alias
	}
	return "ssh-keygen -t ed25519"
}

// hintKerberos is for a ticket that is missing, or where none is looked for.
func (a *auth) hintKerberos() string {
	switch {
	case !slices.Contains(a.accepted, "gssapi-with-mic"):
		return ""
	case !yes(a.host, "GSSAPIAuthentication") && whereSet(a.host, "GSSAPIAuthentication") != "":
		return whereSet(a.host, "GSSAPIAuthentication")
	case !yes(a.host, "GSSAPIAuthentication"):
		return "ssh -o GSSAPIAuthentication=yes " + shellescape.Quote(a.host.Name)
	case errors.As(a.why["gssapi-with-mic"], new(cacheError)):
		return fmt.Sprintf("export KRB5CCNAME=FILE:/tmp/krb5cc_%d && kinit", os.Getuid())
	case errors.As(a.why["gssapi-with-mic"], new(ticketError)):
		return "kinit"
	}
	return ""
}

// hintHostbased is for what only ssh can do.
func (a *auth) hintHostbased() string {
	if slices.Contains(a.accepted, "hostbased") && a.enabled("hostbased") == errHostbased {
		return "ssh " + shellescape.Quote(a.host.Name)
	}
	return ""
}

// mayType tells whether the server might take a password: one that offers
// keyboard-interactive and then asks nothing does not.
func (a *auth) mayType() bool {
	mute := slices.ContainsFunc(a.tried, func(t *trial) bool { return t.method == "keyboard-interactive" && !t.asked })
	return slices.Contains(a.accepted, "password") || slices.Contains(a.accepted, "keyboard-interactive") && !mute
}

// mistyped tells whether what a person gave was refused.
func (a *auth) mistyped() bool {
	return slices.ContainsFunc(a.tried, func(t *trial) bool { return t.asked && !t.partial && t.err == nil })
}

// hintUser is for a password that was refused: sshd says the same of an
// account that there is not, or that may not log in (auth.c, allowed_user).
func (a *auth) hintUser() string {
	switch {
	case !a.mistyped():
		return ""
	case len(a.partial) > 0:
		return fmt.Sprintf("the account %q is right, only what was typed is not", a.host.User())
	}
	return a.otherUser() + "; if both are right, AllowUsers of the server or an expired account keeps it out: ask its administrator"
}

// otherUser says how to log in as somebody else.
func (a *auth) otherUser() string {
	if where := whereSet(a.host, "User"); where != "" {
		return fmt.Sprintf("if %q is the wrong account: %s", a.host.User(), where)
	}
	return fmt.Sprintf("if the account there is not %q: ssh -l NAME %s", a.host.User(), shellescape.Quote(a.host.Name))
}

// word is a path as a person types it.
func (a *auth) word(path string) string {
	if rest, home := strings.CutPrefix(a.env.tilde(path), "~/"); home {
		return "~/" + shellescape.Quote(rest)
	}
	return shellescape.Quote(path)
}
