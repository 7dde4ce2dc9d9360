package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/pakashop/evenkeel/state"
)

// Drill is how a runbook did on a disposable host. Its JSON form is a contract; its keys
// are append-only.
type Drill struct {
	Runbook string        `json:"runbook"`
	Alert   string        `json:"alert"`  // that is to fire
	Object  string        `json:"object"` // that it was about; empty: it did not fire
	OK      bool          `json:"ok"`     // it fired, was remedied, verified, and is over
	Outcome DrillOutcome  `json:"outcome"`
	Detail  string        `json:"detail"` // the outcome in words
	Verify  []DrillVerify `json:"verify"` // how the steps are verified
	Rungs   []DrillRung   `json:"rungs"`  // the steps that were done, the oldest first
	Waits   []AlertHeld   `json:"waits"`  // for what it waits where it goes no further

	Caused   Stamp `json:"caused"`   // when the cause began; null: it did not
	Fired    Stamp `json:"fired"`    // when the alert was seen to fire
	LetGo    Stamp `json:"letGo"`    // when the runbook was let go, which waits until its verifications were read
	Remedied Stamp `json:"remedied"` // when the step ended that helped
	Over     Stamp `json:"over"`     // when the alert no longer fired
	DetectMS int64 `json:"detectMS"` // from Caused to Fired; 0: it did not come to that
	RemedyMS int64 `json:"remedyMS"` // from LetGo to Remedied
	OverMS   int64 `json:"overMS"`   // from LetGo to Over
}

// DrillOutcome is how a drill ended, in a word.
type DrillOutcome string

// The outcomes.
const (
	DrillAsDeclared DrillOutcome = "asDeclared"
	DrillCannotFail DrillOutcome = "cannotFail" // a verification says yes whatever happens
	// DrillProvesNothing: one says yes though the alert fires and nothing was done, and did
	// not say yes before.
	DrillProvesNothing DrillOutcome = "provesNothing"

	DrillUnsound    DrillOutcome = "unsound" // the alert was active before anything was broken
	DrillNotFired   DrillOutcome = "notFired"
	DrillOtherBook  DrillOutcome = "otherRunbook" // another runbook is for the alert that fired
	DrillWaits      DrillOutcome = "waits"        // for a human
	DrillEscalated  DrillOutcome = "escalated"    // or it ended in another way, and the alert fires on
	DrillLasts      DrillOutcome = "lasts"        // it came to no end in time
	DrillNoRemedy   DrillOutcome = "noRemedy"     // the alert is over, and nothing was done about it
	DrillUnverified DrillOutcome = "unverified"   // the alert is over, and the verification does not say yes
)

// DrillVerify is the verification of one step, and what it said.
type DrillVerify struct {
	Rung       int           `json:"rung"`
	Expr       string        `json:"expr"`
	CannotFail string        `json:"cannotFail"` // why; empty: it can
	Sound      *DrillReading `json:"sound"`      // before the cause
	Caused     *DrillReading `json:"caused"`     // after it, before any step
	End        *DrillReading `json:"end"`        // when the alert no longer fired
}

// DrillReading is what an expression came to.
type DrillReading struct {
	Known bool   `json:"known"`
	Yes   bool   `json:"yes"`
	Says  string `json:"says"` // the result, or why it is not known
}

// NewDrillReading is the reading that a fact is.
func NewDrillReading(f state.Fact[state.QueryResult]) *DrillReading {
	if !f.Known() {
		return &DrillReading{Says: orElse(f.Err, "not looked at yet")}
	}
	return &DrillReading{Known: true, Yes: f.Value.Yes, Says: f.Value.Says}
}

// DrillRung is a step that was done.
type DrillRung struct {
	Rung     int    `json:"rung"`
	Action   string `json:"action"`
	Time     Stamp  `json:"time"`
	Outcome  string `json:"outcome"` // done, failed, interrupted, refused; empty: under way
	MS       int64  `json:"ms"`
	Verified Stamp  `json:"verified"` // when its verify was first seen to pass
	Evidence string `json:"evidence"` // that it gathered
}

// Climbed takes the steps that a Case has come to.
func (d *Drill) Climbed(c state.Case) {
	d.Rungs = []DrillRung{}
	for _, t := range c.Tried {
		r := DrillRung{Rung: t.Rung, Action: t.Action, Time: At(t.Began.Wall), Outcome: string(t.Status), Verified: At(t.Helped.Wall)}
		if t.Status != "" {
			r.MS = t.Ended.Since(t.Began).Milliseconds()
		}
		for _, g := range c.Gathered {
			if g.Rung == t.Rung && g.What == t.Action && !g.At.Before(t.Began) {
				r.Evidence = g.Text
			}
		}
		d.Rungs = append(d.Rungs, r)
	}
}

// Text is the drill for people.
func (d Drill) Text(st Style) string {
	var b strings.Builder
	word, c := "as declared", green
	if !d.OK {
		word, c = "not as declared", red
	}
	b.WriteString(st.paint(bold, "runbook "+Escape(d.Runbook)) + ": " + st.paint(c, word) + "\n")
	b.WriteString(wrap(Escape(d.Detail), "  ", "  "))
	if len(d.Verify) > 0 {
		b.WriteString("\n" + st.paint(bold, "Verification") + "\n")
	}
	for _, v := range d.Verify {
		v.write(&b, st)
	}
	if len(d.Rungs) > 0 {
		b.WriteString("\n" + st.paint(bold, "Steps") + "\n")
	}
	for _, r := range d.Rungs {
		r.write(&b, st)
	}
	if len(d.Waits) > 0 {
		b.WriteString("\n" + st.paint(bold, "Waits") + "\n")
	}
	for _, h := range d.Waits {
		b.WriteString(wrap(Escape(strings.TrimSuffix(string(h.Reason)+": "+h.Detail, ": ")), "  ", "  "))
	}
	if !d.Caused.IsZero() {
		b.WriteString("\n" + st.paint(bold, "Times") + "\n")
		d.writeTimes(&b, st)
	}
	return b.String()
}

// saysWidth is what is shown of a result.
const saysWidth = 60

// tail is the end of a text, where the value of a series is.
func tail(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return "…" + string(r[len(r)-width+1:])
	}
	return s
}

func (v DrillVerify) write(b *strings.Builder, st Style) {
	b.WriteString(wrap(Escape(v.Expr), fmt.Sprintf("  step %-4d", v.Rung), "           "))
	if v.CannotFail != "" {
		b.WriteString(wrap(Escape("it cannot fail: "+v.CannotFail), "           ", "           "))
	}
	for _, one := range []struct {
		when string
		r    *DrillReading
	}{{"before the cause", v.Sound}, {"after it, before any step", v.Caused}, {"in the end", v.End}} {
		if one.r == nil {
			continue
		}
		word, c := "no", yellow
		switch {
		case !one.r.Known:
			word, c = "unknown", magenta
		case one.r.Yes:
			word, c = "yes", green
		}
		says := ""
		if one.r.Says != "" && (one.r.Yes || !one.r.Known) {
			says = "  " + Escape(tail(one.r.Says, saysWidth))
		}
		fmt.Fprintf(b, "           %-26s %s%s\n", one.when, st.paint(c, word), says)
	}
}

func (r DrillRung) write(b *strings.Builder, st Style) {
	end := st.paint(outcomeColours[r.Outcome], cmp.Or(r.Outcome, "under way"))
	if r.Outcome != "" {
		end += fmt.Sprintf(", %d ms", r.MS)
	}
	if !r.Verified.IsZero() {
		end += ", verified after " + span(r.Verified.Sub(r.Time.Time))
	}
	fmt.Fprintf(b, "  %s  step %d, %s: %s\n", r.Time.clock(st.Now), r.Rung, Escape(r.Action), end)
	for line := range strings.Lines(r.Evidence) {
		b.WriteString("    " + Escape(strings.TrimSuffix(line, "\n")) + "\n")
	}
}

func (d Drill) writeTimes(b *strings.Builder, st Style) {
	fmt.Fprintf(b, "  %s  the cause\n", d.Caused.clock(st.Now))
	const letGo = "after the runbook was let go"
	for _, one := range []struct {
		at   Stamp
		what string
		ms   int64
		than string
	}{
		{d.Fired, "the alert fired", d.DetectMS, "after the cause"},
		{d.Remedied, "remedied", d.RemedyMS, letGo},
		{d.Over, "the alert was over", d.OverMS, letGo},
	} {
		if !one.at.IsZero() {
			fmt.Fprintf(b, "  %s  %s, %s %s\n", one.at.clock(st.Now), one.what, tenths(one.ms), one.than)
		}
	}
}

// tenths is a length of time to the tenth of a second where it is short.
func tenths(ms int64) string {
	if ms < 60_000 {
		return fmt.Sprintf("%.1f s", float64(ms)/1000)
	}
	return fmt.Sprintf("%dm%ds", ms/60_000, ms%60_000/1000)
}
