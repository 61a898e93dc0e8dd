//go:build linux

package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// runEcho is a server that sends back what it gets.
func runEcho(args []string) error {
	return serveTCP(args[0], func(conn net.Conn) error {
		_, _ = io.Copy(conn, conn) // a connection that was cut is what the tests are about
		return nil
	})
}

// talk is what the clients of runTalk went through.
type talk struct {
	Exchanges int      // messages that came back right
	Broken    int      // connections that ended before their time
	Refused   []int64  // when a port refused, in Unix milliseconds
	Wrong     []string // what came back and was not what had been sent
}

// runTalk is many clients that exchange checked messages with an echo server,
// connect anew after a few of them, and tell at the end of their input how it
// was. Arguments: how many clients, their pause between connections, their
// ports.
func runTalk(args []string) error {
	var clients int
	if _, err := fmt.Sscan(args[0], &clients); err != nil {
		return err
	}
	pause, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	var mu sync.Mutex // guards all
	var all talk
	tell := func(f func(*talk)) { mu.Lock(); defer mu.Unlock(); f(&all) }
	end := make(chan struct{})
	var wg sync.WaitGroup
	for i := range clients {
		address := "127.0.0.1:" + args[2+i%(len(args)-2)]
		wg.Go(func() { // ends with end
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for {
				converse(address, random, end, tell)
				select {
				case <-end:
					return
				case <-time.After(pause):
				}
			}
		})
	}
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	close(end)
	wg.Wait()
	return json.NewEncoder(os.Stdout).Encode(all)
}

// converse is one connection of a client.
func converse(address string, random *rand.Rand, end <-chan struct{}, tell func(func(*talk))) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if errors.Is(err, syscall.ECONNREFUSED) {
		tell(func(t *talk) { t.Refused = append(t.Refused, time.Now().UnixMilli()) })
		return
	}
	if err != nil {
		tell(func(t *talk) { t.Broken++ })
		return
	}
	defer conn.Close()
	over := make(chan struct{})
	defer close(over)
	go func() { // ends with the connection
		select {
		case <-end:
			_ = conn.SetDeadline(time.Now()) // it may wait for a link that is away
		case <-over:
		}
	}()
	for range 1 + random.IntN(3) {
		wrong, err := exchange(conn, random)
		select {
		case <-end:
			return
		default:
		}
		tell(func(t *talk) {
			switch {
			case wrong != "":
				t.Wrong = append(t.Wrong, wrong)
			case err != nil:
				t.Broken++
			default:
				t.Exchanges++
			}
		})
		if err != nil || wrong != "" {
			return
		}
	}
}

// exchange sends a message that names its own content and has it come back.
// What came before a connection broke must be right too.
func exchange(conn net.Conn, random *rand.Rand) (wrong string, err error) {
	seed := random.Uint64()
	message := binary.BigEndian.AppendUint64(nil, seed)
	content := rand.New(rand.NewPCG(seed, 2))
	for range random.IntN(4000) {
		message = binary.BigEndian.AppendUint64(message, content.Uint64())
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	sent := make(chan error, 1)
	go func() { _, err := conn.Write(message); sent <- err }() // ends with the connection
	back := make([]byte, len(message))
	n, err := io.ReadFull(conn, back)
	if !bytes.Equal(back[:n], message[:n]) {
		return fmt.Sprintf("message %x of %d bytes came back changed within its first %d", seed, len(message), n), nil
	}
	if err != nil {
		return "", err
	}
	return "", <-sent
}

// runExchange tries until one message has come back on each end, and prints
// how many milliseconds that took. Arguments: ports, and paths of sockets.
func runExchange(ends []string) error {
	began := time.Now()
	for _, end := range ends {
		network, address := "tcp", "127.0.0.1:"+end
		if strings.HasPrefix(end, "/") {
			network, address = "unix", end
		}
		for random := rand.New(rand.NewPCG(1, 1)); ; {
			err := exchangeOnce(network, address, random)
			if err == nil {
				break
			}
			if time.Since(began) > patience {
				return fmt.Errorf("%s: %w", end, err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	fmt.Println(time.Since(began).Milliseconds())
	return nil
}

func exchangeOnce(network, address string, random *rand.Rand) error {
	conn, err := net.DialTimeout(network, address, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	wrong, err := exchange(conn, random)
	if wrong != "" {
		return errors.New(wrong)
	}
	return err
}
