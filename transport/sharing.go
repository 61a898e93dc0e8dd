package transport

import (
	"path/filepath"
	"strings"
)

// Current is the connection of a link that is up, else nil. It dials nothing.
func (l *Link) Current() (conn *Conn) {
	l.do(func() { conn = l.owned.conn })
	return conn
}

// Way is the chain that ends with this link, and the environment of who asked
// for it last.
func (l *Link) Way() (Chain, Env) {
	r := l.asked()
	return r.chain[:r.place+1], r.env
}

// Stay keeps a connection from being closed for idleness until release is
// called (once). Unlike a user it has no link dialled again after a break.
func (l *Link) Stay() (release func()) {
	l.do(func() { l.stay(1) })
	return func() { l.do(func() { l.stay(-1) }) }
}

// CloseUnused is the end of what Stay was for: it closes the connection unless
// it has users.
func (l *Link) CloseUnused() {
	l.do(func() {
		if l.owned.state == Up && l.owned.users == 0 {
			l.shut()
		}
	})
}

// MasterPath is where a connection of this link has to listen for clients of
// ssh, "" for nowhere (muxserver_listen in mux.c).
func (l *Link) MasterPath() string {
	r := l.asked()
	h := r.hop().Host
	path := given(h, "ControlPath")
	switch strings.ToLower(h.Get("ControlMaster")) {
	case "", "no", "false":
		return ""
	}
	if path == "" {
		return ""
	}
	return absolute(path, r.env)
}

// absolute is a ControlPath as seen from where the caller is.
func absolute(path string, env Env) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(workingDirectory(env), path)
}
