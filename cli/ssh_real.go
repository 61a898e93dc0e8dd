package cli

import (
	"os"
	"strconv"

	"sallyport/config"
)

// realSSHEnv counts how often a command line was handed over on the way to a
// program, so that a script called ssh which runs us again does not go round for
// ever. The real ssh itself runs us once more for each jump, where a link called
// ssh is ours: it starts the ssh of PATH for them (ssh.c).
const realSSHEnv = "SALLYPORT_HANDED_OVER"

// mostHandedOver is more than anybody's jumps.
const mostHandedOver = 16

// beyondUs are the options that only the real ssh carries out, when they are
// in force: by a flag or by the configuration.
var beyondUs = []struct {
	what string
	asks func(s *sshSession) bool
}{
	{"-C", func(s *sshSession) bool { return s.call.given['C'] }},
	{"-I and PKCS11Provider", func(s *sshSession) bool { return given(s.host, "PKCS11Provider") != "" }},
	{"-K", func(s *sshSession) bool { return s.call.given['K'] }},
	{"-Z", func(s *sshSession) bool { return s.call.given['Z'] }},
	{"-y", func(s *sshSession) bool { return s.call.syslog }},
	{"-o ChannelTimeout", (*sshSession).ordersTimeouts},
	{"-f", func(s *sshSession) bool { return !canDetach && s.yes("ForkAfterAuthentication") }},
	{"-w and Tunnel", func(s *sshSession) bool { return s.host.Get("Tunnel") != "no" && s.host.Get("Tunnel") != "false" }},
	{"-M and ControlMaster", (*sshSession).becomesMaster},
}

// beyond is what the command line asks for and we cannot do, "" for nothing.
func (s *sshSession) beyond() string {
	for _, b := range beyondUs {
		if b.asks(s) {
			return b.what
		}
	}
	return ""
}

// ordersTimeouts tells whether the command line has ChannelTimeout. In a file it
// is a wish, for the sake of which nobody wants to log in once more.
func (s *sshSession) ordersTimeouts() bool {
	origin, _ := s.host.IsSet("ChannelTimeout")
	return given(s.host, "ChannelTimeout") != "" && origin == config.CommandLine
}

// handOver has the real ssh run the command line as it is. Without one it is
// refused: nothing that was asked for is left out.
func (s *sshSession) handOver(why string) error {
	program, err := config.Program()
	if err != nil {
		return s.fatal("sallyport: %s: only the real ssh does that, and none is installed", why)
	}
	times, _ := strconv.Atoi(os.Getenv(realSSHEnv)) // 0 where it is not set
	if times >= mostHandedOver {
		return s.fatal("sallyport: %s: only the real ssh does that, and %s runs us again", why, program)
	}
	s.log.say(logDebug, "%s is not ours to do: running %s", why, program)
	return execute(program, append([]string{"ssh"}, s.call.args...), append(os.Environ(), realSSHEnv+"="+strconv.Itoa(times+1)))
}
