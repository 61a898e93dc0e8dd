package sessions

import (
	"context"
	"fmt"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/mux"
	"sallyport/transport"
)

// Lend lends the agent and the display of who has made a connection to a
// session on it that is a client's of ours. As with ssh both the client and the
// host's own configuration must want it (mux_session_confirm in mux.c). ssh's
// warnings go to warn: the master's log, not the client, gets them.
func Lend(ctx context.Context, conn *transport.Conn, host *config.Host, env transport.Env, want mux.Spec, warn func(string)) mux.Loan {
	l := &lender{caution: func(_ level, format string, args ...any) { warn(config.Printable(fmt.Sprintf(format, args...))) }}
	if want.Agent {
		l.lendAgent(host.Get("ForwardAgent"), host, env)
	}
	if want.X11 {
		l.lendDisplay(ctx, X11(host.Get("ForwardX11")), host, env)
	}
	loan := mux.Loan{Agent: l.agent != "", End: peersOf(conn).join(l)}
	if l.display != nil {
		loan.X11 = ssh.Marshal(l.display.request())
	}
	return loan
}
