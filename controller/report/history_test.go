package report

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

func lines() []HistoryLine {
	return []HistoryLine{
		{
			Time: At(noon.Add(-25 * time.Hour)), Pass: 7, ID: "a1b2c3", Object: "Service/pakashop-backend", Actuator: "file", Verb: "write",
			Target: "/etc/systemd/system/pakashop-backend.service", Reason: state.UnitFileDrift, Revision: "3f2a1b9c", Outcome: "done",
			Detail: "differs in content; kept as d-17", MS: 4,
		},
		{
			Time: At(noon.Add(-5 * time.Minute)), Pass: 9, ID: "d4e5f6", Object: "Service/pakashop-backend", Actuator: "systemd", Verb: "restart",
			Target: "pakashop-backend.service", Reason: state.Failed, Outcome: "failed", Detail: "job failed: exit-code\x1b[2J", MS: 90012, Trace: "t1", Case: "case-1", Rung: 2,
		},
		{
			Time: At(noon.Add(-4 * time.Minute)), Pass: 10, ID: "070809", Object: "Service/nginx", Actuator: "systemd", Verb: "stop", Target: "nginx.service",
			Reason: state.ByHand, Actor: "alice", Outcome: "refused", Detail: "protected", Key: "k", Case: "c",
		},
		{Time: At(noon.Add(-3 * time.Minute)), Pass: 11, ID: "0a0b0c", Object: "Service/nginx", Actuator: "systemd", Verb: "start", Reason: state.NotRunning, Outcome: "interrupted"},
		{Time: At(noon), Pass: 12, ID: "0d0e0f", Object: "Host/app-1", Actuator: "systemd", Verb: "daemon-reload", Reason: state.DaemonReloadNeeded, Actor: "bob"},
	}
}

func TestHistory(t *testing.T) {
	golden(t, "history.txt", []byte(HistoryText(lines(), Style{Now: noon})+"\n"+HistoryText(lines(), Style{Now: noon, Color: true})))
	if got := HistoryText(nil, Style{}); got != "nothing was done\n" {
		t.Errorf("an empty history is %q", got)
	}
}

func TestHistoryLineIsTheContract(t *testing.T) {
	got := string(must(JSONLine(lines()[0]))(t))
	want := `{"time":"2026-11-22T11:00:00Z","pass":7,"id":"a1b2c3","object":"Service/pakashop-backend","actuator":"file","verb":"write",` +
		`"reason":"UnitFileDrift","actor":"","key":"","case":"","revision":"3f2a1b9c","outcome":"done","detail":"differs in content; kept as d-17","ms":4,"trace":""}` + "\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, l := range lines() {
		var back HistoryLine
		check(t, json.Unmarshal(must(JSONLine(l))(t), &back))
		l.Target, l.Rung = "", 0
		if diff := cmp.Diff(l, back); diff != "" {
			t.Errorf("what was read differs:\n%s", diff)
		}
	}
}

func TestActuators(t *testing.T) {
	infos := []actuators.Info{
		{Name: "file", Version: "1", Verbs: []actuators.Verb{
			{Name: "write", Effect: actuators.Benign, Content: true, Args: []string{"mode", "owner"}, Help: "Writes a file."},
			{Name: "remove", Effect: actuators.Benign, Help: "Removes a file."},
			{Name: "fill", Effect: actuators.Benign, Content: true},
		}},
		{Name: "stranger\x1b[31m", Version: "0.1", Verbs: []actuators.Verb{{Name: "flush", Effect: actuators.Disruptive, Help: "Says\r\nhello."}}},
		{Name: "silent"},
	}
	golden(t, "actuators.txt", []byte(ActuatorsText(infos, Style{})))
	if got := ActuatorsText(nil, Style{}); got != "no actuators\n" {
		t.Errorf("an empty list is %q", got)
	}
	if got := string(must(JSONLine(NewActuatorList(infos[2:])))(t)); got != `{"actuators":[{"name":"silent","version":"","verbs":[]}]}`+"\n" {
		t.Errorf("as data: %s", got)
	}
	if got := string(must(JSONLine(NewActuatorList(nil)))(t)); got != `{"actuators":[]}`+"\n" {
		t.Errorf("none as data: %s", got)
	}
}
