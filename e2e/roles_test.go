//go:build linux

package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// serveTCP listens on an address, says so, and serves until its end.
func serveTCP(addr string, serve func(net.Conn) error) error {
	return serveOn("tcp", addr, serve)
}

func serveOn(network, addr string, serve func(net.Conn) error) error {
	l, err := net.Listen(network, addr)
	if err != nil {
		return err
	}
	if network == "unix" {
		if err := os.Chmod(addr, 0o777); err != nil { // it is for who logs in
			return err
		}
	}
	fmt.Println("ready")
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go func() { // ends with its connection
			defer conn.Close()
			if err := serve(conn); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
	}
}

// digest describes bytes in a line.
func digest(b []byte) string { return fmt.Sprintf("%d bytes, %x", len(b), sha256.Sum256(b)) }

// pattern is n bytes in which a missing, doubled or moved block shows.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i) ^ byte(i>>8) ^ byte(i>>16)
	}
	return b
}

// runReplyAtEOF is a server that answers once its client has shut its writing
// side: with a digest of what came and as many bytes as that.
func runReplyAtEOF(args []string) error {
	return serveTCP(args[0], func(conn net.Conn) error {
		got, err := io.ReadAll(conn)
		if err != nil {
			return err
		}
		_, err = conn.Write(append([]byte(digest(got)+"\n"), pattern(len(got))...))
		return err
	})
}

// runSpeakThenHear is a server that speaks first, shuts its writing side, and
// then hears its client out; what it heard goes to standard output.
func runSpeakThenHear(args []string) error {
	return serveTCP(args[0], func(conn net.Conn) error {
		if _, err := conn.Write(pattern(100_000)); err != nil {
			return err
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			return err
		}
		got, err := io.ReadAll(conn)
		fmt.Println("heard", digest(got))
		return err
	})
}

// runHalfClose is a client that sends, shuts its writing side, and prints a
// digest of the reply: address, number of bytes.
func runHalfClose(args []string) error {
	conn, size, err := dialWith(args)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write(pattern(size)); err != nil {
		return err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	return printReply(conn)
}

// runHearThenSpeak is a client that hears its server out and sends only then.
func runHearThenSpeak(args []string) error {
	conn, size, err := dialWith(args)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := printReply(conn); err != nil {
		return err
	}
	_, err = conn.Write(pattern(size))
	return err
}

func dialWith(args []string) (net.Conn, int, error) {
	size, err := strconv.Atoi(args[1])
	if err != nil {
		return nil, 0, err
	}
	conn, err := net.DialTimeout("tcp", args[0], patience)
	if err != nil {
		return nil, 0, err
	}
	return conn, size, conn.SetDeadline(time.Now().Add(patience))
}

func printReply(conn net.Conn) error {
	reply, err := io.ReadAll(conn)
	if err != nil {
		return fmt.Errorf("after %d bytes: %w", len(reply), err)
	}
	fmt.Println("reply", digest(reply))
	return nil
}

// runOneTimeCode is an SSH server that asks in two keyboard-interactive
// rounds, as institutes with a second factor do: the password, then a code
// together with a question whose answer may be seen. Arguments: address,
// password, code.
func runOneTimeCode(args []string) error {
	password, code := args[1], args[2]
	config := &ssh.ServerConfig{
		MaxAuthTries: 3,
		KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			first, err := ask("Lab of two factors", "First the one you know.", []string{"Password: "}, []bool{false})
			if err != nil {
				return nil, err
			}
			second, err := ask("", "Now the one you have.", []string{"One-time code: ", "Your colour: "}, []bool{false, true})
			if err != nil {
				return nil, err
			}
			if first[0] != password || second[0] != code || second[1] != "blue" {
				return nil, errors.New("wrong answers")
			}
			return nil, nil
		},
	}
	return serveSSH(args[0], config, func(conn net.Conn) { serveShell(conn, config) })
}

// hostileText is what a server says that wants more of a terminal than its
// words: a title, the clipboard, a cleared screen, tview's tags, and a right
// to left mark.
const hostileText = "go \x1b]0;owned\x07away \x1b]52;c;b3duZWQ=\x07\x1b[2J\x1b[31mred[red]tag\u202eright\u009b31m end"

// runHostileServer is an SSH server that wants such a text on its clients'
// terminals. Arguments: address, and where it puts it: "disconnect" in the
// message with which it ends before any login, "banner" in one shown before it
// refuses the login, "ask" in the words of a keyboard-interactive round.
func runHostileServer(args []string) error {
	no := errors.New("no")
	config := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, no }}
	login := func(conn net.Conn) { serveShell(conn, config) }
	switch args[1] {
	case "disconnect":
		login = disconnectRudely
	case "banner":
		config.BannerCallback = func(ssh.ConnMetadata) string { return hostileText + "\r\n" }
	case "ask":
		config.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			_, err := ask(hostileText, hostileText, []string{hostileText + ": "}, []bool{false})
			return nil, errors.Join(no, err)
		}
	}
	return serveSSH(args[0], config, login)
}

// disconnectRudely speaks before any key exchange: a server may send lines of
// its own before its version (RFC 4253 section 4.2) and, unencrypted,
// SSH_MSG_DISCONNECT (section 11.1).
func disconnectRudely(conn net.Conn) {
	_, _ = conn.Write(append([]byte(hostileText+"\r\nSSH-2.0-lab\r\n"), disconnect(hostileText)...)) // it may be gone
	_, _ = io.Copy(io.Discard, conn)                                                                 // until it goes
}

// disconnect is the packet of SSH_MSG_DISCONNECT as it is sent before the
// first key exchange.
func disconnect(message string) []byte {
	payload := ssh.Marshal(struct {
		Type     byte
		Reason   uint32
		Message  string
		Language string
	}{1, 11, message, ""})
	padding := 8 - (5+len(payload))%8
	if padding < 4 {
		padding += 8
	}
	packet := ssh.Marshal(struct {
		Length  uint32
		Padding byte
	}{uint32(1 + len(payload) + padding), byte(padding)})
	return append(append(packet, payload...), make([]byte, padding)...)
}

// serveSSH gives the server a host key, prints its public half, and serves.
func serveSSH(addr string, config *ssh.ServerConfig, serve func(net.Conn)) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return err
	}
	config.AddHostKey(signer)
	fmt.Print(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	return serveTCP(addr, func(conn net.Conn) error { serve(conn); return nil })
}

// serveShell plays a shell to whoever gets in: it knows one command, "exit 7".
func serveShell(conn net.Conn, config *ssh.ServerConfig) {
	server, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		fmt.Fprintln(os.Stderr, "login:", err)
		return
	}
	defer server.Close()
	go ssh.DiscardRequests(requests) // ends with the connection
	for offered := range channels {
		if offered.ChannelType() != "session" {
			_ = offered.Reject(ssh.UnknownChannelType, "only shells here") // it may be gone
			continue
		}
		channel, asked, err := offered.Accept()
		if err != nil {
			return
		}
		go playShell(channel, asked) // ends with its channel
	}
}

func playShell(channel ssh.Channel, asked <-chan *ssh.Request) {
	for r := range asked {
		if r.WantReply {
			_ = r.Reply(r.Type == "shell" || r.Type == "pty-req" || r.Type == "exec", nil) // it may be gone
		}
		if r.Type != "shell" && r.Type != "exec" {
			continue
		}
		go func() { // ends with its channel
			defer channel.Close()
			fmt.Fprint(channel, "two factors were right\r\ncode$ ")
			var typed strings.Builder
			one := make([]byte, 1)
			for {
				if _, err := channel.Read(one); err != nil {
					return
				}
				typed.Write(one)
				if strings.HasSuffix(typed.String(), "exit 7\r") {
					_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{7})) // it may be gone
					return
				}
			}
		}()
	}
}
