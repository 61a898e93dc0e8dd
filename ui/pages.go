package ui

import "strconv"

type page int

const (
	hostsPage page = iota
	tunnelsPage
	sessionsPage
	keysPage
	logPage
)

// tabs are the pages, in the order of the header.
var tabs = []struct {
	page  page
	key   string
	label string
	count func(*screen) int // of what is open there, behind the label; nil shows none
}{
	{hostsPage, "1", "Hosts", nil},
	{tunnelsPage, "2", "Tunnels", (*screen).tunnelsOn},
	{sessionsPage, "3", "Sessions", (*screen).shellsOpen},
	{keysPage, "4", "Keys", nil},
	{logPage, "6", "Log", nil},
}

func (s *screen) show(p page) {
	s.page, s.help, s.record = p, nil, nil
	s.leaveFound()
	s.followMasters()
	s.followKeys()
}

// turnTo is the act of a page's key.
func turnTo(p page) func(*screen) { return func(s *screen) { s.show(p) } }

// headerItems are the places in the header that can be clicked. Where there is
// no room for all labels, only the page that is shown has its own.
func (s *screen) headerItems(w int) []clickable {
	out, x := s.tabItems(func(page) bool { return true })
	if x > w {
		out, x = s.tabItems(func(p page) bool { return p == s.page })
	}
	if help := "? help"; x+cells(help)+1 < w {
		out = append(out, clickable{rect{w - cells(help) - 1, 0, cells(help), 1}, line{{"?", s.key}, {" help", s.dim}}, s.showHelp})
	}
	return out
}

// tabItems are the tabs, and where what is right of them may begin.
func (s *screen) tabItems(labelled func(page) bool) (out []clickable, x int) {
	x = cells(s.name) + 3
	for _, t := range tabs {
		style := s.plain
		if t.page == s.page {
			style = s.tab
		}
		text := " " + t.key + " "
		if labelled(t.page) {
			text += t.label + " "
			if t.count != nil && t.count(s) > 0 {
				text += strconv.Itoa(t.count(s)) + " "
			}
		}
		out = append(out, clickable{rect{x, 0, cells(text), 1}, line{{text, style}}, func() { s.show(t.page) }})
		x += cells(text) + 1
	}
	return out, x
}
