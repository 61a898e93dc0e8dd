package ui

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/api"
)

// size is a number of bytes in three digits.
func size(n float64) string {
	if n < 1000 {
		return fmt.Sprintf("%.0f B", n)
	}
	for _, unit := range []string{"kB", "MB", "GB", "TB"} {
		if n /= 1000; n < 9.95 {
			return fmt.Sprintf("%.1f %s", n, unit)
		} else if n < 999.5 {
			return fmt.Sprintf("%.0f %s", n, unit)
		}
	}
	return fmt.Sprintf("%.0f PB", n/1000)
}

// latency is a round trip: "0.4 ms", "12 ms", "1.2 s".
func latency(d time.Duration) string {
	switch ms := float64(d) / 1e6; {
	case ms < 1:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// span of time, in its largest unit: "3 s", "5 min", "2 h", "4 d".
func elapsed(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// graph draws rates as a row of bars.
func graph(rates []float64) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	top := slices.Max(append([]float64{1}, rates...))
	var b strings.Builder
	for _, r := range rates {
		b.WriteRune(bars[min(len(bars)-1, int(r/top*float64(len(bars)-1)+0.5))])
	}
	return b.String()
}

// origin is where a value was set, short: "config:14", and the block unless
// it is the host's own.
func origin(o api.Origin, host string) string {
	if o.File == "" {
		return ""
	}
	s := clean(filepath.Base(o.File)) + ":" + strconv.Itoa(o.Line)
	if o.Block != "" && !slices.Contains(strings.Fields(o.Block), host) {
		s += " " + clean(o.Block)
	}
	return s
}

// fitOrigin shortens an origin without its block: the file's name gives way,
// and not the number of the line, of which a part would be another line.
func fitOrigin(s string, w int) string {
	line := max(0, strings.LastIndexByte(s, ':'))
	if cells(s) <= w || cells(s[line:]) >= w {
		return fit(s, w)
	}
	return fit(s[:line], w-cells(s[line:])) + s[line:]
}

// place is where a value was set, in full.
func place(o api.Origin) string {
	if o.File == "" {
		return "the configuration"
	}
	s := tilde(o.File)
	if o.Line > 0 {
		s += ":" + strconv.Itoa(o.Line)
	}
	return s
}

// tilde is a path as people write it.
func tilde(path string) string {
	if home, err := os.UserHomeDir(); err == nil && home != "/" {
		if rest, ok := strings.CutPrefix(path, home+"/"); ok {
			path = "~/" + rest
		}
	}
	return clean(path)
}

// untilde is a path that may begin with the user's own directory.
func untilde(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}

// count is "1 shell", "2 shells".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if stem, ok := strings.CutSuffix(what, "ry"); ok {
		what = stem + "rie"
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// and joins what is not empty: "a", "a and b", "a, b and c".
func and(parts ...string) string {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}
