package demo

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

func TestAPipeCarriesMoreThanItHolds(t *testing.T) {
	a, b := newPipe("x:1")
	sent := make([]byte, 3*pipeSize+17)
	if _, err := rand.Read(sent); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { // ends once all was read; waited for below
		_, err := a.Write(sent)
		written <- errors.Join(err, a.CloseWrite())
	}()
	got, err := io.ReadAll(b)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d of %d bytes arrived, %v", len(got), len(sent), err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	if _, err := b.Write([]byte("reply")); err != nil {
		t.Errorf("the other direction has ended too: %v", err)
	}
	if n, err := a.Read(make([]byte, 9)); n != 5 || err != nil {
		t.Errorf("of the reply %d bytes arrived, %v", n, err)
	}
}

func TestBothEndsOfAPipeMayWriteFirst(t *testing.T) {
	a, b := newPipe("x:1")
	for _, c := range []net.Conn{a, b} {
		if _, err := c.Write([]byte("SSH-2.0-x\r\n")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHowAPipeEnds(t *testing.T) {
	full := make([]byte, 2*pipeSize)
	for _, c := range []struct {
		name string
		act  func(a, b *pipeConn) error
		want error
	}{
		{"reading where the other end has closed", func(a, b *pipeConn) error { b.Close(); _, err := a.Read(full); return err }, io.EOF},
		{"writing where the other end has closed", func(a, b *pipeConn) error { b.Close(); _, err := a.Write(full); return err }, io.ErrClosedPipe},
		{"reading from a closed end", func(a, b *pipeConn) error { a.Close(); _, err := a.Read(full); return err }, net.ErrClosed},
		{"writing to a closed end", func(a, b *pipeConn) error { a.Close(); _, err := a.Write(full); return err }, net.ErrClosed},
		{"a close while reading", func(a, b *pipeConn) error {
			time.AfterFunc(time.Millisecond, func() { a.Close() })
			_, err := a.Read(full)
			return err
		}, net.ErrClosed},
		{"a close while writing", func(a, b *pipeConn) error {
			time.AfterFunc(time.Millisecond, func() { a.Close() })
			_, err := a.Write(full)
			return err
		}, net.ErrClosed},
		{"a deadline while reading", func(a, b *pipeConn) error {
			a.SetReadDeadline(time.Now().Add(time.Millisecond))
			_, err := a.Read(full)
			return err
		}, os.ErrDeadlineExceeded},
		{"a deadline while writing", func(a, b *pipeConn) error {
			a.SetWriteDeadline(time.Now().Add(time.Millisecond))
			_, err := a.Write(full)
			return err
		}, os.ErrDeadlineExceeded},
		{"a deadline in the past", func(a, b *pipeConn) error { a.SetDeadline(time.Unix(1, 0)); _, err := a.Read(full); return err }, os.ErrDeadlineExceeded},
		{"a deadline that was taken back", func(a, b *pipeConn) error {
			a.SetReadDeadline(time.Unix(1, 0))
			a.SetReadDeadline(time.Time{})
			b.Close()
			_, err := a.Read(full)
			return err
		}, io.EOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := newPipe("x:1")
			if err := c.act(a, b); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}
