package config

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// number is strtonum(3): a decimal number with an optional sign and leading
// white space, from low to high. why is "invalid", "too small" or "too large".
func number(s string, low, high int64) (n int64, why string) {
	digits := strings.TrimLeft(s, " \t\n\v\f\r")
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil && !isRange(err), strings.Contains(digits, "_"):
		return 0, "invalid"
	case n < low:
		return 0, "too small"
	case n > high:
		return 0, "too large"
	}
	return n, ""
}

func isRange(err error) bool {
	e, ok := err.(*strconv.NumError)
	return ok && e.Err == strconv.ErrRange
}

// parsePort is a2port of misc.c: a number from 0 to 65535 or the name of a
// TCP service.
func parsePort(s string) (int, bool) {
	if n, why := number(s, 0, 65535); why == "" {
		return int(n), true
	}
	port, ok := services()[s]
	return port, ok
}

// services are the TCP ports of /etc/services by name and alias.
var services = sync.OnceValue(func() map[string]int {
	text, err := os.ReadFile("/etc/services")
	if err != nil {
		return nil
	}
	ports := map[string]int{}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		n, protocol, _ := strings.Cut(fields[1], "/")
		port, err := strconv.Atoi(n)
		if err != nil || protocol != "tcp" {
			continue
		}
		for _, name := range append(fields[2:], fields[0]) {
			if _, taken := ports[name]; !taken {
				ports[name] = port
			}
		}
	}
	return ports
})

// seconds of the letters that may follow a number in a time.
var units = map[byte]int64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}

// ParseTime reads a time as ssh_config(5) and ssh-add -t have it: "90" seconds,
// "1h30m".
func ParseTime(s string) (time.Duration, bool) {
	seconds, ok := parseTime(s)
	return time.Duration(seconds) * time.Second, ok
}

// parseTime is convtime of misc.c: a sum of numbers with units, in seconds.
func parseTime(s string) (seconds int, ok bool) {
	if s == "" {
		return 0, false
	}
	var total int64
	for s != "" {
		n, rest, ok := leadingNumber(s)
		if !ok {
			return 0, false
		}
		unit := int64(1)
		if rest != "" {
			if unit = units[rest[0]|0x20]; unit == 0 {
				return 0, false
			}
			rest = rest[1:]
		}
		if n < 0 || n > math.MaxInt32/unit || total > math.MaxInt32-n*unit {
			return 0, false
		}
		total += n * unit
		s = rest
	}
	return int(total), true
}

// parseDecimalTime is convtime_double of misc.c: seconds may have a fraction,
// and come once.
func parseDecimalTime(s string) (seconds float64, ok bool) {
	counted := false
	for s != "" {
		digits := s[:len(s)-len(strings.TrimLeft(s, "0123456789."))]
		n, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			return 0, false
		}
		unit, rest := int64(1), s[len(digits):]
		if rest != "" {
			unit, rest = units[rest[0]|0x20], rest[1:]
		}
		fraction := strings.Contains(digits, ".")
		if unit == 0 || unit == 1 && counted || fraction && (unit > 1 || strings.HasSuffix(digits, ".")) {
			return 0, false
		}
		counted = counted || unit == 1
		seconds += n * float64(unit)
		ok, s = true, rest
	}
	return seconds, ok
}

// seconds is a time of a line; a fraction is left out.
func (d *dialect) seconds(s string) (int, bool) {
	if d.version < v10_3 {
		return parseTime(s)
	}
	n, ok := parseDecimalTime(s)
	return int(n), ok && n <= math.MaxInt32
}

// isTimeout tells whether s is a time that ChannelTimeout takes.
func (d *dialect) isTimeout(s string) bool {
	if d.version < v10_6 {
		_, ok := d.seconds(s)
		return ok
	}
	_, ok := parseDecimalTime(s)
	return ok
}

// leadingNumber is strtol(3) in base 10.
func leadingNumber(s string) (n int64, rest string, ok bool) {
	digits := strings.TrimLeft(s, " \t\n\v\f\r")
	end := 0
	if end < len(digits) && (digits[end] == '-' || digits[end] == '+') {
		end++
	}
	for end < len(digits) && '0' <= digits[end] && digits[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(digits[:end], 10, 64)
	if err != nil && !isRange(err) {
		return 0, s, false
	}
	return n, digits[end:], true
}

// octal reads the octal digits at the start of s, as strtol(3) does.
func octal(s string) (n int64, digits int) {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	negative := strings.HasPrefix(s, "-")
	if negative || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	for digits < len(s) && '0' <= s[digits] && s[digits] <= '7' {
		if n = n*8 + int64(s[digits]-'0'); n > math.MaxInt32 {
			n = math.MaxInt32
		}
		digits++
	}
	if negative {
		n = -n
	}
	return n, digits
}

// Reasons of strerror(3) that a bad size can have.
const (
	invalidArgument = "Invalid argument"
	outOfRange      = "Numerical result out of range"
)

// longestSize is how many digits scan_scaled(3) reads.
const longestSize = 20

// parseSize is scan_scaled(3): a number, maybe with a fraction, and one of
// BKMGTPE. why is the reason for which it is none.
func parseSize(s string) (n int64, why string) {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	sign := int64(1)
	if strings.HasPrefix(s, "-") {
		sign = -1
	}
	if sign < 0 || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
		return 0, invalidArgument
	}
	end := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end < 0 {
		end = len(s)
	}
	whole, fraction, _ := strings.Cut(s[:end], ".")
	if strings.Contains(fraction, ".") {
		return 0, invalidArgument
	}
	if len(whole) > longestSize {
		return 0, outOfRange
	}
	if whole != "" {
		var err error
		if n, err = strconv.ParseInt(whole, 10, 64); err != nil {
			return 0, outOfRange
		}
	}
	n *= sign
	if end == len(s) {
		return n, ""
	}
	f, ok := parseFraction(fraction)
	if !ok {
		return 0, outOfRange
	}
	return scale(n, f, sign, s[end:])
}

// fraction is what follows the point of a size: digits / 10^places.
type fraction struct {
	digits int64
	places int
}

func parseFraction(s string) (fraction, bool) {
	s = s[:min(len(s), longestSize-1)]
	if s == "" {
		return fraction{}, true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return fraction{n, len(s)}, err == nil
}

// scale multiplies by the letter that follows a size.
func scale(n int64, f fraction, sign int64, suffix string) (int64, string) {
	power := strings.IndexByte("bkmgtpe", suffix[0]|0x20)
	if power < 0 || len(suffix) > 1 && alnum(suffix[1]) {
		return 0, invalidArgument
	}
	factor := int64(1) << (10 * power)
	if n > math.MaxInt64/factor || n < math.MinInt64/factor {
		return 0, outOfRange
	}
	return n*factor + sign*f.times(factor), ""
}

// times rounds towards zero as fmt_scaled.c does: it drops digits until the
// product fits.
func (f fraction) times(factor int64) int64 {
	for f.digits >= math.MaxInt64/factor {
		f.digits /= 10
		f.places--
	}
	n := f.digits * factor
	for range f.places {
		n /= 10
	}
	return n
}

// largestTunnel is SSH_TUNID_MAX.
const largestTunnel = 0x7fffffff - 2

func parseTunnel(s string) (string, bool) {
	if equalFold(s, "any") {
		return "any", true
	}
	n, why := number(s, 0, largestTunnel)
	return strconv.FormatInt(n, 10), why == ""
}

// qualities are the names of IPQoS with their bytes, in misc.c's order: the
// first name of a byte is the one that is printed.
var qualities = []struct {
	name string
	tos  int
}{
	{"none", -1},
	{"af11", 0x28}, {"af12", 0x30}, {"af13", 0x38},
	{"af21", 0x48}, {"af22", 0x50}, {"af23", 0x58},
	{"af31", 0x68}, {"af32", 0x70}, {"af33", 0x78},
	{"af41", 0x88}, {"af42", 0x90}, {"af43", 0x98},
	{"cs0", 0x00}, {"cs1", 0x20}, {"cs2", 0x40}, {"cs3", 0x60},
	{"cs4", 0x80}, {"cs5", 0xa0}, {"cs6", 0xc0}, {"cs7", 0xe0},
	{"ef", 0xb8}, {"le", 0x04},
}

// tosNames are services of TOS, which newer releases take and do not follow.
var tosNames = map[string]int{"lowdelay": 0x10, "throughput": 0x08, "reliability": 0x04}

// parseQoS is a name of IPQoS or a byte, as ssh -G prints it. In modern
// releases the names of TOS count as none, and a byte is decimal.
func parseQoS(s string, modern bool) (string, bool) {
	for _, q := range qualities {
		if equalFold(q.name, s) {
			return q.name, true
		}
	}
	tos, named := tosNames[lower(s)]
	switch {
	case named && modern:
		return "none", true
	case named:
		return qosName(tos, modern), true
	case modern:
		n, why := number(s, 0, 255)
		return qosName(int(n), modern), why == ""
	}
	n, err := strconv.ParseInt(s, 0, 64)
	if err != nil || n < 0 || n > 255 || !strtolBase(s) {
		return "", false
	}
	return qosName(int(n), modern), true
}

// strtolBase refuses what Go reads as a number and strtol(3) does not.
func strtolBase(s string) bool {
	s = strings.TrimLeft(s, "+-")
	binary := len(s) > 1 && s[0] == '0' && strings.IndexByte("oObB", s[1]) >= 0
	return !binary && !strings.Contains(s, "_")
}

func qosName(tos int, modern bool) string {
	for _, q := range qualities {
		if q.tos == tos {
			return q.name
		}
	}
	for name, byte := range tosNames {
		if byte == tos && !modern {
			return name
		}
	}
	return fmt.Sprintf("0x%02x", tos)
}

// parseDomain is valid_domain of misc.c: it takes a trailing dot away, or says
// what is wrong.
func parseDomain(name string) (domain, why string) {
	if name == "" {
		return "", "empty domain name"
	}
	shown := Printable(name)
	if !alnum(name[0]) {
		return "", fmt.Sprintf("domain name \"%.100s\" starts with invalid character", shown)
	}
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '.' && i > 0 && name[i-1] == '.':
			return "", fmt.Sprintf("domain name \"%.100s\" contains consecutive separators", shown)
		case c != '.' && c != '-' && c != '_' && !alnum(c):
			return "", fmt.Sprintf("domain name \"%.100s\" contains invalid characters", shown)
		}
	}
	return strings.TrimSuffix(name, "."), ""
}
