package config

import (
	"slices"
	"strings"
)

// AddForward adds a forward to a host's own block.
type AddForward struct {
	Host    string
	Keyword string // LocalForward, RemoteForward or DynamicForward
	Spec    string // as behind ssh's -L, -R and -D: "8080:localhost:80"
}

// RemoveForward takes one forward out of a host's own block.
type RemoveForward struct {
	Host    string
	Keyword string // "" for any
	Forward string // all of it, its listening end, or its listening port
}

func (e AddForward) apply(d *draft) error {
	k := lookup(e.Keyword)
	if k != kLocalForward && k != kRemoteForward && k != kDynamicForward {
		return refuse("", "%q is no kind of forward", Printable(e.Keyword))
	}
	value, ok := forwardLine(e.Spec, k)
	if !ok {
		return refuse("write it as behind ssh -L: 8080:localhost:80", "%q is no forward", Printable(e.Spec))
	}
	return AddOption{e.Host, keywords[k].name, value}.apply(d)
}

// forwardLine is a forward as its keyword takes it: both ends apart.
func forwardLine(spec string, k key) (string, bool) {
	if strings.ContainsAny(spec, white+"\"'#") {
		return "", false
	}
	if _, ok := parseForward(spec, k == kDynamicForward || k == kRemoteForward && dynamicSpec(spec), k == kRemoteForward); !ok {
		return "", false
	}
	listen, connect := splitEnds(spec)
	if connect == "" {
		return listen, true
	}
	return listen + " " + connect, true
}

// endsApart is the value of an option as a line takes it. A forward may also be
// given as behind -L: ssh wants white space between its ends there.
func endsApart(value string, k key) string {
	if k == kLocalForward || k == kRemoteForward || k == kDynamicForward {
		if line, ok := forwardLine(value, k); ok {
			return line
		}
	}
	return value
}

// dynamicSpec tells a forward without a far end.
func dynamicSpec(spec string) bool {
	_, connect := splitEnds(spec)
	return connect == ""
}

// splitEnds parts a forward as arrangeForward does, without a change to what
// is written.
func splitEnds(spec string) (listen, connect string) {
	var fields []field
	var ends []int // offsets behind each field, its colon included
	for rest := spec; rest != "" && len(fields) < 4; {
		f, more, ok := forwardField(rest)
		if !ok {
			return spec, ""
		}
		fields, ends = append(fields, f), append(ends, len(spec)-len(more))
		rest = more
	}
	near := 0 // fields of the listening end
	switch n := len(fields); {
	case n == 4, n == 3 && !fields[0].path && fields[2].path:
		near = 2
	case n == 3, n == 2 && fields[1].path:
		near = 1
	default:
		return spec, ""
	}
	return strings.TrimSuffix(spec[:ends[near-1]], ":"), spec[ends[near-1]:]
}

func (e RemoveForward) apply(d *draft) error {
	kinds := []key{kLocalForward, kRemoteForward, kDynamicForward}
	if e.Keyword != "" {
		kinds = slices.DeleteFunc(kinds, func(k key) bool { return !equalFold(keywords[k].name, e.Keyword) })
	}
	d.touch(e.Host)
	own, shared := d.now.sections(e.Host)
	if len(own)+len(shared) == 0 {
		return unknownHost(e.Host)
	}
	var meant []place
	for _, k := range kinds {
		for _, at := range settings(own, k, keywords[k].name) {
			if namesForward(at.file.value(at.line), e.Forward) {
				meant = append(meant, at)
			}
		}
	}
	switch len(meant) {
	case 0:
		return d.noForward(e)
	case 1:
		return d.removeLine(e.Host, meant[0])
	}
	return refuse("name the whole forward, or its kind", "%q means %d lines of %s, at %s", Printable(e.Forward), len(meant), quoteHost(e.Host), listPlaces(meant))
}

// namesForward tells whether a person who wrote want means a forward.
func namesForward(value, want string) bool {
	words, _ := splitWords(value, nil)
	if len(words) == 0 {
		return false
	}
	listen := words[0]
	port := listen[strings.LastIndexByte(listen, ':')+1:]
	return want == strings.Join(words, ":") || want == strings.Join(words, " ") || want == listen || want == port
}

// noForward says where a forward comes from that cannot be taken away.
func (d *draft) noForward(e RemoveForward) error {
	h, _ := d.now.Resolve(e.Host, Match{})
	for _, f := range h.Forwards() {
		if namesForward(f.Listen+" "+f.Connect, e.Forward) || namesForward(f.Listen, e.Forward) {
			return refuse("change it there", "the forward %s of %s is set for others too, at %s", Printable(e.Forward), quoteHost(e.Host), Printable(f.Origin.String()))
		}
	}
	return refuse("", "%s has no forward %s", quoteHost(e.Host), Printable(e.Forward))
}
