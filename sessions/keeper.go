package sessions

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"sallyport/config"
)

// KeepersScript lists the programs of a host that keep a shell whose connection
// has gone, and the shells that they keep, in POSIX sh. The programs are looked
// for also where only a login shell would find them. dtach(1) has no list: its
// sockets are where Keepers.Open puts them, by name and node, for the home of a
// cluster is shared; -p asks whether anybody is behind one.
const KeepersScript = `
PATH=$PATH:/usr/local/bin:/opt/homebrew/bin:/opt/local/bin:$HOME/.local/bin:$HOME/bin
node=$(uname -n)
echo "@node $node"
echo "@home $HOME"
echo "@shell ${SHELL:-/bin/sh}"
for keeper in tmux screen abduco dtach; do
	program=$(command -v "$keeper") || continue
	echo "@$keeper $program"
	case $keeper in
	tmux) "$program" -u list-sessions -F '#{session_created} #{session_attached} #{session_name}' ;;
	screen) LC_ALL=C "$program" -ls ;;
	abduco) "$program" ;;
	dtach)
		for socket in "$HOME"/.dtach/*"@$node"; do
			[ -S "$socket" ] && "$program" -p "$socket" || continue
			mark=-; [ -x "$socket" ] && mark=+
			echo "$mark${socket##*/}"
		done ;;
	esac </dev/null 2>/dev/null
done
exit 0
`

// KeptAs is what a keeper, a program on the host, calls a shell that goes on
// there when its connection has gone; and how to log in to come back to it.
type KeptAs struct {
	Keeper string `json:"keeper"` // "tmux"
	Name   string `json:"name"`
	User   string `json:"user,omitempty"` // who was asked for, "" for whom the host has
	Port   string `json:"port,omitempty"` // likewise
}

// KeptShell is a shell that a keeper has.
type KeptShell struct {
	Keeper   string    `json:"keeper"`
	Name     string    `json:"name"` // printable
	Attached bool      `json:"attached"`
	Since    time.Time `json:"since,omitzero"` // where the keeper says it

	handle string // by which the keeper finds no other
}

// Keepers are those of a host, of which the first restores a screen best, and
// what they keep.
type Keepers struct {
	Shells []KeptShell

	programs          []program
	node, home, shell string
}

// program is a keeper that a host has.
type program struct {
	keeper keeper
	path   string
}

// keeper is a program that is known to keep shells.
type keeper struct {
	name string
	// parse reads a line of what KeepersScript has it print.
	parse func(line string) (KeptShell, bool)
	// open is the command line that begins a shell of a name.
	open func(k Keepers, path, name string) []string
	// rejoin is the one that goes to a shell which is there; nil for open.
	rejoin func(path string, to KeptShell) []string
}

var keepers = []keeper{
	{"tmux", parseTmux, func(_ Keepers, path, name string) []string {
		return []string{path, "new-session", "-A", "-s", name}
	}, nil},
	// Its own names are prefixes, so that it may find another one by them.
	{"screen", parseScreen, func(k Keepers, path, name string) []string {
		return []string{path, "-S", name, "-s", "-" + k.shell}
	}, func(path string, to KeptShell) []string {
		return []string{path, "-x", to.handle}
	}},
	{"abduco", parseAbduco, func(k Keepers, path, name string) []string {
		return []string{path, "-A", name, k.shell, "-l"}
	}, nil},
	{"dtach", parseDtach, func(k Keepers, path, name string) []string {
		return []string{path, "-A", k.home + "/.dtach/" + name + "@" + k.node, "-z", k.shell, "-l"}
	}, nil},
}

// KeeperNames are those that are known.
func KeeperNames() (names []string) {
	for _, k := range keepers {
		names = append(names, k.name)
	}
	return names
}

// maxKeptName is the longest name of a shell, in bytes: a socket is called so.
const maxKeptName = 64

// ValidKeptName tells that each keeper can call a shell so, and that no
// shell or keeper finds anything else in it.
func ValidKeptName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
	return name != "" && len(name) <= maxKeptName && strings.Trim(name[:1], letters) == "" && strings.Trim(name, letters+"-.") == ""
}

// ParseKeepers reads what KeepersScript wrote.
func ParseKeepers(out []byte) Keepers {
	var k Keepers
	var at *program
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSuffix(line, "\n")
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case word == "@node":
			k.node = rest
		case word == "@home":
			k.home = rest
		case word == "@shell":
			k.shell = rest
		case strings.HasPrefix(line, "@"):
			at = k.has(word[1:], rest)
		case at != nil:
			if s, ok := at.keeper.parse(line); ok {
				s.Keeper, s.Name = at.keeper.name, config.Printable(s.Name)
				k.Shells = append(k.Shells, s)
			}
		}
	}
	return k
}

// has notes that the host has a keeper; nil for what is none.
func (k *Keepers) has(name, path string) *program {
	i := slices.IndexFunc(keepers, func(known keeper) bool { return known.name == name })
	if i < 0 || !strings.HasPrefix(path, "/") {
		return nil
	}
	k.programs = append(k.programs, program{keepers[i], path})
	return &k.programs[len(k.programs)-1]
}

// Open is the command that goes to the shell of a valid name where it waits, and
// else begins one; keeper is "" where the host has none.
func (k Keepers) Open(name string) (command, keeper string) {
	for _, p := range k.programs {
		for _, s := range k.Shells {
			if s.Keeper == p.keeper.name && s.Name == name {
				return k.command(p, name, &s), p.keeper.name
			}
		}
	}
	for _, p := range k.programs {
		return k.command(p, name, nil), p.keeper.name
	}
	return "", ""
}

// command is a line for the login shell, which may be of any kind.
func (k Keepers) command(p program, name string, there *KeptShell) string {
	line := p.keeper.open(k, p.path, name)
	if there != nil && p.keeper.rejoin != nil {
		line = p.keeper.rejoin(p.path, *there)
	}
	command := "exec " + shellescape.QuoteCommand(line)
	if p.keeper.name == "dtach" { // which makes no directory
		command = shellescape.QuoteCommand([]string{"mkdir", "-p", "-m", "700", k.home + "/.dtach"}) + "; " + command
	}
	return command
}

// parseTmux reads a line as KeepersScript has asked for it.
func parseTmux(line string) (KeptShell, bool) {
	f := strings.SplitN(line, " ", 3)
	if len(f) < 3 {
		return KeptShell{}, false
	}
	created, err := strconv.ParseInt(f[0], 10, 64)
	return KeptShell{Name: f[2], Attached: f[1] != "0", Since: time.Unix(created, 0)}, err == nil && f[2] != ""
}

// parseScreen reads "\t4211.name\t(11/26/26 04:36:19)\t(Detached)"; some builds
// leave the time out. One that is dead, or another machine's, is none.
func parseScreen(line string) (KeptShell, bool) {
	f := strings.Split(line, "\t")
	if len(f) < 3 || f[0] != "" {
		return KeptShell{}, false
	}
	pid, name, _ := strings.Cut(f[1], ".")
	state := strings.ToLower(f[len(f)-1])
	_, err := strconv.Atoi(pid)
	attached := strings.Contains(state, "attached")
	return KeptShell{Name: name, Attached: attached, handle: f[1]}, err == nil && name != "" && (attached || strings.Contains(state, "detached"))
}

// parseAbduco reads "* Thu\t 2015-03-12 12:05:20\t4211\tname" (list_session in
// abduco.c); before 0.6 it has no process. A plus is before one that has ended.
func parseAbduco(line string) (KeptShell, bool) {
	i := strings.LastIndexByte(line, '\t')
	if i < 0 || line[0] != ' ' && line[0] != '*' || line[i+1:] == "" {
		return KeptShell{}, false
	}
	return KeptShell{Name: line[i+1:], Attached: line[0] == '*'}, true
}

// parseDtach reads the name of a socket after its mark: dtach makes the socket
// of one that is attached executable (update_socket_modes in master.c).
func parseDtach(line string) (KeptShell, bool) {
	name, _, ok := strings.Cut(line, "@")
	if !ok || len(name) < 2 {
		return KeptShell{}, false
	}
	return KeptShell{Name: name[1:], Attached: name[0] == '+'}, true
}
