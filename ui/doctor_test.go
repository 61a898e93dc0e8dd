package ui

import (
	"context"
	"fmt"
	"testing"

	"sallyport/api"
)

// The findings of a host that is reached and does not let anybody in.
var (
	wellHere  = api.DoctorFinding{Check: "config", Outcome: api.DoctorHealthy, What: "the configuration is understood"}
	openKey   = api.DoctorFinding{Check: "key-file", Outcome: api.DoctorWrong, What: "the key file /home/dany/.ssh/id_ecdsa: others can reach it: its mode is 0644", Why: "a key that is not fit is passed over, and the server never sees it", Fix: "chmod 600 /home/dany/.ssh/id_ecdsa", Ours: true}
	reached   = api.DoctorFinding{Check: "port", Hop: "got-bastion", Outcome: api.DoctorHealthy, What: "193.48.1.7 port 22 answers"}
	notTaken  = api.DoctorFinding{Check: "login", Hop: "got-bastion", Outcome: api.DoctorNoted, What: "the server does not accept the key ~/.ssh/id_ed25519 ED25519 SHA256:MENnGbrKf3MA+qJqq5h1BSPVhqTDVFscU6bEzdP/Vv8"}
	newlyMade = api.DoctorFinding{Check: "hostkey", Hop: "targaryen", Outcome: api.DoctorWrong, What: `connecting to "targaryen" via "got-bastion": the host key of targaryen has changed`, Why: "until its key is trusted, the server may be anybody, and gets no password", Fix: "ssh-keygen -R targaryen"}
)

// visited is the doctor's pane, who has told what there is to tell.
func visited(t *testing.T, f *fake, w, h int, found ...api.DoctorFinding) (*stage, *fakeVisit) {
	t.Helper()
	st := onTargaryen(t, f, w, h)
	st.keys("d")
	st.expects("visit targaryen")
	st.sees("targaryen ─ doctor")
	v := st.theVisit()
	for _, f := range found {
		v.news <- api.VisitNews{Finding: &f}
	}
	return st, v
}

func (st *stage) theVisit() *fakeVisit {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.visit
}

func TestTheDoctorsPaneIsAsItWasApproved(t *testing.T) {
	all := []api.DoctorFinding{wellHere, openKey, reached, notTaken, newlyMade}
	for _, c := range []struct {
		name  string
		found []api.DoctorFinding
		news  []api.VisitNews
		keys  []string
		sees  string
	}{
		{"doctor-looking", all[:4], []api.VisitNews{{Step: "Trying private key: /home/dany/.ssh/id_rsa"}}, nil, "Trying private key"},
		{"doctor", all, []api.VisitNews{{Over: true}}, nil, "r report"},
		{"doctor-well", all[:1], []api.VisitNews{{Over: true}}, nil, "Nothing is wrong."},
		{"doctor-fix", all, []api.VisitNews{{Over: true}}, []string{"f"}, "Leave it"},
		{"doctor-report", all, []api.VisitNews{{Over: true}}, []string{"r"}, "$ date"},
	} {
		for _, size := range sizes {
			name := fmt.Sprintf("%s-%dx%d", c.name, size.w, size.h)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				st, v := visited(t, newFake(), size.w, size.h, c.found...)
				for _, n := range c.news {
					v.news <- n
				}
				if c.keys != nil {
					st.sees("r report")
				}
				st.keys(c.keys...)
				st.sees(c.sees)
				st.golden(name)
			})
		}
	}
}

func TestKeysOfTheDoctor(t *testing.T) {
	for _, row := range []struct {
		name  string
		found []api.DoctorFinding
		keys  []string
		calls []string
		sees  string
		copy  string
	}{
		{"f mends what was agreed to", []api.DoctorFinding{openKey}, []string{"f", "d", "Enter"}, []string{"mend key-file"}, "✓ mended: the key file", ""},
		{"and leaves the rest", []api.DoctorFinding{openKey}, []string{"f", "l", "Enter"}, nil, "1 fault.", ""},
		{"which is then all", []api.DoctorFinding{openKey}, []string{"f", "d", "Enter"}, nil, "All that was found is mended.", ""},
		{"f copies what a person has to do", []api.DoctorFinding{newlyMade}, []string{"f"}, nil, "Copied: ssh-keygen -R targaryen", "ssh-keygen -R targaryen"},
		{"Enter does as f", []api.DoctorFinding{wellHere, openKey, newlyMade}, []string{"j", "Enter"}, nil, "Copied: ssh-keygen", "ssh-keygen -R targaryen"},
		{"where nothing is wrong it says so", []api.DoctorFinding{wellHere}, []string{"f"}, nil, "● Nothing is wrong.", ""},
		{"d looks again", []api.DoctorFinding{openKey}, []string{"d"}, []string{"left", "visit targaryen"}, "Looking at the way", ""},
		{"r shows the report", []api.DoctorFinding{openKey}, []string{"r"}, []string{"report"}, "$ date", ""},
		{"and w writes it", []api.DoctorFinding{openKey}, []string{"r", "w"}, nil, "Written: ", ""},
		{"Esc leaves the report", []api.DoctorFinding{openKey}, []string{"r", "Esc"}, nil, "1 fault.", ""},
		{"Esc leaves the doctor", []api.DoctorFinding{openKey}, []string{"Esc"}, []string{"left"}, "Configuration", ""},
		{"as another page does", []api.DoctorFinding{openKey}, []string{"2"}, []string{"left"}, "3 of 4 on", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			st, v := visited(t, newFake(), 120, 34, row.found...)
			v.news <- api.VisitNews{Over: true}
			st.sees("r report")
			for _, k := range row.keys {
				st.keys(k)
				if k == "r" {
					st.sees("$ date")
				}
			}
			for _, call := range row.calls {
				st.expects(call)
			}
			st.sees(row.sees)
			if got := string(st.term.GetClipboardData()); got != row.copy {
				t.Errorf("the clipboard has %q", got)
			}
		})
	}
}

func TestTheReportIsWrittenOnlyWhenItWasAskedFor(t *testing.T) {
	st, v := visited(t, newFake(), 120, 34, openKey)
	st.keys("r")
	st.sees("The report is there when the doctor has looked at everything.")
	v.news <- api.VisitNews{Over: true}
	st.sees("1 fault.")
	st.keys("r")
	st.sees("not written yet")
	text, err := v.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	write := fmt.Sprintf("write sallyport-report-20260302-093000.txt %q", text)
	for _, call := range st.made() {
		if call == write {
			t.Error("it was written unasked")
		}
	}
	st.keys("w")
	st.expects(write)
}

func TestAFixThatFailsIsSaidAtItsFault(t *testing.T) {
	f := newFake()
	f.fails["mend"] = errRefused
	st, v := visited(t, f, 120, 34, openKey)
	v.news <- api.VisitNews{Over: true}
	st.sees("1 fault.")
	st.keys("f", "d", "Enter")
	st.sees("  ✗ connection refused", "1 fault.")
}

func TestADoctorWhoCannotLookSaysWhy(t *testing.T) {
	f := newFake()
	f.fails["visit"] = &api.Error{Message: "there is no file to look at", Hints: []string{"name another one"}}
	st := onTargaryen(t, f, 80, 24)
	st.keys("d")
	st.sees("✗ there is no file to look at", "→ name another one")
}

func TestTheDoctorAsksOnTheScreen(t *testing.T) {
	st, v := visited(t, newFake(), 100, 30)
	ask := func(q api.Question) (got chan string) {
		got = make(chan string, 1)
		go func() { // ends with the answer
			a, ok := v.ask(context.Background(), q)
			got <- fmt.Sprintf("%q %s %v", a.Texts, a.Choice, ok)
		}()
		return got
	}
	answered := ask(keepable(passwordQuestion()))
	st.sees("Password of rech042")
	st.keys("hunter2", "Enter")
	if got := <-answered; got != `["hunter2"]  true` {
		t.Errorf("the answer is %s", got)
	}
	st.loses("Password of rech042")
	declined := ask(hostKeyQuestion())
	st.sees("Accept and remember")
	st.keys("Esc")
	if got := <-declined; got != `[]  false` {
		t.Errorf("the answer is %s", got)
	}
	st.loses("Accept and remember")
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { // ends with ctx
		v.ask(ctx, codeQuestion())
		close(over)
	}()
	st.sees("Verification code")
	cancel()
	<-over
	st.loses("Verification code")
	for _, call := range st.made() {
		if call != "visit targaryen" {
			t.Errorf("the background process was told %q", call)
		}
	}
}

func TestAClickChoosesAFault(t *testing.T) {
	st, v := visited(t, newFake(), 120, 34, openKey, newlyMade)
	v.news <- api.VisitNews{Over: true}
	st.sees("▌✗ the key file", "2 faults.")
	st.click("the host key of targaryen")
	st.sees(`▌✗ connecting to "targaryen"`)
}
