package cli

import (
	"github.com/aymanbagabas/go-osc52/v2"
)

// copyToClipboard puts a text on the clipboard of the terminal that the person
// sits at, through ssh and tmux too, by OSC 52. Whether the terminal heeds it
// can't be known. It is false where there is no terminal.
func copyToClipboard(text string) bool {
	tty, ok := openControlling()
	if !ok {
		return false
	}
	defer tty.close()
	tty.print(osc52.New(text).String())
	return true
}
