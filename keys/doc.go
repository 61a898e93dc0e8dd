// Package keys knows key files, fingerprints and agents: what a key is, where
// it came from, and how to sign with it. It does not know hosts.
//
// References: PROTOCOL.key and PROTOCOL.u2f of OpenSSH (the private key format,
// keys of FIDO tokens), appendix C of PuTTY's manual (.ppk files),
// ssh-sk-client.c (how ssh-sk-helper is spoken to), RFC 4716,
// draft-miller-ssh-agent, and "The drunken bishop" (key fingerprint art, as
// in sshkey.c).
package keys
