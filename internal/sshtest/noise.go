package sshtest

import (
	"hash/crc64"
	"io"
	"math/rand/v2"
)

// Noise repeats a block whose length is a prime, so that a byte lost or moved
// anywhere shows, at little cost.
func Noise(seed byte, size int64) io.Reader {
	block := make([]byte, 1_000_003)
	rand.NewChaCha8([32]byte{seed}).Read(block)
	return io.LimitReader(&repeated{block: block}, size)
}

type repeated struct {
	block []byte
	at    int
}

func (r *repeated) Read(b []byte) (int, error) {
	n := copy(b, r.block[r.at:])
	r.at = (r.at + n) % len(r.block)
	return n, nil
}

// Sum is the checksum of what is read until the end, or until the error.
func Sum(r io.Reader) (uint64, error) {
	h := crc64.New(crc64.MakeTable(crc64.ECMA))
	_, err := io.Copy(h, r)
	return h.Sum64(), err
}
