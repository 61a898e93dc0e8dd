package cli

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"path/filepath"
	"strings"
)

// service is the background process as the system's service manager starts it
// at login, and again after a crash.
type service struct {
	path    string     // of the file that describes it
	text    string     // of that file
	enable  [][]string // the manager's commands once the file is there
	disable [][]string // before it goes
	forget  [][]string // after it has gone
	advice  string     // what a person may want to do besides
}

// written is in each file of ours: one without it is somebody else's.
const written = "written by sallyport daemon install"

const unitName = "sallyport.service"

// systemdUnit is a unit of the user's own manager (systemd.service(5)). The
// process ends by itself when it has nothing to do, which is no failure, and
// names its successor itself after "daemon restart".
func systemdUnit(configHome, program, user string) service {
	systemctl := func(args ...string) []string { return append([]string{"systemctl", "--user"}, args...) }
	return service{
		path: filepath.Join(configHome, "systemd", "user", unitName),
		text: `# ` + written + `; daemon uninstall removes it
[Unit]
Description=Sallyport, which keeps port forwards alive

[Service]
ExecStart=` + unitWord(program) + ` daemon run
ExecReload=` + unitWord(program) + ` daemon restart
NotifyAccess=main
Restart=on-failure
RestartSec=1

[Install]
WantedBy=default.target
`,
		enable:  [][]string{systemctl("daemon-reload"), systemctl("enable", unitName)},
		disable: [][]string{systemctl("disable", unitName)},
		forget:  [][]string{systemctl("daemon-reload")},
		advice: "It starts when you log in and ends when you log out. With lingering it starts with\n" +
			"the machine and stays, so that tunnels are up without you:\n\n  loginctl enable-linger " + user + "\n",
	}
}

// unitWord quotes a word of a unit's command line (systemd.syntax(7)).
func unitWord(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$", "\n", `\n`).Replace(s) + `"`
}

const agentLabel = "io.sallyport.daemon"

// launchAgent is the same for macOS (launchd.plist(5)).
func launchAgent(home, program string, uid int) service {
	path := filepath.Join(home, "Library", "LaunchAgents", agentLabel+".plist")
	domain := fmt.Sprintf("gui/%d", uid)
	var escaped bytes.Buffer
	_ = xml.EscapeText(&escaped, []byte(program)) // a Buffer takes all
	return service{
		path: path,
		text: `<?xml version="1.0" encoding="UTF-8"?>
<!-- ` + written + `; daemon uninstall removes it -->
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Label</key><string>` + agentLabel + `</string>
	<key>ProgramArguments</key>
	<array><string>` + escaped.String() + `</string><string>daemon</string><string>run</string></array>
	<key>RunAtLoad</key><true/>
	<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
	<key>AbandonProcessGroup</key><true/>
</dict>
</plist>
`,
		enable:  [][]string{{"launchctl", "enable", domain + "/" + agentLabel}},
		disable: [][]string{{"launchctl", "disable", domain + "/" + agentLabel}},
		advice:  "It starts when you log in and ends when you log out.\n",
	}
}
