package config

import (
	"fmt"
	"strings"
)

// around is how many lines stand around a change in a diff.
const around = 3

// step is a line of a diff: ' ' for both, '-' for the old text, '+' for the new.
type step struct {
	sign byte
	line string
}

// unified is a unified diff of two texts, "" if they are the same.
func unified(name, before, after string, created bool) string {
	if before == after && !created {
		return ""
	}
	var b strings.Builder
	old := name
	if created {
		old = "/dev/null"
	}
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", old, name)
	steps := compareLines(splitLines(before), splitLines(after))
	for from := 0; from < len(steps); {
		if steps[from].sign == ' ' {
			from++
			continue
		}
		start, end := max(from-around, 0), hunkEnd(steps, from)
		writeHunk(&b, steps, start, end)
		from = end
	}
	return b.String()
}

func splitLines(text string) []string {
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// hunkEnd is behind the context of the last change that is near the first.
func hunkEnd(steps []step, from int) int {
	last := from
	for i := from; i < len(steps) && i-last <= 2*around; i++ {
		if steps[i].sign != ' ' {
			last = i
		}
	}
	return min(last+around+1, len(steps))
}

func writeHunk(b *strings.Builder, steps []step, start, end int) {
	oldAt, newAt := count(steps[:start])
	oldLines, newLines := count(steps[start:end])
	fmt.Fprintf(b, "@@ -%s +%s @@\n", hunkRange(oldAt, oldLines), hunkRange(newAt, newLines))
	for _, s := range steps[start:end] {
		b.WriteByte(s.sign)
		b.WriteString(s.line)
		if !strings.HasSuffix(s.line, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// count is how many lines of the old and of the new text steps hold.
func count(steps []step) (old, new int) {
	for _, s := range steps {
		if s.sign != '+' {
			old++
		}
		if s.sign != '-' {
			new++
		}
	}
	return old, new
}

// hunkRange is "first,count", by the rules of diff(1).
func hunkRange(before, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", before)
	case 1:
		return fmt.Sprint(before + 1)
	}
	return fmt.Sprintf("%d,%d", before+1, n)
}

// compareLines finds the shortest way from one text to the other (E. Myers, An
// O(ND) Difference Algorithm, 1986).
func compareLines(a, b []string) []step {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var steps []step
	for _, line := range a[:head] {
		steps = append(steps, step{' ', line})
	}
	steps = append(steps, shortest(a[head:len(a)-tail], b[head:len(b)-tail])...)
	for _, line := range a[len(a)-tail:] {
		steps = append(steps, step{' ', line})
	}
	return steps
}

// shortest goes forward over the edit graph, keeps how far each diagonal was
// reached at each distance, and then walks back.
func shortest(a, b []string) []step {
	limit := len(a) + len(b)
	reach := make([]int, 2*limit+2) // by diagonal + limit
	var history [][]int
	for distance := 0; distance <= limit; distance++ {
		history = append(history, append([]int(nil), reach[limit-distance:limit+distance+1]...))
		for k := -distance; k <= distance; k += 2 {
			x := 0
			switch {
			case distance == 0:
			case k == -distance || k != distance && reach[limit+k-1] < reach[limit+k+1]:
				x = reach[limit+k+1]
			default:
				x = reach[limit+k-1] + 1
			}
			for x < len(a) && x-k < len(b) && a[x] == b[x-k] {
				x++
			}
			reach[limit+k] = x
			if x >= len(a) && x-k >= len(b) {
				return walkBack(a, b, history)
			}
		}
	}
	return nil
}

// walkBack reads the steps off the history. Each row of it is what was reached
// before its distance, by diagonal + distance.
func walkBack(a, b []string, history [][]int) []step {
	var back []step
	x, y := len(a), len(b)
	for distance := len(history) - 1; distance > 0; distance-- {
		row := history[distance]
		k := x - y
		previous := k - 1
		if k == -distance || k != distance && row[k-1+distance] < row[k+1+distance] {
			previous = k + 1
		}
		px := row[previous+distance]
		py := px - previous
		for x > px && y > py {
			x, y = x-1, y-1
			back = append(back, step{' ', a[x]})
		}
		if previous == k+1 {
			y--
			back = append(back, step{'+', b[y]})
		} else {
			x--
			back = append(back, step{'-', a[x]})
		}
	}
	for x > 0 {
		x--
		back = append(back, step{' ', a[x]})
	}
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	return back
}
