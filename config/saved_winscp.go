package config

import (
	"strconv"
	"strings"
)

// winscpPrefix begins the sections of WinSCP.ini that are sessions.
const winscpPrefix = `Sessions\`

func isWinSCP(s savedSection) bool { return strings.HasPrefix(s.name, winscpPrefix) }

// winscpProtocols are values of FSProtocol that go over ssh: SCP, SFTP with SCP
// to fall back on, SFTP (SessionData.h of WinSCP).
var winscpProtocols = map[int]bool{0: true, 1: true, 2: true}

// winscpSessions reads sessions of WinSCP, which has taken its settings from
// PuTTY. Passwords are not looked at.
func winscpSessions(sections []savedSection) (list []*Saved) {
	for _, section := range sections {
		if !isWinSCP(section) || section.number("IsWorkspace", 0) != 0 {
			continue
		}
		title := unescapeName(strings.TrimPrefix(section.name, winscpPrefix))
		folders := ""
		if i := strings.LastIndexByte(title, '/'); i >= 0 {
			folders, title = title[:i], title[i+1:]
		}
		if title != puttyDefaults {
			list = append(list, winscpSession(savedSection{title, section.values}, folders))
		}
	}
	return list
}

func winscpSession(from savedSection, folders string) *Saved {
	from = winscpValues(from)
	s := &Saved{title: from.name, folders: folders}
	if folders != "" {
		s.tags = []string{strings.ReplaceAll(folders, ",", " ")}
	}
	if !winscpProtocols[from.number("FSProtocol", 1)] {
		s.refuse("it is no session of ssh: WinSCP opens it by FTP, WebDAV or S3")
	}
	s.address(from.text("HostName"), from.text("UserName"), from.text("PortNumber"))
	s.puttyProxy(from, savedSection{})
	if from.number("Tunnel", 0) != 0 {
		s.winscpTunnel(from)
	}
	s.puttyOptions(from)
	s.key = from.text("PublicKeyFile")
	s.finish()
	return s
}

// winscpValues are the values as PuTTY has them: WinSCP escapes all texts but
// a command, and keeps the connection alive by another setting.
func winscpValues(from savedSection) savedSection {
	to := savedSection{name: from.name}
	for _, v := range from.values {
		if !equalFold(v.name, "ProxyTelnetCommand") {
			v.text = unescapeName(v.text)
		}
		if equalFold(v.name, "PingIntervalSec") {
			v.name = "PingIntervalSecs"
		}
		if equalFold(v.name, "PingInterval") && from.number("PingType", 0) == 0 {
			continue
		}
		to.values = append(to.values, v)
	}
	if from.number("PingType", 0) == 0 {
		to.values = append([]savedValue{{"PingIntervalSecs", "0"}}, to.values...)
	} else if !from.has("PingInterval") && !to.has("PingIntervalSecs") {
		to.values = append(to.values, savedValue{"PingIntervalSecs", strconv.Itoa(30)}) // what WinSCP takes
	}
	return to
}

// winscpTunnel is the host through which a session is reached.
func (s *Saved) winscpTunnel(from savedSection) {
	hop := &Saved{}
	hop.address(from.text("TunnelHostName"), from.text("TunnelUserName"), from.text("TunnelPortNumber"))
	jump := hop.hop()
	switch {
	case s.way.command != "" || s.way.session != "":
		s.refuse("it is reached through a proxy and another host, which one host of ssh cannot say")
	case jump == "":
		s.refuse("it is reached through a host that cannot be named: %q", Printable(from.text("TunnelHostName")))
	}
	s.way = way{jump: jump, hosts: []string{hop.hostName}}
	if key := from.text("TunnelPublicKeyFile"); key != "" {
		s.note("the key for %s is not imported: %s on Windows", Printable(hop.hostName), Printable(key))
	}
}
