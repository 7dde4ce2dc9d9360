package engine

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Rules mean what they mean in Prometheus, on targets that are read over HTTP.
func TestRules(t *testing.T) {
	counter := func(n int) string { return fmt.Sprintf("requests_total %d\n", 10*n) }
	buckets := func(n int) string {
		return fmt.Sprintf("d_bucket{le=\"0.1\"} %d\nd_bucket{le=\"1\"} %d\nd_bucket{le=\"+Inf\"} %d\nd_count %d\nd_sum 1\n", n, 10*n, 10*n, 10*n)
	}
	for _, c := range []struct {
		name, rules, want string
		says              func(int) string
	}{
		{"a value", one("backlog > 100"), "shop firing", constant("backlog 101\n")},
		{"no value", one("backlog > 100"), "none", constant("backlog 100\n")},
		{"rate", one("rate(requests_total[2s]) > 50"), "shop firing", counter},
		{"no rate", one("rate(requests_total[2s]) > 5000"), "none", counter},
		{"quantile", one("histogram_quantile(0.9, rate(d_bucket[2s])) > 0.5"), "shop firing", buckets},
		{"for", one("backlog > 1", "for: 1h"), "shop pending", constant("backlog 2\n")},
		{"ratio of a sum", one("sum by (service) (a) / sum by (service) (b) > 0.5"), "shop firing", constant("a 2\nb 3\n")},
		{"labels of its own", one("backlog > 1", "labels: {service: other}"), "other firing", constant("backlog 2\n")},
		{
			"recorded", "groups:\n- name: g\n  interval: 100ms\n  rules:\n  - {record: 'x:sum', expr: 'sum by (service) (x)'}\n  - {alert: A, expr: 'x:sum > 1'}\n",
			"shop firing", constant("x 2\n"),
		},
		{"text that only a child can say", one("backlog > 1"), "shop firing", constant("# HELP backlog b\n# TYPE backlog gauge\nbacklog{q=\"é\"} 2\n")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x := export(t, c.says)
			e := running(t, c.rules, x.target("shop"))
			f := until(t, e, ruleA, c.want)
			if len(f.Value.Active) > 0 && f.Value.Active[0].Blind != "" {
				t.Errorf("it is blind: %s", f.Value.Active[0].Blind)
			}
			if c.want == "none" {
				evaluations(t, e, ruleA, 5, func(f state.Fact[state.Alerts]) {
					if looks(f) != "none" {
						t.Errorf("it is %s", looks(f))
					}
				})
			}
		})
	}
}

// What an alert says is Prometheus' templates, its labels are the target's, and its
// text is of when it became what it is.
func TestWhatAnAlertSays(t *testing.T) {
	x := export(t, func(n int) string { return fmt.Sprintf("backlog %d\n", 100+n) })
	e := running(t, one("backlog > 100", `annotations: {summary: "{{ $labels.job }} has {{ $value }}"}`, "labels: {severity: page}"), x.target("shop"))
	f := until(t, e, ruleA, "shop firing")
	a := f.Value.Active[0]
	if a.Name != "A" || a.Labels["severity"] != "page" || a.Labels["job"] != "shop" || a.Labels["instance"] != x.target("").Instance || a.ID != state.AlertID(a.Labels) {
		t.Errorf("the alert is %+v", a)
	}
	if !strings.HasPrefix(a.Annotations["summary"], "shop has 1") {
		t.Errorf("it says %q", a.Annotations["summary"])
	}
	told := 0
	evaluations(t, e, ruleA, 5, func(g state.Fact[state.Alerts]) {
		if told++; !g.Value.Equal(f.Value) {
			t.Errorf("it is told again: %+v", g.Value)
		}
	})
}

// OpenMetrics is read, and its exemplars are found for those who look into a case.
func TestOpenMetrics(t *testing.T) {
	x := export(t, func(n int) string {
		return fmt.Sprintf("# TYPE d histogram\nd_bucket{le=\"1.0\"} %d # {trace_id=\"t%d\"} 0.5\nd_bucket{le=\"+Inf\"} %d\nd_count %d\nd_sum 1.0\n# EOF\n", n, n, n, n)
	})
	x.kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
	e := running(t, one("d_count > 0"), x.target("shop"))
	until(t, e, ruleA, "shop firing")
	text, err := e.Text(t.Context(), "d_bucket", time.Time{}, true)
	if err != nil || !regexp.MustCompile(`(?m)^0\.5 at [0-9:]{8}  trace_id=t\d+  service=shop$`).MatchString(text) {
		t.Errorf("it says %q, %v", text, err)
	}
	for expr, want := range map[string]string{
		"d_count > bool 0":         `^1  service=shop$`,
		"sum(d_count) * 0 / 0":     `^NaN \(nothing was counted`,
		`{job="shop", le!=""} * 0`: `(?m)^0  .*le=1.0 `, // told apart by le alone
		"d_count < 0":              `^nothing$`,
		"vector(1234567.8912)":     `^1234567.891$`,
	} {
		if text, err := e.Text(t.Context(), expr, time.Time{}, false); err != nil || !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("%s says %q, %v; want %s", expr, text, err, want)
		}
	}
}

// keep_firing_for keeps an alert that is over.
func TestKeepFiringFor(t *testing.T) {
	x := export(t, constant("backlog 2\n"))
	e := running(t, one("backlog > 1", "keep_firing_for: 1s"), x.target("shop"))
	until(t, e, ruleA, "shop firing")
	x.say(constant("backlog 0\n"))
	untilQuery(t, e, "backlog == 0", func(f state.Fact[state.QueryResult]) bool { return f.Known() && f.Value.Yes })
	evaluations(t, e, ruleA, 2, func(f state.Fact[state.Alerts]) {
		if looks(f) != "shop firing" {
			t.Errorf("it is %s", looks(f))
		}
	})
	until(t, e, ruleA, "none")
}

// A series that a target no longer says is stale at once, and its alert is over.
func TestStaleSeries(t *testing.T) {
	x := export(t, constant("backlog 2\n"))
	e := running(t, one("backlog > 1"), x.target("shop"))
	until(t, e, ruleA, "shop firing")
	x.say(constant("other 1\n"))
	until(t, e, ruleA, "none")
}

// What cannot be seen is no ground for anything, and what was active is not over
// because it cannot be seen.
func TestBlind(t *testing.T) {
	for _, c := range []struct {
		name, rules string
		says        func(int) string
		want        string
	}{
		{"absent", one("absent(nothing)"), constant("x 1\n"), "firing blind: it rests on data that are absent"},
		{"no data", one("vector(1)"), constant("x 1\n"), "firing blind: it rests on no data"},
		{"up", one("up == 0"), func(int) string { return "{" }, "shop firing blind: it rests on whether metrics can be read"},
		{"scraped", one("scrape_samples_scraped > 0"), constant("x 1\n"), "shop firing blind: it rests on whether metrics can be read"},
		{"another alert", one(`ALERTS{alertname="A"} or x`), constant("x 1\n"), "shop firing blind: it rests on other alerts"},
		{"no number", one("x / 0 != 1"), constant("x 0\ny 1\n"), "shop firing blind: what it rests on comes to no number"},
		{"nothing but what is no number", one("x != 1"), constant("x NaN\n"), "shop firing blind: "},
		{"two of a series", one("x > 0"), constant("x 1\nx 2\n"), "shop firing blind: shop at"},
		{"invalid UTF-8", one("up == 0"), constant("x{a=\"\xff\"} 1\n"), "shop firing blind: "},
		{"a label too long", one("up == 0"), constant("x{a=\"" + strings.Repeat("a", 1025) + "\"} 1\n"), "shop firing blind: "},
		{"too many labels", one("up == 0"), constant("x{" + labelsOf(70) + "} 1\n"), "shop firing blind: "},
		{"status", one("up == 0"), nil, "shop firing blind: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.says == nil {
				c.says = constant("x 1\n")
			}
			x := export(t, c.says)
			if c.name == "status" {
				x.fail(503)
			}
			e := running(t, c.rules, x.target("shop"))
			until(t, e, ruleA, c.want)
		})
	}
}

func labelsOf(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("l%d=\"1\"", i))
	}
	return strings.Join(all, ",")
}

// Of 100,000 series nothing is kept, nothing rests on them, and neither time nor
// memory goes.
func TestFarTooManySeries(t *testing.T) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "x{i=\"%d\"} 1\n", i)
	}
	x := export(t, constant(text.String()))
	e := running(t, one("count(x) > 0"), x.target("shop"))
	evaluations(t, e, ruleA, 8, func(f state.Fact[state.Alerts]) {
		if looks(f) != "none" {
			t.Errorf("it is %s", looks(f))
		}
	})
	f := untilQuery(t, e, "count(x)", func(f state.Fact[state.QueryResult]) bool { return !strings.Contains(f.Err, "not read yet") })
	if f.Known() {
		t.Errorf("the count is known: %+v", f)
	}
	if n := e.db.Head().NumSeries(); n > maxSeries+100 {
		t.Errorf("%d series are kept", n)
	}
}

// An alert whose target is gone stays, blind, until the target is read again; another
// target's alert is as it was.
func TestTargetGone(t *testing.T) {
	x, y := export(t, constant("backlog 2\n")), export(t, constant("backlog 3\n"))
	e := running(t, one("backlog > 1"), x.target("shop"), y.target("fraud"))
	until(t, e, ruleA, "fraud firing, shop firing")
	x.fail(500)
	until(t, e, ruleA, "fraud firing, shop firing blind: whether it is over is not known: shop at")
	x.say(constant("backlog 0\n"))
	x.fail(0)
	until(t, e, ruleA, "fraud firing")
}

// A sum over targets of which one is gone is less, and means nothing.
func TestSumWithoutOne(t *testing.T) {
	x, y := export(t, constant("paid 60\n")), export(t, constant("paid 60\n"))
	e := running(t, one("sum(paid) < 100"), x.target("shop"), y.target("shop"))
	until(t, e, ruleA, "none")
	untilQuery(t, e, "count(paid) == 2", func(f state.Fact[state.QueryResult]) bool { return f.Known() && f.Value.Yes })
	x.fail(500)
	f := until(t, e, ruleA, "firing blind: shop at")
	if !strings.Contains(f.Value.Active[0].Blind, "500") {
		t.Errorf("it does not say why: %s", f.Value.Active[0].Blind)
	}
}

// for goes on over a restart, and so does what is known of an alert whose target is
// gone.
func TestRestart(t *testing.T) {
	x := export(t, constant("backlog 2\n"))
	dir := t.TempDir()
	rules := one("backlog > 1", "for: 2s")
	e := begin(t, dir)
	set(t, e, rules, x.target("shop"))
	since := until(t, e, ruleA, "shop pending").Value.Active[0].Since
	until(t, e, ruleA, "shop firing")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	e = begin(t, dir)
	set(t, e, rules, x.target("shop"))
	evaluations(t, e, ruleA, 5, func(f state.Fact[state.Alerts]) {
		if looks(f) == "shop pending" || looks(f) == "none" {
			t.Errorf("after a restart it is %s", looks(f))
		}
	})
	seen := until(t, e, ruleA, "shop firing")
	if !seen.Value.Active[0].Since.Equal(since.Truncate(time.Second)) {
		t.Errorf("after a restart it is so since %s, and was since %s", seen.Value.Active[0].Since, since)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	x.fail(500)
	e = begin(t, dir)
	defer e.Close()
	set(t, e, rules, x.target("shop"))
	until(t, e, ruleA, "shop firing blind: ")
}

// Limits of queries: what looks back too far or takes too much is an error, and an
// unknown fact.
func TestQueriesThatCostTooMuch(t *testing.T) {
	var text strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&text, "x{i=\"%d\"} 1\n", i)
	}
	x := export(t, constant(text.String()))
	e := running(t, one("count(x) > 0"), x.target("shop"))
	until(t, e, ruleA, "firing")
	for _, c := range []struct{ name, expr, want string }{
		{"a long range", "rate(x[25h])", "of more than a day"},
		{"a long subquery", "max_over_time(x[30d:1m])", "of more than a day"},
		{"a long offset", "x offset 2d", "of more than a day"},
		{"a subquery of many steps", `count_over_time((time() > x{i="1"} or vector(1))[23h:50ms])`, "too many samples"},
		{"a join of all with all", `count(x * on() group_left x)`, "found duplicate series"},
		{"a regex", `x{i=~"` + strings.Repeat("(a|b)*", 2000) + `"}`, ""}, // it takes its time, or says nothing
		{"no query", "x +", "parse error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			began := time.Now()
			f := e.Facts(t.Context(), nil, []string{c.expr}).Queries[c.expr]
			if f.Err == "" || !strings.Contains(f.Err, c.want) {
				t.Errorf("it is %+v", f)
			}
			if took := time.Since(began); took > 2*maxQuery {
				t.Errorf("it took %s", took)
			}
		})
	}
	until(t, e, ruleA, "firing")
}

// A result is dated with the oldest reading that it rests on.
func TestQueriesAreDated(t *testing.T) {
	x, y := export(t, constant("x 1\n")), export(t, constant("y 1\n"))
	slow := y.target("slow")
	slow.Interval = desired.Duration(5 * time.Second)
	e := running(t, one("x > 5"), x.target("shop"), slow)
	untilQuery(t, e, "y", func(f state.Fact[state.QueryResult]) bool { return f.Known() })
	asked := x.asked.Load()
	for x.asked.Load() < asked+5 {
		time.Sleep(beat / 4)
	}
	fast := untilQuery(t, e, "x == 1", func(f state.Fact[state.QueryResult]) bool { return f.Known() })
	both := untilQuery(t, e, "x + on() y > 0", func(f state.Fact[state.QueryResult]) bool { return f.Known() })
	if !fast.Value.Yes || !both.Value.Yes || both.At.Up >= fast.At.Up-2*beat {
		t.Errorf("x is of %s, and x with y of %s", fast.At.Up, both.At.Up)
	}
	if no := untilQuery(t, e, "x > 5", func(f state.Fact[state.QueryResult]) bool { return f.Known() }); no.Value.Yes {
		t.Errorf("x > 5 is %+v", no.Value)
	}
	for _, c := range []struct{ expr, want string }{
		{"nothing", "no target that is read says anything of it"},
		{"absent(nothing)", "it rests on data that are absent"},
		{"x / 0 * 0", "it comes to no number"},
		{`x{job="gone"}`, "no target that is read"},
	} {
		if f := e.Facts(t.Context(), nil, []string{c.expr}).Queries[c.expr]; !strings.Contains(f.Err, c.want) {
			t.Errorf("%s is %+v", c.expr, f)
		}
	}
	y.fail(500)
	untilQuery(t, e, `x + on() y`, func(f state.Fact[state.QueryResult]) bool { return strings.Contains(f.Err, "slow at") })
}

// What joins the series of two targets rests on both, whosever labels it has.
func TestJoin(t *testing.T) {
	x, y := export(t, constant("backlog 60\n")), export(t, constant("most 1\n"))
	e := running(t, one("backlog > on() group_left() most"), x.target("shop"), y.target("limits"))
	until(t, e, ruleA, "shop firing")
	y.fail(500)
	until(t, e, ruleA, "shop firing blind: whether it is over is not known: limits at")
}

// An alert that was evaluated on a reading that is nothing to go by is no ground for
// anything until it is evaluated anew, although its target is read well meanwhile; so
// is one that rests on what was recorded of it.
func TestEvaluatedOnABadReading(t *testing.T) {
	x := export(t, constant("backlog 9\nbacklog 9\nbacklog 8\n"))
	e := running(t, "groups:\n- {name: r, interval: 6s, rules: [{record: 'backlog:sum', expr: sum(backlog)}]}\n"+
		"- {name: g, interval: 6s, rules: [{alert: A, expr: backlog > 1}]}\n- {name: h, interval: 100ms, rules: [{alert: B, expr: 'backlog:sum > 1'}]}\n", x.target("shop"))
	until(t, e, ruleA, "shop firing blind: shop at")
	until(t, e, "rule/h/B", "firing blind: shop at")
	x.say(constant("backlog 0\n"))
	untilQuery(t, e, "backlog == 0", func(f state.Fact[state.QueryResult]) bool { return f.Known() && f.Value.Yes })
	for _, source := range []string{ruleA, "rule/h/B"} {
		for f := e.Facts(t.Context(), []string{source}, nil).Alerts[source]; looks(f) != "none"; f = e.Facts(t.Context(), []string{source}, nil).Alerts[source] {
			if !strings.Contains(looks(f), "blind: when it was evaluated last: shop at") {
				t.Fatalf("%s is %s", source, looks(f))
			}
			time.Sleep(beat / 4)
		}
	}
}
