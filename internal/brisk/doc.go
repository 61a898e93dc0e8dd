// Package brisk reads and writes sockets, and the descriptors of others, by calls of
// which Go's runtime is not told.
//
// Its monitor sleeps while a process rests, and the first call afterwards that it is
// told of wakes it: 10 to 40 µs on the way of a key that takes 100 to 200 there and
// back, and then a thread that looks every 20 µs beside it, on whichever processor
// somebody else works. And it takes the processor from who is in such a call for
// that long, as the loopback device is with 32 KiB: on one processor another thread
// is woken then, for which the first waits (sysmon in proc.go of Go's runtime).
// These calls never wait, and need no monitor.
package brisk
