package mux

import "fmt"

// version is the version of the protocol: SSHMUX_VER of mux.c, unchanged since
// OpenSSH 5.4.
const version = 4

// message is one message of either side. Its fields are in the order of the
// wire; the codec is in codec.go.
type message interface {
	kind() uint32
	fields() []any
}

// The types of messages, [PROTOCOL.mux] section 11 and mux.c.
const (
	kindHello         = 0x00000001
	kindNewSession    = 0x10000002
	kindAliveCheck    = 0x10000004
	kindTerminate     = 0x10000005
	kindOpenForward   = 0x10000006
	kindCloseForward  = 0x10000007
	kindStdioForward  = 0x10000008
	kindStopListening = 0x10000009
	kindProxy         = 0x1000000f // missing in PROTOCOL.mux section 11
	kindInfo          = 0x20000001 // since OpenSSH 10.3, of masters whose greeting names infoExtension

	kindOK            = 0x80000001
	kindDenied        = 0x80000002
	kindFailure       = 0x80000003
	kindExit          = 0x80000004
	kindAlive         = 0x80000005
	kindSessionOpened = 0x80000006
	kindRemotePort    = 0x80000007
	kindTTYAllocFail  = 0x80000008
	kindProxyOK       = 0x8000000f // missing in PROTOCOL.mux section 11
	kindInfoReply     = 0x90000001
)

// infoExtension is the name of the extension of "ssh -O conninfo" and "ssh -O
// channels" in the greeting of a master. Its value is "0".
const infoExtension = "info"

// newMessage is an empty message of each type.
var newMessage = map[uint32]func() message{
	kindHello:         func() message { return new(helloMsg) },
	kindNewSession:    func() message { return new(newSessionMsg) },
	kindAliveCheck:    func() message { return new(aliveCheckMsg) },
	kindTerminate:     func() message { return new(terminateMsg) },
	kindOpenForward:   func() message { return new(openForwardMsg) },
	kindCloseForward:  func() message { return new(closeForwardMsg) },
	kindStdioForward:  func() message { return new(stdioForwardMsg) },
	kindStopListening: func() message { return new(stopListeningMsg) },
	kindProxy:         func() message { return new(proxyMsg) },
	kindOK:            func() message { return new(okMsg) },
	kindDenied:        func() message { return new(deniedMsg) },
	kindFailure:       func() message { return new(failureMsg) },
	kindExit:          func() message { return new(exitMsg) },
	kindAlive:         func() message { return new(aliveMsg) },
	kindSessionOpened: func() message { return new(sessionOpenedMsg) },
	kindRemotePort:    func() message { return new(remotePortMsg) },
	kindTTYAllocFail:  func() message { return new(ttyAllocFailMsg) },
	kindProxyOK:       func() message { return new(proxyOKMsg) },
	kindInfo:          func() message { return new(infoMsg) },
	kindInfoReply:     func() message { return new(infoReplyMsg) },
}

// helloMsg is the first message of each side, [PROTOCOL.mux] section 1.
type helloMsg struct {
	Version    uint32
	Extensions []string // names and values in turn
}

// newSessionMsg asks for a shell, a command or a subsystem, [PROTOCOL.mux]
// section 2. Three descriptors follow: stdin, stdout, stderr.
//
// PROTOCOL.mux says bool for the flags; mux.c sends uint32.
type newSessionMsg struct {
	Request                    uint32
	reserved                   string
	TTY, X11, Agent, Subsystem bool
	Escape                     uint32 // a character, or noEscape
	Term                       string
	Command                    string   // empty for a shell
	Env                        []string // NAME=value
}

// noEscape is the Escape of a session without escape characters.
const noEscape = 0xffffffff

// stdioForwardMsg asks for a connection from the far side to be joined with
// two descriptors, which follow: stdin, stdout. [PROTOCOL.mux] section 3.
//
// PROTOCOL.mux says string for the port; mux.c sends uint32.
type stdioForwardMsg struct {
	Request  uint32
	reserved string
	Host     string // or the path of a socket
	Port     uint32 // or streamLocal
}

type (
	// aliveCheckMsg asks whether the master is there, [PROTOCOL.mux] section 4.
	aliveCheckMsg struct{ Request uint32 }

	// terminateMsg asks the master to end, [PROTOCOL.mux] section 5.
	terminateMsg struct{ Request uint32 }

	// openForwardMsg asks for a forward, [PROTOCOL.mux] section 6.
	openForwardMsg struct {
		Request uint32
		forwardFields
	}

	// closeForwardMsg asks for the end of a forward, [PROTOCOL.mux] section 7.
	closeForwardMsg struct {
		Request uint32
		forwardFields
	}

	// stopListeningMsg asks the master to take no more clients and to remove its
	// socket, [PROTOCOL.mux] section 8.
	stopListeningMsg struct{ Request uint32 }

	// proxyMsg asks that the control connection carry bare SSH messages from here
	// on, [PROTOCOL.mux] section 9.
	proxyMsg struct{ Request uint32 }

	// infoMsg asks for what is told of the connection, or of its channels.
	infoMsg struct {
		Request uint32
		What    string // "connection" or "channels"
	}
)

// forwardFields are what openForwardMsg and closeForwardMsg share.
type forwardFields struct {
	Type        uint32 // a ForwardType
	ListenHost  string
	ListenPort  uint32
	ConnectHost string
	ConnectPort uint32
}

// The answers, [PROTOCOL.mux] sections 2 to 10.
type (
	okMsg      struct{ Request uint32 }
	deniedMsg  refusedMsg
	failureMsg refusedMsg
	aliveMsg   struct{ Request, PID uint32 }

	// sessionOpenedMsg says that a session runs. PROTOCOL.mux has an OK follow;
	// mux.c sends none, and a client that gets one gives up.
	sessionOpenedMsg struct{ Request, Session uint32 }

	remotePortMsg struct{ Request, Port uint32 }
	proxyOKMsg    struct{ Request uint32 }
	infoReplyMsg  struct {
		Request uint32
		OK      bool
		Text    string // lines that end in CR and LF, or why there are none
	}
	ttyAllocFailMsg struct{ Session uint32 }

	// exitMsg is the exit status of a session. The master closes the control
	// connection after it, which PROTOCOL.mux leaves out: the client waits for
	// that.
	exitMsg struct{ Session, Status uint32 }
)

type refusedMsg struct {
	Request uint32
	Reason  string
}

func (*helloMsg) kind() uint32         { return kindHello }
func (*newSessionMsg) kind() uint32    { return kindNewSession }
func (*stdioForwardMsg) kind() uint32  { return kindStdioForward }
func (*aliveCheckMsg) kind() uint32    { return kindAliveCheck }
func (*terminateMsg) kind() uint32     { return kindTerminate }
func (*openForwardMsg) kind() uint32   { return kindOpenForward }
func (*closeForwardMsg) kind() uint32  { return kindCloseForward }
func (*stopListeningMsg) kind() uint32 { return kindStopListening }
func (*proxyMsg) kind() uint32         { return kindProxy }
func (*okMsg) kind() uint32            { return kindOK }
func (*deniedMsg) kind() uint32        { return kindDenied }
func (*failureMsg) kind() uint32       { return kindFailure }
func (*exitMsg) kind() uint32          { return kindExit }
func (*aliveMsg) kind() uint32         { return kindAlive }
func (*sessionOpenedMsg) kind() uint32 { return kindSessionOpened }
func (*remotePortMsg) kind() uint32    { return kindRemotePort }
func (*ttyAllocFailMsg) kind() uint32  { return kindTTYAllocFail }
func (*proxyOKMsg) kind() uint32       { return kindProxyOK }
func (*infoMsg) kind() uint32          { return kindInfo }
func (*infoReplyMsg) kind() uint32     { return kindInfoReply }

func (m *helloMsg) fields() []any { return []any{&m.Version, &m.Extensions} }
func (m *newSessionMsg) fields() []any {
	return []any{&m.Request, &m.reserved, &m.TTY, &m.X11, &m.Agent, &m.Subsystem, &m.Escape, &m.Term, &m.Command, &m.Env}
}
func (m *stdioForwardMsg) fields() []any { return []any{&m.Request, &m.reserved, &m.Host, &m.Port} }
func (m *aliveCheckMsg) fields() []any   { return []any{&m.Request} }
func (m *terminateMsg) fields() []any    { return []any{&m.Request} }
func (m *openForwardMsg) fields() []any {
	return append([]any{&m.Request}, m.forwardFields.fields()...)
}
func (m *closeForwardMsg) fields() []any {
	return append([]any{&m.Request}, m.forwardFields.fields()...)
}
func (m *stopListeningMsg) fields() []any { return []any{&m.Request} }
func (m *proxyMsg) fields() []any         { return []any{&m.Request} }
func (m *okMsg) fields() []any            { return []any{&m.Request} }
func (m *deniedMsg) fields() []any        { return []any{&m.Request, &m.Reason} }
func (m *failureMsg) fields() []any       { return []any{&m.Request, &m.Reason} }
func (m *exitMsg) fields() []any          { return []any{&m.Session, &m.Status} }
func (m *aliveMsg) fields() []any         { return []any{&m.Request, &m.PID} }
func (m *sessionOpenedMsg) fields() []any { return []any{&m.Request, &m.Session} }
func (m *remotePortMsg) fields() []any    { return []any{&m.Request, &m.Port} }
func (m *ttyAllocFailMsg) fields() []any  { return []any{&m.Session} }
func (m *proxyOKMsg) fields() []any       { return []any{&m.Request} }
func (m *infoMsg) fields() []any          { return []any{&m.Request, &m.What} }
func (m *infoReplyMsg) fields() []any     { return []any{&m.Request, &m.OK, &m.Text} }

func (f *forwardFields) fields() []any {
	return []any{&f.Type, &f.ListenHost, &f.ListenPort, &f.ConnectHost, &f.ConnectPort}
}

// unknownError is a message of a type that nobody here knows. Its request is
// known all the same: a master answers it (mux_master_read_cb in mux.c).
type unknownError struct{ kind, request uint32 }

func (e unknownError) Error() string {
	return fmt.Sprintf("a message of the unknown type %#08x", e.kind)
}
