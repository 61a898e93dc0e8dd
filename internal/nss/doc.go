// Package nss looks up hosts and users as ssh does, which asks the C library, in a
// program that is not linked with it: that would cost each start a millisecond.
//
// Package net and os/user read /etc/hosts, /etc/passwd and ask name servers by
// themselves. What a machine has beyond these (LDAP, SSSD, systemd, mDNS, ...) are
// modules of the C library which nsswitch.conf(5) names. Where it names one that
// may know more, glibc's own program getent(1) is asked, which calls the same
// functions as ssh; where there is no getent, packages net and os/user have the
// last word. On other systems than Linux they ask the system anyway.
package nss
