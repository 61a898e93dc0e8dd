package transport

import (
	"context"
	"errors"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// watchNetwork calls changed whenever an interface, an address or a route
// comes, goes or changes (rtnetlink(7)). It fails, at the latest when ctx ends.
func watchNetwork(ctx context.Context, changed func()) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	socket := os.NewFile(uintptr(fd), "netlink")
	defer socket.Close()
	defer context.AfterFunc(ctx, func() { socket.Close() })()
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: networkGroups}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	message := make([]byte, os.Getpagesize()) // what it says in detail does not matter
	for {
		if _, err := socket.Read(message); err != nil && !errors.Is(err, unix.ENOBUFS) { // so many changes that some were lost
			return err
		}
		changed()
	}
}

// The groups of rtnetlink(7) as bits: group n of the kernel is bit n-1.
const networkGroups = unix.RTMGRP_LINK |
	1<<(unix.RTNLGRP_IPV4_IFADDR-1) | 1<<(unix.RTNLGRP_IPV4_ROUTE-1) |
	1<<(unix.RTNLGRP_IPV6_IFADDR-1) | 1<<(unix.RTNLGRP_IPV6_ROUTE-1)

// clockJumps calls jumped whenever the clock on the wall is set, as the kernel also
// does when the machine wakes up (timekeeping_resume): a timer tells of it that
// never comes to its end (TFD_TIMER_CANCEL_ON_SET of timerfd_create(2)). So a
// process at rest need not look. It returns when ctx ends, with an error where
// there is no such timer.
func clockJumps(ctx context.Context, jumped func()) error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	timer := os.NewFile(uintptr(fd), "timer")
	defer timer.Close()
	defer context.AfterFunc(ctx, func() { timer.Close() })()
	late := unix.ItimerSpec{Value: unix.Timespec{Sec: math.MaxInt32}}
	if err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &late, nil); err != nil {
		return os.NewSyscallError("timerfd_settime", err)
	}
	for expired := make([]byte, 8); ; {
		jumped() // the first time for what was before the timer
		_, err := timer.Read(expired)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, unix.ECANCELED):
			return err
		}
	}
}

// asleep is for how long this machine has slept since it was started: of two
// clocks one stands still meanwhile (clock_gettime(2)).
func asleep() time.Duration {
	var awake, all unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &all) != nil {
		return 0 // before Linux 2.6.39
	}
	return time.Duration(all.Nano() - awake.Nano())
}
