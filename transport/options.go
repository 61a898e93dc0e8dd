package transport

import (
	"slices"
	"strconv"
	"strings"

	"sallyport/config"
)

// yes reads a switch; ssh -G prints those that have more than two values as
// "true" and "false".
func yes(h *config.Host, keyword string) bool {
	switch strings.ToLower(h.Get(keyword)) {
	case "yes", "true":
		return true
	}
	return false
}

// list reads a value of names separated by commas.
func list(h *config.Host, keyword string) []string {
	return strings.FieldsFunc(h.Get(keyword), func(r rune) bool { return r == ',' })
}

// number reads a count; 0 where there is none.
func number(h *config.Host, keyword string) int {
	n, _ := strconv.Atoi(h.Get(keyword)) // config has refused what is no number
	return n
}

// given is a value that "none" takes away.
func given(h *config.Host, keyword string) string {
	if value := h.Get(keyword); !strings.EqualFold(value, "none") {
		return value
	}
	return ""
}

// paths are the file names of a keyword that takes several.
func paths(h *config.Host, keyword string) []string {
	return slices.DeleteFunc(h.All(keyword), func(path string) bool { return strings.EqualFold(path, "none") })
}
