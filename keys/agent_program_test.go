//go:build unix

package keys

import (
	"runtime"
	"testing"

	"sallyport/internal/sshtest"
)

func TestAnAgentIsKnownByItsSocket(t *testing.T) {
	for socket, want := range map[string]string{
		"/run/user/1000/gnupg/S.gpg-agent.ssh": ProgramGPGAgent,
		"/home/jon/.gnupg/S.gpg-agent.ssh":     ProgramGPGAgent,
		"/run/user/1000/keyring/ssh":           ProgramGNOMEKeyring,
		"/run/user/1000/keyring/.ssh":          ProgramGNOMEKeyring,
		"/tmp/keyring-x7Yz/ssh":                ProgramGNOMEKeyring,
		"/run/user/1000/gcr/ssh":               ProgramGNOMEKeyring,
		"/home/jon/.1password/agent.sock":      ProgramOnePassword,
		"/Users/jon/Library/Group Containers/2BUA8C4S2C.com.1password/t/agent.sock":          ProgramOnePassword,
		"/tmp/ssh-XXXXbBcBwA/agent.4711":                                                     ProgramSSHAgent,
		"/home/jon/.ssh/agent/s.4711.agent.x7":                                               ProgramSSHAgent,
		"/home/jon/.ssh/agent/s.4711.sshd.x7":                                                ProgramForwarded,
		"/private/tmp/com.apple.launchd.x7/Listeners":                                        ProgramSSHAgent,
		"/run/user/1000/openssh_agent":                                                       ProgramSSHAgent,
		"/run/user/1000/sallyport/agent.sock":                                                ProgramSSHAgent,
		"/Users/jon/Library/Containers/com.maxgoedjen.Secretive.SecretAgent/Data/socket.ssh": "Secretive",
		"/tmp/s": "",
		"s":      "",
		"/":      "",
	} {
		if got := programAt(socket); got != want {
			t.Errorf("at %s is %q, want %q", socket, got, want)
		}
	}
}

func TestAnAgentIsKnownByItsProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only linux tells which process it is")
	}
	t.Parallel()
	if got := agentOf(t, sshtest.Agent(t)).Program(); got != ProgramSSHAgent {
		t.Errorf("ssh-agent at a place of its own is taken for %q", got)
	}
}
