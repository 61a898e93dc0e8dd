//go:build !unix

package transport

import (
	"context"
	"net"
	"os"
)

// dialByCommand cannot work where sockets are not passed on.
func dialByCommand(context.Context, string, Env, func(string)) (net.Conn, error) {
	return nil, noFdpass()
}

// passConn cannot work there either.
func passConn(*os.File, *net.UnixConn) error { return noFdpass() }

func noFdpass() *Failure {
	return &Failure{Code: CodeConfig, Message: "ProxyUseFdpass: sockets cannot be passed between programs on this system"}
}
