package ui

import "strings"

// help is the table of all keys, over the page.
type help struct{ top int }

func (s *screen) showHelp() { s.help = &help{} }

// helpRows are the keys in their groups, then what the shapes mean.
func (s *screen) helpRows(w int) []line {
	var groups []string
	rows := map[string][]line{}
	for i := range keys {
		k := &keys[i]
		if k.help == "" || k.where&ifWindows != 0 && !s.windows {
			continue
		}
		if rows[k.group] == nil {
			groups = append(groups, k.group)
		}
		rows[k.group] = append(rows[k.group], s.keyRows(k, w)...)
	}
	var out []line
	for _, g := range groups {
		out = append(append(out, line{{g, s.heading}}), rows[g]...)
		out = append(out, nil)
	}
	return append(out, s.legend()...)
}

func (s *screen) keyRows(k *key, w int) (out []line) {
	names := strings.Join(k.keys, " ")
	for _, r := range wrap(k.help, w-18) {
		out = append(out, line{{"  " + pad(names, 14) + "  ", s.key}, {r, s.plain}})
		names = ""
	}
	return out
}

func (s *screen) legend() []line {
	return []line{
		{{"Shapes", s.heading}},
		{{"  ● ", s.up}, {"up        ", s.plain}, {"◐ ", s.busy}, {"connecting  ", s.plain}, {"? ", s.ask}, {"asks you", s.plain}},
		{{"  ◌ ", s.busy}, {"retrying  ", s.plain}, {"✗ ", s.bad}, {"failed      ", s.plain}, {"○ ", s.dim}, {"closed   ", s.plain}, {"⇄ ", s.accent}, {"tunnels", s.plain}},
		{{"  ⌂ ", s.up}, {"a shell that goes on while nobody looks at it", s.plain}},
		{{"  ◆ ", s.up}, {"a connection of ssh's that is open and is used: its ControlMaster", s.plain}},
		{{"  ● ", s.up}, {"on the Keys page: the agent holds it   ", s.plain}, {"○ ", s.dim}, {"it does not", s.plain}},
		{{"  ≈ ", s.dim}, {"that line decides only when the host is opened", s.plain}},
	}
}

func (s *screen) helpFrame() rect {
	_, _, w, h := s.GetRect()
	frame := rect{w: min(w, 78)}
	frame.h = min(h-2, len(s.helpRows(frame.w-4))+2)
	frame.x, frame.y = (w-frame.w)/2, max(1, (h-frame.h)/2)
	return frame
}

func (s *screen) scrollHelp(n int) {
	frame := s.helpFrame()
	s.help.top = max(0, min(s.help.top+n, len(s.helpRows(frame.w-4))-frame.inner().h))
}

func (s *screen) drawHelp(c canvas) {
	frame := s.helpFrame()
	c.fill(frame, s.plain)
	c.frame(frame, line{{"Keys", s.title}}, s.focus)
	in := frame.inner()
	rows := s.helpRows(frame.w - 4)
	for y := 0; y < in.h && s.help.top+y < len(rows); y++ {
		c.within(in).line(in.x+1, in.y+y, rows[s.help.top+y])
	}
	if s.help.top+in.h < len(rows) {
		c.text(frame.x+frame.w-10, frame.y+frame.h-1, " more ↓ ", s.dim)
	}
}
