package report

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// ProbeDetail is what one probe has come to. Its keys are append-only.
type ProbeDetail struct {
	Kind    string            `json:"kind"` // startup, liveness, readiness, endpoint
	Unit    string            `json:"unit"` // empty: of an Endpoint
	Asks    string            `json:"asks"` // what is asked, how often, and what counts
	Verdict string            `json:"verdict"`
	Since   Stamp             `json:"since"`   // of the verdict
	Failing Stamp             `json:"failing"` // the first of the failures in a row that goes on; null: the last sample was none
	Class   string            `json:"class"`   // how it failed last, in a word
	Detail  string            `json:"detail"`  // how it failed last, or why nothing is known
	Says    map[string]string `json:"says"`    // what a readiness body says of others
}

// unknownVerdict is the verdict of a probe of which nothing is known.
const unknownVerdict = "unknown"

func (v View) probeDetails(probes []desired.Probing) []ProbeDetail {
	out := []ProbeDetail{}
	for i := range probes {
		out = append(out, v.probeDetail(&probes[i]))
	}
	return out
}

func (v View) probeDetail(q *desired.Probing) ProbeDetail {
	d := ProbeDetail{Kind: q.Kind, Unit: q.Unit, Asks: asks(q), Says: map[string]string{}}
	p, why := v.probe(q)
	if why != "" {
		d.Verdict, d.Detail = unknownVerdict, why
		return d
	}
	d.Verdict = cmp.Or(string(p.Verdict), "pending")
	d.Since, d.Failing = At(v.clock(p.Since)), At(v.clock(p.Failing))
	if p.Verdict == state.ProbeFailure || p.Failing > 0 {
		d.Class, d.Detail = p.Class, p.Detail
	}
	maps.Copy(d.Says, p.Says)
	return d
}

// asks says in one line what a probe does.
func asks(q *desired.Probing) string {
	p := q.Probe
	text := cmp.Or(target(p), "nothing")
	if p.PeriodSeconds > 0 {
		text += " every " + seconds(p.PeriodSeconds)
	}
	if p.FailureThreshold > 1 {
		text += fmt.Sprintf(", fails after %d in a row", p.FailureThreshold)
	}
	if p.SuccessThreshold > 1 {
		text += fmt.Sprintf(", succeeds after %d", p.SuccessThreshold)
	}
	if len(p.ExpectJSON) > 0 {
		text += ", expects JSON"
	}
	return hide(text)
}

func seconds(n int) string { return desired.Duration(time.Duration(n) * time.Second).String() }

// target is whom a probe asks.
func target(p desired.Probe) string {
	switch {
	case p.HTTPGet != nil:
		return "GET " + address(p.HTTPGet)
	case p.TCPSocket != nil:
		return "connect to " + hostPort(p.TCPSocket.Host, p.TCPSocket.Port, 0)
	case p.Exec != nil:
		return "run " + strings.Join(p.Exec.Command, " ")
	case p.GRPC != nil:
		return strings.TrimSpace("gRPC health of " + hostPort("", p.GRPC.Port, 0) + " " + p.GRPC.Service)
	case p.Redis != nil:
		return "PING " + cmp.Or(p.Redis.Address, hostPort("", p.Redis.Port, 6379))
	case p.Postgres != nil:
		if p.Postgres.DSN != nil {
			return "SELECT 1 by its DSN"
		}
		return "SELECT 1 on " + hostPort(p.Postgres.Host, p.Postgres.Port, 5432)
	case p.Unix != nil:
		return "connect to " + p.Unix.Path
	}
	return ""
}

func address(h *desired.HTTPGet) string {
	if h.URL != "" {
		return h.URL
	}
	return strings.ToLower(cmp.Or(h.Scheme, "http")) + "://" + hostPort(h.Host, h.Port, 80) + "/" + strings.TrimPrefix(h.Path, "/")
}

func hostPort(host string, port *desired.Port, otherwise int) string {
	host, number := cmp.Or(host, "127.0.0.1"), strconv.Itoa(otherwise)
	if port != nil {
		number = cmp.Or(port.Name, strconv.Itoa(port.Number))
	}
	return net.JoinHostPort(host, number)
}

// asking is a command that asks what a probe asks; empty where there is no tool
// for it that everybody has, or where it would show a value that logs in.
func asking(p desired.Probe) string {
	if c := command(p); hide(c) == c {
		return c
	}
	return ""
}

func command(p desired.Probe) string {
	timeout := strconv.Itoa(max(1, p.TimeoutSeconds))
	split := func(address string) (host, port string) {
		host, port, _ = net.SplitHostPort(address)
		return host, port
	}
	switch {
	case p.HTTPGet != nil:
		return "curl -sS -i -m " + timeout + " " + word(address(p.HTTPGet))
	case p.TCPSocket != nil:
		host, port := split(hostPort(p.TCPSocket.Host, p.TCPSocket.Port, 0))
		return "nc -vz -w " + timeout + " " + word(host) + " " + word(port)
	case p.Exec != nil:
		var words []string
		for _, w := range p.Exec.Command {
			words = append(words, word(w))
		}
		return strings.Join(words, " ")
	case p.Redis != nil:
		host, port := split(cmp.Or(p.Redis.Address, hostPort("", p.Redis.Port, 6379)))
		return "redis-cli -h " + word(host) + " -p " + word(port) + " ping"
	case p.Postgres != nil && p.Postgres.DSN == nil:
		host, port := split(hostPort(p.Postgres.Host, p.Postgres.Port, 5432))
		return "pg_isready -h " + word(host) + " -p " + word(port)
	}
	return ""
}

// probeEvidence is what the probes of one unit, or of an Endpoint, say.
func (v View) probeEvidence(f *facts, s *desired.Service, probes []desired.Probing, unit string) {
	for i := range probes {
		q := &probes[i]
		if q.Unit != unit {
			continue
		}
		f.source = "probe:" + q.Name
		d := v.probeDetail(q)
		f.add("asks", d.Asks, time.Time{})
		if d.Verdict == unknownVerdict {
			f.add("unknown", d.Detail, v.Have.Probes[q.Name].At.Wall)
			continue
		}
		f.add("verdict", d.verdict(), d.Since.Time)
		if !d.Failing.IsZero() && d.Verdict != string(state.ProbeFailure) {
			f.add("failing", "so far not often enough to count: "+d.how(), d.Failing.Time)
		}
		for _, w := range slices.Sorted(maps.Keys(d.Says)) {
			f.add("says "+w, v.meant(s, w, d.Says[w]), time.Time{})
		}
	}
}

// verdict is the verdict with how it failed.
func (d ProbeDetail) verdict() string {
	switch d.Verdict {
	case string(state.ProbeFailure):
		return "failure, " + d.how()
	case "pending":
		if d.Unit == "" {
			return "pending: it has not decided yet"
		}
		return "pending: it has not decided about the process that runs now"
	}
	return d.Verdict
}

func (d ProbeDetail) how() string {
	return cmp.Or(strings.TrimSuffix(cmp.Or(d.Class, "failed")+": "+d.Detail, ": "), "failed")
}

// meant is what a readiness body says of something, with what that is.
func (v View) meant(s *desired.Service, name, says string) string {
	if s == nil {
		return says
	}
	if dep := v.looked().picture.Means(s, name); dep != "" {
		return says + ", that is " + v.ref(dep)
	}
	return says + "; nothing that is declared has that name"
}

// ref is the object of a name that a Service or else an Endpoint has.
func (v View) ref(name string) string {
	if _, ok := v.Want.Service(name); ok {
		return "Service/" + name
	}
	return "Endpoint/" + name
}

// probesText is a table of probes.
func probesText(list []ProbeDetail, st Style) string {
	t := &table{style: st}
	for _, p := range list {
		since := ""
		if !p.Since.IsZero() {
			since = "since " + p.Since.clock(st.Now)
		}
		more := ""
		if p.Detail != "" {
			more = p.Detail
			if p.Class != "" {
				more = p.how()
			}
		}
		for _, w := range slices.Sorted(maps.Keys(p.Says)) {
			more = strings.TrimPrefix(more+"; says "+w+": "+p.Says[w], "; ")
		}
		t.add(p.Kind, p.Unit, p.Verdict, since, p.Asks, more)
		t.paint(2, verdictColours[p.Verdict])
	}
	return t.String()
}

var verdictColours = map[string]colour{
	string(state.ProbeSuccess): green, string(state.ProbeFailure): red, unknownVerdict: magenta,
}
