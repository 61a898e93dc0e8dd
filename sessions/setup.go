package sessions

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// setup is the first packet of a client of X (X Window System Protocol,
// section 8): byte order, version, and how it authenticates itself.
//
//	0 order   1 -   2 major   4 minor   6 length of protocol   8 length of cookie   10 -
//	12 protocol, filled up to 4 bytes   cookie, likewise
type setup []byte

const (
	setupHead = 12
	maxField  = 256 // bytes of protocol or cookie; those in use have less than 20
)

var errWrongCookie = errors.New("X11 connection rejected because of wrong authentication.")

// readSetup reads a whole packet, which is bounded by maxField.
func readSetup(r io.Reader) (setup, error) {
	s := make(setup, setupHead)
	if _, err := io.ReadFull(r, s); err != nil {
		return nil, fmt.Errorf("X11 connection ended before its first packet: %w", err)
	}
	if _, err := s.order(); err != nil {
		return nil, err
	}
	protocol, cookie := s.lengths()
	if protocol > maxField || cookie > maxField {
		return nil, errWrongCookie
	}
	s = append(s, make([]byte, filled(protocol)+filled(cookie))...)
	if _, err := io.ReadFull(r, s[setupHead:]); err != nil {
		return nil, fmt.Errorf("X11 connection ended in its first packet: %w", err)
	}
	return s, nil
}

// order is that of the bytes of all numbers.
func (s setup) order() (binary.ByteOrder, error) {
	switch s[0] {
	case 'B':
		return binary.BigEndian, nil
	case 'l':
		return binary.LittleEndian, nil
	}
	return nil, fmt.Errorf("Initial X11 packet contains bad byte order byte: %#x", s[0])
}

func (s setup) lengths() (protocol, cookie int) {
	order, err := s.order()
	if err != nil {
		return 0, 0
	}
	return int(order.Uint16(s[6:])), int(order.Uint16(s[8:]))
}

func (s setup) protocol() string {
	n, _ := s.lengths()
	return string(s[setupHead:][:n])
}

// cookie is a part of the packet: what is copied there changes it.
func (s setup) cookie() []byte {
	protocol, n := s.lengths()
	return s[setupHead+filled(protocol):][:n]
}

// filled is a length with the bytes that make it a multiple of 4.
func filled(n int) int { return (n + 3) &^ 3 }
