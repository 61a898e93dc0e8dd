package cli

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestUnitsQuoteWhatSystemdExpands(t *testing.T) {
	unit := systemdUnit("/c", `/opt/my "tools"/100%/$x/sallyport`, "u").text
	if want := `ExecStart="/opt/my \"tools\"/100%%/$$x/sallyport" daemon run` + "\n"; !strings.Contains(unit, want) {
		t.Errorf("the unit is\n%s\nwithout %s", unit, want)
	}
}

func TestLaunchAgentsAreXML(t *testing.T) {
	agent := launchAgent("/Users/arya", "/opt/a&b/<c>/sallyport", 501)
	if want := "/Users/arya/Library/LaunchAgents/io.sallyport.daemon.plist"; agent.path != want {
		t.Errorf("it is at %s, want %s", agent.path, want)
	}
	var words []string
	for dec := xml.NewDecoder(strings.NewReader(agent.text)); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, agent.text)
		}
		if text, ok := token.(xml.CharData); ok && strings.TrimSpace(string(text)) != "" {
			words = append(words, string(text))
		}
	}
	want := "Label io.sallyport.daemon ProgramArguments /opt/a&b/<c>/sallyport daemon run RunAtLoad KeepAlive SuccessfulExit AbandonProcessGroup"
	if got := strings.Join(words, " "); got != want {
		t.Errorf("it says %s\nwant    %s", got, want)
	}
}
