package config

import (
	"fmt"
	"slices"
	"strings"
)

// algorithms are the names of one kind that a build of ssh knows.
type algorithms struct {
	all      []string // what ssh -Q prints, in its order
	defaults []string // what is offered if the configuration is silent
}

// assemble is kex_assemble_names of kex.c: a list is taken as it is, with its
// patterns resolved; +list is added to the defaults, ^list put before them,
// and what matches -list taken out.
func (a algorithms) assemble(list string) (string, bool) {
	if list == "" {
		return strings.Join(a.defaults, ","), true
	}
	names := list
	switch list[0] {
	case '+':
		names = joinNames(strings.Join(a.defaults, ","), list[1:])
	case '^':
		names = joinNames(list[1:], strings.Join(a.defaults, ","))
	case '-':
		return strings.Join(filter(a.defaults, list[1:], false), ","), true
	}
	assembled := ""
	for pattern := range strings.SplitSeq(names, ",") {
		if strings.HasPrefix(pattern, "!") {
			return "", false
		}
		assembled = joinNames(assembled, strings.Join(filter(a.all, pattern, true), ","))
	}
	return assembled, assembled != ""
}

// filter keeps the names that match a pattern list, or those that do not.
func filter(names []string, patterns string, matching bool) []string {
	var kept []string
	for _, name := range names {
		if matchList(name, patterns, false) == matching {
			kept = append(kept, name)
		}
	}
	return kept
}

// joinNames appends the names of b that a does not hold (kex_names_cat). An
// empty name ends b.
func joinNames(a, b string) string {
	if a == "" {
		return b
	}
	have := strings.Split(a, ",")
	for name := range strings.SplitSeq(b, ",") {
		if name == "" {
			break
		}
		if !slices.Contains(have, name) {
			have = append(have, name)
			a += "," + name
		}
	}
	return a
}

// each tells whether every name of a list is known, up to the first empty one as
// strsep loops in OpenSSH do, and false for an empty list.
func each(list string, known func(name string) bool) bool {
	if list == "" {
		return false
	}
	for name := range strings.SplitSeq(list, ",") {
		if name == "" {
			return true
		}
		if !known(name) {
			return false
		}
	}
	return true
}

// readAlgorithms reads a list with or without + - ^ in front. What -list takes
// away need not be known.
func readAlgorithms(w *words, refusal string, known func(name string) bool) string {
	arg, _ := w.next()
	if arg == "" {
		return missing
	}
	if arg[0] != '-' {
		names := arg
		if arg[0] == '+' || arg[0] == '^' {
			names = arg[1:]
		}
		// A list that begins with an empty name was taken for one without a fault.
		none := strings.HasPrefix(names, ",") && w.dialect.version >= v10_6 && (w.key == kCiphers || w.key == kMACs)
		if none || !each(names, known) {
			return fmt.Sprintf("%s '%s'.", refusal, Printable(arg))
		}
	}
	w.emit(w.key, arg)
	return ""
}

func readCiphers(w *words) string {
	return readAlgorithms(w, "Bad SSH2 cipher spec", func(name string) bool {
		return slices.Contains(w.dialect.ciphers.all, name)
	})
}

func readMACs(w *words) string {
	return readAlgorithms(w, "Bad SSH2 MAC spec", func(name string) bool {
		return slices.Contains(w.dialect.macs.all, name)
	})
}

func readKex(w *words) string {
	return readAlgorithms(w, "Bad SSH2 KexAlgorithms", w.dialect.knowsKex)
}

// knowsKex takes a GSSAPI method with any suffix, as kex_alg_by_name does.
func (d *dialect) knowsKex(name string) bool {
	return slices.Contains(d.kex.all, name) || d.knowsGSSKex(name)
}

func (d *dialect) knowsGSSKex(name string) bool {
	for _, prefix := range d.gssKex {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func readGSSKex(w *words) string {
	arg, _ := w.next()
	if arg == "" {
		return missing
	}
	if !each(arg, w.dialect.knowsGSSKex) {
		return fmt.Sprintf("Bad GSSAPI KexAlgorithms '%s'.", Printable(arg))
	}
	w.emit(w.key, arg)
	return ""
}

func readKeyTypes(w *words) string {
	return readAlgorithms(w, "Bad key types", func(name string) bool {
		if w.key == kCASignatureAlgorithms && w.dialect.version >= v10_0 && slices.Contains(w.dialect.keyTypes.all, name) {
			return slices.Contains(w.dialect.caKeyTypes.all, name)
		}
		return w.dialect.knowsKeyType(name)
	})
}

// knowsKeyType is sshkey_names_valid2 of sshkey.c: a name, a short name of a
// plain key, or a pattern that says anything of any name.
func (d *dialect) knowsKeyType(name string) bool {
	for _, short := range d.shortKeys {
		if equalFold(short, name) {
			return true
		}
	}
	for _, known := range d.keyTypes.all {
		if known == name || listMatch(known, name, false) != 0 {
			return true
		}
	}
	return d.gssapi && listMatch("null", name, false) != 0
}
