package transport

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sallyport/config"
)

// Hop is one station of a chain.
type Hop struct {
	Host    *config.Host
	Command string // the ProxyCommand to run and speak through; "" for a plain dial
	Config  string // the user's file that Host was resolved from

	// Args are the options with which ssh resolves Host as it was resolved
	// here. A -J is not among them: who starts ssh sees to the way there.
	Args []string
}

// Chain is the way to a host: the first hop is dialled from here, each next
// one through the one before it. It is never empty.
type Chain []Hop

// longestChain is where a chain is taken for one without end, as of a
// ProxyJump with a token that makes a new name each time.
const longestChain = 32

// Plan works out the way to name from ProxyJump (each jump by its own Host
// block) or from a ProxyCommand that is only "ssh X -W %h:%p"; any other
// ProxyCommand becomes the Command of the hop it leads to. It executes
// nothing unless m.Execute.
//
// It fails with a *Failure of CodeConfig, naming file and line, where the
// configuration could not be understood and where jumps form a loop. On
// failure the Chain holds what was understood, for drawing; it must not be
// dialled.
func Plan(cfg *config.Config, name string, m config.Match) (Chain, error) {
	p := planner{cfg: cfg}
	return p.way(name, m)
}

// Names are the aliases of the chain in order.
func (c Chain) Names() []string {
	names := make([]string, len(c))
	for i, hop := range c {
		names[i] = hop.Host.Name
	}
	return names
}

// planner follows the jumps from a goal back to here.
type planner struct {
	cfg   *config.Config
	trail []request // from the goal to the hop being worked out
}

// request is what an ssh on the way is asked for: ssh X, with -l, -p, -J and -o.
type request struct {
	name             string
	user, port, jump string
	options          string // in lines; only the goal has any
	from             string // where the next jump was set, for telling a loop
}

// same tells whether two requests lead the same way.
func (r request) same(other request) bool {
	r.from, other.from = "", ""
	return r == other
}

// way is the chain to name, as an ssh started with m would go.
func (p *planner) way(name string, m config.Match) (Chain, error) {
	req := request{name: name, user: m.User, port: m.Port, jump: m.Jump, options: strings.Join(m.Options, "\n")}
	host, err := p.cfg.Resolve(name, m)
	here := Chain{{Host: host, Config: p.cfg.Paths().User, Args: p.args(m)}}
	if err != nil {
		return here, misconfigured(name, err)
	}
	if err := p.enter(req); err != nil {
		return here, err
	}
	defer p.leave()

	switch {
	case host.ProxyJump() != "":
		return p.jump(here, host, m)
	case host.ProxyCommand() != "":
		return p.command(here, host, m)
	}
	return here, nil
}

// args are the Args of a hop.
func (p *planner) args(m config.Match) []string {
	var args []string
	if paths := p.cfg.Paths(); paths.Explicit {
		args = append(args, "-F", paths.User)
	}
	for _, o := range m.Options {
		flag := "-o"
		if file, key := strings.CutPrefix(o, config.KeyFlag); key {
			flag, o = "-i", file
		}
		args = append(args, flag, o)
	}
	if m.User != "" {
		args = append(args, "-l", m.User)
	}
	if m.Port != "" {
		args = append(args, "-p", m.Port)
	}
	return args
}

// enter notes a request and finds a loop. That of a host through itself has
// been found by Resolve, as ssh finds it; a longer one would go on starting
// one ssh after the other.
func (p *planner) enter(req request) error {
	for i, earlier := range p.trail {
		if req.same(earlier) {
			return loop(append(p.trail[i:len(p.trail):len(p.trail)], req))
		}
	}
	if len(p.trail) >= longestChain {
		return planError(req.name, fmt.Sprintf("more than %d jumps lead to %q", longestChain, p.trail[0].name), p.trail[len(p.trail)-1].from)
	}
	p.trail = append(p.trail, req)
	return nil
}

func (p *planner) leave() { p.trail = p.trail[:len(p.trail)-1] }

// from notes where the jump of the request being worked out was set.
func (p *planner) from(where string) { p.trail[len(p.trail)-1].from = where }

// jump goes on to the last of a ProxyJump list, which gets the rest of the
// list as its own -J. With no rest it follows its own configuration, as the
// "ssh -W" does that ssh.c starts for the jump. The options of a command line
// other than -F are not passed on.
func (p *planner) jump(here Chain, host *config.Host, m config.Match) (Chain, error) {
	where := whereSet(host, "ProxyJump")
	p.from(where)
	list, err := parseJumps(host.ProxyJump())
	if err != nil {
		return here, planError(host.Name, err.Error(), where)
	}
	last, rest := list[len(list)-1], list[:len(list)-1]
	before, err := p.way(last.host, config.Match{
		User: last.user, Port: last.port, Jump: joinJumps(rest), Execute: m.Execute, Stderr: m.Stderr,
	})
	return append(before, here...), err
}

// command goes on to the host of a ProxyCommand that is only an ssh; another
// one stays what it is, and nothing is known to be before it.
//
// Under -F that ssh would read ~/.ssh/config, since nothing tells it of the
// other file. Here it is the file of -F, which is what its writer means.
func (p *planner) command(here Chain, host *config.Host, m config.Match) (Chain, error) {
	p.from(whereSet(host, "ProxyCommand"))
	to, ok := sshOnly(host.ProxyCommand(), host)
	if !ok {
		here[0].Command = host.ProxyCommand()
		return here, nil
	}
	before, err := p.way(to.host, config.Match{User: to.user, Port: to.port, Execute: m.Execute, Stderr: m.Stderr})
	return append(before, here...), err
}

// loop names the jumps of a circle and where each was set.
func loop(circle []request) error {
	var names, lines []string
	for _, r := range circle {
		names = append(names, strconv.Quote(r.name))
		if r.from != "" {
			lines = append(lines, r.from)
		}
	}
	return planError(circle[0].name, "the jumps form a loop: "+strings.Join(names, " via "), strings.Join(lines, "; "))
}

// misconfigured is ssh's refusal of a configuration.
func misconfigured(name string, err error) *Failure {
	hint := ""
	if p := new(config.Problem); errors.As(err, p) && p.Origin.File != "" {
		hint = "edit " + p.Origin.String()
	}
	return planError(name, err.Error(), hint)
}

func planError(name, message, hint string) *Failure {
	return &Failure{
		Code:    CodeConfig,
		Message: config.Printable(fmt.Sprintf("the way to %q: %s", name, message)),
		Hint:    config.Printable(hint),
		Hop:     config.Printable(name),
		At:      time.Now(),
	}
}
