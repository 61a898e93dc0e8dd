package cli

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"

	"sallyport/api"
	"sallyport/config"
	"sallyport/transport"
	"sallyport/tunnels"
)

// way says who does what a flag of ssh asks for.
type way string

const (
	natively   way = "natively"
	viaRealSSH way = "via the real ssh" // which gets the whole command line
	notAtAll   way = "refused"          // as ssh does
)

// sshOption is a flag of ssh(1).
type sshOption struct {
	letter   byte
	argument bool
	way      way
	set      func(c *sshCall, arg string) error
}

// sshOptions are all flags of the getopt string in main of ssh.c, 10.6.
var sshOptions = []sshOption{
	{'1', false, notAtAll, func(*sshCall, string) error { return fatal("SSH protocol v.1 is no longer supported") }},
	{'2', false, natively, nothing},
	{'4', false, natively, overrule("AddressFamily", "inet")},
	{'6', false, natively, overrule("AddressFamily", "inet6")},
	{'A', false, natively, overrule("ForwardAgent", "yes")},
	{'a', false, natively, overrule("ForwardAgent", "no")},
	{'B', true, natively, overruleBy("BindInterface")},
	{'b', true, natively, overruleBy("BindAddress")},
	{'C', false, viaRealSSH, overrule("Compression", "yes")}, // x/crypto/ssh has no zlib
	{'c', true, natively, overruleBy("Ciphers")},
	{'D', true, natively, forward("DynamicForward", tunnels.Dynamic, "Bad dynamic forwarding specification '%s'")},
	{'E', true, natively, func(c *sshCall, file string) error { c.logFile = file; return nil }},
	{'e', true, natively, escapeCharacter},
	{'F', true, natively, func(c *sshCall, file string) error { c.configFile = file; return nil }},
	{'f', false, natively, overrule("ForkAfterAuthentication", "yes", "StdinNull", "yes")},
	{'G', false, natively, func(c *sshCall, _ string) error { c.dump = true; return nil }},
	{'g', false, natively, overrule("GatewayPorts", "yes")},
	{'I', true, viaRealSSH, overruleBy("PKCS11Provider")},
	{'i', true, natively, identityFile},
	{'J', true, natively, func(c *sshCall, hops string) error { c.line.jump(hops); return nil }},
	{'K', false, viaRealSSH, overrule("GSSAPIAuthentication", "yes", "GSSAPIDelegateCredentials", "yes")},
	{'k', false, natively, overrule("GSSAPIDelegateCredentials", "no")},
	{'L', true, natively, forward("LocalForward", tunnels.Local, "Bad local forwarding specification '%s'")},
	{'l', true, natively, loginName},
	{'M', false, viaRealSSH, controlMaster},
	{'m', true, natively, overruleBy("MACs")},
	{'N', false, natively, noSession},
	{'n', false, natively, overrule("StdinNull", "yes")},
	{'O', true, natively, controlCommand},
	{'o', true, natively, func(c *sshCall, line string) error { c.line.option(line); return nil }},
	{'P', true, natively, func(c *sshCall, tag string) error { c.line.option("Tag=" + config.Quote(tag)); return nil }},
	{'p', true, natively, port},
	{'Q', true, natively, func(_ *sshCall, what string) error { return query(what) }},
	{'q', false, natively, func(c *sshCall, _ string) error { c.setLevel(logQuiet); return nil }},
	{'R', true, natively, forward("RemoteForward", tunnels.Remote, "Bad remote forwarding specification '%s'")},
	{'S', true, natively, overruleBy("ControlPath")},
	{'s', false, natively, subsystem},
	{'T', false, natively, overrule("RequestTTY", "no")},
	{'t', false, natively, requestTTY},
	{'V', false, natively, func(*sshCall, string) error { return &sshExit{stderr: sshVersion() + "\n"} }},
	{'v', false, natively, verbose},
	{'W', true, natively, stdioForward},
	{'w', true, viaRealSSH, tunnelDevice},
	{'X', false, natively, overrule("ForwardX11", "yes")},
	{'x', false, natively, overrule("ForwardX11", "no")},
	{'Y', false, natively, overrule("ForwardX11", "yes", "ForwardX11Trusted", "yes")},
	{'y', false, viaRealSSH, func(c *sshCall, _ string) error { c.syslog = true; return nil }},
	{'Z', false, viaRealSSH, nothing}, // lists the keys that would be tried
}

func flagNamed(letter byte) (sshOption, bool) {
	for _, o := range sshOptions {
		if o.letter == letter {
			return o, true
		}
	}
	return sshOption{}, false
}

// offered tells whether the installed ssh has the flag.
func (o sshOption) offered() bool { return o.letter != 'Z' || config.ListsKeys() }

func nothing(*sshCall, string) error { return nil }

// overrule sets keywords to values, in pairs, whatever was set before.
func overrule(pairs ...string) func(*sshCall, string) error {
	return func(c *sshCall, _ string) error {
		for i := 0; i < len(pairs); i += 2 {
			c.line.overrule(pairs[i], pairs[i+1])
		}
		return nil
	}
}

// overruleBy is overrule by the flag's argument.
func overruleBy(keyword string) func(*sshCall, string) error {
	return func(c *sshCall, arg string) error { c.line.overrule(keyword, arg); return nil }
}

// forward adds a forward. ssh_config has it in two words which ssh joins by a
// colon, so it may be parted at any.
func forward(keyword string, kind tunnels.Kind, complaint string) func(*sshCall, string) error {
	return func(c *sshCall, spec string) error {
		parsed, err := tunnels.Parse(kind, spec)
		if err != nil {
			return complain(complaint, api.Printable(spec))
		}
		line := keyword + "=" + config.Quote(spec)
		if i := strings.LastIndexByte(spec, ':'); i > 0 && parsed.Connect != (tunnels.Address{}) {
			line = keyword + "=" + config.Quote(spec[:i]) + " " + config.Quote(spec[i+1:])
		}
		c.line.option(line)
		return nil
	}
}

func escapeCharacter(c *sshCall, arg string) error {
	control := len(arg) == 2 && arg[0] == '^' && arg[1] >= 64 && arg[1] < 128
	if !control && len(arg) != 1 && arg != "none" {
		return complain("Bad escape character '%s'.", api.Printable(arg))
	}
	c.line.overrule("EscapeChar", arg)
	return nil
}

// identityFile adds a key file, unless there is none: main of ssh.c.
func identityFile(c *sshCall, file string) error {
	path := file
	if p, err := config.DefaultPaths(); err == nil && strings.HasPrefix(file, "~/") {
		path = p.Home + file[1:]
	}
	if _, err := os.Stat(path); err != nil {
		c.warnings = append(c.warnings, "Warning: Identity file "+api.Printable(path)+" not accessible: "+strerror(err)+".\n")
		return nil
	}
	c.line.option(config.KeyFlag + file)
	return nil
}

// strerror is what strerror(3) says of an error of the system.
func strerror(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	return transport.Strerror(errno)
}

// loginName is -l. An empty one, which ssh has the server refuse, is not the
// user of this machine.
func loginName(c *sshCall, user string) error {
	if user == "" {
		return complain("sallyport: -l has no user name")
	}
	c.line.user(user)
	return nil
}

func port(c *sshCall, arg string) error {
	if _, set := c.line.value("port"); c.line.m.Port != "" || set {
		return nil
	}
	if !config.ValidPort(arg) {
		return complain("Bad port '%s'", api.Printable(arg))
	}
	c.line.port(arg)
	return nil
}

// controlMaster is -M, which said twice asks first.
func controlMaster(c *sshCall, _ string) error {
	value := "yes"
	if now, _ := c.line.value("controlmaster"); now == "yes" {
		value = "ask"
	}
	c.line.overrule("ControlMaster", value)
	return nil
}

func controlCommand(c *sshCall, command string) error {
	switch {
	case c.stdio != "":
		return fatal("Cannot specify multiplexing command with -W")
	case c.control != "":
		return fatal("Multiplexing command already specified")
	}
	if infoOf[command] != "" && config.TellsConnection() {
		c.control = command
		return nil
	}
	switch command {
	case "check", "forward", "exit", "stop", "cancel", "proxy":
	default:
		return fatal("Invalid multiplex command.")
	}
	c.control = command
	return nil
}

// requestTTY is -t, which said twice asks for a terminal even without one
// here.
func requestTTY(c *sshCall, _ string) error {
	value := "yes"
	if now, _ := c.line.value("requesttty"); now == "yes" {
		value = "force"
	}
	c.line.overrule("RequestTTY", value)
	return nil
}

func noSession(c *sshCall, _ string) error {
	if now, set := c.sessionType(); set && now != "none" {
		return fatal("Cannot specify -N with -s/SessionType")
	}
	c.setSession("none")
	c.line.overrule("RequestTTY", "no")
	return nil
}

func subsystem(c *sshCall, _ string) error {
	if now, set := c.sessionType(); set && now != "subsystem" {
		return fatal("Cannot specify -s with -N/SessionType")
	}
	c.setSession("subsystem")
	return nil
}

// tunnelDevice is -w local[:remote], each a number or any.
func tunnelDevice(c *sshCall, arg string) error {
	for end := range strings.SplitSeq(arg, ":") {
		if _, err := strconv.ParseUint(end, 10, 31); err != nil && !strings.EqualFold(end, "any") {
			return complain("Bad tun device '%s'", api.Printable(arg))
		}
	}
	if !c.line.hasSet("tunnel") {
		c.line.overrule("Tunnel", "point-to-point")
	}
	c.line.overrule("TunnelDevice", arg)
	return nil
}

func (c *sshCall) sessionType() (string, bool) { return c.line.value("sessiontype") }

func (c *sshCall) setSession(kind string) {
	c.session = kind
	c.line.overrule("SessionType", kind)
}

// stdioForward is -W: the far end is written as a SOCKS listener is.
func stdioForward(c *sshCall, arg string) error {
	switch {
	case c.stdio != "":
		return fatal("stdio forward already specified")
	case c.control != "":
		return fatal("Cannot specify stdio forward with -O")
	}
	if _, err := tunnels.Parse(tunnels.Dynamic, arg); err != nil {
		return complain("Bad stdio forwarding specification '%s'", api.Printable(arg))
	}
	c.stdio = arg
	c.setSession("none")
	c.line.overrule("RequestTTY", "no")
	return nil
}

// verbose is -v: the level is DEBUG1, and higher each time.
func verbose(c *sshCall, _ string) error {
	switch {
	case c.verbose == 0:
		c.verbose = 1
		c.setLevel(logDebug)
	case c.level < logDebug+2:
		c.verbose++
		c.setLevel(c.level + 1)
	}
	return nil
}

func (c *sshCall) setLevel(level int) {
	c.level, c.hasLevel = level, true
	c.line.overrule("LogLevel", levelNames[level])
}
