// Package rfc4254 has the messages of the SSH connection protocol as ssh.Marshal
// writes and ssh.Unmarshal reads them: what stands behind the head that all
// requests have, and all openings of channels. Fields are in the order of RFC
// 4254, or of PROTOCOL of OpenSSH where a message is OpenSSH's.
package rfc4254

// Requests of a session.
type (
	// Pty asks for a terminal (section 6.2).
	Pty struct {
		Term          string
		Columns, Rows uint32
		Width, Height uint32 // in pixels
		Modes         string // see EncodeModes
	}

	// Window is the size of a terminal that has changed (section 6.7).
	Window struct {
		Columns, Rows uint32
		Width, Height uint32 // in pixels
	}

	// X11 asks to have the far side's programs shown here (section 6.3.1).
	X11 struct {
		Single           bool
		Protocol, Cookie string
		Screen           uint32
	}

	// Env sets a variable (section 6.4).
	Env struct{ Name, Value string }

	// Program is the command of "exec", or the name of a subsystem (section 6.5).
	Program struct{ Command string }

	// Signal is for the program; its name is without SIG (section 6.9).
	Signal struct{ Name string }

	// Break is that of a serial line (RFC 4335 section 3).
	Break struct{ Milliseconds uint32 }

	// ExitStatus and ExitSignal tell how the program has ended (section 6.10).
	ExitStatus struct{ Status uint32 }
	ExitSignal struct {
		Name              string // without SIG
		CoreDumped        bool
		Message, Language string
	}
)

// Openings of channels.
type (
	// TCP is where a channel leads, and who has connected: "direct-tcpip" and
	// "forwarded-tcpip" (section 7.2).
	TCP struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}

	// Socket is the path to which a channel of "direct-streamlocal@openssh.com"
	// leads (PROTOCOL of OpenSSH section 2.4).
	Socket struct {
		Path, Origin string
		OriginPort   uint32
	}

	// ForwardedSocket is where "forwarded-streamlocal@openssh.com" comes from (the same).
	ForwardedSocket struct{ Path, Reserved string }
)

// Requests to listen, or to listen no longer.
type (
	// Listen is of "tcpip-forward" and "cancel-tcpip-forward" (section 7.1). For
	// port 0 the far side chooses one, and answers with Chosen.
	Listen struct {
		Host string
		Port uint32
	}
	Chosen struct{ Port uint32 }

	// ListenSocket is of "streamlocal-forward@openssh.com" and its "cancel-"
	// (PROTOCOL of OpenSSH section 2.4).
	ListenSocket struct{ Path string }
)
