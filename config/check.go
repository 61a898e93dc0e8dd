package config

import (
	"cmp"
	"io/fs"
	"os"
	"slices"
)

// Severity says how bad a Finding is.
type Severity string

const (
	SeverityError   Severity = "error"   // ssh refuses the configuration, or cannot do what the line asks for
	SeverityWarning Severity = "warning" // ssh goes on, most likely not as the writer meant it
)

// Finding is something that Check holds for a mistake. Its texts are
// printable; the Hosts are the aliases themselves.
type Finding struct {
	Origin   Origin   `json:"origin"`
	Rule     string   `json:"rule"` // a stable name: "shadowed-line"
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`         // what is wrong; ssh's own words where ssh has any
	Why      string   `json:"why"`             // what comes of it
	Fix      string   `json:"fix"`             // what to do
	Hosts    []string `json:"hosts,omitempty"` // the aliases that it touches, in file order
}

// CheckEnv is what Check looks at besides the configuration.
type CheckEnv struct {
	Stat      func(path string) (fs.FileInfo, error) // of key files; os.Stat if nil
	HostsFile string                                 // hosts(5); /etc/hosts if empty
	Rest      func()                                 // called between two pieces of the work, and may wait; nil does not
}

// rule is a kind of Finding.
type rule struct {
	name     string
	severity Severity
	why      string // unless the finding knows better
}

// The rules, each with the file in which it is applied.
var (
	// check_words.go
	unknownKeyword    = &rule{"unknown-keyword", SeverityError, "ssh refuses the whole configuration, for every host, unless IgnoreUnknown names the keyword before it."}
	deprecatedKeyword = &rule{"deprecated-keyword", SeverityWarning, "The line has no effect any more."}
	refusedLine       = &rule{"refused", SeverityError, "ssh refuses the whole configuration because of this line."}
	ignoredText       = &rule{"ignored-text", SeverityWarning, "ssh reads the line, but not as it is written."}
	lengthyLine       = &rule{"long-line", SeverityWarning, "ssh reads the line as it is; many other programs that read this file stop there, or fail."}
	notUTF8Line       = &rule{"not-utf8", SeverityWarning, "ssh takes the bytes as they are, whatever they look like in an editor; the far side most likely expects UTF-8."}

	// check_scope.go
	shadowedLine   = &rule{"shadowed-line", SeverityWarning, "For each option ssh takes the first value that it finds; every host that comes to this line has one already."}
	unmatchedBlock = &rule{"unmatched-block", SeverityWarning, "No name that could be given to ssh matches the line, so nothing below it takes effect."}

	// check_jump.go
	jumpNowhere = &rule{"jump-nowhere", SeverityWarning, "No file says what it is, so ssh asks the name service for the bare name."}
	jumpLoop    = &rule{"jump-loop", SeverityError, "Each of these hosts can only be reached through itself."}

	// check_key.go
	keyMissing = &rule{"key-missing", SeverityWarning, "ssh passes over a key file that does not exist and tries the next way to log in."}
	keyOpen    = &rule{"key-open", SeverityError, "ssh does not use a private key that other people can read."}

	// check_control.go
	controlTooLong = &rule{"controlpath-long", SeverityError, "A socket's path is limited by the system, so ssh cannot create it and gives up."}
	controlShared  = &rule{"controlpath-shared", SeverityWarning, "Hosts that have the same path share one connection: a shell for one may open on the other."}

	// check_algorithm.go
	weakAlgorithm = &rule{"weak-algorithm", SeverityWarning, "OpenSSH no longer offers it by itself, because it can be attacked; named here, it can be negotiated again."}

	// check_port.go
	portTaken = &rule{"port-taken", SeverityWarning, "Only one program can listen there: whichever of the hosts is opened second gets no forward."}
)

// checks are all there are: some look at the lines, some at every alias as
// it is resolved, and some at the end at what they have gathered.
var checks = []struct {
	lines func(*checker)
	host  func(*checker, *Host)
	end   func(*checker)
}{
	{lines: (*checker).checkProblems},
	{lines: (*checker).checkOldNames},
	{lines: (*checker).checkScopes},
	{lines: (*checker).checkAlgorithms},
	{lines: (*checker).checkKeys, host: (*checker).checkHostKeys},
	{host: (*checker).checkControlPath},
	{host: (*checker).checkPorts},
	{host: (*checker).checkJumps, end: (*checker).checkLoops},
	{host: (*checker).noteRefusals, end: (*checker).checkRefusals},
}

// checker is the state of one Check.
type checker struct {
	*Config
	env   CheckEnv
	words words // a buffer for said

	aliases map[string]Entry
	files   map[string]int // place of a file in the order of reading
	found   map[findingKey]*Finding
	byLine  map[place][]*Finding // those whose hosts are to be learned

	keys     map[string]keyState // by path
	sockets  map[string]socket   // the first host of a ControlPath
	claims   map[string][]claim  // of local ports and sockets
	hops     map[string]*hop     // by what would be given to ssh
	machines map[string]bool     // names of hosts(5), nil before they are read
	nowhere  map[string]bool     // answers about names of jump hosts
	refused  []refusal
}

// findingKey tells findings apart.
type findingKey struct {
	rule   *rule
	file   string
	line   int
	detail string
}

// Check looks for mistakes in the user's files, and for what ssh refuses in
// any. The findings are in reading order. It runs nothing and asks no network,
// and its cost grows with the size of the files only.
func (c *Config) Check(env CheckEnv) []Finding {
	k := newChecker(c, env)
	for _, check := range checks {
		if check.lines != nil {
			k.env.Rest()
			check.lines(k)
		}
	}
	// Unknown keywords are found once for all; a host need not look at each.
	m := Match{Options: []string{"IgnoreUnknown=*"}}
	for _, e := range c.Hosts() {
		k.env.Rest()
		h, _ := c.Resolve(e.Name, m) // refusals are findings
		if h.Name != e.Name {
			continue // "user@host" on a Host line: unmatchedBlock
		}
		k.touch(h)
		for _, check := range checks {
			if check.host != nil {
				check.host(k, h)
			}
		}
	}
	for _, check := range checks {
		if check.end != nil {
			check.end(k)
		}
	}
	return k.sorted()
}

func newChecker(c *Config, env CheckEnv) *checker {
	if env.Stat == nil {
		env.Stat = os.Stat
	}
	if env.HostsFile == "" {
		env.HostsFile = "/etc/hosts"
	}
	if env.Rest == nil {
		env.Rest = func() {}
	}
	k := &checker{
		Config: c, env: env,
		aliases: make(map[string]Entry, c.named),
		files:   map[string]int{},
		found:   map[findingKey]*Finding{},
		byLine:  map[place][]*Finding{},
		keys:    map[string]keyState{},
		sockets: map[string]socket{},
		claims:  map[string][]claim{},
		hops:    map[string]*hop{},
		nowhere: map[string]bool{},
	}
	for i, path := range c.files {
		if _, seen := k.files[path]; !seen {
			k.files[path] = i
		}
	}
	for _, e := range c.Hosts() {
		k.aliases[e.Name] = e
	}
	return k
}

// find is the Finding of a rule at a line, and whether it is new: then its
// words are still to be written. detail parts several of one rule there.
func (k *checker) find(r *rule, o Origin, detail string) (f *Finding, isNew bool) {
	key := findingKey{r, o.File, o.Line, detail}
	if f, ok := k.found[key]; ok {
		return f, false
	}
	f = &Finding{Origin: o, Rule: r.name, Severity: r.severity, Why: r.why}
	k.found[key] = f
	return f, true
}

// findAt is find for a line of which touch shall learn the hosts.
func (k *checker) findAt(r *rule, at place) (f *Finding, isNew bool) {
	f, isNew = k.find(r, at.origin(), "")
	if isNew {
		at.block = 0 // the line says all
		k.byLine[at] = append(k.byLine[at], f)
	}
	return f, isNew
}

// touch notes the host at the findings of lines that apply to it.
func (k *checker) touch(h *Host) {
	if len(k.byLine) == 0 {
		return
	}
	for i := range h.r.set {
		k.touchLines(h, h.r.set[i])
	}
	k.touchLines(h, h.r.shadowed)
}

func (k *checker) touchLines(h *Host, values []value) {
	for _, v := range values {
		if v.at.file == nil {
			continue
		}
		for _, f := range k.byLine[place{file: v.at.file, line: v.at.line}] {
			f.touch(h.Name)
		}
	}
}

// touch adds a host once; hosts come one after the other.
func (f *Finding) touch(name string) {
	if n := len(f.Hosts); n == 0 || f.Hosts[n-1] != name {
		f.Hosts = append(f.Hosts, name)
	}
}

// sorted are the findings in reading order.
func (k *checker) sorted() []Finding {
	all := make([]Finding, 0, len(k.found))
	for _, f := range k.found {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(k.files[a.Origin.File], k.files[b.Origin.File]),
			cmp.Compare(a.Origin.Line, b.Origin.Line),
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Message, b.Message),
		)
	})
	return all
}

// users walks the lines of the user's files that ssh takes.
func (k *checker) users(visit func(at place, d *directive)) {
	for _, f := range k.reading {
		if !f.user {
			continue
		}
		for b := range f.blocks {
			for i := f.blocks[b].from; i < f.blocks[b].to; i++ {
				if d := &f.directives[i]; !d.bad {
					visit(place{f, i, int32(b)}, d)
				}
			}
		}
	}
}

// said are the values that a line sets, good until it is called again.
func (k *checker) said(at place) []value {
	d := &at.file.directives[at.line]
	if d.bad || keywords[d.key].read == nil {
		return nil
	}
	args, _ := splitWords(d.rest, k.words.args[:0])
	k.words = words{key: d.key, name: keywords[d.key].lower, rest: d.rest, args: args, dialect: k.dialect, out: k.words.out[:0]}
	why := keywords[d.key].read(&k.words)
	k.words.args = args
	if why != "" {
		return nil
	}
	return k.words.out
}

// keyword is how a line spells its keyword.
func (p place) keyword() string {
	word, _, _ := splitKeyword(trimLine(p.file.raw(p.line)))
	return Printable(word)
}
