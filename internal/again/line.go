package again

// withArgument are the options of ssh that have one (main of ssh.c).
const withArgument = "BbceDEFIiJLlmOoPpQRSWw"

// Line is a command line of ssh: what it is about, and the command.
type Line struct {
	about   []string // options and host
	command string
}

// Parse takes the arguments of ssh apart. Options after the host are not
// followed: ok is false for these, and where there is no command.
func Parse(args []string) (l Line, ok bool) {
	n := 0
	ended := false
	for n < len(args) && !ended && len(args[n]) > 1 && args[n][0] == '-' {
		word := args[n]
		n++
		ended = word == "--"
		if !ended && wantsMore(word) {
			n++
		}
	}
	n++ // the host
	if n >= len(args) || !ended && len(args[n]) > 0 && args[n][0] == '-' {
		return Line{}, false
	}
	l.about = args[:n]
	for i, word := range args[n:] {
		if i > 0 {
			l.command += " "
		}
		l.command += word
	}
	return l, l.command != ""
}

// wantsMore tells whether the last option in a word has its argument in the
// next one.
func wantsMore(word string) bool {
	for i := 1; i < len(word); i++ {
		for _, letter := range []byte(withArgument) {
			if word[i] == letter {
				return i == len(word)-1
			}
		}
	}
	return false
}

// arguments are those of ssh in a command line of the program, nil if it is
// none of ssh.
func arguments(line []string) []string {
	if len(line) == 0 {
		return nil
	}
	name := line[0]
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			name = name[i+1:]
			break
		}
	}
	switch {
	case name == "ssh":
		return line[1:]
	case len(line) > 1 && line[1] == "ssh":
		return line[2:]
	}
	return nil
}

// sum is FNV-1a of 64 bits, of texts with their ends.
type sum uint64

const empty sum = 14695981039346656037

func (s *sum) add(text string) {
	for i := range len(text) {
		*s = (*s ^ sum(text[i])) * 1099511628211
	}
	*s = (*s ^ 0xff) * 1099511628211 // a byte of no UTF-8
}
