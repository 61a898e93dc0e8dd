//go:build linux

package e2e

import "testing"

// ends are the machines between which the ways below lead.
const ends = `
Host bastion
    HostName ` + bastionAddr + `
    User jump

Host inner
    HostName ` + innerAddr + `
    User dany
`

func TestEveryWayToInner(t *testing.T) {
	t.Parallel()
	mid := "\nHost mid\n    HostName " + midAddr + "\n    User porter\n"
	rows := []struct {
		name, config, from string
	}{
		{"two jumps in one line", ends + "    ProxyJump bastion,mid\n" + mid, midAddr},
		{"a jump host with a jump host of its own", ends + "    ProxyJump mid\n" + mid + "    ProxyJump bastion\n", midAddr},
		{"jumps written out", ends + "    ProxyJump jump@" + bastionAddr + ":22,ssh://porter@" + midAddr + "\n", midAddr},
		{"ProxyCommand ssh -W", ends + "    ProxyCommand ssh bastion -W %h:%p\n", bastionAddr},
		{"ProxyCommand ssh -W with its option first", ends + "    ProxyCommand ssh -W %h:%p bastion\n", bastionAddr},
		{"ProxyCommand ssh and nc there", ends + "    ProxyCommand ssh -q bastion nc %h %p\n", bastionAddr},
		{"ProxyCommand ssh -W, then a jump", ends + "    ProxyJump mid\n" + mid + "    ProxyCommand ssh bastion -W %h:%p\n", midAddr},
		{"ProxyCommand nc to the first hop", ends + "    ProxyJump bastion\n\nHost bastion\n    ProxyCommand nc %h %p\n", bastionAddr},
		{"ProxyCommand with a shell's quoting and exec", ends + "    ProxyCommand sh -c 'exec ssh \"$1\" -W \"$2\"' sh bastion %h:%p\n", bastionAddr},
	}
	for _, program := range []string{"ssh", "sallyport"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			for _, row := range rows {
				c := newClient(t, row.config)
				got := c.run(program, "inner", `echo "${SSH_CONNECTION%% *} $(whoami)@$(hostname)"; exit 7`)
				if want := (result{7, row.from + " dany@inner\n", ""}); got != want {
					t.Errorf("%s: %s\nwant %s", row.name, short(got), short(want))
				}
			}
		})
	}
}

func TestShellOverThreeHops(t *testing.T) {
	t.Parallel()
	config := ends + "    ProxyJump mid\n\nHost mid\n    HostName " + midAddr + "\n    User porter\n    ProxyJump bastion\n"
	eachWayToAShell(t, config, midAddr)
}

func TestShellThroughProxyCommandSSH(t *testing.T) {
	t.Parallel()
	eachWayToAShell(t, ends+"    ProxyCommand ssh bastion -W %h:%p\n", bastionAddr)
}

func TestShellThroughProxyCommandNC(t *testing.T) {
	t.Parallel()
	eachWayToAShell(t, ends+"    ProxyJump bastion\n\nMatch host "+bastionAddr+"\n    ProxyCommand nc %h %p\n", bastionAddr)
}

// eachWayToAShell opens a shell on inner in every way, and sees that it is a
// terminal, comes from where it should, and gives its exit status.
func eachWayToAShell(t *testing.T, config, from string) {
	for _, way := range openers {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			p := way.open(t, newClient(t, config), "inner")
			p.wait(innerPrompt)
			p.line(`echo "size=$(stty size) from=${SSH_CONNECTION%% *}"`)
			p.wait(`size=34 120 from=` + quoted(from))
			checkResize(t, p)
			p.line("exit 7")
			way.left(t, p, 7)
		})
	}
}

func TestChainIsDrawn(t *testing.T) {
	t.Parallel()
	t.Run("screen", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, ends+"    ProxyJump mid\n\nHost mid\n    HostName "+midAddr+"\n    User porter\n    ProxyJump bastion\n")
		s := openScreen(t, c)
		s.search("inner")
		s.wait(`you ──▶ bastion ─+▶ mid ─+▶ inner`)
		s.quit()
	})
}
