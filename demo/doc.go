// Package demo is a small network to try Sallyport on: SSH servers that live
// in this process, a configuration that leads to them, and a home directory
// with the keys, all thrown away at the end. It needs no server, no root and
// no configuration, and the product runs on it as on any other -F file.
//
//	you ─┬─▶ got-bastion ──▶ targaryen   a web page on 8080
//	     ├─▶ tyrell                      a host key that is not known yet
//	     ├─▶ martell                     a host key that has changed
//	     ├─▶ ens ──────────▶ work-ens
//	     ├─▶ spirit1 ──────▶ jean-zay    by ProxyCommand ssh spirit1 -W
//	     ├─▶ othervm                     a key with a passphrase
//	     ├─▶ esrf                        a password, on port 5022 if it is free
//	     └─▶ idris-2fa                   a password, then a one-time code
//
// Rules:
//   - A login gives nobody anything real. The shell is a toy written here; it
//     starts no process and sees no file of the machine.
//   - The network leads nowhere. A host on the left listens on 127.0.0.1; the
//     rest are reached through a buffered pipe in memory, by names of a table.
//     No name that a client sends is ever looked up or dialled.
//   - Addresses of inner hosts are of the ranges reserved for examples (RFC
//     2606, RFC 5737), so that even a direct dial by mistake reaches nobody.
//
// References: RFC 4251 to 4254 and 4256; session.c and serverloop.c of
// OpenSSH for what a server answers.
package demo
