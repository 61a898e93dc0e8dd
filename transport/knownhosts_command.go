package transport

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// What KnownHostsCommand is run for, its token %I.
const (
	invokedForOrder   = "ORDER"    // to know which key types to ask the server for
	invokedForName    = "HOSTNAME" // to judge the host key
	invokedForAddress = "ADDRESS"  // the same for CheckHostIP
)

// saidLimit is how much a KnownHostsCommand may say, in bytes.
const saidLimit = 16 << 20

// command has the KnownHostsCommand, if there is one, name the keys of a host:
// load_hostkeys_command (sshconnect.c). key is what the server shows, nil
// before it does. A command that fails ends the connection; one that isn't
// there says nothing, as with ssh.
func (k *hostKeys) command(invocation, name string, key ssh.PublicKey) (knownHosts, error) {
	argv, err := k.host.KnownHostsCommand(k.commandTokens(invocation, name, key))
	if err != nil {
		return nil, k.commandFailed("%v", err)
	}
	if argv == nil {
		return nil, nil
	}
	if why := missing(argv[0]); why != "" {
		k.notice("KnownHostsCommand %q was not run: %s.", argv[0], why)
		return nil, nil
	}
	k.told.say(3, "KnownHostsCommand-%s command %q", invocation, strings.Join(argv, " "))
	var out head
	var complaints tail
	cmd := exec.CommandContext(k.ctx, argv[0], argv[1:]...)
	cmd.Env = append(Env{}, k.env...) // not nil, which would mean our own
	cmd.Dir = workingDirectory(k.env)
	cmd.Stdout, cmd.Stderr = &out, &complaints
	cmd.WaitDelay = termGrace
	ownGroup(cmd)
	cmd.Cancel = func() error { kill(cmd); return nil }
	err = cmd.Run()
	if said := complaints.text(); said != "" {
		k.notice("%s", said)
	}
	switch {
	case err != nil:
		return nil, k.commandFailed("it ended with %v%s", err, lastWords(&complaints))
	case out.over:
		return nil, k.commandFailed("it said more than %d MiB", saidLimit>>20)
	}
	all := parseKnownHosts(bytes.NewReader(out.kept), "KnownHostsCommand-"+invocation).of(name)
	for i := range all {
		all[i].said = true
	}
	return all, nil
}

// missing says why a command is passed over, "" if it is to be run (subprocess of
// misc.c). One that is there and cannot be run is a failure.
func missing(program string) string {
	if !filepath.IsAbs(program) {
		return "its path is not absolute"
	}
	_, err := os.Stat(program)
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err.Error()
	}
	return ""
}

func lastWords(complaints *tail) string {
	if said := complaints.lastLine(); said != "" {
		return ": " + said
	}
	return ""
}

func (k *hostKeys) commandFailed(format string, args ...any) error {
	return k.fail("hostkey-unknown", whereSet(k.host, "KnownHostsCommand"),
		"the KnownHostsCommand of %q failed: %s", k.host.Name, fmt.Sprintf(format, args...))
}

// commandTokens are those of TOKENS in ssh_config(5) that are particular to
// KnownHostsCommand.
func (k *hostKeys) commandTokens(invocation, name string, key ssh.PublicKey) map[byte]string {
	tokens := map[byte]string{'I': invocation, 'H': name, 't': "NONE", 'f': "NONE", 'K': "NONE"}
	if key != nil {
		tokens['t'] = key.Type()
		tokens['f'] = k.digest.Fingerprint(key)
		tokens['K'] = base64.StdEncoding.EncodeToString(key.Marshal())
	}
	return tokens
}

// head keeps the beginning of what is written to it.
type head struct {
	kept []byte
	over bool // there was more
}

func (h *head) Write(p []byte) (int, error) {
	room := min(saidLimit-len(h.kept), len(p))
	h.kept = append(h.kept, p[:room]...)
	h.over = h.over || room < len(p)
	return len(p), nil
}
