package config

// help is what the table of keywords cannot say of an option: what it is good
// for, in one or two sentences, and how its value is written.
type help struct {
	about  string
	format format // the zero one where the keyword has choices, which say it
}

// format is how a value is written.
type format struct {
	hint    string
	example string // a value that ssh takes
}

var (
	ofWord      = format{"a word", "word"}
	ofNumber    = format{"a number", "3"}
	ofTime      = format{"seconds, or a time with units: 90, 5m, 1h30m", "1h30m"}
	ofPath      = format{"a path; ~, ${VARIABLE} and %-tokens are filled in", "~/.ssh/file"}
	ofPaths     = format{"paths with spaces between, or none", "~/.ssh/one ~/.ssh/two"}
	ofLibrary   = format{"the path of a library, or none", "/usr/lib/library.so"}
	ofCommand   = format{"a command, to the end of the line; %-tokens are filled in", "program %h"}
	ofKeyTypes  = format{"key types with commas between; + in front adds them to ssh's own, - takes them away, ^ puts them first", "^ssh-ed25519"}
	ofForward   = format{"[bind:]port host:port, or the path of a socket at either end", "8080 localhost:80"}
	ofVariables = format{"names with spaces between; * and ? stand for letters", "LANG LC_*"}
)

// ofAlgorithms is a list as that of key types, with an example of its kind.
func ofAlgorithms(example string) format {
	return format{"names with commas between; + in front adds them to ssh's own, - takes them away, ^ puts them first", example}
}

// helps has a row for every option of the newest release, in our own words.
var helps = map[key]help{
	kUser:                             {"The login name on the server. Without it, your name on this computer is used.", ofWord},
	kHostName:                         {"The real name or address to connect to. The name behind Host can then be any short one.", format{"a name or an address; %h is the name that was asked for", "login.example.org"}},
	kPort:                             {"The TCP port on which the server listens.", format{"a number from 1 to 65535", "2222"}},
	kAddressFamily:                    {"Restricts the connection to IPv4 (inet) or IPv6 (inet6).", format{}},
	kBatchMode:                        {"Fails where a password or a confirmation would be asked for. For scripts that nobody watches.", format{}},
	kCanonicalizeFallbackLocal:        {"What happens to a short name that is found in none of the CanonicalDomains: with no, connecting fails; with yes, the resolver gets its try.", format{}},
	kCanonicalizeHostname:             {"Completes short names with CanonicalDomains by asking the DNS, and then reads the configuration once more for the full name.", format{}},
	kCheckHostIP:                      {"Also notes the host key under the server's address, to see when a name suddenly leads elsewhere.", format{}},
	kCompression:                      {"Compresses everything that is sent. Good on slow lines, a brake on fast ones.", format{}},
	kControlMaster:                    {"Whether later connections to this host share the first one, through the socket at ControlPath; auto makes or uses one as needed.", format{}},
	kEnableSSHKeysign:                 {"Lets ssh-keysign help with host-based logins. It only counts in the system's file, outside of any host.", format{}},
	kClearAllForwardings:              {"Ignores every forward of the configuration, for a connection that should open no ports.", format{}},
	kExitOnForwardFailure:             {"Ends the connection if one of its forwards cannot listen, for example because the port is taken.", format{}},
	kFingerprintHash:                  {"The hash in which fingerprints of keys are shown.", format{"md5, sha1, sha256, sha384 or sha512", "sha256"}},
	kForwardX11:                       {"Shows windows of programs that run on the server on your own screen.", format{}},
	kForwardX11Trusted:                {"Gives forwarded X11 programs full access to your screen and keyboard, as programs of this computer have it.", format{}},
	kGatewayPorts:                     {"Lets other computers use your local forwards; otherwise only this one can.", format{}},
	kGSSAPIAuthentication:             {"Logs in with a Kerberos ticket (kinit) where the server accepts that.", format{}},
	kGSSAPIKeyExchange:                {"Lets Kerberos prove who the server is, in place of its host key.", format{}},
	kGSSAPIDelegateCredentials:        {"Passes your Kerberos ticket on, so that you can use it from the server.", format{}},
	kGSSAPITrustDNS:                   {"Takes the name that the DNS has for an address as the server's name in Kerberos.", format{}},
	kGSSAPIRenewalForcesRekey:         {"Passes a renewed Kerberos ticket on to a connection that is open.", format{}},
	kGSSAPIClientIdentity:             {"Which of your Kerberos identities to log in with.", ofWord},
	kGSSAPIServerIdentity:             {"The name that the server must have in Kerberos.", ofWord},
	kGSSAPIKexAlgorithms:              {"The key exchanges with Kerberos that are offered, the preferred one first.", format{"names with commas between", "gss-group14-sha256-"}},
	kHashKnownHosts:                   {"Hides the names of servers in known_hosts, so that a stolen copy does not tell where you log in.", format{}},
	kHostbasedAuthentication:          {"Tries to log in by the key of this computer instead of one of your own.", format{}},
	kIdentitiesOnly:                   {"Offers only the keys that the configuration names, however many the agent holds. Helps against \"too many authentication failures\".", format{}},
	kKbdInteractiveAuthentication:     {"Answers questions of the server, such as passwords and one-time codes.", format{}},
	kNoHostAuthenticationForLocalhost: {"Does not check the host key of localhost, which is a different computer for every tunnel that leads through it.", format{}},
	kPasswordAuthentication:           {"Tries to log in with a password.", format{}},
	kPermitLocalCommand:               {"Allows what LocalCommand says to be run.", format{}},
	kProxyUseFdpass:                   {"The ProxyCommand only makes the connection, hands it over, and does not stay in the way.", format{}},
	kPubkeyAuthentication:             {"Tries to log in with keys; unbound and host-bound choose a variant of the protocol.", format{}},
	kRequestTTY:                       {"Whether a command gets a terminal: force even if there is none here, auto only for a login shell.", format{}},
	kSessionType:                      {"What is opened: default is a shell or the command, none only the forwards (as ssh -N), subsystem something like sftp.", format{}},
	kStdinNull:                        {"Gives the remote command an empty input (as ssh -n), for work in the background.", format{}},
	kForkAfterAuthentication:          {"Goes to the background once you are logged in (as ssh -f).", format{}},
	kStreamLocalBindUnlink:            {"Removes a socket file that is left over from before, so that a forward can listen there again.", format{}},
	kStrictHostKeyChecking:            {"What to do with a server whose key is not known yet: ask, refuse it (yes), or note it (accept-new). A changed key should always stop you.", format{}},
	kTCPKeepAlive:                     {"Lets the operating system notice a dead connection, after hours. ServerAliveInterval is quicker.", format{}},
	kTunnel:                           {"Makes a network device that reaches through the connection, as a VPN does. Both ends need the right to.", format{}},
	kVerifyHostKeyDNS:                 {"Compares the host key with one that the DNS publishes (SSHFP records).", format{}},
	kVisualHostKey:                    {"Draws the host key as a small picture at each login, which the eye remembers better than letters.", format{}},
	kUpdateHostKeys:                   {"Learns further keys of a server that you trust already, so that it can replace an old one without an alarm.", format{}},
	kEnableEscapeCommandline:          {"Opens a command line for forwards when you type ~C in a shell.", format{}},
	kWarnWeakCrypto:                   {"Warns where a connection uses methods that a quantum computer could break later; no-pq-kex leaves that warning out, and keeps others that may come.", format{}},
	kCanonicalizeMaxDots:              {"How many dots a name may have and still count as short for CanonicalizeHostname.", ofNumber},
	kConnectionAttempts:               {"How often to try to reach the server, a second apart, before giving up.", format{"a number from 1", "3"}},
	kForwardX11Timeout:                {"For how long an untrusted X11 program may open new windows; 0 is for ever.", ofTime},
	kNumberOfPasswordPrompts:          {"How often you may mistype a password.", ofNumber},
	kServerAliveCountMax:              {"How many signs of life may stay unanswered before the connection counts as dead.", ofNumber},
	kServerAliveInterval:              {"After how much silence the server is asked for a sign of life; 0 never asks. Keeps firewalls from dropping idle connections.", ofTime},
	kRequiredRSASize:                  {"The least number of bits that an RSA key must have, yours or the server's.", format{"a number of bits, 1024 or more", "2048"}},
	kObscureKeystrokeTiming:           {"Hides the rhythm of your typing, from which words could be guessed; interval sets its pace in milliseconds.", format{"yes, no or interval:MILLISECONDS (1 to 1000)", "interval:80"}},
	kBindAddress:                      {"The address of this computer from which to connect, if it has several.", format{"an address or a name", "192.0.2.7"}},
	kBindInterface:                    {"The network interface of this computer from which to connect.", format{"the name of an interface", "eth0"}},
	kCiphers:                          {"The ciphers that are offered, the preferred one first.", ofAlgorithms("^aes128-ctr")},
	kControlPath:                      {"Where the socket of a shared connection is. Give it %C, so that each host has its own.", format{"a path with %-tokens, or none", "~/.ssh/%C"}},
	kHostKeyAlgorithms:                {"Which types of host keys are accepted, the preferred one first.", ofKeyTypes},
	kHostKeyAlias:                     {"The name under which the host key is kept in known_hosts. Useful for several hosts behind one address, and for tunnels.", ofWord},
	kHostbasedAcceptedAlgorithms:      {"With which types of keys host-based logins may sign.", ofKeyTypes},
	kIdentityAgent:                    {"The socket of the agent that holds your keys, if it is not that of SSH_AUTH_SOCK.", format{"a path, $VARIABLE, SSH_AUTH_SOCK or none", "~/.agent.sock"}},
	kIgnoreUnknown:                    {"Keywords that are passed over where ssh does not know them, for a file that is shared between systems. Stands best at the top.", format{"keywords with commas between; * and ? stand for letters", "UseKeychain,AddKeys*"}},
	kKbdInteractiveDevices:            {"Which ways of asking the server is told to prefer, for the few that have several.", format{"names with commas between", "pam"}},
	kKexAlgorithms:                    {"The key exchanges that are offered, the preferred one first.", ofAlgorithms("^curve25519-sha256")},
	kCASignatureAlgorithms:            {"With which algorithms a certificate authority may have signed.", ofKeyTypes},
	kLocalCommand:                     {"A command that runs on this computer once you are logged in. PermitLocalCommand must allow it.", ofCommand},
	kRemoteCommand:                    {"What runs on the server in place of a shell.", ofCommand},
	kLogLevel:                         {"How much ssh tells of what it does.", format{"QUIET, FATAL, ERROR, INFO, VERBOSE, DEBUG, DEBUG2 or DEBUG3", "VERBOSE"}},
	kMACs:                             {"The checksums that guard the data, the preferred one first. Ciphers with gcm or poly1305 need none.", ofAlgorithms("^hmac-sha2-256")},
	kPKCS11Provider:                   {"The library that speaks to a smart card with your keys.", ofLibrary},
	kSecurityKeyProvider:              {"The library that speaks to a FIDO security key, in place of the one that is built in.", ofLibrary},
	kPreferredAuthentications:         {"In which order the ways to log in are tried.", format{"methods with commas between", "publickey,keyboard-interactive,password"}},
	kPubkeyAcceptedAlgorithms:         {"With which algorithms your keys may sign. An old server may need +ssh-rsa.", ofKeyTypes},
	kRevokedHostKeys:                  {"Files of host keys that are refused in any case; OpenSSH before 10.3 takes one.", ofPaths},
	kXAuthLocation:                    {"Where the program xauth is, which X11 forwarding needs.", ofPath},
	kKnownHostsCommand:                {"A program that prints host keys, asked in addition to the known_hosts files.", format{"a command with its full path, or none; %-tokens are filled in", "/usr/bin/program %H"}},
	kTag:                              {"A label that Match tagged lines can test. Sallyport shows it as a tag of the host and finds hosts by it.", ofWord},
	kVersionAddendum:                  {"A text that is added to the version that ssh tells the server.", format{"a text to the end of the line, or none", "research"}},
	kDynamicForward:                   {"A SOCKS proxy on this computer: what you send through it leaves from the server.", format{"[bind:]port", "1080"}},
	kLocalForward:                     {"Makes a service that the server can reach appear on a port of this computer. The host is named as the server would name it.", ofForward},
	kRemoteForward:                    {"Makes a service of this computer appear on a port of the server. With a port alone it is a SOCKS proxy there.", ofForward},
	kIdentityFile:                     {"A private key to log in with. Each line adds one; without any, the usual names in ~/.ssh are tried.", ofPath},
	kCanonicalDomains:                 {"The domains in which CanonicalizeHostname looks for a short name, in this order.", format{"domains with spaces between, or none", "example.org lab.example.org"}},
	kCertificateFile:                  {"A certificate for one of your keys, if it does not lie beside it as KEY-cert.pub.", ofPath},
	kGlobalKnownHostsFile:             {"The files of host keys that hold for everybody on this computer.", ofPaths},
	kUserKnownHostsFile:               {"The files of host keys that you have accepted. New ones go into the first.", ofPaths},
	kSendEnv:                          {"Variables of your environment that the server is sent. It decides which it takes.", ofVariables},
	kSetEnv:                           {"Variables that are set on the server, whatever they are here. It decides which it takes.", format{"NAME=value, with spaces between several", "LANG=C EDITOR=nano"}},
	kLogVerbose:                       {"Parts of ssh's own source that log everything. For hunting a fault in ssh.", format{"file:function:line with commas between; * stands for anything", "kex.c:*:1000"}},
	kChannelTimeout:                   {"Closes kinds of channels, as sessions or forwards, that were idle for too long.", format{"KIND=TIME with spaces between, or none", "session=5m direct-tcpip=1h"}},
	kPermitRemoteOpen:                 {"Where a SOCKS proxy on the server (RemoteForward with a port alone) may lead.", format{"host:port with spaces between, any or none", "localhost:80 example.org:443"}},
	kAddKeysToAgent:                   {"Gives a key to the agent once you have unlocked it, so that you are asked once; with a time, for so long.", format{"yes, no, ask, confirm, or a time", "1h"}},
	kForwardAgent:                     {"Lets the server use your agent. Whoever rules that server can then log in as you: ProxyJump is safer.", format{"yes, no, or the path of an agent's socket", "yes"}},
	kConnectTimeout:                   {"How long to wait for the server to answer.", ofTime},
	kTunnelDevice:                     {"Which network devices Tunnel opens, here and on the server.", format{"a number or any, and after a colon that of the server", "0:any"}},
	kCanonicalizePermittedCNAMEs:      {"Which aliases of the DNS may be followed when a short name is completed.", format{"FROM:TO patterns with spaces between, or none", "*.example.org:*.example.net"}},
	kControlPersist:                   {"Keeps a shared connection open in the background after its last use: for ever, or for a time.", format{"yes, no, or a time", "10m"}},
	kEscapeChar:                       {"The key that, after Enter, begins a command to ssh itself, as ~. to hang up.", format{"a character, ^ and a letter, or none", "^B"}},
	kIPQoS:                            {"Marks packets for routers that treat some better: first those of shells, then those of bulk transfers.", format{"one or two names, as af21, cs1, ef or none", "af21 cs1"}},
	kRekeyLimit:                       {"After how much data, and after how much time, fresh keys are agreed on.", format{"a size as 1G or default, and maybe a time", "1G 1h"}},
	kStreamLocalBindMask:              {"Who may use a socket file that a forward makes: the bits that are taken away, as in umask.", format{"an octal number", "0177"}},
	kSyslogFacility:                   {"Under which heading messages go to the system's log.", format{"DAEMON, USER, AUTH or LOCAL0 to LOCAL7", "USER"}},
	kProxyCommand:                     {"A program that makes the connection in place of a direct one. For jump hosts, ProxyJump is simpler.", format{"a command to the end of the line, or none; %h and %p are the goal", "nc %h %p"}},
	kProxyJump:                        {"The hosts to go through on the way, the nearest first. Each is logged in to by its own settings.", format{"[user@]host[:port] with commas between, or none", "gateway,dany@inner:2222"}},
	kRefuseConnection:                 {"Refuses to connect, and shows this text instead. Guards a host that should not be used any more.", format{"a text, in quotes", `"use the new cluster"`}},
}
