// Package sshtest lets tests run against the programs of OpenSSH: a server
// that touches nothing of its user, an agent, keys. Only tests import it.
//
// Whatever it starts ends with the test that started it, by its process
// number.
package sshtest
