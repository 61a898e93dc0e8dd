package transport

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"sallyport/keys"
)

// The markers of sshd(8), section SSH_KNOWN_HOSTS FILE FORMAT.
const (
	markerAuthority = "@cert-authority"
	markerRevoked   = "@revoked"
)

// hashMagic begins a name that is hidden by HashKnownHosts: "|1|salt|hash".
const hashMagic = "|1|"

// knownHost is one line of a known_hosts file.
type knownHost struct {
	marker string // "" or one of the markers
	names  string // as written: patterns separated by commas, or one hash
	key    ssh.PublicKey
	file   string // or KnownHostsCommand
	line   int    // from 1
	said   bool   // by KnownHostsCommand
}

// String is "file:line".
func (e knownHost) String() string { return e.file + ":" + strconv.Itoa(e.line) }

// knownHosts are the lines of all known_hosts files, in reading order.
type knownHosts []knownHost

// readKnownHosts reads what can be read of files. As in ssh, a file that is
// not there has no lines, and a line that is not understood does not exist.
func readKnownHosts(files []string, told tracer) knownHosts {
	var all knownHosts
	for _, file := range files {
		all = append(all, readKnownHostsFile(file, told)...)
	}
	return all
}

func readKnownHostsFile(file string, told tracer) knownHosts {
	f, err := os.Open(file)
	if err != nil {
		told.say(1, "load_hostkeys: fopen %s: %v", file, errors.Unwrap(err))
		return nil
	}
	defer f.Close()
	return parseKnownHosts(f, file)
}

// parseKnownHosts reads lines of any length; a read error ends the file.
func parseKnownHosts(r io.Reader, file string) knownHosts {
	var all knownHosts
	lines := bufio.NewReader(r)
	for number := 1; ; number++ {
		line, err := lines.ReadString('\n')
		if e, ok := parseKnownHost(line); ok {
			e.file, e.line = file, number
			all = append(all, e)
		}
		if err != nil {
			return all
		}
	}
}

// parseKnownHost reads one line as hostkeys_foreach_file (hostfile.c) does.
func parseKnownHost(line string) (knownHost, bool) {
	var e knownHost
	line = strings.Trim(line, " \t\r\n")
	if strings.HasPrefix(line, "#") {
		return e, false
	}
	if strings.HasPrefix(line, "@") {
		e.marker, line = cutWord(line)
		if e.marker != markerAuthority && e.marker != markerRevoked {
			return e, false
		}
	}
	e.names, line = cutWord(line)
	kind, line := cutWord(line)
	encoded, _ := cutWord(line)
	if e.names == "" || strings.HasPrefix(e.names, "@") {
		return e, false
	}
	blob, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return e, false
	}
	e.key, err = ssh.ParsePublicKey(blob)
	return e, err == nil && e.key.Type() == kind
}

func cutWord(line string) (word, rest string) {
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		return line[:i], strings.TrimLeft(line[i:], " \t")
	}
	return line, ""
}

// of are the lines that name a host.
func (all knownHosts) of(name string) knownHosts {
	var found knownHosts
	for _, e := range all {
		if e.matches(name) {
			found = append(found, e)
		}
	}
	return found
}

// marked are the lines with that marker, "" for the plain ones.
func (all knownHosts) marked(marker string) knownHosts {
	var found knownHosts
	for _, e := range all {
		if e.marker == marker {
			found = append(found, e)
		}
	}
	return found
}

// find is the first line with that key.
func (all knownHosts) find(key ssh.PublicKey) (knownHost, bool) {
	for _, e := range all {
		if keys.Equal(e.key, key) {
			return e, true
		}
	}
	return knownHost{}, false
}

// has tells whether a key of that type is among the lines.
func (all knownHosts) has(keyType string) bool {
	for _, e := range all {
		if e.key.Type() == keyType {
			return true
		}
	}
	return false
}

// matches tells whether the line names the host, which is in lower case and
// in the form of knownName.
func (e knownHost) matches(name string) bool {
	if e.hashed() {
		salt, ok := hashSalt(e.names)
		return ok && hashName(name, salt) == e.names
	}
	return matchNames(e.names, name)
}

func (e knownHost) hashed() bool { return strings.HasPrefix(e.names, "|") }

// wild tells whether the line names more than single hosts: ssh-keygen -R
// leaves such lines alone.
func (e knownHost) wild() bool { return !e.hashed() && strings.ContainsAny(e.names, "*?!") }

// matchNames is match_pattern_list (match.c): a negated pattern that matches
// decides against the whole list.
func matchNames(patterns, name string) bool {
	matched := false
	for pattern := range strings.SplitSeq(strings.ToLower(patterns), ",") {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if !matchPattern(pattern, name) {
			continue
		}
		if negated {
			return false
		}
		matched = true
	}
	return matched
}

// matchPattern knows * and ?, nothing else: brackets stand for themselves. It
// goes back to the last * only, so its time is bounded by len(p)*len(s).
func matchPattern(p, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(p[i:], "*") == ""
}

// knownName is how known_hosts files call a host: put_host_port (misc.c).
func knownName(host string, port int) string {
	host = strings.ToLower(host)
	if port == 0 || port == 22 {
		return host
	}
	return fmt.Sprintf("[%s]:%d", host, port)
}

// hashSalt is the salt of a hashed name; it has the length of a SHA-1 sum
// (extract_salt, hostfile.c).
func hashSalt(names string) ([]byte, bool) {
	encoded, _, found := strings.Cut(strings.TrimPrefix(names, hashMagic), "|")
	salt, err := base64.StdEncoding.DecodeString(encoded)
	return salt, found && strings.HasPrefix(names, hashMagic) && err == nil && len(salt) == sha1.Size
}

// hashName is host_hash (hostfile.c).
func hashName(name string, salt []byte) string {
	mac := hmac.New(sha1.New, salt)
	mac.Write([]byte(name))
	encode := base64.StdEncoding.EncodeToString
	return hashMagic + encode(salt) + "|" + encode(mac.Sum(nil))
}
