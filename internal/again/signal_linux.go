//go:build linux && (amd64 || arm64)

package again

import (
	"syscall"
	"unsafe"
)

// action is struct sigaction of the kernel.
type action struct {
	handler, flags, restorer, mask uintptr
}

const (
	ignored  = 1          // SIG_IGN
	restorer = 0x04000000 // SA_RESTORER, which amd64 insists on
	onStack  = 0x08000000 // SA_ONSTACK: that of a goroutine is too small
)

// onSignals has the signals that end a client of ssh end the program as they
// do there, with status 255 (control_client_sighandler of mux.c). The runtime
// would have it die by them, and package os/signal is not there yet. One that
// is ignored stays so, as nohup(1) wants it.
func onSignals() (restore func()) {
	var before [3]action
	signals := [3]syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM}
	for i, s := range signals {
		sigaction(s, nil, &before[i])
		if before[i].handler != ignored {
			sigaction(s, &action{handler: leaves(), flags: restorer | onStack, restorer: leaves()}, nil)
		}
	}
	return func() {
		for i, s := range signals {
			sigaction(s, &before[i], nil)
		}
	}
}

func sigaction(s syscall.Signal, to, from *action) {
	const maskSize = 8
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(from)), maskSize, 0, 0)
}

// leaves is the address of a handler that ends the process with status 255.
func leaves() uintptr
