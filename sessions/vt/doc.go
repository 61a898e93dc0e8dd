// Package vt is a model of a terminal: it follows what a program writes to one
// and can bring another terminal to the same state.
//
// It models what xterm does and programs rely on: cells with wide and
// combining characters, colours and attributes, the cursor and what DECSC
// saves, scroll regions, the alternate screen, tab stops, titles, and the modes
// of the keyboard, the mouse and pasting. What it does not know it skips: a
// terminal in front gets the bytes themselves. Hyperlinks, images, changed
// palettes and lines of double height are not modelled.
//
// However bytes are cut into pieces, the state is the same; and no bytes make
// it grow beyond its size and HistoryLines and HistoryBytes.
//
// References: ECMA-48; DEC STD 070; ctlseqs.txt of xterm; the state machine
// of https://vt100.net/emu/dec_ansi_parser.
package vt
