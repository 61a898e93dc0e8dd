package cli

import (
	"fmt"
	"slices"
	"strings"

	"sallyport/api"
	"sallyport/config"
)

// refused says what is wrong with the configuration in ssh's words, and
// whether that ends it. What the command line has wrong ends it at once, and
// some things do only where ssh would connect.
func (s *sshSession) refused(c *config.Config) bool {
	now, late := s.host.Refusals()
	if s.call.dump {
		late = nil
	}
	for _, p := range now {
		if p.Origin.Line == 0 {
			s.log.say(logFatal, "%s", api.Printable(s.refusal(p)))
			return true
		}
	}
	files := map[string]int{}
	for _, p := range append(now, late...) {
		switch end := isUnplaced(p); {
		case end && len(files) == 0, begins(p, fatalInFiles): // all files are read by then, or not read any further
			s.log.say(logFatal, "%s", api.Printable(s.refusal(p)))
			return true
		case end:
			continue
		}
		s.log.say(logError, "%s", api.Printable(s.refusal(p)))
		files[p.Origin.File]++
	}
	for _, file := range c.Files() {
		if n := files[file]; n > 0 {
			s.log.say(logFatal, "%s: terminating, %d bad configuration options", api.Printable(s.named(file)), n)
			break
		}
	}
	return len(files) > 0
}

// refusedOption is what ssh says of the options before the word that ends its
// reading of the line, nil if it takes them: main of ssh.c applies each as it
// comes. So programs ask whether it knows an option, without naming a host.
func (c *sshCall) refusedOption() error {
	match, _ := c.line.match() // its error ended the reading, and follows
	none := config.Load(config.Paths{})
	host, _ := none.Resolve("none", match) // what is wrong is told apart below
	now, _ := host.Refusals()
	for _, p := range now {
		if p.Origin == config.CommandLine && !isUnplaced(p) {
			return fatal("%s", api.Printable((&sshSession{call: c, config: none}).refusal(p)))
		}
	}
	return nil
}

// unplaced begin the refusals that ssh words without a place: those of main of
// ssh.c, and two of readconf.c.
var unplaced = []string{
	"Cannot ", "Could not resolve host", "Host directive", "Include directive", "Invalid number of ConnectionAttempts", "ProxyCommand=-", "jumphost loop",
}

// fatalInFiles begin those that end ssh where it reads a file (readconf.c).
var fatalInFiles = []string{"Bad owner or permissions", "Shell ", "match exec "}

func isUnplaced(p config.Problem) bool { return begins(p, unplaced) || begins(p, fatalInFiles) }

func begins(p config.Problem, with []string) bool {
	return slices.ContainsFunc(with, func(beginning string) bool { return strings.HasPrefix(p.Message, beginning) })
}

// flagged are the refusals that ssh words otherwise if they come of a flag.
var flagged = []struct {
	flag         byte
	option, with string
}{
	{'c', "Bad SSH2 cipher spec ", "Unknown cipher type "},
	{'m', "Bad SSH2 MAC spec ", "Unknown mac type "},
}

// refusal is a problem as ssh words it. readconf.c writes the place in two
// ways.
func (s *sshSession) refusal(p config.Problem) string {
	for _, f := range flagged {
		if rest, ok := strings.CutPrefix(p.Message, f.option); ok && s.call.given[f.flag] && p.Origin == config.CommandLine {
			return f.with + strings.TrimSuffix(rest, ".")
		}
	}
	switch {
	case strings.HasPrefix(p.Message, "Could not resolve hostname"):
		return "ssh: " + p.Message + ": Name or service not known"
	case strings.HasPrefix(p.Message, "Could not resolve host"): // fatal in main and resolve_canonicalize
		return "ssh: " + p.Message
	case isUnplaced(p):
		return p.Message
	case p.Origin.File == "" || p.Origin.Line == 0 && p.Origin != config.CommandLine:
		return p.Message
	case strings.HasPrefix(p.Message, "Bad configuration option"):
		return fmt.Sprintf("%s: line %d: %s", s.named(p.Origin.File), p.Origin.Line, p.Message)
	}
	return fmt.Sprintf("%s line %d: %s", s.named(p.Origin.File), p.Origin.Line, p.Message)
}

// named is a file as the command line names it.
func (s *sshSession) named(file string) string {
	if given := s.call.configFile; given != "" && file == s.config.Paths().User {
		return given
	}
	return file
}
