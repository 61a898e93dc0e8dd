package tunnels

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
)

// The numbers of SOCKS: SOCKS 4 (Ying-Da Lee), 4A, and RFC 1928.
const (
	socks4        = 4
	socks5        = 5
	socksConnect  = 1
	socksNoAuth   = 0
	socksIPv4     = 1
	socksDomain   = 3
	socksIPv6     = 4
	socks4Granted = 90
)

// socksLimit is how many bytes a request has at most: ssh takes more for
// garbage (channel_decode_socks4 of channels.c).
const socksLimit = 1024

// errNotSOCKS is the beginning of something else, such as an HTTP request.
var errNotSOCKS = errors.New("it does not begin as SOCKS 4 or 5 do")

// socksRequest is where a client wants to be connected to, and what it is told
// once it is. As with ssh one whose target cannot be reached is told nothing:
// its connection ends.
type socksRequest struct {
	to      Address
	granted []byte
}

// readSOCKS reads the request of a SOCKS 4, 4A or 5 client, and not a byte of
// what comes after it. Only CONNECT without authentication is served, as by
// ssh. The error is io.EOF if the client said nothing at all.
func readSOCKS(client io.ReadWriter) (socksRequest, error) {
	r := socksReader{io.LimitReader(client, socksLimit)}
	version, err := r.byte()
	switch {
	case err != nil:
		return socksRequest{}, err
	case version == socks4:
		return r.version4()
	case version == socks5:
		return r.version5(client)
	}
	return socksRequest{}, errNotSOCKS
}

// socksReader reads small pieces, so that none of them is one too many.
type socksReader struct{ io.Reader }

func (r socksReader) byte() (byte, error) {
	b, err := r.bytes(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (r socksReader) bytes(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

// text reads up to a NUL.
func (r socksReader) text() (string, error) {
	var text []byte
	for {
		switch c, err := r.byte(); {
		case err != nil:
			return "", unexpected(err)
		case c == 0:
			return string(text), nil
		default:
			text = append(text, c)
		}
	}
}

// version4 reads command, port, address, user name, and of a client that
// leaves the look-up to us, which the address 0.0.0.x says, the host name.
func (r socksReader) version4() (socksRequest, error) {
	head, err := r.bytes(7)
	if err != nil {
		return socksRequest{}, unexpected(err)
	}
	if _, err := r.text(); err != nil { // the user; ssh, too, asks nobody about it
		return socksRequest{}, err
	}
	ip := [4]byte(head[3:])
	host := netip.AddrFrom4(ip).String()
	if ip[0] == 0 && ip[1] == 0 && ip[2] == 0 && ip[3] != 0 {
		if host, err = r.text(); err != nil {
			return socksRequest{}, err
		}
	}
	if head[0] != socksConnect {
		return socksRequest{}, fmt.Errorf("it asks for %x, and only CONNECT is served", head[:1])
	}
	return socksRequest{
		to:      Address{Network: "tcp", Host: host, Port: int(binary.BigEndian.Uint16(head[1:]))},
		granted: []byte{0, socks4Granted, 0, 0, 0, 0, 0, 0}, // port and address are ignored by clients
	}, nil
}

// version5 agrees on no authentication, then reads the request (RFC 1928
// sections 3 and 4).
func (r socksReader) version5(answer io.Writer) (socksRequest, error) {
	count, err := r.byte()
	if err != nil {
		return socksRequest{}, unexpected(err)
	}
	methods, err := r.bytes(int(count))
	if err != nil {
		return socksRequest{}, unexpected(err)
	}
	if !slices.Contains(methods, socksNoAuth) {
		return socksRequest{}, errors.New("it insists on a login, which is not served")
	}
	if _, err := answer.Write([]byte{socks5, socksNoAuth}); err != nil {
		return socksRequest{}, err
	}
	head, err := r.bytes(4)
	if err != nil {
		return socksRequest{}, unexpected(err)
	}
	if head[0] != socks5 || head[1] != socksConnect || head[2] != 0 {
		return socksRequest{}, fmt.Errorf("it asks for %x, and only CONNECT is served", head[:3])
	}
	host, err := r.host5(head[3])
	if err != nil {
		return socksRequest{}, err
	}
	port, err := r.bytes(2)
	if err != nil {
		return socksRequest{}, unexpected(err)
	}
	return socksRequest{
		to:      Address{Network: "tcp", Host: host, Port: int(binary.BigEndian.Uint16(port))},
		granted: []byte{socks5, 0, 0, socksIPv4, 0, 0, 0, 0, 0, 0}, // the address is not known, and ignored by clients
	}, nil
}

func (r socksReader) host5(kind byte) (string, error) {
	length := byte(0)
	switch kind {
	case socksIPv4:
		length = 4
	case socksIPv6:
		length = 16
	case socksDomain:
		var err error
		if length, err = r.byte(); err != nil {
			return "", unexpected(err)
		}
	default:
		return "", fmt.Errorf("%d is no type of address", kind)
	}
	b, err := r.bytes(int(length))
	if err != nil {
		return "", unexpected(err)
	}
	if ip, ok := netip.AddrFromSlice(b); ok && kind != socksDomain {
		return ip.String(), nil
	}
	if slices.Contains(b, 0) {
		return "", errors.New("the host name has a NUL byte")
	}
	return string(b), nil
}

// unexpected is the error of a request that ends early.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
