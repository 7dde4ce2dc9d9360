package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Why answers, of one service: why is something done, or not? Its JSON form is a
// contract; its keys are append-only.
type Why struct {
	Object   string       `json:"object"`
	State    State        `json:"state"`    // of the worst of its units
	Held     []WhyHeld    `json:"held"`     // what is wrong, and what holds its remedy; what has to be lifted first is the first
	Evidence []Evidence   `json:"evidence"` // what the decision rests on
	Rule     string       `json:"rule"`     // the comparison that led to it, in one sentence
	Budget   WhyBudget    `json:"budget"`
	Unblocks []string     `json:"unblocks"` // what would let evenkeel act, a sentence each
	Commands []string     `json:"commands"` // to copy
	Reason   state.Reason `json:"reason"`   // the board's word for it; empty: all is well
	Declared string       `json:"declared"` // file:line:col of the document
	Steps    []WhyStep    `json:"steps"`    // what is about to be done

	Chain   []Link       `json:"chain"`   // from it to the root of what is wrong with it
	Cases   []CaseDetail `json:"cases"`   // what it suffers from, what was tried, and what comes next
	Waiting []string     `json:"waiting"` // the objects that wait for it
	Alerts  []Alert      `json:"alerts"`  // of it, those that are over as long as they are watched; without their evidence
}

// WhyHeld is one reason for which nothing is done.
type WhyHeld struct {
	Reason   state.Reason `json:"reason"`
	Explains string       `json:"explains"` // what the reason means, in one sentence
	Detail   string       `json:"detail"`
	Unit     string       `json:"unit"`    // empty: all of the service's
	Until    Stamp        `json:"until"`   // null: until something changes
	Actions  []string     `json:"actions"` // what it keeps from being done
	Info     bool         `json:"info"`    // it holds nothing back: it says how well the service is, or what a human placed on it
}

// Evidence is one fact.
type Evidence struct {
	Source string `json:"source"` // KIND:NAME, as in unit:nginx.service
	Fact   string `json:"fact"`
	Value  string `json:"value"`
	At     Stamp  `json:"at"` // since when it is so or, where that is not known, when it was read; null: neither is known
}

// WhyBudget is what is left of the repairs of the unit that has the least left.
type WhyBudget struct {
	Left  *int   `json:"left"`  // null: no limits are declared
	Until Stamp  `json:"until"` // when there is one more; null: none is used
	Of    int    `json:"of"`
	Per   string `json:"per"`
	Unit  string `json:"unit"`
	Host  string `json:"host"` // the host's own budget of disruptive repairs, in words
}

// WhyStep is one Step of the Plan.
type WhyStep struct {
	ID     string       `json:"id"`
	Action string       `json:"action"`
	Reason state.Reason `json:"reason"`
	Detail string       `json:"detail"`
	Under  bool         `json:"underWay"`
}

// Why explains one service, or one Endpoint, and reports false where there is
// none of the name. A bare name means a Service, and an Endpoint where no Service
// has it. history is what was done about it last, the newest first.
func (v View) Why(name string, history []HistoryLine) (Why, bool) {
	o, ok := v.find(name)
	if !ok && !strings.Contains(name, "/") {
		o, ok = v.find("Endpoint/" + name)
	}
	if !ok || o.Kind != "Service" && o.Kind != "Endpoint" {
		return Why{}, false
	}
	v = v.looked()
	w := Why{
		Object: o.Ref(), Declared: o.Pos.String(), State: UNKNOWN,
		Held: []WhyHeld{}, Evidence: []Evidence{}, Unblocks: []string{}, Commands: []string{}, Steps: []WhyStep{},
		Chain: []Link{}, Cases: []CaseDetail{}, Waiting: []string{}, Alerts: []Alert{},
	}
	if e, ok := v.endpoint(o); ok {
		return v.whyEndpoint(w, e), true
	}
	s, ok := v.service(o)
	if !ok {
		w.Rule = "It is declared for other hosts than this one (spec.hosts), so evenkeel does nothing about it here."
		return w, true
	}
	worst := v.worst(s)
	w.State, w.Reason = worst.State, worst.Reason
	w.Held, w.Steps = v.whyHeld(s.Object(), v.remembered(s)), v.whySteps(s)
	if w.State != OK {
		w.Chain = v.chain(s)
	}
	w.Cases, w.Waiting, w.Alerts = v.cases(s), v.waiting(s.Name), v.alertsOf(s)
	w.Evidence = v.evidence(s, history)
	w.Rule = v.rule(s, w)
	w.Budget = v.whyBudget(s)
	w.Unblocks, w.Commands = v.unblocks(s, w)
	return w, true
}

// worst is the line of the board for the unit that is worst off.
func (v View) worst(s *desired.Service) Row { return v.split()(s.Object()).worstOf(s) }

// worstOf is worst of a View that is narrowed to the service.
func (v View) worstOf(s *desired.Service) Row {
	var rows []Row
	for _, u := range s.Units {
		rows = append(rows, v.row(s, u))
	}
	if len(rows) == 0 {
		return Row{State: OK}
	}
	return slices.MinFunc(rows, func(a, b Row) int {
		return cmp.Compare(slices.Index(weight, a.State), slices.Index(weight, b.State))
	})
}

// whyHeld are the holds on an object, those that hold nothing at the moment last.
func (v View) whyHeld(object string, remembered []state.Hold) []WhyHeld {
	out := []WhyHeld{}
	for _, h := range v.Plan.Held {
		if h.Object != object {
			continue
		}
		held := WhyHeld{
			Reason: h.Reason, Explains: state.Reasons[h.Reason], Detail: h.Detail, Unit: h.Unit, Until: atState(h.Until), Actions: []string{}, Info: h.Info,
		}
		if aside(h) {
			held.Explains = "This remedy cannot be done here, and the next one takes its place."
		}
		for _, w := range h.Wishes {
			if a := bare(w.Action); !slices.Contains(held.Actions, a) {
				held.Actions = append(held.Actions, a)
			}
		}
		out = append(out, held)
	}
	slices.SortStableFunc(out, func(a, b WhyHeld) int { return compareReasons(a.Reason, b.Reason) })
	for _, h := range remembered {
		if !slices.ContainsFunc(out, func(o WhyHeld) bool { return o.Reason == h.Reason }) {
			out = append(out, WhyHeld{
				Reason: h.Reason, Explains: state.Reasons[h.Reason], Detail: h.Detail, Unit: h.Unit, Until: atState(h.Until(v.Now)), Actions: []string{}, Info: true,
			})
		}
	}
	return out
}

// remembered are the holds on a service and on the whole host that have not
// ended, whether or not they hold anything at the moment.
func (v View) remembered(s *desired.Service) []state.Hold {
	var out []state.Hold
	if v.Past == nil {
		return out
	}
	for _, h := range v.Past.Holds {
		if (h.Object == s.Object() || strings.HasPrefix(h.Object, "Host/")) && !h.Ended(v.Now) {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b state.Hold) int {
		return cmp.Or(compareReasons(a.Reason, b.Reason), cmp.Compare(a.Key(), b.Key()))
	})
	return out
}

// whySteps are the Steps of the Plan for a service, and a daemon-reload that it
// waits for.
func (v View) whySteps(s *desired.Service) []WhyStep {
	out := []WhyStep{}
	for _, st := range v.Plan.Steps {
		if st.Effect == actuators.None || st.Object != s.Object() && !slices.ContainsFunc(s.Units, func(u string) bool { return v.concerns(st, s, u) }) {
			continue
		}
		under := false
		if v.Past != nil {
			_, under = v.Past.Flight[st.ID]
		}
		out = append(out, WhyStep{ID: st.ID, Action: bare(st.Action), Reason: st.Reason, Detail: st.Detail, Under: under})
	}
	return out
}

// bare is an action without its arguments.
func bare(a actuators.Action) string {
	return strings.TrimSpace(a.Actuator + "." + a.Verb + " " + a.Target)
}
