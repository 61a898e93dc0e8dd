package vt

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// BenchmarkWrite is what following a program costs.
func BenchmarkWrite(b *testing.B) {
	var lines, colours, wide bytes.Buffer
	for i := 0; lines.Len() < 1<<20; i++ {
		fmt.Fprintf(&lines, "%6d  /usr/share/doc/package-%d/changelog.Debian.gz %s\r\n", i, i*7%1000, strings.Repeat("word ", i%11))
		fmt.Fprintf(&colours, "\x1b[01;34m%d\x1b[0m -rw-r--r-- \x1b[38;5;%dmroot\x1b[0m  \x1b[1;32mpackage-%d\x1b[0m\r\n", i, i%256, i*7%1000)
		fmt.Fprintf(&wide, "%d 日本語のテキスト é ├──┤ über\r\n", i)
	}
	for _, row := range []struct {
		name string
		text []byte
	}{{"lines", lines.Bytes()}, {"colours", colours.Bytes()}, {"wide", wide.Bytes()}} {
		b.Run(row.name, func(b *testing.B) {
			s := New(120, 34)
			b.SetBytes(int64(len(row.text)))
			for b.Loop() {
				for part := row.text; len(part) > 0; {
					n := min(len(part), 32<<10)
					s.Write(part[:n])
					part = part[n:]
				}
			}
		})
	}
}
