package keys

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Kept is what an agent tells of how it keeps a key.
type Kept struct {
	Lifetime time.Duration // for which gpg-agent remembers the passphrase; 0 is its default
	Confirm  bool          // it asks before each signature
	Card     bool          // the key is in a smart card
}

// Kept is how the keys are kept, by their SHA256 fingerprints. Of the agents
// only gpg-agent tells, by its own protocol at the socket beside; for the
// others, whose protocol has no words for it, there are none.
func (a *Agent) Kept() (map[string]Kept, error) {
	if a.Program() != ProgramGPGAgent {
		return nil, nil
	}
	conn, err := new(net.Dialer).DialContext(a.ctx, "unix", filepath.Join(filepath.Dir(a.Socket), "S.gpg-agent"))
	if err != nil {
		return nil, fmt.Errorf("asking gpg-agent about its keys: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(a.ctx, func() { conn.Close() })()
	if _, err := io.WriteString(conn, "KEYINFO --ssh-list --ssh-fpr=sha256\n"); err != nil {
		return nil, fmt.Errorf("asking gpg-agent about its keys: %w", err)
	}
	return parseKeyInfo(io.LimitReader(conn, maxFile)), nil
}

// parseKeyInfo reads the greeting and the answer of gpg-agent, to its last line
// (Assuan manual, "Server responses").
func parseKeyInfo(r io.Reader) map[string]Kept {
	kept := make(map[string]Kept)
	lines := bufio.NewScanner(r)
	for greeted := false; lines.Scan(); {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) > 0 && (words[0] == "OK" || words[0] == "ERR"):
			if greeted {
				return kept
			}
			greeted = true
		case len(words) >= 11 && words[0] == "S" && words[1] == "KEYINFO":
			// KEYINFO <keygrip> <type> <serialno> <idstr> <cached> <protection>
			// <fpr> <ttl> <flags>, as "help keyinfo" tells.
			seconds, _ := strconv.ParseUint(words[9], 10, 32) // "-" is none
			kept[words[8]] = Kept{
				Lifetime: time.Duration(seconds) * time.Second,
				Confirm:  strings.Contains(words[10], "c"),
				Card:     words[3] == "T",
			}
		}
	}
	return kept
}
