package transport

import "syscall"

// endWithUs has a child end when this process does, however that comes.
func endWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGTERM }
