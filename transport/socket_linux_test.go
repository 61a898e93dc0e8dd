package transport

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// TestADirectSocketIsAsThatOfPackageNet does the same with both.
func TestADirectSocketIsAsThatOfPackageNet(t *testing.T) {
	much := bytes.Repeat([]byte("winter is coming\n"), 1<<18) // more than the buffers of both ends
	for _, row := range []struct {
		name string
		far  func(net.Conn)
		near func(net.Conn) (text []byte, err error)
	}{
		{"much there and back", func(c net.Conn) { _, _ = io.Copy(c, c) }, func(c net.Conn) ([]byte, error) {
			go func() { // ends with what there is to write
				_, _ = c.Write(much)
				_ = c.(interface{ CloseWrite() error }).CloseWrite()
			}()
			return io.ReadAll(c)
		}},
		{"nothing is read", func(c net.Conn) { _, _ = c.Write([]byte("x")) }, func(c net.Conn) ([]byte, error) {
			_, err := c.Read(nil)
			return nil, err
		}},
		{"the far side resets", func(c net.Conn) {
			_, _ = io.ReadFull(c, make([]byte, 1))
			_ = c.(*net.TCPConn).SetLinger(0)
		}, func(c net.Conn) ([]byte, error) {
			if _, err := c.Write([]byte("x")); err != nil {
				return nil, err
			}
			_, err := c.Read(make([]byte, 1))
			return nil, err
		}},
		{"it was closed", func(net.Conn) {}, func(c net.Conn) ([]byte, error) {
			c.Close()
			_, err := c.Write([]byte("x"))
			return nil, err
		}},
		{"it is too late", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, func(c net.Conn) ([]byte, error) {
			_ = c.SetReadDeadline(time.Unix(1, 0))
			_, err := c.Read(make([]byte, 1))
			return nil, err
		}},
		{"it is closed meanwhile", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, func(c net.Conn) ([]byte, error) {
			go c.Close()
			_, err := c.Read(make([]byte, 1))
			return nil, err
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			port := serve(t, row.far)
			told := func(direct bool) (text []byte, message string) {
				c, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				var conn net.Conn = c
				if direct {
					conn = Direct(c)
				}
				text, err = row.near(conn)
				if err != nil {
					message = string(bytes.ReplaceAll([]byte(err.Error()), []byte(c.LocalAddr().String()), []byte("here")))
				}
				return text, message
			}
			text, message := told(true)
			if want, wanted := told(false); !bytes.Equal(text, want) || message != wanted {
				t.Errorf("%d bytes, %q; package net has %d, %q", len(text), message, len(want), wanted)
			}
		})
	}
}
