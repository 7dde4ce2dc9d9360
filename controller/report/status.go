package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// State is the word of the board.
type State string

// The words, from well to unknown.
const (
	OK      State = "OK"      // as declared and well
	WARN    State = "WARN"    // drift that is not enforced, PendingRestart, readiness failed
	FAIL    State = "FAIL"    // sick or not as declared, and it is ours to act, or we gave up
	HELD    State = "HELD"    // differs or is sick, and a human, policy, a window or a sick dependency holds it
	UNKNOWN State = "UNKNOWN" // a Gap
)

// States lists the words in the order in which totals name them.
var States = []State{OK, WARN, FAIL, HELD, UNKNOWN}

// Status is the board as data. Its JSON form is a contract.
type Status struct {
	Host        string     `json:"host"`
	Environment string     `json:"environment"`
	Revision    string     `json:"revision"` // the one in force
	Pinned      bool       `json:"pinned"`
	Healthy     bool       `json:"healthy"` // no FAIL
	Wanted      string     `json:"wanted"`  // what the source says
	Quarantined []string   `json:"quarantined"`
	Approvals   []Approval `json:"approvals"`
	Services    []Row      `json:"services"` // a unit each; the platform's own first, then what it depends on, then the Endpoints
}

// Approval is something that waits for a human's approval.
type Approval struct {
	Object string `json:"object"`
	Detail string `json:"detail"`
}

// Row is one unit on the board, or an Endpoint.
type Row struct {
	Name     string       `json:"name"` // of the service; of the instance where there are replicas
	Object   string       `json:"object"`
	Unit     string       `json:"unit"` // empty: an Endpoint has none
	State    State        `json:"state"`
	Active   string       `json:"active"` // systemd's ActiveState; empty: not known
	Sub      string       `json:"sub"`
	Boot     string       `json:"boot"`
	Ready    *bool        `json:"ready"` // by its startup and readiness probes; null: not known, or it does not run
	Reason   state.Reason `json:"reason"`
	Detail   string       `json:"detail"`
	Since    Stamp        `json:"since"`    // of the last change of state; null: not known
	Restarts int          `json:"restarts"` // systemd's own since the unit was last started otherwise, and evenkeel's repairs within the time of its limits
}

// Board is a Status and what only its text shows.
type Board struct {
	Status Status `json:"status"`
	// Branch are lines about the branch that is followed: a revision that is
	// provisional or was taken back, a commit that is refused, remotes that are silent.
	Branch []string `json:"branch,omitempty"`
	// Alerts counts the active alerts in a line; empty where there is no source of any.
	Alerts string `json:"alerts,omitempty"`
	// Dependencies are the units that come at the end: not ours, and there for
	// the sake of others.
	Dependencies []string `json:"dependencies"`
	// Pings are the answers of those dependencies that were asked, by unit.
	Pings map[string]string `json:"pings,omitempty"`
}

// NewStatus reports how each unit of want is.
func NewStatus(want *desired.Set, have state.World, past *state.Past, plan state.Plan, now state.Time) Status {
	return NewBoard(want, have, past, plan, now).Status
}

// NewBoard is NewStatus with what the text of the board needs besides.
func NewBoard(want *desired.Set, have state.World, past *state.Past, plan state.Plan, now state.Time) Board {
	v := View{Want: want, Have: have, Past: past, Plan: plan, Now: now}
	b := Board{Dependencies: []string{}, Status: Status{
		Host: hostName(want, have), Environment: environment(want), Revision: want.Revision, Wanted: want.Revision,
		Healthy: true, Quarantined: []string{}, Approvals: []Approval{}, Services: []Row{},
	}}
	b.followed(v)
	if len(have.Alerts) > 0 {
		b.Alerts = v.Alerts().Totals()
	}
	for _, h := range plan.Held {
		if h.Reason == state.AwaitingApproval {
			b.Status.Approvals = append(b.Status.Approvals, Approval{Object: h.Object, Detail: h.Detail})
		}
	}
	own, others := sections(want)
	of := v.split()
	for _, s := range slices.Concat(own, others) {
		mine := of(s.Object())
		for _, u := range s.Units {
			b.Status.Services = append(b.Status.Services, mine.row(s, u))
		}
	}
	for _, s := range others {
		b.Dependencies = append(b.Dependencies, s.Units...)
		v.pings(&b, s)
	}
	for _, e := range want.Endpoints {
		b.Status.Services = append(b.Status.Services, v.endpointRow(e))
	}
	b.Status.Healthy = b.Status.Count(FAIL) == 0
	return b
}

// followed tells of the branch, where one is followed.
func (b *Board) followed(v View) {
	src := v.Have.Source
	if src.Wanted == "" {
		return
	}
	s := &b.Status
	s.Wanted, s.Pinned = src.Wanted, v.Past.Pinned != nil
	if src.Refused != "" && src.Commit != "" {
		s.Wanted = src.Commit
	}
	s.Quarantined = append(s.Quarantined, slices.Sorted(maps.Keys(v.Past.Quarantined))...)
	for _, h := range v.Plan.Held {
		if h.Object == "Host/"+s.Host && slices.Contains(ofRevisions, h.Reason) {
			b.Branch = append(b.Branch, string(h.Reason)+": "+h.Detail)
		}
	}
	if src.Silent != "" {
		b.Branch = append(b.Branch, "no remote answers: "+src.Silent)
	}
}

// ofRevisions are the reasons for which the host itself is held because of what the
// branch says.
var ofRevisions = []state.Reason{
	state.SourceRefused, state.DesiredInvalid, state.Shrunk, state.Quarantined, state.Verifying, state.RevisionBad, state.Escalated, state.NotAllowed,
}

// pings tells which units of a dependency answered a PING of Redis' own.
func (v View) pings(b *Board, s *desired.Service) {
	for i := range s.Probes {
		q := &s.Probes[i]
		if p, why := v.probe(q); q.Probe.Redis != nil && why == "" && p.Verdict == state.ProbeSuccess {
			if b.Pings == nil {
				b.Pings = make(map[string]string)
			}
			b.Pings[q.Unit] = "PONG"
		}
	}
}

// sections parts the services, by name, into the platform's own and what it
// depends on: without a unit file of ours, and either needed by another or
// beside services that are ours.
func sections(want *desired.Set) (own, others []*desired.Service) {
	needed := make(map[string]bool)
	ours := false
	for i := range want.Services {
		s := &want.Services[i]
		ours = ours || s.UnitFile != nil
		for _, n := range slices.Concat(s.Requires, s.Follows) {
			needed[n] = true
		}
	}
	for i := range want.Services {
		s := &want.Services[i]
		if s.UnitFile == nil && (ours || needed[s.Name]) {
			others = append(others, s)
		} else {
			own = append(own, s)
		}
	}
	byName := func(a, b *desired.Service) int { return strings.Compare(a.Name, b.Name) }
	slices.SortStableFunc(own, byName)
	slices.SortStableFunc(others, byName)
	return own, others
}

func (v View) row(s *desired.Service, unit string) Row {
	verdict := v.judge(s, unit)
	r := Row{
		Name: rowName(s, unit), Object: s.Object(), Unit: unit,
		State: verdict.state, Reason: verdict.reason, Detail: verdict.detail,
	}
	f := v.Have.Units[unit]
	if !f.Known() {
		return r
	}
	u := f.Value
	r.Active, r.Sub, r.Boot, r.Restarts = u.Active, u.Sub, u.Boot, int(u.Restarts)
	r.Since = At(u.ChangedAt)
	r.Ready = v.ready(s, unit)
	if b := v.budget(s, unit); b != nil {
		r.Restarts += b.Used
	}
	return r
}

// outside tells the row of an Endpoint.
func (r Row) outside() bool { return r.Unit == "" }

// rowName is the service's name; where it has replicas, the instance's.
func rowName(s *desired.Service, unit string) string {
	if s.Template == "" && len(s.Units) == 1 {
		return s.Name
	}
	return strings.TrimSuffix(unit, ".service")
}

// Count counts the units and Endpoints in a state.
func (s Status) Count(st State) int {
	n := 0
	for _, r := range s.Services {
		if r.State == st {
			n++
		}
	}
	return n
}

// Totals is "22 services: 21 OK, 1 HELD"; of the words only those that occur.
// Where services have replicas, units are counted too: the words are theirs.
func (s Status) Totals() string {
	if len(s.Services) == 0 {
		return "no services"
	}
	objects := make(map[string]bool)
	units, endpoints := 0, 0
	for _, r := range s.Services {
		if r.outside() {
			endpoints++
			continue
		}
		objects[r.Object] = true
		units++
	}
	n := count(len(objects), "service")
	if len(objects) != units {
		n += ", " + count(units, "unit")
	}
	if endpoints > 0 {
		n += ", " + count(endpoints, "endpoint")
	}
	return n + ": " + s.words()
}

func (s Status) words() string {
	var parts []string
	for _, st := range States {
		if n := s.Count(st); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, st))
		}
	}
	return strings.Join(parts, ", ")
}

// Only keeps the lines that names ask for, and returns the names that nothing
// matches. A name is a service, KIND/NAME, a unit or an instance; an Endpoint has
// a bare name where no service has it.
func (b Board) Only(names []string) (Board, []string) {
	if len(names) == 0 {
		return b, nil
	}
	var missing []string
	keep := make(map[string]bool)
	for _, n := range names {
		found := false
		for _, r := range b.Status.Services { // Endpoints come last
			if r.called(n) && !(found && r.outside()) {
				keep[r.key()], found = true, true
			}
		}
		if !found {
			missing = append(missing, n)
		}
	}
	b.Status.Services = slices.DeleteFunc(slices.Clone(b.Status.Services), func(r Row) bool { return !keep[r.key()] })
	b.Status.Healthy = b.Status.Count(FAIL) == 0
	return b, missing
}

func (r Row) key() string { return r.Object + " " + r.Unit }

func (r Row) called(name string) bool {
	if r.outside() {
		return name == r.Object || name == r.Name
	}
	service := strings.TrimPrefix(r.Object, "Service/")
	return slices.Contains([]string{r.Object, service, service + ".service", r.Name, r.Name + ".service", r.Unit}, name)
}
