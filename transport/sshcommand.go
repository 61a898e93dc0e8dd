package transport

import (
	"net"
	"strconv"
	"strings"

	"sallyport/config"
)

// sshOnly recognizes a ProxyCommand that does nothing but "ssh X -W h:p" in
// its usual spellings, where h and p are the host's own, and says where that
// ssh goes. Whatever is not fully understood is no such command: it is run.
func sshOnly(command string, h *config.Host) (jump, bool) {
	words, ok := shellWords(command)
	if !ok {
		return jump{}, false
	}
	if len(words) > 0 && words[0] == "exec" {
		words = words[1:]
	}
	if len(words) == 0 || !isSSH(words[0]) {
		return jump{}, false
	}
	call, ok := parseSSHCall(words[1:])
	if !ok || !call.forwardsTo(h) {
		return jump{}, false
	}
	return call.to, call.to.check() == nil
}

// isSSH tells whether a word starts the system's ssh. A program of that name
// elsewhere may be somebody's wrapper.
func isSSH(word string) bool {
	switch word {
	case "ssh", "/usr/bin/ssh", "/bin/ssh", "/usr/local/bin/ssh":
		return true
	}
	return false
}

// sshCall is what the words after ssh ask for.
type sshCall struct {
	to      jump
	forward string // of -W
}

// forwardsTo tells whether -W leads to h itself.
func (c sshCall) forwardsTo(h *config.Host) bool {
	port := strconv.Itoa(h.Port())
	plain := h.HostName() + ":" + port
	if strings.Contains(h.HostName(), ":") {
		return c.forward == net.JoinHostPort(h.HostName(), port) // ssh cannot read the plain form of IPv6
	}
	return c.forward == plain || c.forward == "["+h.HostName()+"]:"+port
}

// parseSSHCall reads a command line as ssh.c does: options, the destination,
// more options. It is not ok with an option whose meaning is not carried over
// to a hop, or with a remote command.
func parseSSHCall(words []string) (call sshCall, ok bool) {
	var user, port, destination string
	first := func(into *string, value string) { // ssh.c: the first -l, -p or user@ counts
		if *into == "" {
			*into = value
		}
	}
	for i := 0; i < len(words); i++ {
		word := words[i]
		if len(word) < 2 || word[0] != '-' {
			if destination != "" || word == "" || word == "-" {
				return call, false
			}
			destination = word
			to, err := parseDestination(word)
			if err != nil {
				return call, false
			}
			call.to.host = to.host
			first(&user, to.user)
			first(&port, to.port)
			continue
		}
		option, value, found := cutOption(word, words[i+1:])
		if !found {
			return call, false
		}
		if value.next {
			i++
		}
		switch option {
		case 0: // a row of -q, -x, -T, -a, which change nothing of a hop
		case 'l':
			first(&user, value.text)
		case 'p':
			first(&port, value.text)
		case 'W':
			if call.forward != "" {
				return call, false // ssh refuses it
			}
			call.forward = value.text
		}
	}
	call.to.user = user
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return call, false
		}
		call.to.port = strconv.FormatUint(n, 10)
	}
	return call, destination != "" && call.forward != ""
}

// optionValue is the value of an option, in its own word or the next one.
type optionValue struct {
	text string
	next bool
}

// cutOption reads one word of options as getopt does: flags in a row, of
// which the last may take a value. It is not found with an option that isn't
// carried over.
func cutOption(word string, following []string) (option byte, value optionValue, found bool) {
	for i := 1; i < len(word); i++ {
		switch c := word[i]; c {
		case 'q', 'x', 'T', 'a':
		case 'l', 'p', 'W':
			if rest := word[i+1:]; rest != "" {
				return c, optionValue{text: rest}, true
			}
			if len(following) == 0 {
				return 0, value, false
			}
			return c, optionValue{following[0], true}, true
		default:
			return 0, value, false
		}
	}
	return 0, value, true
}

// parseDestination reads [user@]host or ssh://[user@]host[:port]; a colon
// outside a URI is part of the name, as ssh.c takes it.
func parseDestination(word string) (jump, error) {
	if _, isURI := cutScheme(word); isURI {
		return parseJump(word)
	}
	var j jump
	rest, err := j.takeUser(word, false)
	if err != nil {
		return j, err
	}
	j.host = rest
	return j, j.check()
}

// shellWords splits a command as a shell does where that needs no shell:
// plain words and quotes. It is not ok with anything that a shell would
// expand, redirect or chain.
func shellWords(s string) (words []string, ok bool) {
	var word strings.Builder
	inWord := false
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote == '\'':
			if c == '\'' {
				quote = 0
			} else {
				word.WriteByte(c)
			}
		case quote == '"':
			switch c {
			case '"':
				quote = 0
			case '$', '`', '\\', '!':
				return nil, false
			default:
				word.WriteByte(c)
			}
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		case c == '[' || c == ']':
			// "[%h]:%p" is written without quotes: a pattern to the shell, but
			// one that stays as it is where no file of that name lies about.
			word.WriteByte(c)
			inWord = true
		case c == '#' && !inWord:
			return words, true // a comment to the shell, to whom ssh hands the whole line
		case c < ' ' || c > '~' || strings.IndexByte("$`\\;&|<>(){}*?~!#^=", c) >= 0:
			return nil, false
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, quote == 0
}
