package mux

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/cryptobyte"
)

const (
	// maxMessage is the size of a message at most, in bytes:
	// CHANNEL_MUX_MAX_PACKET of channels.c.
	maxMessage = 256 << 10

	// soon is the size up to which a message is made room for before it comes.
	soon = 1 << 10

	// maxList is how many strings a message carries at most, the others are
	// left out: MUX_MAX_ENV_VARS of mux.c.
	maxList = 4096
)

var (
	errShort = errors.New("a message is cut short")
	errNUL   = errors.New("a string holds a NUL byte")
)

// readMessage reads one message and not a byte more: descriptors may come with
// the next one.
func readMessage(r io.Reader) (message, error) {
	text, err := readFrame(r)
	if err != nil {
		return nil, err
	}
	return decode(text)
}

// readFrame reads what a length of four bytes is before. The buffer grows with
// what comes, not with what is announced.
func readFrame(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := int64(binary.BigEndian.Uint32(head[:]))
	if size > maxMessage {
		return nil, fmt.Errorf("a message of %d bytes, where %d are the limit", size, maxMessage)
	}
	if size <= soon {
		body := make([]byte, size)
		_, err := io.ReadFull(r, body)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return body, err
	}
	var body bytes.Buffer
	if _, err := io.CopyN(&body, r, size); err == io.EOF {
		return nil, io.ErrUnexpectedEOF
	} else if err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

// writeMessage writes one message, its length before it.
func writeMessage(w io.Writer, m message) error {
	text, err := encode(m)
	if err != nil {
		return err
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...))
	return err
}

func encode(m message) ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	b.AddUint32(m.kind())
	for _, field := range m.fields() {
		switch f := field.(type) {
		case *uint32:
			b.AddUint32(*f)
		case *bool:
			b.AddUint32(truth(*f))
		case *string:
			addString(b, *f)
		case *[]string:
			for _, s := range *f {
				addString(b, s)
			}
		}
	}
	text, err := b.Bytes()
	if err == nil && len(text) > maxMessage {
		err = fmt.Errorf("a message of %d bytes, where %d are the limit", len(text), maxMessage)
	}
	return text, err
}

// decode reads a message without its length. What follows the last field is
// left out, as mux.c does: a later version may have more to say.
func decode(text []byte) (message, error) {
	in := cryptobyte.String(text)
	var kind uint32
	if !in.ReadUint32(&kind) {
		return nil, errShort
	}
	empty := newMessage[kind]
	if empty == nil {
		e := unknownError{kind: kind}
		in.ReadUint32(&e.request) // 0 if there is none
		return nil, e
	}
	m := empty()
	for _, field := range m.fields() {
		if err := read(&in, field); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func read(in *cryptobyte.String, field any) error {
	switch f := field.(type) {
	case *uint32:
		return whole(in.ReadUint32(f))
	case *bool:
		var v uint32
		err := whole(in.ReadUint32(&v))
		*f = v != 0
		return err
	case *string:
		return readString(in, f)
	case *[]string:
		return readList(in, f)
	}
	panic(fmt.Sprintf("a field of type %T", field)) // a mistake in messages.go
}

func whole(ok bool) error {
	if !ok {
		return errShort
	}
	return nil
}

// readString reads a string as sshbuf_get_cstring does: a NUL is permitted at
// its end only, and dropped.
func readString(in *cryptobyte.String, s *string) error {
	var size uint32
	var text []byte
	if !in.ReadUint32(&size) || uint64(size) > uint64(len(*in)) || !in.ReadBytes(&text, int(size)) {
		return errShort
	}
	*s = strings.TrimSuffix(string(text), "\x00")
	if strings.Contains(*s, "\x00") {
		return errNUL
	}
	return nil
}

// readList reads strings to the end of the message.
func readList(in *cryptobyte.String, list *[]string) error {
	for !in.Empty() {
		var s string
		if err := readString(in, &s); err != nil {
			return err
		}
		if len(*list) < maxList {
			*list = append(*list, s)
		}
	}
	return nil
}

func addString(b *cryptobyte.Builder, s string) {
	b.AddUint32LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(s)) })
}

func truth(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
