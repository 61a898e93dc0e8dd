package again

import "syscall"

// magic begins a recipe. It changes with the form.
const magic = "sallyport again 1"

// program is the running one, whose next version may read the same words in
// another way.
const program = "/proc/self/exe"

// pack writes texts one after the other, each with its length before it, as
// SSH does (RFC 4251 section 5).
func pack(texts ...string) []byte {
	var b []byte
	for _, t := range texts {
		n := uint32(len(t))
		b = append(append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)), t...)
	}
	return b
}

// unpack is nil for what pack has not made.
func unpack(b []byte) (texts []string) {
	for len(b) > 0 {
		if len(b) < 4 {
			return nil
		}
		n := uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
		b = b[4:]
		if n > uint64(len(b)) {
			return nil
		}
		texts = append(texts, string(b[:n]))
		b = b[n:]
	}
	return texts
}

// ofShell tells of "_", the path of the program as the shell says it.
func ofShell(set string) bool { return len(set) > 1 && set[:2] == "_=" }

// about is what a recipe is for, in one text. The environment is in it as a
// sum: it may hold secrets.
func about(l Line) (text string, ok bool) {
	dir, err := syscall.Getwd()
	if err != nil {
		return "", false
	}
	environment := empty
	for _, set := range syscall.Environ() {
		if !ofShell(set) {
			environment.add(set)
		}
	}
	return string(pack(append([]string{dir, environment.String()}, l.about...)...)), true
}

// String is in hexadecimal digits.
func (s sum) String() string {
	var digits [16]byte
	for i := range digits {
		digits[i] = "0123456789abcdef"[s>>(60-4*i)&15]
	}
	return string(digits[:])
}

// Name is the name of the file for the recipe of a command line, "" where
// there can be none.
func (l Line) Name() string {
	text, ok := about(l)
	if !ok {
		return ""
	}
	name := empty
	name.add(text)
	return name.String()
}

// Encode is the content of the file, nil where a file has changed since the
// program began and may have been read before that.
func (r Recipe) Encode(l Line) []byte {
	text, _ := about(l) // it has a name
	all := []string{magic, text, r.Socket, string(r.Before), string(pack(r.Env...)), r.Lost}
	for _, path := range append([]string{program}, r.Files...) {
		s := look(path)
		if s.changed > began-tick {
			return nil
		}
		all = append(all, path, s.text)
	}
	return pack(all...)
}

// request is that for a command.
func (r Recipe) request(command string) []byte {
	m := append(append([]byte{}, r.Before...), pack(command)...)
	for _, e := range r.Env {
		switch e[:min(1, len(e))] {
		case "=":
			m = append(m, pack(e[1:])...)
		case "$":
			if value, set := syscall.Getenv(e[1:]); set {
				m = append(m, pack(e[1:]+"="+value)...)
			}
		}
	}
	return m
}

// decode is the recipe in a file, if it is that of l and still holds.
func decode(content []byte, l Line) (r Recipe, ok bool) {
	all := unpack(content)
	text, known := about(l)
	if len(all) < 6 || !known || all[0] != magic || all[1] != text {
		return r, false
	}
	r = Recipe{Socket: all[2], Before: []byte(all[3]), Env: unpack([]byte(all[4])), Lost: all[5]}
	for same := all[6:]; len(same) > 1; same = same[2:] {
		if look(same[0]).text != same[1] {
			return r, false
		}
	}
	return r, true
}
