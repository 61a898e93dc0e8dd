//go:build linux && (amd64 || arm64)

package again

import "syscall"

// The messages of PROTOCOL.mux that are needed here.
const (
	kindHello         = 0x00000001
	kindExit          = 0x80000004
	kindSessionOpened = 0x80000006

	protocol = 4 // SSHMUX_VER of mux.c
)

// largest is the size of a recipe at most, in bytes; a request has 256 KiB.
const largest = 512 << 10

// lost is the exit status of ssh where there is none of the command.
const lost = 255

// helloLimit is how long a master that hangs may keep the program from looking
// for another way.
var helloLimit = syscall.Timeval{Sec: 2}

var _ = func() bool {
	if status, done := ride(); done {
		syscall.Exit(status)
	}
	return true
}()

// ride runs the command over the socket of its recipe.
func ride() (status int, done bool) {
	l, ok := Parse(arguments(words()))
	if !ok {
		return 0, false
	}
	file := place(l)
	r, ok := decode(recall(file), l)
	if !ok {
		return 0, false
	}
	master, err := connect(r.Socket)
	if err != nil {
		syscall.Unlink(file)
		return 0, false
	}
	defer syscall.Close(master)
	restore := onSignals()
	if !open(master, r, l.command) {
		syscall.Unlink(file) // a person who has refused is asked no second time by the next run
		restore()
		return 0, false
	}
	return wait(master, r), true
}

// place is where the recipe of a command line is, "" for nowhere.
func place(l Line) string {
	dir, set := syscall.Getenv("XDG_RUNTIME_DIR")
	if !set || dir == "" || dir[0] != '/' {
		return ""
	}
	return dir + Dir + l.Name()
}

// words are those of this process's command line.
func words() (all []string) {
	text := contents("/proc/self/cmdline", 1<<20)
	for from, i := 0, 0; i < len(text); i++ {
		if text[i] == 0 {
			all = append(all, string(text[from:i]))
			from = i + 1
		}
	}
	return all
}

// recall is the content of a recipe's file, nil if there is none that is ours
// alone.
func recall(path string) []byte {
	var s syscall.Stat_t
	if syscall.Lstat(path, &s) != nil || int(s.Uid) != syscall.Geteuid() || s.Mode != syscall.S_IFREG|0o600 {
		return nil
	}
	return contents(path, largest)
}

// contents is nil for what cannot be read whole.
func contents(path string, limit int) []byte {
	f, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil
	}
	defer syscall.Close(f)
	b := make([]byte, 0, 4096)
	for len(b) <= limit {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := syscall.Read(f, b[len(b):cap(b)])
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return nil
		case n == 0:
			return b
		}
		b = b[:len(b)+max(n, 0)]
	}
	return nil
}

func connect(path string) (master int, err error) {
	master, err = syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err = syscall.Connect(master, &syscall.SockaddrUnix{Name: path}); err != nil {
		syscall.Close(master)
	}
	return master, err
}

// open makes the request, and tells whether the session was opened. The
// request is not made before the master has said that it is one: who does not
// get it, cannot begin it later either.
func open(master int, r Recipe, command string) bool {
	syscall.SetsockoptTimeval(master, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &helloLimit)
	if !send(master, word(nil, kindHello, protocol)) {
		return false
	}
	hello, ok := receive(master)
	if !ok || len(hello) < 8 || number(hello) != kindHello || number(hello[4:]) != protocol {
		return false
	}
	syscall.SetsockoptTimeval(master, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{})
	if !send(master, r.request(command)) {
		return false
	}
	for stream := range 3 {
		if syscall.Sendmsg(master, []byte{0}, syscall.UnixRights(stream), nil, 0) != nil {
			return false
		}
	}
	answer, ok := receive(master)
	return ok && len(answer) >= 4 && number(answer) == kindSessionOpened
}

// wait is the exit status of the session.
func wait(master int, r Recipe) (status int) {
	status, known := lost, false
	for {
		m, ok := receive(master)
		if !ok {
			break
		}
		if len(m) >= 12 && number(m) == kindExit {
			status, known = int(number(m[8:])&0xff), true
		}
	}
	if !known && r.Lost != "" {
		if again, err := connect(r.Socket); err != nil {
			syscall.Write(2, []byte(r.Lost))
		} else {
			syscall.Close(again) // a signal has ended the command
		}
	}
	return status
}

// send writes a message, its length before it.
func send(master int, m []byte) bool {
	for m = append(word(nil, uint32(len(m))), m...); len(m) > 0; {
		n, err := syscall.Write(master, m)
		if err != nil && err != syscall.EINTR {
			return false
		}
		m = m[max(n, 0):]
	}
	return true
}

// receive reads a message, not its length.
func receive(master int) (m []byte, ok bool) {
	head, ok := read(master, 4)
	if !ok || number(head) > largest {
		return nil, false
	}
	return read(master, int(number(head)))
}

func read(master, size int) (b []byte, ok bool) {
	b = make([]byte, size)
	for rest := b; len(rest) > 0; {
		n, err := syscall.Read(master, rest)
		if err != nil && err != syscall.EINTR || err == nil && n == 0 {
			return nil, false
		}
		rest = rest[max(n, 0):]
	}
	return b, true
}

func word(b []byte, numbers ...uint32) []byte {
	for _, n := range numbers {
		b = append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return b
}

func number(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}
