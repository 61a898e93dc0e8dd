package nss

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// system is what the files of a machine say of how to look something up.
type system struct {
	databases  map[string][]source
	understood bool // else databases is empty for want of words, not of sources
	peculiar   bool // only the C library follows what is set for all names
	mdnsAllow  bool // mdns.allow may give mDNS more names than those below .local
}

// kept is how long what the files say is taken for true, as in package net.
const kept = 5 * time.Second

var latest struct {
	mu   sync.Mutex // guards what follows
	said system
	at   time.Time
}

// here is the system of this machine.
func here() system {
	latest.mu.Lock()
	defer latest.mu.Unlock()
	if latest.at.IsZero() || time.Since(latest.at) > kept {
		latest.said, latest.at = readSystem("/", os.LookupEnv), time.Now()
	}
	return latest.said
}

// readSystem reads what is below root.
func readSystem(root string, env func(string) (string, bool)) system {
	etc := filepath.Join(root, "etc")
	var s system
	text, err := os.ReadFile(filepath.Join(etc, "nsswitch.conf"))
	if err == nil {
		s.databases, s.understood = parseSwitch(string(text))
	} else {
		s.understood = errors.Is(err, fs.ErrNotExist)
	}
	s.peculiar = setByEnvironment(env) || hasUnknownOption(filepath.Join(etc, "resolv.conf")) || setsOrder(filepath.Join(etc, "gai.conf"))
	_, err = os.Stat(filepath.Join(etc, "mdns.allow"))
	s.mdnsAllow = !errors.Is(err, fs.ErrNotExist)
	return s
}

// setByEnvironment tells whether a variable of resolver(5) or hostname(7) says
// something. LOCALDOMAIN does when it is empty.
func setByEnvironment(env func(string) (string, bool)) bool {
	_, domain := env("LOCALDOMAIN")
	options, _ := env("RES_OPTIONS")
	aliases, _ := env("HOSTALIASES")
	return domain || options != "" || aliases != ""
}

// known are the keywords and options of resolv.conf(5) that package net follows.
var (
	knownKeywords = map[string]bool{"nameserver": true, "domain": true, "search": true, "options": true}
	knownOptions  = map[string]bool{
		"ndots": true, "timeout": true, "attempts": true, "rotate": true, "single-request": true, "single-request-reopen": true,
		"use-vc": true, "usevc": true, "tcp": true, "trust-ad": true, "edns0": true, "no-reload": true,
	}
)

// hasUnknownOption tells whether resolv.conf asks for what package net does not
// know (conf.go there).
func hasUnknownOption(path string) bool {
	text, err := os.ReadFile(path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.ContainsAny(line[:1], "#;") {
			continue
		}
		if !knownKeywords[words[0]] {
			return true
		}
		if words[0] != "options" {
			continue
		}
		for _, option := range words[1:] {
			if name, _, _ := strings.Cut(option, ":"); !knownOptions[name] {
				return true
			}
		}
	}
	return false
}

// setsOrder tells whether gai.conf(5) says in which order addresses are tried:
// package net has the usual order only. The file that comes with a system is
// all comments.
func setsOrder(path string) bool {
	text, err := os.ReadFile(path)
	if err != nil {
		return false // as for glibc
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) != "" {
			return true
		}
	}
	return false
}

// leaves tells whether the C library may know more of a host's name than
// package net, or other things, by the rules of conf.go there.
func (s system) leaves(name, thisHost string) bool {
	if !s.understood || s.peculiar || strings.ContainsAny(name, `\%`) {
		return true
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for _, source := range s.databases["hosts"] {
		switch {
		case source.name == "files", source.name == "dns":
			if !source.usual {
				return true
			}
		case source.name == "myhostname":
			if isMyHostname(name) || name == strings.ToLower(thisHost) {
				return true
			}
		case strings.HasPrefix(source.name, "mdns"):
			if s.mdnsAllow || strings.HasSuffix(name, ".local") {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// isMyHostname tells the names that nss-myhostname(8) knows beside that of the
// machine.
func isMyHostname(name string) bool {
	switch name {
	case "localhost", "localhost.localdomain", "_gateway", "_outbound":
		return true
	}
	return strings.HasSuffix(name, ".localhost") || strings.HasSuffix(name, ".localhost.localdomain")
}

// asksNameServers tells whether the name servers of resolv.conf are among those
// who are asked for a host.
func (s system) asksNameServers() bool {
	sources := s.databases["hosts"]
	for _, source := range sources {
		if source.name == "dns" {
			return true
		}
	}
	return len(sources) == 0
}

// hasMore tells whether a database has more than files that os/user reads.
func (s system) hasMore(database string) bool {
	for _, source := range s.databases[database] {
		if source.name != "files" {
			return true
		}
	}
	return !s.understood
}

// leftToLibc tells whether getent is to be asked for a host's name. Whoever has
// set package net to its own resolver wants that.
func leftToLibc(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil || runtime.GOOS != "linux" || net.DefaultResolver.PreferGo {
		return false
	}
	thisHost, err := os.Hostname()
	return err != nil || here().leaves(name, thisHost)
}
