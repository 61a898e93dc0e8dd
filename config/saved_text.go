package config

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// savedSection is a part of a list: a session, or a folder of them.
type savedSection struct {
	name   string
	values []savedValue // in order
}

type savedValue struct{ name, text string }

func (s savedSection) find(name string) (string, bool) {
	for _, v := range s.values {
		if equalFold(v.name, name) {
			return v.text, true
		}
	}
	return "", false
}

func (s savedSection) has(name string) bool { _, ok := s.find(name); return ok }

func (s savedSection) text(name string) string { text, _ := s.find(name); return text }

// number is a value as atoi(3) reads it, or what the program takes without one.
func (s savedSection) number(name string, otherwise int) int {
	text, ok := s.find(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return otherwise
	}
	return int(n)
}

// plainText is a text as UTF-8: regedit writes UTF-16, older programs of
// Windows their code page.
func plainText(text []byte) string {
	switch {
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}):
		return fromUTF16(text[2:], binary.LittleEndian)
	case bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return fromUTF16(text[2:], binary.BigEndian)
	}
	return fromCodePage(strings.TrimPrefix(string(text), "\ufeff"))
}

func fromUTF16(text []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(text)/2)
	for i := range units {
		units[i] = order.Uint16(text[2*i:])
	}
	return string(utf16.Decode(units))
}

// fromCodePage reads what is no UTF-8 as Windows-1252, the code page of western
// Windows: which one it was, no list says.
func fromCodePage(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(charmap.Windows1252.DecodeByte(s[i]))
	}
	return b.String()
}

// unescapeName undoes the %XX of a session's name, in a registry key as in a
// file's name. WinSCP puts a byte order mark before what is UTF-8.
func unescapeName(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return fromCodePage(strings.TrimPrefix(b.String(), "\ufeff"))
}

// parseSections reads name=value lines below [section] lines. What stands
// before the first section has the name "".
func parseSections(text string) (sections []savedSection) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if name, ok := strings.CutPrefix(line, "["); ok {
			sections = append(sections, savedSection{name: strings.TrimSuffix(strings.TrimRight(name, " \t"), "]")})
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		if len(sections) == 0 {
			sections = append(sections, savedSection{})
		}
		last := &sections[len(sections)-1]
		last.values = append(last.values, savedValue{name, value})
	}
	return sections
}
