//go:build linux

package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sleptFile says by how many seconds the clock that goes on while a machine
// sleeps (CLOCK_BOOTTIME) is ahead for the programs that runSleeper has started.
const sleptFile = "/run/slept"

// asleep completes a command to one that runs, with all that it starts, on a
// machine which the test can put to sleep: no namespace lets a clock jump under
// a process that runs.
func (s *stayer) asleep(argv ...string) []string {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	return append([]string{"env", roleVariable + "=sleeper", self}, s.resolve(argv)...)
}

// sleeps lets the machine have slept for an hour.
func (s *stayer) sleeps() {
	s.slept += 3600
	if err := s.write(sleptFile, strconv.FormatInt(s.slept, 10)); err != nil {
		s.t.Fatal(err)
	}
}

// runSleeper becomes another program, whose questions for CLOCK_BOOTTIME are
// answered by a process that stays beside it (seccomp_unotify(2)), and whose
// timers that is told to end when the clock jumps: a program that reads one of
// them looks at the clocks, as where it was cancelled. All other clocks are the
// kernel's.
func runSleeper(argv []string) error {
	if err := os.Unsetenv(roleVariable); err != nil {
		return err
	}
	failed := make(chan error)
	listeners := make(chan int)
	kept := make(chan struct{})
	go func() { // its thread is the program's, or ends with it
		runtime.LockOSThread()
		fd, err := interceptClock()
		if err != nil {
			failed <- err
			return
		}
		listeners <- fd
		<-kept
		path, err := exec.LookPath(argv[0])
		if err == nil {
			err = unix.Exec(path, argv, os.Environ())
		}
		failed <- err
	}()
	select {
	case err := <-failed:
		return err
	case fd := <-listeners: // here the clock is as it was
		keeper := exec.Command("/proc/self/exe")
		keeper.Env = append(os.Environ(), roleVariable+"=clock")
		keeper.ExtraFiles = []*os.File{os.NewFile(uintptr(fd), "seccomp")}
		keeper.SysProcAttr = &unix.SysProcAttr{Setsid: true}
		if err := keeper.Start(); err != nil {
			return err
		}
		close(kept)
		return <-failed
	}
}

// interceptClock has this thread, and what it becomes and starts, ask whoever
// has the descriptor for the time of CLOCK_BOOTTIME and for timers.
func interceptClock() (listener int, err error) {
	const number, first = 0, 16 // of the call and of its first argument in struct seccomp_data, on a little-endian machine
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	unlessSkip := func(value uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jf: skip}
	}
	end := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	filter := []unix.SockFilter{
		load(number), unlessSkip(unix.SYS_TIMERFD_CREATE, 1),
		end(unix.SECCOMP_RET_USER_NOTIF),
		unlessSkip(unix.SYS_CLOCK_GETTIME, 3),
		load(first), unlessSkip(unix.CLOCK_BOOTTIME, 1),
		end(unix.SECCOMP_RET_USER_NOTIF),
		end(unix.SECCOMP_RET_ALLOW),
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return 0, os.NewSyscallError("seccomp", errno)
	}
	return int(fd), nil
}

// notification and response are struct seccomp_notif and seccomp_notif_resp.
type notification struct {
	id         uint64
	pid, flags uint32
	number     int32
	arch       uint32
	at         uint64
	args       [6]uint64
}

type response struct {
	id    uint64
	value int64
	err   int32
	flags uint32
}

// lent is struct seccomp_notif_addfd, with which a descriptor is the answer.
type lent struct {
	id                          uint64
	flags, from, to, descriptor uint32
}

const (
	ioctlLend = 0x40182103 // SECCOMP_IOCTL_NOTIF_ADDFD
	clockTick = 50         // milliseconds between looks whether the clock has jumped
)

// runClock answers as long as there is a process that may ask.
func runClock([]string) error {
	const listener = 3
	var timers []int
	for before := readSlept(); ; {
		ready := []unix.PollFd{{Fd: listener, Events: unix.POLLIN}}
		n, err := unix.Poll(ready, clockTick)
		if now := readSlept(); now != before {
			before = now
			endAll(timers)
		}
		switch {
		case errors.Is(err, unix.EINTR), err == nil && n == 0:
			continue
		case err != nil || ready[0].Revents&unix.POLLIN == 0:
			return err // all have ended
		}
		var asked notification
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, listener, unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&asked))); errno != 0 {
			continue // who asked was interrupted, and asks again
		}
		answer := response{id: asked.id}
		if asked.number == unix.SYS_TIMERFD_CREATE {
			timer, err := lendTimer(listener, asked)
			if err == nil {
				timers = append(timers, timer)
				continue
			}
			answer.err = -int32(unix.EINVAL)
		} else if err := tellTime(int(asked.pid), int64(asked.args[1])); err != nil {
			answer.err = -int32(unix.EINVAL)
		}
		_, _, _ = unix.Syscall(unix.SYS_IOCTL, listener, unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&answer))) // who asked may be gone
	}
}

// readSlept is what sleptFile says.
func readSlept() string {
	text, _ := os.ReadFile(sleptFile) // before the first sleep there is none
	return string(text)
}

// lendTimer makes the timer that was asked for, which both then have.
func lendTimer(listener uintptr, asked notification) (timer int, err error) {
	timer, err = unix.TimerfdCreate(int(asked.args[0]), int(asked.args[1]))
	if err != nil {
		return 0, err
	}
	answer := lent{id: asked.id, flags: unix.SECCOMP_ADDFD_FLAG_SEND, from: uint32(timer), descriptor: unix.O_CLOEXEC}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, listener, ioctlLend, uintptr(unsafe.Pointer(&answer))); errno != 0 {
		return 0, errors.Join(errno, unix.Close(timer))
	}
	return timer, nil
}

// endAll has timers end at once.
func endAll(timers []int) {
	soon := unix.ItimerSpec{Value: unix.Timespec{Nsec: 1}}
	for _, timer := range timers {
		_ = unix.TimerfdSettime(timer, 0, &soon, nil) // one that nobody else has any more harms nobody
	}
}

// tellTime writes the time into the struct timespec of a process.
func tellTime(pid int, where int64) error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return err
	}
	slept := int64(0)
	if text, err := os.ReadFile(sleptFile); err == nil {
		if slept, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err != nil {
			return err
		}
	}
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer memory.Close()
	timespec := binary.LittleEndian.AppendUint64(nil, uint64(now.Sec+slept))
	timespec = binary.LittleEndian.AppendUint64(timespec, uint64(now.Nsec))
	_, err = memory.WriteAt(timespec, where)
	return err
}
