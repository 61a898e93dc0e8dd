package config

import (
	"errors"
	"os"
)

// KnownHostsCommand is the command that ssh asks for host keys, with its
// arguments; nil for none. tokens are those that only a connection knows: %H,
// %I, %t, %f and %K. As in ssh, the command is split into words before the
// tokens are expanded, and its own path has none (load_hostkeys_command,
// sshconnect.c).
func (h *Host) KnownHostsCommand(tokens map[byte]string) ([]string, error) {
	text := h.r.text(kKnownHostsCommand)
	if text == "" || equalFold(text, "none") {
		return nil, nil
	}
	words, ok := splitWords(text, nil)
	if !ok {
		return nil, errors.New("it has a quote that is not closed")
	}
	if len(words) == 0 {
		return nil, errors.New("it has no words")
	}
	letters := func(letter byte) (string, bool) {
		if value, ok := tokens[letter]; ok {
			return value, true
		}
		return h.r.connectionTokens(letter)
	}
	for i, word := range words[1:] {
		expanded, err := expand(word, letters, os.LookupEnv)
		if err != nil {
			return nil, err
		}
		words[i+1] = expanded
	}
	return words, nil
}

// HostKeyOrderFixed tells whether the host's HostKeyAlgorithms are to be asked
// for in their order, whichever keys are known: ssh_kex2 (sshconnect2.c) moves
// those of known keys to the front only where the list is the usual one, with
// or without a + or a -.
func (h *Host) HostKeyOrderFixed() bool { return h.r.fixedHostKeys }
