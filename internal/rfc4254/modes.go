package rfc4254

import (
	"encoding/binary"
	"maps"
	"slices"
)

// The opcodes of section 8 that are none of a mode: the end, and those from
// which on nobody knows how long the argument is.
const (
	endOfModes = 0
	unknown    = 160
)

// EncodeModes writes modes of a terminal as opcodes with their arguments, for
// Pty.Modes (section 8).
func EncodeModes(modes map[uint8]uint32) string {
	var b []byte
	for _, opcode := range slices.Sorted(maps.Keys(modes)) {
		if opcode != endOfModes {
			b = binary.BigEndian.AppendUint32(append(b, opcode), modes[opcode])
		}
	}
	return string(append(b, endOfModes))
}

// DecodeModes reads what EncodeModes writes, up to the end or to what is not
// known.
func DecodeModes(text string) map[uint8]uint32 {
	modes := map[uint8]uint32{}
	for len(text) >= 5 && endOfModes < text[0] && text[0] < unknown {
		modes[text[0]] = binary.BigEndian.Uint32([]byte(text[1:5]))
		text = text[5:]
	}
	return modes
}
