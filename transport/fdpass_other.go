//go:build !unix

package transport

import (
	"context"
	"net"
	"os"
)

var errNoFdpass = &Failure{Code: CodeConfig, Message: "ProxyUseFdpass: sockets cannot be passed between programs on this system"}

// dialByCommand cannot work where sockets are not passed on.
func dialByCommand(context.Context, string, Env) (net.Conn, error) { return nil, errNoFdpass }

func passConn(*os.File, *net.UnixConn) error { return errNoFdpass }
