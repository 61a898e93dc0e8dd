package keys

import (
	"net"
	"path/filepath"
	"strings"
)

// The programs that agents are.
const (
	ProgramSSHAgent     = "ssh-agent"
	ProgramGPGAgent     = "gpg-agent"
	ProgramGNOMEKeyring = "gnome-keyring"
	ProgramOnePassword  = "1Password"
	ProgramForwarded    = "sshd" // the agent of whoever logged in with ForwardAgent
)

// agentProcesses are the names of agents' processes, as far as the kernel
// keeps them: 15 bytes.
var agentProcesses = map[string]string{
	"ssh-agent":       ProgramSSHAgent,
	"gpg-agent":       ProgramGPGAgent,
	"gnome-keyring-d": ProgramGNOMEKeyring,
	"gcr-ssh-agent":   ProgramGNOMEKeyring,
	"1password":       ProgramOnePassword,
	"sshd":            ProgramForwarded,
	"sshd-session":    ProgramForwarded,
	"keepassxc":       "KeePassXC",
	"bitwarden":       "Bitwarden",
}

// agentSockets are where agents listen. Each pattern is for the end of a path,
// with as many elements.
var agentSockets = []struct{ pattern, program string }{
	{"S.gpg-agent.ssh", ProgramGPGAgent},
	{"keyring/ssh", ProgramGNOMEKeyring},
	{"keyring/.ssh", ProgramGNOMEKeyring},
	{"keyring-*/ssh", ProgramGNOMEKeyring},
	{"gcr/ssh", ProgramGNOMEKeyring},
	{".1password/agent.sock", ProgramOnePassword},
	{"*.com.1password/t/agent.sock", ProgramOnePassword},
	{"com.maxgoedjen.Secretive.SecretAgent/Data/socket.ssh", "Secretive"},
	{".bitwarden-ssh-agent.sock", "Bitwarden"},
	{".ssh/agent/s.*.sshd.*", ProgramForwarded}, // since OpenSSH 10.1
	{".ssh/agent/s.*.agent.*", ProgramSSHAgent},
	{"ssh-*/agent.*", ProgramSSHAgent},
	{"com.apple.launchd.*/Listeners", ProgramSSHAgent},
	{"openssh_agent", ProgramSSHAgent}, // Debian's unit of systemd
	{"ssh-agent.socket", ProgramSSHAgent},
	{"sallyport/agent.sock", ProgramSSHAgent}, // that which we start
	{"run-*/agent.sock", ProgramSSHAgent},
}

// Program is which agent it is, "" where that cannot be told. The process at
// the other end says so, where it is still the one that began to listen:
// ssh-agent goes on in a child, systemd listens for others. Else it is the path.
func (a *Agent) Program() string {
	if conn, ok := a.conn.(*net.UnixConn); ok {
		if program, known := agentProcesses[peerProcess(conn)]; known {
			return program
		}
	}
	return programAt(a.Socket)
}

func programAt(socket string) string {
	for _, s := range agentSockets {
		end := socket
		if all := strings.Split(filepath.ToSlash(socket), "/"); len(all) > strings.Count(s.pattern, "/") {
			end = strings.Join(all[len(all)-1-strings.Count(s.pattern, "/"):], "/")
		}
		if ok, _ := filepath.Match(s.pattern, end); ok { // the patterns are sound
			return s.program
		}
	}
	return ""
}
