package config

import "strings"

// isBookmarks tells a section that is a folder of MobaXterm's bookmarks.
func isBookmarks(s savedSection) bool {
	return s.name == "Bookmarks" || strings.HasPrefix(s.name, "Bookmarks_")
}

// Fields of an ssh bookmark: "name=#109#0%host%22%user%...#font#...", in the
// order in which MobaXterm writes them. Older ones end earlier.
const (
	mobaType       = 0
	mobaHost       = 1
	mobaPort       = 2
	mobaUser       = 3
	mobaX11        = 5
	mobaCommand    = 7
	mobaJumpHosts  = 8
	mobaJumpPorts  = 9
	mobaJumpUsers  = 10
	mobaKey        = 14
	mobaJumpKeys   = 15
	mobaProxy      = 19
	mobaAskAgent   = 33
	mobaForwardKey = 34
)

// Values of fields.
const (
	mobaSSH = "0"
	mobaYes = "-1"
	mobaNo  = "0"
)

// mobaBookmarks reads the bookmarks that are sessions of ssh, and names the
// others.
func mobaBookmarks(sections []savedSection) (list []*Saved) {
	for _, section := range sections {
		if !isBookmarks(section) {
			continue
		}
		folder := strings.ReplaceAll(section.text("SubRep"), `\`, "/")
		for _, v := range section.values {
			parts := strings.Split(v.text, "#")
			if equalFold(v.name, "SubRep") || equalFold(v.name, "ImgNum") || len(parts) < 3 {
				continue
			}
			list = append(list, mobaBookmark(strings.TrimSpace(v.name), folder, strings.Split(parts[2], "%")))
		}
	}
	return list
}

func mobaBookmark(title, folder string, fields []string) *Saved {
	at := func(i int) string {
		if i < len(fields) {
			return mobaText(fields[i])
		}
		return ""
	}
	s := &Saved{title: mobaText(title), folders: folder, key: at(mobaKey)}
	if folder != "" {
		s.tags = []string{strings.ReplaceAll(folder, ",", " ")}
	}
	if at(mobaType) != mobaSSH {
		s.refuse("it is no session of ssh")
	}
	user := at(mobaUser)
	if strings.HasPrefix(user, "[") || strings.HasPrefix(user, "<") {
		if user != "<default>" {
			s.note("its login name is among MobaXterm's passwords, under %s", Printable(user))
		}
		user = ""
	}
	s.address(at(mobaHost), user, at(mobaPort))
	s.mobaWay(at)
	if at(mobaX11) == mobaYes {
		s.set(kForwardX11, "yes")
	}
	switch {
	case at(mobaForwardKey) == mobaYes:
		s.set(kForwardAgent, "yes")
	case at(mobaAskAgent) == mobaNo:
		s.set(kIdentityAgent, "none")
	}
	if at(mobaCommand) != "" {
		s.note("its command is not imported")
	}
	s.finish()
	return s
}

// mobaWay are the hosts on the way, with bars between them in each field. A
// proxy is left out with its session.
func (s *Saved) mobaWay(at func(int) string) {
	if proxy := at(mobaProxy); proxy != "" && proxy != mobaNo {
		s.refuse("it is reached through a proxy, which ssh has not: write a ProxyCommand for it")
	}
	if at(mobaJumpHosts) == "" {
		return
	}
	part := func(field, i int) string {
		all := strings.Split(at(field), "|")
		if i < len(all) {
			return strings.Trim(all[i], "[]")
		}
		return ""
	}
	var hops, hosts []string
	for i, host := range strings.Split(at(mobaJumpHosts), "|") {
		hop := &Saved{}
		hop.address(host, part(mobaJumpUsers, i), part(mobaJumpPorts, i))
		word := hop.hop()
		if word == "" {
			s.refuse("it is reached through a host that cannot be named: %q", Printable(host))
		}
		hops, hosts = append(hops, word), append(hosts, hop.hostName)
	}
	s.way = way{jump: strings.Join(hops, ","), hosts: hosts}
	if at(mobaJumpKeys) != "" {
		s.note("the key for the hosts on the way is not imported: %s on Windows", Printable(at(mobaJumpKeys)))
	}
}

// mobaEscapes are the names that MobaXterm has for what parts its fields, and
// for directories.
var mobaEscapes = strings.NewReplacer("__PTVIRG__", ";", "__DIEZE__", "#", "__PIPE__", "|", "__PERCENT__", "%",
	"__DBLQUO__", `"`, "__EQUAL__", "=", "_CurrentDrive_", "C", "_ProfileDir_", "%USERPROFILE%")

func mobaText(s string) string { return mobaEscapes.Replace(s) }
