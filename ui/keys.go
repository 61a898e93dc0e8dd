package ui

import (
	"strings"

	"github.com/gdamore/tcell/v2"

	"sallyport/api"
)

// where says in which places a key means something.
type where int

const (
	inList where = 1 << iota
	inDetail
	inSearch
	inLog
	inLogSearch
	inHelp
	inForm
	inEntry  // a value of the form is typed
	inPicker // a keyword is searched
	inReview
	inQuestion // a dialog of the background process
	inOffer    // and one that was opened here
	inTunnels
	inRecord // connections and log of a tunnel
	inSessions
	inJupyter
	inNode // the name of a node is typed
	inPorts
	inDoctor
	inReport // that the doctor has written
	inKeys
	inKey // all of one key

	ifWindows // no place: the help has the row only where windows can be opened

	inDialog = inQuestion | inOffer

	onHosts = inList | inDetail
	onPages = onHosts | inTunnels | inSessions | inKeys | inLog
	scrolls = onPages | inRecord | inJupyter | inPorts | inDoctor | inReport | inKey | inHelp | inForm | inReview
	tabbed  = onPages | inRecord | inPorts | inDoctor | inReport | inKey // where the keys of the pages lead to them
)

// key is a row of the table that feeds dispatch, footer and help.
type key struct {
	where  where
	keys   []string // by name; the first is the one that is shown first
	footer string   // a word for the footer, "" to leave it out
	group  string   // of the help
	help   string   // a sentence, "" for keys that need none
	do     func(*screen)
	not    func(*screen) string // why it does not apply now, "" if it does; nil always applies
	when   func(*screen) bool   // whether the footer has it now; nil always has
}

// keys is filled by init because help, which is one of its acts, reads it.
var keys []key

func init() {
	keys = []key{
		// A host
		{inList, []string{"Enter"}, "shell", "The selected host", "Open a shell. Leaving it comes back here.", (*screen).openShell, noHost, nil},
		{inDetail, []string{"Enter"}, "switch", "The selected host", "In the right pane, on a tunnel: switch it on or off; on an option: edit it.", (*screen).enterCurrent, noEnterRow, nil},
		{onHosts | ifWindows, []string{"w"}, "window", "The selected host", "Open a shell in another window of tmux, screen, kitty, WezTerm or Windows Terminal.", (*screen).openInWindow, noHost, (*screen).opensWindows},
		{onHosts, []string{"s"}, "", "The selected host", "Open a shell that the host keeps when the connection ends, by tmux, screen or the like; or come back to it.", (*screen).openKept, noHost, nil},
		{inList, []string{"t", "Space"}, "tunnel", "The selected host", "Switch its tunnel on or off; with several, choose one at the right.", (*screen).toggleSelected, noHost, nil},
		{inDetail, []string{"Space", "t"}, "", "", "", (*screen).toggleCurrent, noTunnelRow, nil},
		{onHosts, []string{"p"}, "ports", "The selected host", "What listens on it, refreshed as you look. Enter there brings a port here.", (*screen).showPorts, noHost, nil},
		{onHosts, []string{"j"}, "Jupyter", "The selected host", "Open a Jupyter server of yours that runs on it in the browser.", (*screen).findJupyter, noHost, nil},
		{onHosts, []string{"d"}, "doctor", "The selected host", "Find out what is wrong with it: the dial, hop by hop, with a fix for each fault.", (*screen).callDoctor, noHost, nil},
		{onHosts, []string{"Esc"}, "cancel", "The selected host", "Cancel what is connecting; else go back to the list, clear the search, or take all marks away.", (*screen).escape, nil, (*screen).cancels},
		// Tunnels
		{inTunnels | inRecord, []string{"Space", "t"}, "on/off", "The page of all tunnels", "Switch the tunnel on or off. Asks first if connections would end.", (*screen).toggleBoard, noTunnel, nil},
		{inTunnels, []string{"Enter"}, "connections", "The page of all tunnels", "Its connections, who has opened them, and what happened.", (*screen).openRecord, noTunnel, nil},
		{inTunnels, []string{"n"}, "new", "The page of all tunnels", "Make a tunnel, and write it into the configuration if you like.", (*screen).newTunnel, noConfig, nil},
		{inTunnels | inRecord, []string{"a"}, "", "The page of all tunnels", "Whether it starts with the background process, as what is on does, or is open only this once.", (*screen).keepBoard, noTunnelOn, nil},
		{inTunnels | inRecord, []string{"o"}, "browser", "The page of all tunnels", "Open the page behind it in the browser.", (*screen).browse, noPage, nil},
		{inTunnels | inRecord, []string{"y"}, "copy", "The page of all tunnels", "Copy its address to the clipboard.", (*screen).copyTunnel, noTunnel, nil},
		{inTunnels | inRecord, []string{"f"}, "free port", "The page of all tunnels", "Of a port that another program has: listen on the next free one instead.", (*screen).takeFreePort, noFreePort, (*screen).offersPort},
		{inRecord, []string{"Esc", "q", "Enter"}, "back", "", "", (*screen).closeRecord, nil, nil},
		// Sessions
		{inSessions, []string{"Enter"}, "shell", "The page of sessions", "Come back to a shell that was left, or that its host has kept without its connection; or open one on that connection's host. One that is on its way: Esc cancels it.", (*screen).openRoster, noRosterHost, (*screen).opensRoster},
		{inSessions, []string{"c"}, "another", "The page of sessions", "Open another shell on that host.", (*screen).openAnother, noRosterHost, (*screen).endsShell},
		{inSessions, []string{"Esc"}, "cancel", "", "", (*screen).cancelRoster, nil, (*screen).cancelsRoster},
		{inSessions, []string{"x"}, "close", "The page of sessions", "Close the connection; a master of ssh ends as by  ssh -O exit. Says first what would be lost.", (*screen).closeRoster, noRosterConnection, (*screen).closesRoster},
		{inSessions, []string{"S"}, "stop", "The page of sessions", "Have a master take no more clients, as  ssh -O stop  does. What is open goes on.", (*screen).stopMaster, noLiveMaster, (*screen).stopsMaster},
		{inSessions, []string{"K"}, "end", "The page of sessions", "End what is ours: a shell, or a connection. Asks first.", (*screen).endRoster, noOwnRoster, (*screen).endsShell},
		{inSessions, []string{"L"}, "log", "The page of sessions", "Write what a shell shows to a file; once more ends that.", (*screen).logShell, noShellToLog, (*screen).logsShell},
		{inSessions, []string{"v"}, "check", "The page of sessions", "Ask a master for a sign of life, as  ssh -O check  does.", (*screen).checkMaster, noMasterThere, (*screen).asksMaster},
		{inSessions, []string{"f"}, "forward", "The page of sessions", "Cancel a forward of a master, or open one, as  ssh -O cancel  and  -O forward  do.", (*screen).forwardOfMaster, noLiveMaster, (*screen).stopsMaster},
		{inSessions, []string{"D", "Delete"}, "remove", "The page of sessions", "Remove the socket that a master has left behind.", (*screen).removeStale, noStaleMaster, (*screen).removesStale},
		// Keys
		{inKeys, []string{"Enter"}, "all of it", "The page of keys", "All that is known of a key: fingerprints, picture, certificate, hosts.", (*screen).openKey, noKey, (*screen).hasKey},
		{inKeys | inKey, []string{"f"}, "fix", "The page of keys", "Mend what is wrong with it, where that is ours to do; else copy the command that does.", (*screen).fixKey, noKeyFinding, (*screen).hasKeyFinding},
		{inKeys | inKey, []string{"y"}, "copy", "The page of keys", "Copy its public line to the clipboard: what a site's web page asks for.", (*screen).copyKey, noKeyLine, (*screen).hasKeyLine},
		{inKeys | inKey, []string{"a"}, "agent", "The page of keys", "Give it to the agent, which is asked no passphrase any more; once more takes it out.", (*screen).holdKey, noKeyToHold, (*screen).canHoldKey},
		{inKeys | inKey, []string{"i"}, "install", "The page of keys", "Let it log in on the marked hosts, or the selected one, and prove that it does. Asks first.", (*screen).installKey, noInstall, (*screen).canInstall},
		{inKeys, []string{"n"}, "new", "The page of keys", "Make a key.", (*screen).newKey, nil, nil},
		{inKeys, []string{"p"}, "from PuTTY", "The page of keys", "Make a key of PuTTY one of OpenSSH. A .ppk can be dropped on the page, too.", (*screen).importKey, nil, nil},
		{inKey, []string{"Esc", "q", "Enter"}, "back", "", "", (*screen).closeKey, nil, nil},
		// Looking around on a host
		{inPorts, []string{"Enter"}, "forward", "", "", (*screen).forwardPort, noListener, nil},
		{inJupyter, []string{"Enter"}, "open", "", "", (*screen).chooseJupyter, noJupyterRow, (*screen).hasChoice},
		{inJupyter, []string{"y"}, "copy the address", "", "", (*screen).copyJupyter, noAddress, (*screen).hasAddress},
		{inJupyter, []string{"n"}, "node", "The selected host", "Beside the Jupyter servers: name the compute node on which one runs.", (*screen).typeNode, nil, nil},
		{inJupyter | inPorts, []string{"r"}, "look again", "", "", (*screen).lookAgain, nil, nil},
		{inJupyter | inPorts, []string{"Esc", "q"}, "leave", "", "", (*screen).leaveFound, nil, nil},
		{inDoctor, []string{"f", "Enter"}, "fix", "The doctor", "Do the fix under the cursor, where that is ours to do: asks first. Else copy it.", (*screen).fixFault, noFault, (*screen).hasFault},
		{inDoctor, []string{"d"}, "look again", "The doctor", "Look again, by a connection of its own.", (*screen).visitHost, nil, nil},
		{inDoctor, []string{"r"}, "report", "The doctor", "Show what a help desk asks for; w writes it to a file. Secrets and other hosts are left out.", (*screen).showReport, noReport, (*screen).hasReport},
		{inDoctor, []string{"Esc", "q"}, "leave", "", "", (*screen).leaveFound, nil, nil},
		{inReport, []string{"w"}, "write it", "", "", (*screen).writeReport, nil, nil},
		{inReport, []string{"Esc", "q"}, "back", "", "", (*screen).closeReport, nil, nil},
		{inNode, []string{"Enter"}, "look there", "", "", (*screen).nodeDone, nil, nil},
		{inNode, []string{"Esc"}, "back", "", "", (*screen).nodeCancel, nil, nil},
		// Searching
		{onHosts, []string{"/"}, "search", "Searching", "Search alias, HostName, User, tags, comment and file, a few letters of each word; tag:gpu, user:, via: and file: look at one of them.", (*screen).search, nil, nil},
		{inSearch, []string{"Enter"}, "keep", "Searching", "While typing: keep what was found and select the first.", (*screen).searchDone, nil, nil},
		{inSearch, []string{"Esc"}, "clear", "Searching", "While typing: clear the search.", (*screen).searchClear, nil, nil},
		{inSearch | inLogSearch, []string{"→", "End"}, "add to it", "Searching", "While the search before is marked: add to it. A letter begins another.", (*screen).searchOn, nil, (*screen).searchMarked},
		{inLog, []string{"/"}, "search", "Searching", "In the log: show only hosts with these letters.", (*screen).logSearch, nil, nil},
		{inLog, []string{"Esc"}, "", "", "", (*screen).logClear, nil, nil},
		{inLogSearch, []string{"Enter"}, "keep", "", "", (*screen).logDone, nil, nil},
		{inLogSearch, []string{"Esc"}, "clear", "", "", (*screen).logClear, nil, nil},
		{onPages, []string{"q", "Ctrl-C"}, "quit, tunnels stay", "The program", "Quit. Tunnels stay open in the background.", (*screen).quit, nil, nil},
		// Moving
		{onHosts, []string{"Tab", "Backtab"}, "pane", "Moving", "To the other pane: the list, or the details at the right.", (*screen).otherPane, noHost, nil},
		{scrolls | inSearch | inPicker, []string{"↓", "Ctrl-N"}, "", "Moving", "Down.", move(1), nil, nil},
		{scrolls &^ onHosts, []string{"j"}, "", "Moving", "Down, but for the page of the hosts, where it is Jupyter.", move(1), nil, nil},
		{scrolls | inSearch | inPicker, []string{"↑", "k"}, "", "Moving", "Up.", move(-1), nil, nil},
		{scrolls, []string{"Ctrl-D", "PgDn"}, "", "Moving", "Half a page down.", halfPage(1), nil, nil},
		{scrolls, []string{"Ctrl-U", "PgUp"}, "", "Moving", "Half a page up.", halfPage(-1), nil, nil},
		{scrolls, []string{"g", "Home"}, "", "Moving", "To the first.", move(-1 << 30), nil, nil},
		{scrolls, []string{"G", "End"}, "", "Moving", "To the last.", move(1 << 30), nil, nil},
		// Less often
		{onHosts, []string{"E"}, "edit", "The configuration", "Edit the selected host: options, tags, name. Nothing is written before you have seen the diff.", (*screen).editHost, noHost, nil},
		{onHosts, []string{"x"}, "close", "The selected host", "Close its connection. Says first what would be lost.", (*screen).closeConnection, noConnection, nil},
		{onHosts, []string{"N"}, "new", "The configuration", "Add a host.", (*screen).newHost, noConfig, nil},
		{onHosts, []string{"f"}, "forward", "The configuration", "Add a forward to the selected host.", (*screen).newForward, noHost, nil},
		{onHosts, []string{"D", "Delete"}, "", "The configuration", "Remove the selected host. Says first what goes with it.", (*screen).removeHost, noHost, nil},
		{onHosts, []string{"M"}, "", "The configuration", "Have ssh share the connection to the selected host, with us and with itself: write ControlMaster, ControlPath and ControlPersist.", (*screen).writeSharing, noHost, nil},
		{onHosts, []string{"e"}, "", "The configuration", "Open the block of the selected host in $EDITOR.", (*screen).edit, noConfig, nil},
		{onHosts, []string{"y"}, "copy", "The selected host", "Copy the command  ssh HOST  to the clipboard; with marks,  sallyport run  for them.", (*screen).copyCommand, noHost, nil},
		{inList, []string{"m"}, "", "The selected host", "Mark it, for a command on many hosts: y copies the command line. Once more takes the mark away.", (*screen).mark, noHost, nil},
		{onPages, []string{"r"}, "reread", "The program", "Read the configuration again.", (*screen).read, nil, nil},
		{tabbed, []string{"1"}, "", "The program", "Hosts.", turnTo(hostsPage), nil, nil},
		{tabbed, []string{"2"}, "", "The program", "Tunnels: the forwards of all hosts.", turnTo(tunnelsPage), nil, nil},
		{tabbed, []string{"3"}, "", "The program", "Sessions: shells, connections, and the masters of ssh.", turnTo(sessionsPage), nil, nil},
		{tabbed, []string{"4"}, "", "The program", "Keys: each key pair, who uses it, and what is wrong with it.", turnTo(keysPage), nil, nil},
		{tabbed, []string{"6"}, "", "The program", "Log: what happened, newest last.", turnTo(logPage), nil, nil},
		// The form
		{inForm, []string{"Enter"}, "change", "The form of a host", "Change the value, or give the host one of its own. An empty value removes the line.", (*screen).formEnter, noForm, nil},
		{inForm, []string{"a", "/"}, "add", "The form of a host", "Add any option that ssh has: type some letters of its name or of what it does.", (*screen).pick, noForm, nil},
		{inForm, []string{"x", "Delete"}, "remove", "The form of a host", "Remove the line; once more keeps it.", (*screen).formRemove, noOwnRow, nil},
		{inEntry, []string{"Enter"}, "take", "", "", (*screen).formAccept, nil, nil},
		{inEntry, []string{"↓", "Tab"}, "next word", "The form of a host", "While typing: the next of the words that the option takes.", nextChoice(1), nil, (*screen).hasChoices},
		{inForm | inEntry, []string{"Ctrl-S"}, "save", "The form of a host", "Show the diff, and write it if you agree.", (*screen).formSave, noForm, nil},
		{inForm, []string{"Esc", "q"}, "leave", "The form of a host", "Leave. Asks once if something is not saved.", (*screen).formLeave, nil, nil},
		{inForm, []string{"f"}, "forward", "The form of a host", "Add a LocalForward.", (*screen).addForward, noForm, nil},
		{inForm, []string{"u"}, "undo", "The form of a host", "Take back what is pending of the row.", (*screen).formUndo, noChange, nil},
		{inEntry, []string{"↑", "Backtab"}, "", "", "", nextChoice(-1), nil, nil},
		{inEntry, []string{"Esc"}, "as it was", "", "", (*screen).formCancel, nil, nil},
		{inPicker, []string{"Enter", "Tab"}, "take", "", "", (*screen).picked, nil, nil},
		{inPicker, []string{"PgDn"}, "", "", "", halfPage(1), nil, nil},
		{inPicker, []string{"PgUp"}, "", "", "", halfPage(-1), nil, nil},
		{inPicker, []string{"Esc"}, "back", "", "", (*screen).pickCancel, nil, nil},
		{inReview, []string{"y", "Ctrl-S"}, "yes", "The form of a host", "On the diff: write it.", (*screen).agree, reviewBusy, nil},
		{inReview, []string{"Esc", "n", "q"}, "no, back", "The form of a host", "On the diff: go back, nothing is written.", (*screen).disagree, reviewBusy, nil},
		{onPages | inForm, []string{"?"}, "help", "The program", "This table.", (*screen).showHelp, nil, nil},
		// Questions
		{inDialog, []string{"Enter"}, "next", "Questions", "Go to the next field; in the last one, answer. On a button: press it.", func(s *screen) { s.dialog.enter() }, nil, nil},
		{inDialog, []string{"Tab", "↓", "→"}, "choose", "Questions", "To the next field or button. A button's first letter chooses it too.", func(s *screen) { s.dialog.turn(1) }, nil, nil},
		{inDialog, []string{"Backtab", "↑", "←"}, "", "Questions", "To the one before.", func(s *screen) { s.dialog.turn(-1) }, nil, nil},
		{inDialog, []string{"PgUp"}, "", "Questions", "Up in a question that is longer than the screen.", readPage(-1), nil, nil},
		{inDialog, []string{"PgDn"}, "", "Questions", "Down in it.", readPage(1), nil, nil},
		{inQuestion, []string{"Esc"}, "decline", "Questions", "Do not answer: what asks is given up.", func(s *screen) { s.dialog.escape() }, nil, nil},
		{inOffer, []string{"Esc"}, "leave", "", "", func(s *screen) { s.dialog.escape() }, nil, nil},
		{inHelp, []string{"Esc", "?", "q", "Enter"}, "close", "", "", func(s *screen) { s.help = nil }, nil, nil},
	}
}

// where is the place that has the keys.
func (s *screen) where() where {
	switch {
	case s.dialog != nil && s.dialog.question != "":
		return inQuestion
	case s.dialog != nil:
		return inOffer
	case s.help != nil:
		return inHelp
	case s.review != nil:
		return inReview
	case s.form != nil:
		return s.form.where()
	case s.jupyter != nil && s.jupyter.node != nil:
		return inNode
	case s.jupyter != nil:
		return inJupyter
	case s.ports != nil:
		return inPorts
	case s.doctor != nil && s.doctor.report != nil:
		return inReport
	case s.doctor != nil:
		return inDoctor
	case s.record != nil:
		return inRecord
	case s.page == tunnelsPage:
		return inTunnels
	case s.page == sessionsPage:
		return inSessions
	case s.page == keysPage && s.keyring.shown != "":
		return inKey
	case s.page == keysPage:
		return inKeys
	case s.page == logPage && s.journal.typing:
		return inLogSearch
	case s.page == logPage:
		return inLog
	case s.list.typing:
		return inSearch
	case s.detail.focus:
		return inDetail
	}
	return inList
}

// keyName is how the table calls a key.
func keyName(ev *tcell.EventKey) string {
	switch ev.Key() {
	case tcell.KeyRune:
		if ev.Rune() == ' ' {
			return "Space"
		}
		return string(ev.Rune())
	case tcell.KeyUp:
		return "↑"
	case tcell.KeyDown:
		return "↓"
	case tcell.KeyLeft:
		return "←"
	case tcell.KeyRight:
		return "→"
	case tcell.KeyCtrlJ:
		return "Enter" // one that was typed before the terminal was raw
	}
	return strings.Replace(ev.Name(), "Ctrl+", "Ctrl-", 1)
}

// handle takes every key of the application.
func (s *screen) handle(ev *tcell.EventKey) *tcell.EventKey {
	s.notice = nil
	if s.dialog != nil {
		s.dialog.said = ""
	}
	switch {
	case ev.Key() == tcell.KeyCtrlC:
		s.quit()
	case s.dialog == nil && s.reading():
		s.early = append(s.early, ev)
	default:
		s.dispatch(ev)
	}
	return nil
}

// reading tells that what has the keys is still being read: what is typed ahead
// waits for it.
func (s *screen) reading() bool { return s.inv == nil || s.form != nil && s.form.base == nil }

// replay does what was typed ahead. Every key finds the screen as it would have
// been drawn, so that what it does is not a matter of when it was pressed.
func (s *screen) replay() {
	for len(s.early) > 0 && !s.reading() {
		s.settle()
		ev := s.early[0]
		s.early = s.early[1:]
		s.dispatch(ev)
	}
}

func (s *screen) dispatch(ev *tcell.EventKey) {
	place, name := s.where(), keyName(ev)
	if f := s.typing(); f != nil && f.key(ev) {
		s.typed()
		return
	}
	for i := range keys {
		k := &keys[i]
		if k.where&place == 0 {
			continue
		}
		for _, n := range k.keys {
			if n == name {
				s.press(k)
				return
			}
		}
	}
	if place&inDialog != 0 {
		s.dialog.pick(ev.Rune())
		return
	}
	s.tell(clean(name) + " means nothing here. ? shows the keys.")
}

// press does what a row of the table says, or says why not.
func (s *screen) press(k *key) {
	if k.not != nil {
		if reason := k.not(s); reason != "" {
			s.tell(reason)
			return
		}
	}
	k.do(s)
}

// typist is something that takes what is typed.
type typist interface {
	key(*tcell.EventKey) bool // false if the key is not for it
	paste(string)
}

// typing is what takes what is typed, nil if nothing does.
func (s *screen) typing() typist {
	switch s.where() {
	case inQuestion, inOffer:
		if f := s.dialog.field(); f != nil {
			return f
		}
	case inSearch:
		return s.list.query
	case inLogSearch:
		return s.journal.query
	case inEntry:
		return s.form.typing
	case inNode:
		return s.jupyter.node
	case inPicker:
		return s.form.picker.query
	}
	return nil
}

func (s *screen) typed() {
	switch s.where() {
	case inQuestion, inOffer:
		s.dialog.up = 0
	case inSearch:
		s.resolver.hold()
		s.list.filter()
		s.list.cursor, s.list.top = 0, 0
	case inLogSearch:
		s.journal.up = 0
	case inEntry:
		s.formTyped()
	case inPicker:
		s.form.picker.refine()
	}
}

// Why a key does not apply.

func noConfig(s *screen) string {
	if s.inv == nil {
		return "The configuration is still being read."
	}
	return ""
}

func noHost(s *screen) string {
	if reason := noConfig(s); reason != "" {
		return reason
	}
	if _, ok := s.list.selected(); !ok {
		return "No host is selected."
	}
	return ""
}

func noConnection(s *screen) string {
	if reason := noHost(s); reason != "" {
		return reason
	}
	name, _ := s.list.selected()
	if l := s.link(name); l == nil || l.State == api.LinkDown || l.State == api.LinkFailed {
		return clean(name) + " has no connection to close."
	}
	return ""
}

func noTunnelRow(s *screen) string {
	it := s.current()
	switch {
	case it == nil:
		return "There is nothing to switch here. Tab goes back to the list."
	case it.forward == nil:
		return it.about
	}
	return ""
}

func noEnterRow(s *screen) string {
	if it := s.current(); it != nil && it.option != nil {
		return ""
	}
	return noTunnelRow(s)
}

// What the keys do beyond acts.go.

func (s *screen) enterCurrent() {
	if o := s.current().option; o != nil {
		s.editOption(*o)
		return
	}
	s.toggleCurrent()
}

func (s *screen) toggleCurrent() {
	name, _ := s.list.selected()
	s.toggle(name, *s.current().forward)
}

func (s *screen) escape() {
	switch {
	case s.cancelSelected():
	case s.detail.focus:
		s.detail.focus = false
	case s.list.filtered():
		s.searchClear()
	default:
		clear(s.list.isMarked)
	}
}

func (s *screen) cancelSelected() bool {
	name, _ := s.list.selected()
	return s.cancel(name)
}

func (s *screen) otherPane() { s.detail.focus = !s.detail.focus }

func (s *screen) search() {
	s.detail.focus, s.list.typing = false, true
	s.list.query.mark()
}

// searchMarked tells whether what is typed takes the place of the search before.
func (s *screen) searchMarked() bool { return s.list.query.marked || s.journal.query.marked }

// searchOn has what is typed go on with the search before.
func (s *screen) searchOn() { s.list.query.marked, s.journal.query.marked = false, false }

func (s *screen) searchDone() {
	s.list.typing, s.list.query.marked = false, false
	s.askNext()
}

func (s *screen) searchClear() {
	selected, _ := s.list.selected()
	s.list.query.wipe()
	s.list.filter()
	s.list.choose(selected)
	s.searchDone()
}

func (s *screen) logSearch() {
	s.journal.typing = true
	s.journal.query.mark()
}

func (s *screen) logDone() {
	s.journal.typing, s.journal.query.marked = false, false
	s.askNext()
}

func (s *screen) logClear() {
	s.journal.query.wipe()
	s.logDone()
}

// quit leaves; the pump stops the application.
func (s *screen) quit() { s.leave() }

func move(n int) func(*screen) { return func(s *screen) { s.move(n) } }

func halfPage(sign int) func(*screen) {
	return func(s *screen) { s.move(sign * max(1, s.layout().body.h/2)) }
}

func readPage(sign int) func(*screen) {
	return func(s *screen) { s.readDialog(sign * max(1, s.layout().body.h/2)) }
}

// move goes n rows down in whatever has the keys.
func (s *screen) move(n int) {
	switch place := s.where(); {
	case place == inHelp:
		s.scrollHelp(n)
	case place == inReview:
		s.review.top += n
	case place == inPicker:
		s.form.picker.move(n)
	case place == inForm:
		s.form.move(n)
	case place == inRecord:
		s.record.top += n
	case place == inJupyter:
		frame := s.jupyterFrame()
		s.jupyter.list.move(n, s.jupyterRows(frame.w-4), frame.inner().h)
	case place == inPorts:
		in := s.layout().body.inner()
		s.ports.list.move(n, s.portRows(in.w), in.h)
	case place == inTunnels:
		in := s.layout().body.inner()
		s.board.move(n, s.board.rows, in.h)
	case place == inSessions:
		in := s.layout().body.inner()
		s.roster.move(n, s.roster.rows, in.h)
	case place == inKeys:
		s.keyring.move(n, s.keyring.rows, s.layout().body.inner().h)
	case place == inKey:
		s.keyring.pane.top += n
	case place == inReport:
		s.doctor.report.top += n
	case place == inDoctor:
		in := s.layout().body.inner()
		s.doctor.list.move(n, s.doctorRows(in.w), in.h)
	case s.page == logPage:
		s.journal.up -= n
	case place == inDetail:
		s.moveDetail(n)
	default:
		s.list.move(n)
	}
}
