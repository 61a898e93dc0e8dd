package config

import (
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// savedRow is a list of sessions and what becomes of it.
type savedRow struct {
	name string
	file string            // its name, "putty" if empty
	list string            // sessions of PuTTY on Unix, each below [its file's name], or another program's list
	text string            // of the configuration before
	want string            // what is added to it
	left map[string]string // sessions that are left out, and a part of why
	note string            // a part of what is told of a host
}

const regHead = "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\Software\\SimonTatham\\PuTTY\\Sessions]\r\n\r\n"

const regKey = "[HKEY_CURRENT_USER\\Software\\SimonTatham\\PuTTY\\Sessions\\"

var savedRows = []savedRow{
	// Where the host is.
	{name: "a session of PuTTY becomes a host", list: "[gate]\nHostName=gate.example.org\nProtocol=ssh\nPortNumber=2222\nUserName=dany\n",
		want: "Host gate\n    HostName gate.example.org\n    User dany\n    Port 2222\n"},
	{name: "a login name before the address counts, a port behind it does not", list: "[gate]\nHostName= dany@gate :99\nPortNumber=22\nUserName=jon\n",
		want: "Host gate\n    User dany\n"},
	{name: "an address of version 6 keeps its colons and its zone", list: "[a]\nHostName=[fe80::1%eth0]\n", want: "Host a\n    HostName fe80::1%%eth0\n"},
	{name: "a domain's login name is quoted", list: "[a]\nHostName=a\nUserName=NORTH\\jon\n", want: "Host a\n    User \"NORTH\\\\jon\"\n"},
	{name: "all that has one word in ssh", list: "[a]\nHostName=a\nCompression=1\nX11Forward=1\nAgentFwd=1\nPingInterval=1\nPingIntervalSecs=5\nAddressFamily=2\n",
		want: "Host a\n    Compression yes\n    ForwardX11 yes\n    ForwardAgent yes\n    ServerAliveInterval 65\n    AddressFamily inet6\n"},
	{name: "no agent", list: "[a]\nHostName=a\nTryAgent=0\n", want: "Host a\n    IdentityAgent none\n"},
	{name: "what ssh has no word for is told", list: "[a]\nHostName=a\nRemoteCommand=tmux\n", want: "Host a\n", note: "its remote command is not imported"},
	{name: "other protocols are left out", list: "[a]\nHostName=a\nProtocol=telnet\n[b]\nHostName=b\nSshProt=0\n[c]\nProtocol=ssh\n",
		left: map[string]string{"a": "a session of telnet", "b": "version 1", "c": "names no host"}},
	{name: "the default session is no host", list: "[Default%20Settings]\nHostName=\nUserName=x\n[a]\nHostName=a\n", want: "Host a\n"},

	// Names.
	{name: "a name becomes an alias", list: "[my%20lab%3A%20web%20%282%29%21]\nHostName=w\n[%C3%9Cbung]\nHostName=u\n[-x]\nHostName=x\n[%2A]\nHostName=s\n[none]\nHostName=n\n",
		want: "Host my-lab-web-2\n    HostName w\n\nHost Übung\n    HostName u\n\nHost x\n\nHost session\n    HostName s\n\nHost session-none\n    HostName n\n"},
	{name: "two names that become one are told apart", list: "[a%20b]\nHostName=x\n[a%3Ab]\nHostName=y\n", want: "Host a-b\n    HostName x\n\nHost a-b-2\n    HostName y\n"},
	{name: "a host that is there stays as it is", list: "[a]\nHostName=new\n[b]\nHostName=b\n", text: "Host a\n    User jon\n\n",
		want: "Host b\n", left: map[string]string{"a": `"a" is there already, at`}},
	{name: "a value that an earlier block sets goes above it", list: "[web]\nHostName=w\nUserName=dany\n", text: "Host w*\n    User jon\n",
		want: "Host web\n    HostName w\n    User dany\n\nHost w*\n    User jon\n"},

	// What would be more than one value.
	{name: "a line break in a value is no line of the file", file: "a.reg",
		list: regHead + regKey + "a]\r\n\"HostName\"=\"a\nProxyCommand rm -rf ~\"\r\n\"PortNumber\"=dword:00000016\r\n\r\n" +
			regKey + "b]\r\n\"HostName\"=\"b\"\r\n\"UserName\"=\"x\nProxyCommand y\"\r\n" + regKey + "c]\r\n\"HostName\"=\"c\"\r\n",
		want: "Host c\n", left: map[string]string{"a": "its host name holds a control character", "b": "its login name holds a control character"}},
	{name: "an escaped line break in a name is none in the file", list: "[a%0AHost%20b]\nHostName=a\n", want: "Host a-Host-b\n    HostName a\n"},
	{name: "a host name that a shell would run is none", list: "[a]\nHostName=$(reboot)\n[b]\nHostName=-oProxyCommand=x\n", left: map[string]string{"a": "is no name of a host", "b": "is no name of a host"}},
	{name: "a login name that a shell would run is none", list: "[a]\nHostName=a\nUserName=`x`\n[b]\nHostName=b\nUserName=%h\n", left: map[string]string{"a": "login name", "b": "login name"}},
	{name: "a port that is none", list: "[a]\nHostName=a\nPortNumber=99999\n", left: map[string]string{"a": `"99999" is no port`}},

	// The way.
	{name: "a session through another one goes through its host", list: "[in%20side]\nHostName=in\nProxyMethod=6\nProxyHost=the gate\nProxyPort=80\n[the%20gate]\nHostName=gate.example.org\n",
		want: "Host the-gate\n    HostName gate.example.org\n\nHost in-side\n    HostName in\n    ProxyJump the-gate\n"},
	{name: "capital letters make no other host", list: "[gate]\nHostName=Gate.Lab\n[a]\nHostName=a\nProxyMethod=6\nProxyHost=Other.Lab\nProxyPort=22\n[b]\nHostName=b\nProxyMethod=6\nProxyHost=gate\n", text: "Host gate\n    HostName gate.lab\n\n",
		want: "Host a\n    ProxyJump Other.Lab:22\n\nHost b\n    ProxyJump gate\n", left: map[string]string{"gate": "is there already"}},
	{name: "a login name of its own there", list: "[a]\nHostName=a\nProxyMethod=6\nProxyHost=gate\nProxyUsername=jon\n[gate]\nHostName=g\nUserName=dany\n",
		want: "Host gate\n    HostName g\n    User dany\n\nHost a\n    ProxyJump jon@gate\n"},
	{name: "a session through a host that is no session", list: "[a]\nHostName=a\nProxyMethod=6\nProxyHost=dany@gate.example.org\nProxyPort=2222\n[b]\nHostName=b\nProxyMethod=6\nProxyHost=::1\nProxyPort=22\nProxyUsername=jon\n",
		want: "Host a\n    ProxyJump dany@gate.example.org:2222\n\nHost b\n    ProxyJump jon@[::1]:22\n"},
	{name: "the way to a host that is no session is the default session's", list: "[Default%20Settings]\nUserName=dany\n[a]\nHostName=a\nProxyMethod=6\nProxyHost=gate\nProxyPort=22\n",
		want: "Host a\n    ProxyJump dany@gate:22\n"},
	{name: "a default session with a proxy is no way", list: "[Default%20Settings]\nProxyMethod=3\nProxyHost=p\n[a]\nHostName=a\nProxyMethod=6\nProxyHost=gate\nProxyPort=22\n",
		left: map[string]string{"a": `reached through "gate", which is no session`}},
	{name: "other proxies are left out, and what lies behind them", list: "[a]\nHostName=a\nProxyMethod=3\nProxyHost=p\n[b]\nHostName=b\nProxyMethod=2\nProxyHost=p\n[c]\nHostName=c\nProxyMethod=9\n[d]\nHostName=d\nProxyMethod=6\nProxyHost=a\n[e]\nHostName=e\nProxyType=1\n[f]\nHostName=f\nProxyMethod=6\n[g]\nHostName=g\nProxyMethod=x\n",
		left: map[string]string{"a": "an HTTP proxy", "b": "a SOCKS 5 proxy", "c": "not known here", "d": `through "a", which is not imported`, "e": "an HTTP proxy", "f": "does not say which", "g": "not known here"}},
	{name: "two that are each other's way", list: "[a]\nHostName=a\nProxyMethod=6\nProxyHost=b\n[b]\nHostName=b\nProxyMethod=6\nProxyHost=a\n",
		left: map[string]string{"a": "not imported", "b": "not imported"}},
	{name: "the same host by the same way is a way", list: "[front]\nHostName=f\n[gate]\nHostName=g\nProxyMethod=6\nProxyHost=front\n[a]\nHostName=a\nProxyMethod=6\nProxyHost=gate\n",
		text: "Host front\n    HostName f\n\nHost gate\n    HostName g\n    ProxyJump front\n\n", want: "Host a\n    ProxyJump gate\n", left: map[string]string{"front": "is there already", "gate": "is there already"}},
	{name: "the same host that is there already is a way", list: "[gate]\nHostName=g\n[a]\nHostName=a\nProxyMethod=6\nProxyHost=gate\n", text: "Host gate\n    HostName g\n\n",
		want: "Host a\n    ProxyJump gate\n", left: map[string]string{"gate": "is there already"}},
	{name: "another host of that name is no way", list: "[gate]\nHostName=g\n[a]\nHostName=a\nProxyMethod=6\nProxyHost=gate\n", text: "Host gate\n    HostName other\n",
		left: map[string]string{"gate": "is there already", "a": `through "gate", which is not imported`}},
	{name: "a host of the name that goes another way is no way", list: "[gate]\nHostName=g\nProxyMethod=6\nProxyHost=front\n[a]\nHostName=a\nProxyMethod=6\nProxyHost=gate\n", text: "Host gate\n    HostName g\n",
		left: map[string]string{"gate": "is there already", "a": "not imported"}},
	{name: "an address that is the name of another host here is no way", list: "[a]\nHostName=a\nProxyMethod=6\nProxyHost=gate\n", text: "Host gate\n    HostName other\n",
		left: map[string]string{"a": "the name of another host here"}},
	{name: "no hop is called none", list: "[a]\nHostName=a\nProxyMethod=6\nProxyHost=none\n", left: map[string]string{"a": "no host that could be named"}},
	{name: "a local command in ssh's words", list: "[a]\nHostName=a\nProxyMethod=5\nProxyHost=p%q\nProxyPort=1080\nProxyUsername=u\nProxyTelnetCommand=nc -X 5 -x %proxyhost:%PROXYPORT -u %user \"%host\" %port 100%% \\x41\\\\ %z\n",
		want: "Host a\n    ProxyCommand nc -X 5 -x p%%q:1080 -u u \"%h\" %p 100%% A\\ %%z\n"},
	{name: "a local command that no line can hold", list: "[a]\nHostName=a\nProxyMethod=5\nProxyTelnetCommand=x\\ny\n[b]\nHostName=b\nProxyMethod=5\nProxyTelnetCommand=nOne\n[c]\nHostName=c\nProxyMethod=5\nProxyTelnetCommand=x %pass\n[d]\nHostName=d\nProxyMethod=5\n[e]\nHostName=e\nProxyMethod=5\nProxyTelnetCommand=plink.exe -nc %host:%port gate\n",
		left: map[string]string{"a": "no line can hold", "b": "no line can hold", "c": "password", "d": "no line can hold", "e": "a command of Windows"}},
	{name: "PuTTY dials this computer and what is excluded without the proxy", list: "[a]\nHostName=localhost\nProxyMethod=3\n[b]\nHostName=b.lab.org\nProxyMethod=3\nProxyExcludeList=10.*, *.LAB.org\n[c]\nHostName=10.1.2.3\nProxyMethod=3\nProxyExcludeList=10.*,x\n[d]\nHostName=127.0.0.1\nProxyMethod=3\nProxyLocalhost=1\n",
		want: "Host a\n    HostName localhost\n\nHost b\n    HostName b.lab.org\n\nHost c\n    HostName 10.1.2.3\n", left: map[string]string{"d": "an HTTP proxy"}},

	// Forwards.
	{name: "forwards of all kinds", list: "[a]\nHostName=a\nPortForwardings=L8080=localhost:80,4D1080=,6R9000=[::1]:22,Llab:81=x:82,L83=D,L[::1]:84=y:http\n",
		want: "Host a\n    LocalForward 8080 localhost:80\n    DynamicForward 127.0.0.1:1080\n    RemoteForward [::1]:9000 [::1]:22\n    LocalForward lab:81 x:82\n    DynamicForward 83\n    LocalForward [::1]:84 y:http\n"},
	{name: "forwards for others than this computer", list: "[a]\nHostName=a\nLocalPortAcceptAll=1\nRemotePortAcceptAll=1\nPortForwardings=L1=a:1,4L2=a:2,6D3=,R4=a:4\n",
		want: "Host a\n    LocalForward *:1 a:1\n    LocalForward 0.0.0.0:2 a:2\n    DynamicForward [::]:3\n    RemoteForward *:4 a:4\n"},
	{name: "a forward that is none is told", list: "[a]\nHostName=a\nPortForwardings=X1=a:1,L2=a\\,b:2,L3=$HOME:3,L4,L=a:1,5L6=a:1,L7=a:7,L7=a:7\n",
		want: "Host a\n    LocalForward 7 a:7\n", note: "its forward X1=a:1 is not imported; its forward L2=a,b:2 is not imported; its forward L3=$HOME:3 is not imported; its forward L4 is not imported; its forward L=a:1 is not imported; its forward 5L6=a:1 is not imported"},

	// Keys.
	{name: "a key of PuTTY has to be imported first", list: "[a]\nHostName=a\nPublicKeyFile=/home/jon/my keys/wall%1.ppk\n",
		want: "Host a\n    IdentityFile ~/.ssh/wall%%1\n", note: "sallyport key import '/home/jon/my keys/wall%1.ppk' makes it ~/.ssh/wall%1"},
	{name: "a key of PuTTY on Windows has to be brought here, too", file: "a.reg", list: regHead + regKey + "a]\r\n\"HostName\"=\"a\"\r\n\"PublicKeyFile\"=\"C:\\\\Users\\\\jon\\\\wall.ppk\"\r\n",
		want: "Host a\n    IdentityFile ~/.ssh/wall\n", note: `C:\Users\jon\wall.ppk on Windows: bring it here, and sallyport key import wall.ppk makes it ~/.ssh/wall`},
	{name: "a key of OpenSSH stays where it is", list: "[a]\nHostName=a\nPublicKeyFile=/home/jon/.ssh/id\n", want: "Host a\n    IdentityFile /home/jon/.ssh/id\n"},
	{name: "a path that ssh would expand is no path", list: "[a]\nHostName=a\nPublicKeyFile=/home/${HOME}/id\n", want: "Host a\n", note: "no path that ssh could use"},

	// Other lists.
	{name: "an export of the registry, in the code page of Windows", file: "a.reg", list: "REGEDIT4\r\n\r\n" + regKey + "K%F6nig%20%31]\r\n\"HostName\"=\"k\xf6nig\"\r\n\"PortNumber\"=dword:00000899\r\n\"ProxyMethod\"=dword:00000000\r\n\"Broken\"=\"x\r\n" +
		"[-HKEY_CURRENT_USER\\Software\\SimonTatham\\PuTTY\\Sessions\\old]\r\n\"HostName\"=\"old\"\r\n[HKEY_CURRENT_USER\\Software\\SimonTatham\\PuTTY\\SshHostKeys]\r\n\"rsa2@22:gate\"=\"0x10001,0xc0\"\r\n",
		want: "Host König-1\n    HostName könig\n    Port 2201\n"},
	{name: "sessions of WinSCP", file: "WinSCP.ini", list: "[Configuration\\Interface]\nx=y\n[Sessions\\Lab%2C%20north/My%20web]\nHostName=web.example.org\nPortNumber=2222\nUserName=%EF%BB%BFj%C3%B6n\nPublicKeyFile=C:%5CUsers%5Cjon%5Cid.ppk\nPassword=A35C\nPingType=1\n" +
		"[Sessions\\ftp]\nHostName=f\nFSProtocol=5\n[Sessions\\in]\nHostName=in\nTunnel=1\nTunnelHostName=dany@gate\nTunnelPortNumber=2222\n[Sessions\\socks]\nHostName=s\nProxyMethod=2\nProxyHost=p\n[Sessions\\both]\nHostName=b\nTunnel=1\nTunnelHostName=g\nProxyMethod=6\nProxyHost=p\n",
		want: "# Tags: Lab  north\nHost My-web\n    HostName web.example.org\n    User jön\n    Port 2222\n    IdentityFile ~/.ssh/id\n    ServerAliveInterval 30\n\nHost in\n    ProxyJump dany@gate:2222\n",
		left: map[string]string{"ftp": "FTP", "socks": "a SOCKS 5 proxy", "both": "a proxy and another host"}, note: "sallyport key import id.ppk makes it ~/.ssh/id"},
	{name: "bookmarks of MobaXterm", file: "lab.mxtsessions", list: "[Bookmarks]\r\nSubRep=\r\nImgNum=42\r\nweb (1)= #109#0%web.example.org%2222%dany%%-1%-1%%%22%%0%0%0%_CurrentDrive_:\\keys\\web.ppk%%-1%0%0%0%%1080%%0%0%1#MobaFont%10#0# #-1\r\n" +
		"[Bookmarks_1]\r\nSubRep=Lab\\GPU\r\nImgNum=41\r\nnode= #109#0%node%22%<default>%%0%0%%g1__PIPE__g2%22__PIPE__2222%__PIPE__jon%0%0%0%%%-1%0%0%0%%1080%%0%0%1%%0%%%%0%-1%0%0#MobaFont#0# #-1\r\n" +
		"desk= #91#4%win%3389%jon#MobaFont#0# #-1\r\nprox= #109#0%p%22%u%%0%0%%%22%%0%0%0%%%-1%0%0%2%proxy%1080%%0%0%1#x#0# #-1\r\n",
		want: "Host web-1\n    HostName web.example.org\n    User dany\n    Port 2222\n    IdentityFile ~/.ssh/web\n    ForwardX11 yes\n\n# Tags: Lab/GPU\nHost node\n    ProxyJump g1:22,jon@g2:2222\n    IdentityAgent none\n",
		left: map[string]string{"Lab/GPU/desk": "no session of ssh", "Lab/GPU/prox": "a proxy"}, note: "sallyport key import web.ppk"},
}

func TestSavedSessionsBecomeHosts(t *testing.T) {
	for _, r := range savedRows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			c := loadWith(Paths{User: "/nonexistent/config", Home: "/nonexistent"}, newDialect(v9_2, true), &overlay{path: "/nonexistent/config", text: r.text})
			edit := &Import{Sessions: savedList(t, r)}
			change, err := c.Edit(edit)
			if err != nil {
				t.Fatal(err)
			}
			want := r.text + r.want
			if strings.Contains(r.want, r.text) {
				want = r.want
			}
			if r.want == "" {
				want = string(change.Before)
			}
			if diff := cmp.Diff(want, string(change.After)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			left, notes := map[string]string{}, []string{}
			for _, i := range edit.Results {
				notes = append(notes, i.Notes...)
				if i.LeftOut != "" {
					left[i.Session] = i.LeftOut
				}
			}
			if got, want := slices.Sorted(maps.Keys(left)), slices.Sorted(maps.Keys(r.left)); !slices.Equal(got, want) {
				t.Errorf("left out are %q, and not %q", got, want)
			}
			for session, why := range r.left {
				if !strings.Contains(left[session], why) {
					t.Errorf("%s is left out, since %q and not %q", session, left[session], why)
				}
			}
			if got := strings.Join(notes, "; "); !strings.Contains(got, r.note) || (r.note == "") != (got == "") {
				t.Errorf("it tells %q, and not %q", got, r.note)
			}
		})
	}
}

// savedList are the sessions of a row.
func savedList(t testing.TB, r savedRow) []*Saved {
	t.Helper()
	if r.file == "" {
		var sections []savedSection
		for _, s := range parseSections(r.list) {
			sections = append(sections, savedSection{unescapeName(s.name), s.values})
		}
		return puttySessions(sections)
	}
	list, ok := parseSaved(r.file, []byte(r.list))
	if !ok {
		t.Fatalf("it is no list: %q", r.list)
	}
	return list
}

// regedit writes UTF-16 with a byte order mark.
func TestAnExportOfRegeditIsReadAsItIsWritten(t *testing.T) {
	text := regHead + regKey + "gate]\r\n\"HostName\"=\"wi\\\\\\\"nter\u00f6\"\r\n\"PortNumber\"=dword:000008ae\r\n\"Old\"=dword:ffffffff\r\n"
	bytes := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		bytes = binary.LittleEndian.AppendUint16(bytes, unit)
	}
	got := parseRegistry(plainText(bytes))[1]
	want := []savedValue{{"HostName", "wi\\\"nterö"}, {"PortNumber", "2222"}, {"Old", "-1"}}
	if !slices.Equal(got.values, want) {
		t.Errorf("got %q, want %q", got.values, want)
	}
	if list, ok := parseSaved("x.reg", bytes); !ok || len(list) != 1 || list[0].Name() != "gate" {
		t.Errorf("it has %v, %v", list, ok)
	}
}

func TestWhatIsNoListOfSessionsIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(path, []byte("Host a\n    User b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSaved(path); err == nil || !strings.Contains(err.Error(), "is no list of sessions that is known here") {
		t.Errorf("it says %v", err)
	}
}

// TestAnImportedSessionReachesWhatPlinkDid logs in to a real sshd behind
// another one, first as PuTTY does by its sessions, then as ssh does by the
// hosts that they became.
func TestAnImportedSessionReachesWhatPlinkDid(t *testing.T) {
	plink := sshtest.Program(t, "plink")
	gate, inner := sshtest.StartServer(t), sshtest.StartServer(t)
	home := t.TempDir()
	sessions := filepath.Join(home, ".putty", "sessions")
	if err := os.MkdirAll(sessions, 0o700); err != nil {
		t.Fatal(err)
	}
	ppk := filepath.Join(home, "id.ppk")
	sshtest.Run(t, "puttygen", gate.Path("id"), "-O", "private", "-o", ppk)
	inner.Write(t, "authorized_keys", sshtest.Run(t, "puttygen", ppk, "-L"))
	user := sshtest.Run(t, "id", "-un")
	write := func(file string, s *sshtest.Server, more string) {
		text := fmt.Sprintf("HostName=127.0.0.1\nPortNumber=%d\nProtocol=ssh\nUserName=%sPublicKeyFile=%s\nTryAgent=0\nCompression=1\nSSHManualHostKeys=%s\n%s",
			s.Port, user, ppk, ssh.FingerprintSHA256(s.HostKey), more)
		if err := os.WriteFile(filepath.Join(sessions, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("the%20gate", gate, "")
	write("inner", inner, "ProxyMethod=6\nProxyHost=the gate\nProxyPort=80\nProxyLocalhost=1\n")

	where := "echo $SSH_CONNECTION | cut -d' ' -f4" // the port there
	byPlink := exec.Command(plink, "-batch", "-load", "inner", where)
	byPlink.Env = append(os.Environ(), "HOME="+home)
	want, err := byPlink.Output()
	if err != nil {
		t.Fatalf("plink: %v", err)
	}

	config := filepath.Join(home, "config")
	known := filepath.Join(home, "known")
	defaults := fmt.Sprintf("Host *\n    IdentityFile %s\n    UserKnownHostsFile %s\n    GlobalKnownHostsFile none\n    StrictHostKeyChecking yes\n    BatchMode yes\n", gate.Path("id"), known)
	for path, text := range map[string]string{config: defaults, known: gate.Known() + inner.Known()} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := ReadSaved(PuttyDirectory(home))
	if err != nil {
		t.Fatal(err)
	}
	change, err := Load(Paths{User: config, Home: home, Explicit: true}).Edit(&Import{Sessions: list})
	if err != nil {
		t.Fatal(err)
	}
	if err := change.Apply(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	before := gate.Logins()
	byName := exec.Command(sshtest.Program(t, "ssh"), "-F", config, "inner", where)
	got, err := byName.Output()
	if err != nil {
		t.Errorf("ssh: %v", err)
	}
	if string(got) != string(want) {
		t.Errorf("ssh is at port %q, and plink was at %q", got, want)
	}
	if gate.Logins() != before+1 {
		t.Errorf("ssh did not go through the gate:\n%s", change.After)
	}
}

// FuzzSaved checks that no list makes anything else than hosts: each with its
// address, and none dialled where the list names a proxy.
func FuzzSaved(f *testing.F) {
	for _, r := range savedRows {
		f.Add(r.file, []byte(r.list))
	}
	dialect := newDialect(v9_2, true)
	f.Fuzz(func(t *testing.T, file string, text []byte) {
		list, ok := parseSaved(file, text)
		if !ok || len(list) > 20 {
			return
		}
		paths := Paths{User: "/nonexistent/config", Home: "/nonexistent"}
		edit := &Import{Sessions: list}
		change, err := loadWith(paths, dialect, nil).Edit(edit)
		if err != nil {
			return
		}
		after := loadWith(paths, dialect, &overlay{path: paths.User, text: string(change.After)})
		if len(after.problems) > 0 {
			t.Errorf("ssh would say %v:\n%s", after.problems, change.After)
		}
		hosts := 0
		for i, r := range edit.Results {
			if r.LeftOut != "" {
				continue
			}
			hosts++
			h, err := after.Resolve(r.Name, Match{})
			s := list[i]
			plain, _ := loadWith(paths, dialect, nil).Resolve(s.hostName, Match{}) // ssh has other words for some addresses: 0 is 0.0.0.0
			if err != nil || !equalFold(h.HostName(), plain.HostName()) || s.user != "" && h.User() != s.user {
				t.Errorf("%q is %q of %q: %v\n%s", r.Name, h.HostName(), h.User(), err, change.After)
			}
			if proxied := s.way.session+s.way.jump+s.way.command != ""; proxied != (h.ProxyJump()+h.r.text(kProxyCommand) != "") {
				t.Errorf("%q has a proxy, %v:\n%s", r.Name, proxied, change.After)
			}
			if h.r.text(kProxyCommand) != s.way.command {
				t.Errorf("%q runs %q:\n%s", r.Name, h.r.text(kProxyCommand), change.After)
			}
		}
		if n := len(after.Names()); n != hosts {
			t.Errorf("there are %d hosts for %d sessions:\n%s", n, hosts, change.After)
		}
	})
}
