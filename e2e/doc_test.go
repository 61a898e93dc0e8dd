// Package e2e tries the built program from outside, the way its users have it
// before them: in a terminal (tmux), on computers of their own (Linux
// namespaces), against the servers they meet (OpenSSH's sshd, PAM, Jupyter),
// with a browser at the end of the tunnel.
//
//	client ──── bastion ──── inner       inner and mid do not route to the
//	               │           │         client: each hop is the only way
//	               └─── mid ───┘
//
// Wherever OpenSSH's ssh can do the same, it runs the same steps first, in a
// subtest called "ssh": what is wrong with the lab fails there, and what fails
// only in the subtest called "sallyport" is ours. So
//
//	go test ./e2e -run '/^ssh$'
//
// proves the lab alone.
//
// The tests need root for the namespaces and are skipped without it; with
// CI=true in the environment they fail instead. With SALLYPORT_ARTIFACTS
// naming a directory, the browser's screenshot is kept there. Two tests can be
// made as long as they have to be once in a while: SALLYPORT_CHAOS=10m has all
// that can break break for ten minutes (the seed is logged, and
// SALLYPORT_CHAOS_SEED has it all come again), and SALLYPORT_POUR=1073741824 has
// each form of forward carry 1 GiB each way.
package e2e
