package transport

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/crypto/ssh"
)

// exchangeMost is how far exchange reads, in bytes: many times what a server
// says before its host key, and what a certificate takes.
const exchangeMost = 64 << 10

// exchange reads along in the first key exchange, which is in the clear, for
// what x/crypto/ssh keeps to itself: how the host proved its key. It gives up
// at the first thing that it does not expect, and hinders nobody.
type exchange struct {
	read    int    // bytes so far
	pending []byte // those of them that are not understood yet
	greeted bool   // the version line has come
	over    bool

	key, signature []byte // nil until they have come, and where they were not found
}

// message numbers of RFC 4253 section 12 and RFC 4419 section 5. All replies
// with a host key are of one form: the key, the server's share, the signature
// (RFC 4253 section 8, RFC 5656 section 4, RFC 4419 section 3).
const (
	msgNewKeys  = 21
	msgKexReply = 31 // a group-exchange sends the group under the same number
	msgGexReply = 33
)

// add takes the next bytes that the server has sent.
func (e *exchange) add(p []byte) {
	if e.over {
		return
	}
	e.read += len(p)
	e.pending = append(e.pending, p...)
	for !e.over && e.step() {
	}
	if e.over || e.read > exchangeMost {
		e.over, e.pending = true, nil
	}
}

// step understands the next line or packet, if it is whole.
func (e *exchange) step() (more bool) {
	if !e.greeted {
		line, rest, whole := bytes.Cut(e.pending, []byte("\n"))
		if whole {
			e.greeted, e.pending = bytes.HasPrefix(line, []byte("SSH-")), rest
		}
		return whole
	}
	payload, rest, whole := e.packet()
	if !whole {
		return false
	}
	e.pending = rest
	switch payload[0] {
	case msgKexReply, msgGexReply:
		var reply struct{ Key, Share, Signature []byte }
		if err := ssh.Unmarshal(payload[1:], &reply); err == nil {
			e.key, e.signature = bytes.Clone(reply.Key), bytes.Clone(reply.Signature)
			e.over = true
		}
	case msgNewKeys:
		e.over = true
	}
	return true
}

// packet is the next one (RFC 4253 section 6), which has no MAC yet.
func (e *exchange) packet() (payload, rest []byte, whole bool) {
	if len(e.pending) < 5 {
		return nil, nil, false
	}
	length, padding := binary.BigEndian.Uint32(e.pending), uint32(e.pending[4])
	if length > exchangeMost || length < padding+2 {
		e.over = true
		return nil, nil, false
	}
	end := int(4 + length)
	if len(e.pending) < end {
		return nil, nil, false
	}
	return e.pending[5 : end-int(padding)], e.pending[end:], true
}
