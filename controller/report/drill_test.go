package report

import (
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// drilled is a drill that waits for a human: all that it may tell, strangers' words too.
func drilled() Drill {
	read := func(yes bool, says string) *DrillReading {
		return NewDrillReading(state.Fact[state.QueryResult]{At: moment(0), Value: state.QueryResult{Yes: yes, Says: says}})
	}
	d := Drill{
		Runbook: "redis-memory", Alert: "RedisMemoryHigh", Object: "Service/redis", Outcome: DrillWaits, Detail: "it waits for a human; with --yes what waits is approved",
		Verify: []DrillVerify{
			{Rung: 2, Expr: "redis_memory_ratio < 0.8", Sound: read(true, `{job="redis"} 0.1`), Caused: read(false, ""), End: NewDrillReading(state.Fact[state.QueryResult]{At: moment(0), Err: "redis is not read\x1b[2J"})},
			{Rung: 3, Expr: "redis_up > 0", CannotFail: "it says yes before the cause, and after it before anything was done", Sound: read(true, strings.Repeat("long ", 20)), Caused: read(true, "1")},
		},
		Waits:  []AlertHeld{{Reason: state.AwaitingApproval, Detail: "policy wants a human\x1b[1m"}},
		Caused: At(noon), Fired: At(noon.Add(72300 * time.Millisecond)), LetGo: At(noon.Add(75 * time.Second)), Remedied: At(noon.Add(76 * time.Second)), Over: At(noon.Add(90 * time.Second)),
		DetectMS: 72300, RemedyMS: 1000, OverMS: 15000,
	}
	c := state.Case{
		Tried: []state.Tried{
			{Rung: 1, Action: "gather.redis.ttls", Began: moment(75 * time.Second), Ended: moment(75100 * time.Millisecond), Status: state.Done},
			{Rung: 2, Action: "cache.flush pages", Began: moment(76 * time.Second), Ended: moment(76200 * time.Millisecond), Status: state.Done, Helped: moment(80 * time.Second)},
			{Rung: 3, Action: "systemd.restart redis", Began: moment(90 * time.Second)},
		},
		Gathered: []state.Gathered{{Rung: 1, What: "gather.redis.ttls", At: moment(75100 * time.Millisecond), Text: "cache:*   12000 keys\nsession:* 40 keys\x1b[2J"}},
	}
	d.Climbed(c)
	return d
}

func TestDrill(t *testing.T) {
	d, st := drilled(), Style{Now: noon}
	golden(t, "drill.txt", []byte(d.Text(st)))
	golden(t, "drill.json", must(JSON(d))(t))
	if strings.Contains(d.Text(st), "\x1b") {
		t.Errorf("the text obeys: %q", d.Text(st))
	}
	if got := colours.ReplaceAllString(d.Text(Style{Now: noon, Color: true}), ""); got != d.Text(st) {
		t.Error("with colours it says something else")
	}
}
