package sessions

import "sallyport/config"

// Configured is s as the host's SessionType, RemoteCommand and RequestTTY have
// it where s and tty do not say. s.PTY says that the viewer is a terminal; tty
// is "yes" (-t), "force" (-tt), "no" (-T), or "" as configured.
//
// It decides as ssh does (ssh.c, tty_flag): -t and RequestTTY yes need a
// terminal on this side, force does not, and by default a login shell has one.
// Who asks for one cannot do without (client_status_confirm in clientloop.c).
func Configured(host *config.Host, s Spec, tty string) Spec {
	if s.Kind == Program {
		s.Kind = kindOf(host.Get("SessionType"))
	}
	if remote := host.Get("RemoteCommand"); s.Command == "" && s.Kind != None && remote != "none" {
		s.Command = remote
	}
	if tty == "" {
		tty = host.Get("RequestTTY")
	}
	switch tty {
	case "force":
		s.PTY, s.NeedPTY = true, true
	case "yes", "true":
		s.NeedPTY = s.PTY
	case "no", "false":
		s.PTY = false
	default:
		s.PTY = s.PTY && s.Kind == Program && s.Command == ""
	}
	s.PTY = s.PTY && s.Kind != None
	return s
}

func kindOf(sessionType string) Kind {
	switch sessionType {
	case "subsystem":
		return Subsystem
	case "none":
		return None
	}
	return Program
}
