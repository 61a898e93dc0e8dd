package transport

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// The names under which ssh calls our program; each finds its socket beside
// itself.
const (
	askpassName  = "sallyport-askpass" // SSH_ASKPASS
	relayName    = "sallyport-relay"   // ProxyCommand
	socketSuffix = ".sock"
)

// Helper is what our program does if it was started as path by the ssh of a
// lent link: it puts a question to the link, or passes on the link's
// connection. It is nil for any other name.
func Helper(path string) func(args []string, out *os.File) error {
	work := map[string]func(*net.UnixConn, []string, *os.File) error{
		askpassName: putQuestion,
		relayName:   func(c *net.UnixConn, _ []string, out *os.File) error { return passConn(out, c) },
	}[filepath.Base(path)]
	if work == nil {
		return nil
	}
	return func(args []string, out *os.File) error {
		conn, err := net.Dial("unix", path+socketSuffix)
		if err != nil {
			return err
		}
		defer conn.Close()
		return work(conn.(*net.UnixConn), args, out)
	}
}

// serveRelay has the ssh of m speak through the connection below it: the
// helper passes it a socket (ProxyUseFdpass), which is joined to it here.
func (c dialCall) serveRelay(ctx context.Context, m *master) error {
	if m.started.below == nil {
		return nil
	}
	var once sync.Once
	return c.listenInRoom(ctx, m.room, relayName, func(conn net.Conn) {
		once.Do(func() { splice(conn, m.started.below) })
	})
}

// listenInRoom answers helpers until ctx ends. What was begun goes on.
func (c dialCall) listenInRoom(ctx context.Context, r *room, name string, answer func(net.Conn)) error {
	l, err := net.Listen("unix", r.path(name+socketSuffix))
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	c.link.set.wg.Go(func() { // ends with ctx
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.link.set.wg.Go(func() { // ends with ssh
				defer conn.Close()
				answer(conn)
			})
		}
	})
	return nil
}

// splice copies between two connections until one of them ends: SSH has no
// use for half of one.
func splice(a, b net.Conn) {
	var wg sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		wg.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // whoever reads it has the error
			a.Close()
			b.Close()
		})
	}
	wg.Wait()
}

// putQuestion has the link ask for ssh, and prints the answer as ssh wants it
// of an SSH_ASKPASS. It fails where nobody answered.
func putQuestion(link *net.UnixConn, args []string, out *os.File) error {
	ask := os.Getenv("SSH_ASKPASS_PROMPT") + "\x00" + strings.Join(args, " ")
	if _, err := io.WriteString(link, ask); err != nil {
		return err
	}
	if err := link.CloseWrite(); err != nil {
		return err
	}
	answer, err := io.ReadAll(io.LimitReader(link, answerLimit))
	defer clear(answer)
	switch {
	case err != nil:
		return err
	case len(answer) == 0:
		return fmt.Errorf("there was no answer")
	}
	_, err = out.Write(answer)
	return err
}
