//go:build linux

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/internal/sshtest"
)

// pourVariable says how many bytes go each way in TestEachFormCarriesMuch,
// instead of a few windows of a channel.
const pourVariable = "SALLYPORT_POUR"

// runPour is a server that sends each client so much, hears it out meanwhile,
// and tells on its standard output whether that was right. Arguments: a port's
// address or a socket's path, how much.
func runPour(args []string) error {
	return serveOn(networkOf(args[0]), args[0], func(conn net.Conn) error {
		err := pour(conn, args[1], 1, 2)
		fmt.Println("poured", err)
		return err
	})
}

// runDrink is its client. Arguments: where it connects, how much, and if that is
// a SOCKS proxy the host and the port behind it.
func runDrink(args []string) error {
	conn, err := net.DialTimeout(networkOf(args[0]), args[0], patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	if len(args) > 2 {
		if err := askSOCKS(conn, args[2], args[3]); err != nil {
			return err
		}
	}
	return pour(conn, args[1], 2, 1)
}

func networkOf(address string) string {
	if strings.HasPrefix(address, "/") {
		return "unix"
	}
	return "tcp"
}

// pour sends noise made of one seed and checks that of another, at once.
func pour(conn net.Conn, amount string, ours, theirs byte) error {
	size, err := strconv.ParseInt(amount, 10, 64)
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() { // ends with the connection
		_, err := io.Copy(conn, sshtest.Noise(ours, size))
		sent <- errors.Join(err, conn.(interface{ CloseWrite() error }).CloseWrite())
	}()
	got, heard := sshtest.Sum(conn)
	if want, _ := sshtest.Sum(sshtest.Noise(theirs, size)); heard == nil && got != want {
		heard = errors.New("what came is not what was sent")
	}
	return errors.Join(heard, <-sent)
}

// askSOCKS has a proxy connect to a host by its name (RFC 1928).
func askSOCKS(conn net.Conn, host, port string) error {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return err
	}
	request := append([]byte{5, 1, 0, 5, 1, 0, 3, byte(len(host))}, host...)
	if _, err := conn.Write(append(request, byte(number>>8), byte(number))); err != nil {
		return err
	}
	answer := make([]byte, 12)
	if _, err := io.ReadFull(conn, answer); err != nil || !bytes.Equal(answer, []byte{5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0}) {
		return fmt.Errorf("the proxy answers %v, %w", answer, err)
	}
	return nil
}

// TestEachFormCarriesMuch pours both ways at once through each kind of forward
// to the host behind the bastion, one after the other, and then through all of
// them at once.
func TestEachFormCarriesMuch(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	amount := os.Getenv(pourVariable)
	if amount == "" {
		amount = strconv.Itoa(5 << 20)
	}
	n := 2000 + int(ports.Add(1))
	port, listen := strconv.Itoa(n), func(i int) string { return strconv.Itoa(n + 1000*i) }
	there, here := fmt.Sprintf("/run/pour-%d", n), "/run/pour"
	socket := func(name string) string { return fmt.Sprintf("/home/dany/%s-%d", name, n) }
	rows := []struct {
		forward string
		remote  bool
		drink   []string // what to call, from the other side for a remote one
	}{
		{"LocalForward 7001 localhost:" + port, false, []string{"127.0.0.1:7001"}},
		{"LocalForward 7002 " + there, false, []string{"127.0.0.1:7002"}},
		{"LocalForward /run/l1 localhost:" + port, false, []string{"/run/l1"}},
		{"LocalForward /run/l2 " + there, false, []string{"/run/l2"}},
		{"DynamicForward 7003", false, []string{"127.0.0.1:7003", "localhost", port}},
		{"RemoteForward " + listen(1) + " localhost:" + port, true, []string{"127.0.0.1:" + listen(1)}},
		{"RemoteForward " + listen(2) + " " + here, true, []string{"127.0.0.1:" + listen(2)}},
		{"RemoteForward " + socket("r1") + " localhost:" + port, true, []string{socket("r1")}},
		{"RemoteForward " + socket("r2") + " " + here, true, []string{socket("r2")}},
		{"RemoteForward " + listen(3), true, []string{"127.0.0.1:" + listen(3), "localhost", port}},
	}
	config := chainConfig
	for _, row := range rows {
		config += "    " + row.forward + "\n"
	}
	c := newClient(t, config)
	logs := map[bool][]func() string{}
	for _, remote := range []bool{false, true} {
		m, path := l.inner, there
		if remote {
			m, path = c.machine, here
		}
		logs[remote] = []func() string{playOn(t, m, "pour", n, amount), playAt(t, m, "pour", path, amount)}
	}
	c.must("sallyport", "tunnel", "up", "inner", "--wait")
	all := make(chan error)
	drink := func(i int) error {
		row := rows[i]
		from := c.machine
		if row.remote {
			from = l.inner
		}
		args := append([]string{row.drink[0], amount}, row.drink[1:]...)
		if _, err := from.shFor(time.Hour, actAs(t, "drink", args...)); err != nil {
			return fmt.Errorf("%s: %w", row.forward, err)
		}
		return nil
	}
	for i, row := range rows {
		began := time.Now()
		if err := drink(i); err != nil {
			t.Error(err)
		}
		t.Logf("%s bytes each way through %q: %v", amount, row.forward, time.Since(began))
	}
	for i := range rows {
		go func() { all <- drink(i) }() // received below
	}
	for range rows {
		if err := <-all; err != nil {
			t.Error("all at once: ", err)
		}
	}
	// Who pours says so a little after who drinks.
	poured, want := "", 2*len(rows)
	c.eventually("all have poured", func() bool {
		poured = ""
		for _, of := range logs {
			for _, log := range of {
				poured += log()
			}
		}
		return strings.Count(poured, "poured ") >= want
	})
	if strings.Count(poured, "poured <nil>\n") != want {
		t.Errorf("not all of %d connections were right:\n%s", want, poured)
	}
}
