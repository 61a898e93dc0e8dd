package config

// key names a keyword of ssh_config. Its order is that of the keywords table.
type key uint8

const (
	kNone key = iota

	// Lines that build the file.
	kHost
	kMatch
	kInclude

	// Lines that change nothing.
	kIgnored     // silently, as Protocol
	kDeprecated  // accepted
	kUnsupported // accepted with a complaint
	kUnknown     // refused, unless IgnoreUnknown names it

	// Options, in the order in which ssh -G prints them.
	kUser
	kHostName
	kPort
	kAddressFamily
	kBatchMode
	kCanonicalizeFallbackLocal
	kCanonicalizeHostname
	kCheckHostIP
	kCompression
	kControlMaster
	kEnableSSHKeysign
	kClearAllForwardings
	kExitOnForwardFailure
	kFingerprintHash
	kForwardX11
	kForwardX11Trusted
	kGatewayPorts
	kGSSAPIAuthentication
	kGSSAPIKeyExchange
	kGSSAPIDelegateCredentials
	kGSSAPITrustDNS
	kGSSAPIRenewalForcesRekey
	kGSSAPIClientIdentity
	kGSSAPIServerIdentity
	kGSSAPIKexAlgorithms
	kHashKnownHosts
	kHostbasedAuthentication
	kIdentitiesOnly
	kKbdInteractiveAuthentication
	kNoHostAuthenticationForLocalhost
	kPasswordAuthentication
	kPermitLocalCommand
	kProxyUseFdpass
	kPubkeyAuthentication
	kRequestTTY
	kSessionType
	kStdinNull
	kForkAfterAuthentication
	kStreamLocalBindUnlink
	kStrictHostKeyChecking
	kTCPKeepAlive
	kTunnel
	kVerifyHostKeyDNS
	kVisualHostKey
	kUpdateHostKeys
	kEnableEscapeCommandline
	kWarnWeakCrypto
	kCanonicalizeMaxDots
	kConnectionAttempts
	kForwardX11Timeout
	kNumberOfPasswordPrompts
	kServerAliveCountMax
	kServerAliveInterval
	kRequiredRSASize
	kObscureKeystrokeTiming
	kBindAddress
	kBindInterface
	kCiphers
	kControlPath
	kHostKeyAlgorithms
	kHostKeyAlias
	kHostbasedAcceptedAlgorithms
	kIdentityAgent
	kIgnoreUnknown
	kKbdInteractiveDevices
	kKexAlgorithms
	kCASignatureAlgorithms
	kLocalCommand
	kRemoteCommand
	kLogLevel
	kMACs
	kPKCS11Provider
	kSecurityKeyProvider
	kPreferredAuthentications
	kPubkeyAcceptedAlgorithms
	kRevokedHostKeys
	kXAuthLocation
	kKnownHostsCommand
	kTag
	kVersionAddendum
	kDynamicForward
	kLocalForward
	kRemoteForward
	kIdentityFile
	kCanonicalDomains
	kCertificateFile
	kGlobalKnownHostsFile
	kUserKnownHostsFile
	kSendEnv
	kSetEnv
	kLogVerbose
	kChannelTimeout
	kPermitRemoteOpen
	kAddKeysToAgent
	kForwardAgent
	kConnectTimeout
	kTunnelDevice
	kCanonicalizePermittedCNAMEs
	kControlPersist
	kEscapeChar
	kIPQoS
	kRekeyLimit
	kStreamLocalBindMask
	kSyslogFacility
	kProxyCommand
	kProxyJump
	kRefuseConnection

	// Parts of options that ssh keeps apart.
	kForwardAgentPath // ForwardAgent /path: set even where ForwardAgent yes came first
	kRekeyInterval    // the second word of RekeyLimit

	keyCount
)

// policy says what a later line does to an option that is set already.
type policy uint8

const (
	first    policy = iota // nothing: the first value wins
	firstRow               // nothing: all words of the first line win
	every                  // one more value, unless it is there already
	appended               // one more value
)

// shape is how ssh -G prints an option.
type shape uint8

const (
	single shape = iota // "key value", nothing where there is no value
	lines               // "key value" for each
	joined              // "key value value", "key none" where there is none
	hidden              // not at all, or by another key
)

// keyword is a row of the table: all that is particular to one keyword.
type keyword struct {
	name   string // in ssh_config(5)'s spelling
	lower  string // as ssh prints it
	read   reader
	choice choices // of read = readChoice
	policy policy
	shape  shape
	since  version // the release that brought it; 0 for those before 9.2
	// always says that ssh sets it outside of the blocks that apply, too
	// (readconf.c forgets to ask).
	always bool
}

// choices are the words of an option and what ssh -G prints for each: the
// first name of the same value in readconf.c's tables.
type choices map[string]string

var (
	onOff = choices{"true": "yes", "false": "no", "yes": "yes", "no": "no"}
	// keepAlives are onOff as it is since 10.6.
	keepAlives = choices{"true": "true", "false": "false", "yes": "true", "no": "false", "transport": "true", "all": "all"}
	yesNoZlib  = choices{"yes": "yes", "no": "no"}
	yesNoAsk   = choices{"true": "true", "false": "false", "yes": "true", "no": "false", "ask": "ask"}
	hostKeys   = choices{"true": "true", "false": "false", "yes": "true", "no": "false", "ask": "ask", "off": "false", "accept-new": "accept-new"}
	warnings   = choices{"true": "yes", "false": "no", "yes": "yes", "no": "no", "no-pq-kex": "no"}
	families   = choices{"inet": "inet", "inet6": "inet6", "any": "any"}
	masters    = choices{"true": "true", "yes": "true", "false": "false", "no": "false", "auto": "auto", "ask": "ask", "autoask": "autoask"}
	tunnels    = choices{"ethernet": "ethernet", "point-to-point": "point-to-point", "true": "point-to-point", "yes": "point-to-point", "false": "false", "no": "false"}
	ttys       = choices{"true": "true", "yes": "true", "false": "false", "no": "false", "force": "force", "auto": "auto"}
	sessions   = choices{"none": "none", "subsystem": "subsystem", "default": "default"}
	canonical  = choices{"true": "true", "false": "false", "yes": "true", "no": "false", "always": "always"}
	pubkeys    = choices{"true": "true", "false": "false", "yes": "true", "no": "false", "unbound": "unbound", "host-bound": "host-bound"}
	agents     = choices{"true": "true", "false": "false", "yes": "true", "no": "false", "ask": "ask", "confirm": "confirm"}
)

// keywords is filled by init, since its readers look into it.
var keywords [keyCount]keyword

func init() {
	keywords = [keyCount]keyword{
		kHost:                             {name: "Host", shape: hidden},
		kMatch:                            {name: "Match", shape: hidden},
		kInclude:                          {name: "Include", shape: hidden},
		kIgnored:                          {name: "Protocol", shape: hidden},
		kDeprecated:                       {shape: hidden},
		kUnsupported:                      {shape: hidden},
		kUnknown:                          {shape: hidden},
		kUser:                             {name: "User", read: readString},
		kHostName:                         {name: "HostName", read: readString},
		kPort:                             {name: "Port", read: readPort},
		kAddressFamily:                    {name: "AddressFamily", read: readChoice, choice: families},
		kBatchMode:                        {name: "BatchMode", read: readChoice, choice: onOff},
		kCanonicalizeFallbackLocal:        {name: "CanonicalizeFallbackLocal", read: readChoice, choice: onOff},
		kCanonicalizeHostname:             {name: "CanonicalizeHostname", read: readChoice, choice: canonical},
		kCheckHostIP:                      {name: "CheckHostIP", read: readChoice, choice: onOff},
		kCompression:                      {name: "Compression", read: readChoice, choice: yesNoZlib},
		kControlMaster:                    {name: "ControlMaster", read: readChoice, choice: masters},
		kEnableSSHKeysign:                 {name: "EnableSSHKeysign", read: readChoice, choice: onOff},
		kClearAllForwardings:              {name: "ClearAllForwardings", read: readChoice, choice: onOff},
		kExitOnForwardFailure:             {name: "ExitOnForwardFailure", read: readChoice, choice: onOff},
		kFingerprintHash:                  {name: "FingerprintHash", read: readDigest},
		kForwardX11:                       {name: "ForwardX11", read: readChoice, choice: onOff},
		kForwardX11Trusted:                {name: "ForwardX11Trusted", read: readChoice, choice: onOff},
		kGatewayPorts:                     {name: "GatewayPorts", read: readChoice, choice: onOff},
		kGSSAPIAuthentication:             {name: "GSSAPIAuthentication", read: readChoice, choice: onOff},
		kGSSAPIKeyExchange:                {name: "GSSAPIKeyExchange", read: readChoice, choice: onOff},
		kGSSAPIDelegateCredentials:        {name: "GSSAPIDelegateCredentials", read: readChoice, choice: onOff},
		kGSSAPITrustDNS:                   {name: "GSSAPITrustDns", read: readChoice, choice: onOff},
		kGSSAPIRenewalForcesRekey:         {name: "GSSAPIRenewalForcesRekey", read: readChoice, choice: onOff},
		kGSSAPIClientIdentity:             {name: "GSSAPIClientIdentity", read: readString},
		kGSSAPIServerIdentity:             {name: "GSSAPIServerIdentity", read: readString},
		kGSSAPIKexAlgorithms:              {name: "GSSAPIKexAlgorithms", read: readGSSKex},
		kHashKnownHosts:                   {name: "HashKnownHosts", read: readChoice, choice: onOff},
		kHostbasedAuthentication:          {name: "HostbasedAuthentication", read: readChoice, choice: onOff},
		kIdentitiesOnly:                   {name: "IdentitiesOnly", read: readChoice, choice: onOff},
		kKbdInteractiveAuthentication:     {name: "KbdInteractiveAuthentication", read: readChoice, choice: onOff},
		kNoHostAuthenticationForLocalhost: {name: "NoHostAuthenticationForLocalhost", read: readChoice, choice: onOff},
		kPasswordAuthentication:           {name: "PasswordAuthentication", read: readChoice, choice: onOff},
		kPermitLocalCommand:               {name: "PermitLocalCommand", read: readChoice, choice: onOff},
		kProxyUseFdpass:                   {name: "ProxyUseFdpass", read: readChoice, choice: onOff},
		kPubkeyAuthentication:             {name: "PubkeyAuthentication", read: readChoice, choice: pubkeys},
		kRequestTTY:                       {name: "RequestTTY", read: readChoice, choice: ttys},
		kSessionType:                      {name: "SessionType", read: readChoice, choice: sessions},
		kStdinNull:                        {name: "StdinNull", read: readChoice, choice: onOff},
		kForkAfterAuthentication:          {name: "ForkAfterAuthentication", read: readChoice, choice: onOff},
		kStreamLocalBindUnlink:            {name: "StreamLocalBindUnlink", read: readChoice, choice: onOff},
		kStrictHostKeyChecking:            {name: "StrictHostKeyChecking", read: readChoice, choice: hostKeys},
		kTCPKeepAlive:                     {name: "TCPKeepAlive", read: readChoice, choice: onOff},
		kTunnel:                           {name: "Tunnel", read: readChoice, choice: tunnels},
		kVerifyHostKeyDNS:                 {name: "VerifyHostKeyDNS", read: readChoice, choice: yesNoAsk},
		kVisualHostKey:                    {name: "VisualHostKey", read: readChoice, choice: onOff},
		kUpdateHostKeys:                   {name: "UpdateHostKeys", read: readChoice, choice: yesNoAsk},
		kEnableEscapeCommandline:          {name: "EnableEscapeCommandline", read: readChoice, choice: onOff},
		kWarnWeakCrypto:                   {name: "WarnWeakCrypto", read: readChoice, choice: warnings, since: v10_1},
		kCanonicalizeMaxDots:              {name: "CanonicalizeMaxDots", read: readInt},
		kConnectionAttempts:               {name: "ConnectionAttempts", read: readInt},
		kForwardX11Timeout:                {name: "ForwardX11Timeout", read: readTime},
		kNumberOfPasswordPrompts:          {name: "NumberOfPasswordPrompts", read: readInt},
		kServerAliveCountMax:              {name: "ServerAliveCountMax", read: readInt},
		kServerAliveInterval:              {name: "ServerAliveInterval", read: readTime},
		kRequiredRSASize:                  {name: "RequiredRSASize", read: readInt},
		kObscureKeystrokeTiming:           {name: "ObscureKeystrokeTiming", read: readObscure, since: v9_5},
		kBindAddress:                      {name: "BindAddress", read: readString},
		kBindInterface:                    {name: "BindInterface", read: readString},
		kCiphers:                          {name: "Ciphers", read: readCiphers},
		kControlPath:                      {name: "ControlPath", read: readString},
		kHostKeyAlgorithms:                {name: "HostKeyAlgorithms", read: readKeyTypes},
		kHostKeyAlias:                     {name: "HostKeyAlias", read: readString},
		kHostbasedAcceptedAlgorithms:      {name: "HostbasedAcceptedAlgorithms", read: readKeyTypes},
		kIdentityAgent:                    {name: "IdentityAgent", read: readAgent},
		kIgnoreUnknown:                    {name: "IgnoreUnknown", read: readString},
		kKbdInteractiveDevices:            {name: "KbdInteractiveDevices", read: readString},
		kKexAlgorithms:                    {name: "KexAlgorithms", read: readKex},
		kCASignatureAlgorithms:            {name: "CASignatureAlgorithms", read: readKeyTypes},
		kLocalCommand:                     {name: "LocalCommand", read: readCommand},
		kRemoteCommand:                    {name: "RemoteCommand", read: readCommand},
		kLogLevel:                         {name: "LogLevel", read: readLogLevel},
		kMACs:                             {name: "MACs", read: readMACs},
		kPKCS11Provider:                   {name: "PKCS11Provider", read: readString},
		kSecurityKeyProvider:              {name: "SecurityKeyProvider", read: readString},
		kPreferredAuthentications:         {name: "PreferredAuthentications", read: readString},
		kPubkeyAcceptedAlgorithms:         {name: "PubkeyAcceptedAlgorithms", read: readKeyTypes},
		kRevokedHostKeys:                  {name: "RevokedHostKeys", read: readRevoked, policy: firstRow},
		kXAuthLocation:                    {name: "XAuthLocation", read: readString},
		kKnownHostsCommand:                {name: "KnownHostsCommand", read: readCommand},
		kTag:                              {name: "Tag", read: readString, since: v9_4},
		kVersionAddendum:                  {name: "VersionAddendum", read: readVersionAddendum, since: v10_0},
		kDynamicForward:                   {name: "DynamicForward", read: readForward, policy: every, shape: lines},
		kLocalForward:                     {name: "LocalForward", read: readForward, policy: every, shape: lines},
		kRemoteForward:                    {name: "RemoteForward", read: readForward, policy: every, shape: lines},
		kIdentityFile:                     {name: "IdentityFile", read: readString, policy: every, shape: lines},
		kCanonicalDomains:                 {name: "CanonicalDomains", read: readDomains, policy: firstRow, shape: joined},
		kCertificateFile:                  {name: "CertificateFile", read: readString, policy: every, shape: lines},
		kGlobalKnownHostsFile:             {name: "GlobalKnownHostsFile", read: readWords, policy: firstRow, shape: joined},
		kUserKnownHostsFile:               {name: "UserKnownHostsFile", read: readWords, policy: firstRow, shape: joined},
		kSendEnv:                          {name: "SendEnv", read: readSendEnv, policy: appended, shape: lines},
		kSetEnv:                           {name: "SetEnv", read: readSetEnv, policy: firstRow, shape: lines},
		kLogVerbose:                       {name: "LogVerbose", read: readWords, policy: first, shape: joined},
		kChannelTimeout:                   {name: "ChannelTimeout", read: readChannelTimeout, policy: firstRow, shape: joined, since: v9_6},
		kPermitRemoteOpen:                 {name: "PermitRemoteOpen", read: readPermits, policy: firstRow, shape: joined},
		kAddKeysToAgent:                   {name: "AddKeysToAgent", read: readAddKeys},
		kForwardAgent:                     {name: "ForwardAgent", read: readForwardAgent},
		kConnectTimeout:                   {name: "ConnectTimeout", read: readTime},
		kTunnelDevice:                     {name: "TunnelDevice", read: readTunnelDevice},
		kCanonicalizePermittedCNAMEs:      {name: "CanonicalizePermittedCNAMEs", read: readCNAMEs, policy: firstRow, shape: joined},
		kControlPersist:                   {name: "ControlPersist", read: readPersist},
		kEscapeChar:                       {name: "EscapeChar", read: readEscapeChar},
		kIPQoS:                            {name: "IPQoS", read: readIPQoS},
		kRekeyLimit:                       {name: "RekeyLimit", read: readRekeyLimit},
		kStreamLocalBindMask:              {name: "StreamLocalBindMask", read: readBindMask, always: true},
		kSyslogFacility:                   {name: "SyslogFacility", read: readFacility, always: true},
		kProxyCommand:                     {name: "ProxyCommand", read: readCommand},
		kProxyJump:                        {name: "ProxyJump", read: readJump},
		kRefuseConnection:                 {name: "RefuseConnection", read: readString, shape: hidden, since: v10_1},
		kForwardAgentPath:                 {name: "ForwardAgent", shape: hidden},
		kRekeyInterval:                    {name: "RekeyLimit", shape: hidden},
	}
	for k := kHost; k < keyCount; k++ {
		keywords[k].lower = lower(keywords[k].name)
		if name := keywords[k].lower; name != "" && keysByName[name] == kNone {
			keysByName[name] = k
		}
	}
}

// keysByName finds a keyword by its lower-case name. Here stand the names that
// are no longer current; init adds the others.
var keysByName = map[string]key{
	"cipher":                          kDeprecated,
	"fallbacktorsh":                   kDeprecated,
	"globalknownhostsfile2":           kDeprecated,
	"rhostsauthentication":            kDeprecated,
	"useblacklistedkeys":              kDeprecated, // Debian
	"userknownhostsfile2":             kDeprecated,
	"useroaming":                      kDeprecated,
	"usersh":                          kDeprecated,
	"useprivilegedport":               kDeprecated,
	"afstokenpassing":                 kUnsupported,
	"kerberosauthentication":          kUnsupported,
	"kerberostgtpassing":              kUnsupported,
	"rsaauthentication":               kUnsupported,
	"rhostsrsaauthentication":         kUnsupported,
	"compressionlevel":                kUnsupported,
	"smartcarddevice":                 kPKCS11Provider,
	"challengeresponseauthentication": kKbdInteractiveAuthentication,
	"skeyauthentication":              kKbdInteractiveAuthentication,
	"tisauthentication":               kKbdInteractiveAuthentication,
	"dsaauthentication":               kPubkeyAuthentication,
	"identityfile2":                   kIdentityFile,
	"keepalive":                       kTCPKeepAlive,
	"hostbasedkeytypes":               kHostbasedAcceptedAlgorithms,
	"pubkeyacceptedkeytypes":          kPubkeyAcceptedAlgorithms,
	"protocolkeepalives":              kServerAliveInterval, // Debian
	"setuptimeout":                    kServerAliveInterval, // Debian
}

// longestKeyword bounds the buffer in which a keyword is lower-cased.
const longestKeyword = 40

// lookup finds a keyword as written, in any case, without allocating.
func lookup(word string) key {
	var buf [longestKeyword]byte
	if len(word) > len(buf) {
		return kUnknown
	}
	for i := 0; i < len(word); i++ {
		c := word[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	if k := keysByName[string(buf[:len(word)])]; k != kNone {
		return k
	}
	return kUnknown
}
