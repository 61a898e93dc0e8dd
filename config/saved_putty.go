package config

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// puttyDefaults is the session from which PuTTY makes new ones. Nothing can be
// reached by it, but a proxy that is no session follows it.
const puttyDefaults = "Default Settings"

// puttySessions reads sessions as PuTTY's settings.c writes them.
func puttySessions(sections []savedSection) (list []*Saved) {
	var defaults savedSection
	for _, s := range sections {
		if s.name == puttyDefaults {
			defaults = s
		}
	}
	for _, s := range sections {
		if s.name != puttyDefaults {
			list = append(list, puttySession(s, defaults))
		}
	}
	return list
}

func puttySession(from, defaults savedSection) *Saved {
	s := &Saved{title: from.name}
	switch protocol := from.text("Protocol"); {
	case protocol != "" && protocol != "ssh":
		s.refuse("it is a session of %s, not of ssh", Printable(protocol))
	case from.has("SshProt") && from.number("SshProt", 3) == 0:
		s.refuse("it wants version 1 of the SSH protocol, which ssh has not any more")
	}
	s.address(from.text("HostName"), from.text("UserName"), from.text("PortNumber"))
	s.puttyProxy(from, defaults)
	s.puttyOptions(from)
	s.puttyForwards(from)
	s.key = from.text("PublicKeyFile")
	s.finish()
	return s
}

// address is prepare_session of PuTTY: a host may have user@ before it and
// :port behind, which is not looked at.
func (s *Saved) address(host, user, port string) {
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		user, host = host[:at], host[at+1:]
	}
	if strings.Count(host, ":") == 1 {
		host, _, _ = strings.Cut(host, ":")
	}
	s.hostName = unbracket(strings.NewReplacer(" ", "", "\t", "").Replace(host))
	s.user, s.port = strings.TrimSpace(user), strings.TrimSpace(port)
}

// puttyOptions are the settings that are one option each.
func (s *Saved) puttyOptions(from savedSection) {
	on := func(name string) bool { return from.number(name, 0) != 0 }
	if on("Compression") {
		s.set(kCompression, "yes")
	}
	if on("X11Forward") {
		s.set(kForwardX11, "yes")
	}
	switch {
	case on("AgentFwd"):
		s.set(kForwardAgent, "yes")
		if from.number("TryAgent", 1) == 0 {
			s.note("it forwards the agent without asking it for keys, which ssh cannot: ssh asks it")
		}
	case from.number("TryAgent", 1) == 0:
		s.set(kIdentityAgent, "none")
	}
	if seconds := 60*from.number("PingInterval", 0) + from.number("PingIntervalSecs", 0); seconds > 0 {
		s.set(kServerAliveInterval, strconv.Itoa(seconds))
	}
	if family, ok := map[int]string{1: "inet", 2: "inet6"}[from.number("AddressFamily", 0)]; ok {
		s.set(kAddressFamily, family)
	}
	if from.text("RemoteCommand") != "" {
		s.note("its remote command is not imported")
	}
	if on("SshNoShell") {
		s.note("it starts no shell: ssh -N does the same")
	}
}

// finish checks what the session says and puts it into options: nothing of a
// list may become more than the one value that it is there.
func (s *Saved) finish() {
	s.alias = savedAlias(s.title)
	for _, v := range []struct{ what, text string }{{"host name", s.hostName}, {"login name", s.user}, {"port", s.port}, {"key's path", s.key}, {"proxy", s.way.jump + s.way.session + s.way.user + s.way.command}} {
		if _, err := oneLine(v.text); err != nil {
			s.refuse("its %s holds a control character", v.what)
		}
	}
	port, why := number(s.port, 0, 65535)
	switch {
	case s.hostName == "":
		s.refuse("it names no host")
	case !validHost(s.hostName):
		s.refuse("%q is no name of a host", Printable(s.hostName))
	case s.user != "" && (!validUser(s.user) || strings.Contains(s.user, "%") || strings.Contains(s.user, "${")):
		s.refuse("ssh would not take %q for a login name as it is", Printable(s.user))
	case s.port != "" && why != "":
		s.refuse("%q is no port", Printable(s.port))
	}
	var own []Assignment
	add := func(k key, word string) { own = append(own, Assignment{keywords[k].name, Quote(word)}) }
	add(kHostName, escapePercent(s.hostName))
	if s.user != "" {
		add(kUser, s.user)
	}
	if port > 0 {
		add(kPort, strconv.Itoa(int(port)))
	}
	s.own = len(own)
	s.options = slices.Concat(own, s.identity(), s.options)
}

// identity points IdentityFile at where the key is, or will be: a key of PuTTY
// has to be made one of OpenSSH first, and a path of Windows leads nowhere
// here.
func (s *Saved) identity() []Assignment {
	windows := strings.ContainsAny(s.key, `\`) || len(s.key) > 1 && s.key[1] == ':'
	base := s.key[strings.LastIndexAny(s.key, `\/:`)+1:]
	putty := equalFold(filepath.Ext(base), ".ppk") || !windows && startsLikePPK(s.key)
	path, name := s.key, strings.TrimSuffix(base, ".ppk")
	if windows || putty {
		path = "~/.ssh/" + name
	}
	command := func(file string) string { return "sallyport key import " + shellescape.Quote(Printable(file)) }
	switch {
	case s.key == "":
		return nil
	case name == "" || strings.Contains(path, "${") || !windows && !filepath.IsAbs(s.key):
		s.note("its key is not imported: %q is no path that ssh could use", Printable(s.key))
		return nil
	case windows && putty:
		s.note("its key is one of PuTTY, %s on Windows: bring it here, and %s makes it %s", Printable(s.key), command(base), Printable(path))
	case putty:
		s.note("its key is one of PuTTY: %s makes it %s", command(s.key), Printable(path))
	case windows:
		s.note("its key is %s on Windows: bring it here as %s", Printable(s.key), Printable(path))
	}
	return []Assignment{{keywords[kIdentityFile].name, Quote(escapePercent(path))}}
}

// isLocal tells an address for which PuTTY uses no proxy unless told to.
func isLocal(host string) bool {
	if equalFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
