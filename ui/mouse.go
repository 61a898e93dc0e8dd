package ui

import (
	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"
)

// MouseHandler takes every click and every turn of the wheel.
func (s *screen) MouseHandler() func(tview.MouseAction, *tcell.EventMouse, func(tview.Primitive)) (bool, tview.Primitive) {
	return func(action tview.MouseAction, ev *tcell.EventMouse, _ func(tview.Primitive)) (bool, tview.Primitive) {
		x, y := ev.Position()
		switch action {
		case tview.MouseLeftClick, tview.MouseLeftDoubleClick:
			s.notice = nil
			s.click(x, y, action == tview.MouseLeftDoubleClick)
		case tview.MouseScrollUp:
			s.wheel(x, y, -3)
		case tview.MouseScrollDown:
			s.wheel(x, y, 3)
		default:
			return false, nil
		}
		return true, nil
	}
}

// PasteHandler puts pasted text where text is typed. On the page of keys it is
// a file that was dropped there.
func (s *screen) PasteHandler() func(string, func(tview.Primitive)) {
	return func(text string, _ func(tview.Primitive)) {
		if f := s.typing(); f != nil {
			f.paste(text)
			s.typed()
		} else if s.where() == inKeys {
			s.dropped(text)
		}
	}
}

func (s *screen) click(x, y int, double bool) {
	l := s.layout()
	switch {
	case l.footer.has(x, y):
		press(s.footerItems(l.footer), x, y)
	case s.dialog != nil:
		s.clickDialog(x, y)
	case s.help != nil:
		s.help = nil
	case s.review != nil:
	case s.form != nil:
		s.clickForm(l.body, x, y, double)
	case s.jupyter != nil:
		s.clickJupyter(x, y, double)
	case l.header.has(x, y):
		press(s.headerItems(l.header.w), x, y)
	case s.record != nil:
	case s.ports != nil:
		s.clickPort(l.body.inner(), x, y, double)
	case s.doctor != nil:
		s.clickDoctor(l.body.inner(), x, y)
	case s.page == tunnelsPage:
		s.clickBoard(l.body.inner(), x, y, double)
	case s.page == sessionsPage:
		s.clickRoster(l.body.inner(), x, y, double)
	case s.page == keysPage:
		s.clickKeys(l.body.inner(), x, y, double)
	case s.page == hostsPage && l.list.has(x, y):
		s.clickList(l, x, y, double)
	case s.page == hostsPage && l.detail.has(x, y):
		s.clickDetail(l.detail.inner(), x, y, double)
	}
}

func press(items []clickable, x, y int) {
	for _, i := range items {
		if i.has(x, y) {
			i.do()
			return
		}
	}
}

// clickList selects a host; the second click on the same opens a shell.
func (s *screen) clickList(l layout, x, y int, double bool) {
	s.detail.focus = false
	area := s.listArea(l)
	row := s.list.top + y - area.y
	if !area.has(x, y) || row >= s.list.len() {
		return
	}
	// tview calls a click double by its time alone, wherever the first was.
	double = double && row == s.list.cursor
	s.list.cursor = row
	if s.list.typing {
		s.searchDone()
	}
	if double && s.dialog == nil {
		s.openShell()
	}
}

// clickDetail puts the cursor on an item; a click on the box of a tunnel
// switches it, as a double click does anywhere in its row.
func (s *screen) clickDetail(in rect, x, y int, double bool) {
	s.detail.focus = true
	rows := s.detailRows(in.w)
	i := s.detail.top + y - in.y
	if !in.has(x, y) || i >= len(rows) || rows[i].item == nil {
		return
	}
	it := rows[i].item
	double = double && it.id == s.detail.at
	s.detail.at = it.id
	if box := x >= in.x && x < in.x+1+len("[x]"); it.forward != nil && (box || double) {
		s.toggleCurrent()
	}
}

// clickForm puts the cursor on a row; a double click changes its value.
func (s *screen) clickForm(body rect, x, y int, double bool) {
	f := s.form
	area, _ := formAreas(body)
	if p := f.picker; p != nil {
		if row := p.top + y - pickerArea(area).y; pickerArea(area).has(x, y) && row < len(p.found) {
			double = double && row == p.cursor
			if p.cursor = row; double {
				s.picked()
			}
		}
		return
	}
	row := f.top + y - area.y
	if !area.has(x, y) || row >= len(f.rows()) {
		return
	}
	if f.typing != nil {
		if row == f.cursor {
			return
		}
		if s.formAccept(); f.typing != nil {
			return
		}
	}
	double = double && row == f.cursor
	if f.cursor = row; double && f.base != nil {
		s.formEnter()
	}
}

func (s *screen) wheelForm(n int) {
	switch f := s.form; {
	case f.picker != nil:
		f.picker.move(n)
	case f.typing == nil:
		f.move(n)
	}
}

func (s *screen) wheel(x, y, n int) {
	l := s.layout()
	switch {
	case s.dialog != nil:
		s.readDialog(n)
	case s.help != nil:
		s.scrollHelp(n)
	case s.review != nil:
		s.review.top += n
	case s.form != nil:
		s.wheelForm(n)
	case s.doctor != nil && s.doctor.report != nil:
		s.doctor.report.top += n
	case s.found() != nil:
		s.found().list.top += n
	case s.record != nil:
		s.record.top += n
	case s.page == tunnelsPage:
		s.board.top += n
	case s.page == sessionsPage:
		s.roster.top += n
	case s.page == keysPage && s.keyring.shown != "":
		s.keyring.pane.top += n
	case s.page == keysPage:
		s.keyring.top += n
	case s.page == logPage:
		s.journal.up -= n
	case l.list.has(x, y):
		s.list.scroll(n, s.listRows(l))
	case l.detail.has(x, y):
		s.detail.top += n
	}
}
