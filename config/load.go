package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"syscall"
	"unicode/utf8"
)

// directive is a line with a keyword. It is kept small, since a large
// configuration has hundreds of thousands; its words are split again when a
// host needs them.
type directive struct {
	rest string // what follows the keyword
	at   int32  // offset of the line in the file's text
	line int32  // from 1
	seq  int32  // its place in the order of reading
	key  key
	bad  bool // ssh refuses the line: it sets nothing
}

// block is a Host or Match line and what follows it. The first block of a file
// has no such line.
type block struct {
	from, to int32 // its directives, the Host or Match line first
	kind     key   // kHost, kMatch, or kNone
	loud     bool  // matters even where it does not apply: see file.loud
}

// file is a file as read, before it is known for which host.
type file struct {
	path       string
	user       bool // relative Includes are in ~/.ssh
	text       string
	utf8       bool // all of text is
	directives []directive
	blocks     []block
	conditions map[int32]*condition // of Match lines, by directive
	includes   map[int32][]*file    // of Include lines, by directive
	perHost    map[int32]bool       // Include lines whose files depend on the host
	unknown    []int32              // lines with a keyword that this ssh does not have, in order
	left       ignorable            // what of unknown an IgnoreUnknown leaves
	index      func() *index        // made at the first call
	loud       bool                 // holds what ssh minds outside of the blocks that apply
	reading    bool                 // not yet read to its end
	height     int                  // how deep the files that it includes go below it
}

// place is a line of a file, or of the command line for a nil file.
type place struct {
	file  *file
	line  int32 // index of the directive
	block int32
}

// fileKey tells files apart: the same text reads differently as a user's file
// and as the system's.
type fileKey struct {
	path string
	user bool
}

// finding is a Problem with its place in the order of reading.
type finding struct {
	Problem
	seq  int32
	late bool // ssh meets it only when it connects: -G says nothing
}

// loader reads files into a Config.
type loader struct {
	*Config
	words words
	home  string // for ~ in Include
	buf   []byte // for reading
	seq   int32  // directives read so far
	// ignored are the IgnoreUnknown patterns that hold for every host, for
	// judging unknown keywords before a host is known.
	ignored string
	partial int // Includes in force that do not apply to every host
}

// Load reads the files of p and all that they include. It never returns a nil
// Config: what could not be read or understood is in Problems, and the rest
// is there.
func Load(p Paths) *Config { return load(p, installed()) }

func load(p Paths, d *dialect) *Config { return loadWith(p, d, nil) }

// loadWith is load with another text in place of one file's.
func loadWith(p Paths, d *dialect, o *overlay) *Config {
	c := &Config{paths: p, dialect: d, parsed: map[fileKey]*file{}, overlay: o}
	l := &loader{Config: c, words: words{dialect: d}, home: c.includeHome()}
	if !(p.Explicit && equalFold(p.User, "none")) {
		l.root(p.User, true)
	}
	l.root(p.System, false)
	return c
}

// root reads a file that ssh opens by itself. That a default file is missing
// is no problem.
func (l *loader) root(path string, user bool) {
	if path == "" {
		return
	}
	explicit := user && l.paths.Explicit
	text, err := l.read(path, user && !explicit)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !explicit:
		return
	case errors.Is(err, errInsecure):
		l.report(Problem{Origin: Origin{File: path}, Message: insecure(path), Fatal: true})
		return
	case err != nil && user:
		l.report(Problem{Origin: Origin{File: path}, Message: cannotOpen(path, err), Fatal: true})
		return
	case err != nil:
		l.report(Problem{Origin: Origin{File: path}, Message: cannotOpen(path, err)})
		return
	}
	f := l.parse(path, user, text, 0)
	l.roots = append(l.roots, root{f, user})
}

// report notes what is wrong whichever host is asked for.
func (l *loader) report(p Problem) {
	l.problems = append(l.problems, p)
	if p.Fatal {
		l.fatal = append(l.fatal, finding{Problem: p, seq: l.seq})
	}
}

func cannotOpen(path string, err error) string {
	return fmt.Sprintf("Can't open user config file %s: %s", Printable(path), reason(err))
}

func insecure(path string) string {
	return "Bad owner or permissions on " + Printable(path)
}

// reason is strerror(3) of err.
func reason(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// errInsecure says that others could write a file.
var errInsecure = errors.New("bad owner or permissions")

// read is the text of a file. A directory opens, and has no lines, as in C.
func (l *loader) read(path string, check bool) (string, error) {
	l.files = append(l.files, path)
	if l.overlay.covers(path) {
		return l.overlay.text, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if check && !l.dialect.secure(info) {
		return "", errInsecure
	}
	if info.IsDir() {
		return "", nil
	}
	return l.readText(f, info.Size())
}

// readText reads a whole file without copying its bytes twice.
func (l *loader) readText(f *os.File, size int64) (string, error) {
	var b strings.Builder
	b.Grow(int(size))
	if room := min(max(size+1, 4<<10), 64<<10); int64(len(l.buf)) < room { // size may be wrong: a pipe has none
		l.buf = make([]byte, room)
	}
	for {
		n, err := f.Read(l.buf)
		b.Write(l.buf[:n])
		if n == 0 || err != nil {
			return b.String(), nil
		}
	}
}

// parse reads the lines of a text, and the files that they include.
func (l *loader) parse(path string, user bool, text string, depth int) *file {
	f := &file{path: path, user: user, text: text, utf8: utf8.ValidString(text), reading: true}
	l.parsed[fileKey{path, user}] = f
	l.reading = append(l.reading, f)
	size := strings.Count(text, "\n") + 1
	f.directives = make([]directive, 0, size)
	f.blocks = append(f.blocks, block{})
	number := int32(0)
	for at := 0; at < len(text); {
		end := len(text)
		if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		number++
		l.line(f, at, text[at:end], number, depth)
		at = end
	}
	f.close()
	return f
}

// close ends the last block, and finds out whether the file can be skipped.
func (f *file) close() {
	f.reading = false
	last := &f.blocks[len(f.blocks)-1]
	last.to = int32(len(f.directives))
	f.loud = len(f.unknown) > 0 || slices.ContainsFunc(f.blocks, func(b block) bool { return b.loud })
	f.index = sync.OnceValue(f.newIndex)
}

// longLine is what a line may have, in bytes, before it is worth a word: ssh
// reads any, other readers of the file stop or fail at 64 KiB.
const longLine = 64 << 10

// What is said of lines that ssh reads without a word.
const (
	saysLong    = "the line is longer than 64 KiB"
	saysNotUTF8 = "the line holds bytes that are not UTF-8"
)

// line reads one line of a file.
func (l *loader) line(f *file, at int, raw string, number int32, depth int) {
	line := trimLine(raw)
	if len(line) < len(raw) && raw[len(line)] == 0 {
		l.warn(f, number, "what follows the NUL byte is not read")
	}
	if len(raw) > longLine {
		l.warn(f, number, saysLong)
	}
	if !f.utf8 && !utf8.ValidString(line) {
		l.warn(f, number, saysNotUTF8)
	}
	word, rest, more := splitKeyword(line)
	if word == "" {
		return
	}
	d := directive{rest: rest, at: int32(at), line: number, seq: l.seq, key: l.dialect.lookup(word)}
	l.seq++
	if d.key == kHost || d.key == kMatch {
		f.begin(d.key)
	}
	f.directives = append(f.directives, d)
	if !more {
		l.refuse(f, fmt.Sprintf("no argument after keyword \"%s\"", Printable(lower(word))))
		return
	}
	l.judge(f, word, depth)
}

// begin starts a block at the directive that comes next.
func (f *file) begin(kind key) {
	n := int32(len(f.directives))
	f.blocks[len(f.blocks)-1].to = n
	f.blocks = append(f.blocks, block{from: n, kind: kind})
}

// judge checks the last directive as ssh does for every line of a file,
// whether its block applies or not.
func (l *loader) judge(f *file, word string, depth int) {
	d := &f.directives[len(f.directives)-1]
	args, ok := splitWords(d.rest, l.words.args[:0])
	switch {
	case d.key == kUnknown && l.unknown(f, word, ok):
		return
	case !ok:
		l.refuse(f, "invalid quotes")
		return
	}
	spare := args
	l.words = words{key: d.key, name: keywords[d.key].lower, rest: d.rest, args: args, dialect: l.dialect, out: l.words.out[:0]}
	if !equalFold(l.words.name, word) { // an older name, or none of ours
		l.words.name = lower(word)
	}
	if why := l.readLine(f, depth); why != "" {
		l.refuse(f, why)
	} else if len(l.words.args) > 0 {
		l.refuse(f, "keyword "+l.words.name+" extra arguments at end of line")
	} else if l.dialect.always(d.key) {
		f.blocks[len(f.blocks)-1].loud = true
	}
	l.words.args = spare[:0]
}

// readLine reads the words of the last directive.
func (l *loader) readLine(f *file, depth int) (refusal string) {
	w := &l.words
	switch w.key {
	case kHost:
		l.named += len(w.args)
		return readHost(w)
	case kMatch:
		return l.match(f)
	case kInclude:
		return l.include(f, depth)
	case kDeprecated, kUnsupported:
		l.note(f)
		w.consume()
		return ""
	case kUnknown, kIgnored:
		w.consume()
		return ""
	case kProxyJump:
		_, refusal = w.jump()
		return refusal
	}
	if why := keywords[w.key].read(w); why != "" {
		return why
	}
	if w.key == kIgnoreUnknown && l.ignored == "" && l.partial == 0 && f.unconditional() {
		l.ignored = w.out[0].text
	}
	return ""
}

// unconditional tells whether the block being read applies to every host.
func (f *file) unconditional() bool {
	b := f.blocks[len(f.blocks)-1]
	if b.kind == kNone {
		return true
	}
	rest := f.directives[b.from].rest
	return rest == "*" || equalFold(rest, "all")
}

// note reports a keyword that ssh no longer minds.
func (l *loader) note(f *file) {
	kind := "Deprecated"
	if l.words.key == kUnsupported {
		kind = "Unsupported"
	}
	l.problem(f, fmt.Sprintf("%s option \"%s\"", kind, l.words.name), false)
}

// unknown reports a keyword that this ssh does not have. Whether it is refused
// depends on the IgnoreUnknown in force, which may be another one for each host;
// without proper quotes it is refused in any case. It is true if nothing more is
// to be said.
func (l *loader) unknown(f *file, word string, quoted bool) bool {
	ignored := l.ignored != "" && matchList(lower(word), l.ignored, true)
	if !quoted && !ignored {
		l.refuse(f, badOption(word))
		return true
	}
	if quoted {
		f.unknown = append(f.unknown, int32(len(f.directives)-1))
	}
	if !ignored {
		l.problems = append(l.problems, Problem{Origin: f.last().origin(), Message: badOption(word), Fatal: true})
	}
	return !ignored
}

const byteOrderMark = "\ufeff"

func badOption(word string) string {
	message := "Bad configuration option: " + Printable(lower(word))
	if strings.HasPrefix(word, byteOrderMark) {
		message += " (the file begins with a byte order mark, which ssh does not skip)"
	}
	return message
}

// refuse reports the last directive and leaves it out.
func (l *loader) refuse(f *file, why string) {
	f.directives[len(f.directives)-1].bad = true
	l.problem(f, why, true)
}

// problem reports something of the last directive.
func (l *loader) problem(f *file, message string, fatal bool) {
	l.report(Problem{Origin: f.last().origin(), Message: message, Fatal: fatal})
}

// last is the place of the last directive read.
func (f *file) last() place {
	return place{f, int32(len(f.directives) - 1), int32(len(f.blocks) - 1)}
}

// place is that of a directive of a file that was read to its end.
func (f *file) place(i int32) place {
	b := sort.Search(len(f.blocks), func(b int) bool { return f.blocks[b].to > i })
	return place{f, i, int32(b)}
}

// warn reports a line that may have no directive.
func (l *loader) warn(f *file, line int32, message string) {
	l.report(Problem{Origin: Origin{File: f.path, Line: int(line)}, Message: message})
}

// readHost checks a Host line.
func readHost(w *words) string {
	for {
		arg, ok := w.next()
		if !ok {
			return ""
		}
		if arg == "" {
			return "keyword host empty argument"
		}
	}
}

// match reads the criteria of a Match line.
func (l *loader) match(f *file) string {
	cond, why := parseCondition(l.words.rest, l.words.args, l.dialect)
	if cond.final {
		l.final = true
	}
	if why != "" {
		return why
	}
	if cond.complete {
		l.words.consume()
	}
	if f.conditions == nil {
		f.conditions = map[int32]*condition{}
	}
	f.conditions[int32(len(f.directives)-1)] = cond
	return ""
}

// origin is the place as others see it.
func (p place) origin() Origin {
	if p.file == nil {
		return Origin{File: commandLine}
	}
	o := Origin{File: p.file.path, Line: int(p.file.directives[p.line].line)}
	if b := p.file.blocks[p.block]; b.kind != kNone {
		o.Block = p.file.raw(b.from)
	}
	return o
}

// raw is the line of a directive without the white space around it.
func (f *file) raw(i int32) string {
	line := f.text[f.directives[i].at:]
	if end := strings.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	return strings.TrimSpace(line)
}
