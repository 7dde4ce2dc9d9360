package rules

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// What one file may hold: more is nobody's intention.
const (
	maxGroups = 500
	maxRules  = 2000
	maxValues = 100_000
	leastTime = model.Duration(time.Second)
)

// File is what a file of rules declares.
type File struct {
	Alerts []Alert
	Rules  int // alerts and records
}

// Alert is one alerting rule.
type Alert struct {
	Path        string // groups[0].rules[1]
	Group       string
	Name        string
	Expr        string
	For         time.Duration
	Interval    time.Duration // of its group; 0: not said
	Labels      map[string]string
	Annotations map[string]string
}

// promQL reads expressions as Prometheus does that was started without any feature
// flags.
var promQL = parser.NewParser(parser.Options{})

// Check reads a file of rules. A Fault that is neither a warning nor a bound is an error
// to Prometheus, too.
func Check(text []byte) (File, []Fault) {
	f := &faults{text: strings.Split(string(text), "\n")}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		f.yamlError(err)
		return File{}, f.list
	}
	if len(doc.Content) > 0 {
		f.root = doc.Content[0]
	}
	return f.check(text)
}

// check reads rules whose places are those of the root.
func (f *faults) check(text []byte) (File, []Fault) {
	if f.root != nil {
		f.shape()
	}
	if f.huge {
		return File{}, f.list
	}
	groups, errs := rulefmt.Parse(text, false, model.UTF8Validation, promQL, slog.New(slog.DiscardHandler))
	if groups == nil {
		if len(f.list) == 0 {
			for _, err := range errs {
				f.yamlError(err)
			}
		}
		return File{}, f.list
	}
	f.list = nil // what shape is stricter in, Prometheus takes
	for _, err := range errs {
		f.semantic(groups, err)
	}
	f.duplicates(groups)
	return f.bounds(groups), f.list
}

var yamlLine = regexp.MustCompile(`(?:yaml: )?line (\d+): (.*)`)

// yamlError is what the YAML parser says, which knows lines at most.
func (f *faults) yamlError(err error) {
	all := yamlLine.FindAllStringSubmatch(err.Error(), -1)
	for _, m := range all {
		line, _ := strconv.Atoi(m[1])
		f.list = append(f.list, Fault{Message: "not valid YAML: " + m[2], FileLine: max(line, 1), FileCol: 1})
	}
	if len(all) == 0 {
		f.list = append(f.list, Fault{Message: "not valid YAML: " + strings.TrimPrefix(err.Error(), "yaml: "), FileLine: 1, FileCol: 1})
	}
}

var (
	groupPlace = regexp.MustCompile(`^\d+:\d+: `)
	groupTwice = regexp.MustCompile(`groupname: "(.*)" is repeated`)
	inField    = regexp.MustCompile(`^(label|annotation) "((?:[^"\\]|\\.)*)": `)
	nameOf     = regexp.MustCompile(`^invalid (label|annotation) (name|value): `)
)

// semantic gives an error of rulefmt the place where it can be mended.
func (f *faults) semantic(groups *rulefmt.RuleGroups, err error) {
	var rule *rulefmt.Error
	if !errors.As(err, &rule) {
		f.groupError(groups, err.Error())
		return
	}
	path := "groups"
	for i, g := range groups.Groups {
		if g.Name == rule.Group && rule.Rule <= len(g.Rules) && ruleName(g.Rules[rule.Rule-1]) == rule.RuleName {
			path = item(item("groups", i)+".rules", rule.Rule-1)
			break
		}
	}
	cause := errors.Unwrap(&rule.Err)
	var parse parser.ParseErrors
	if errors.As(cause, &parse) {
		for _, one := range parse {
			f.add(exprFault(path+".expr", one))
		}
		return
	}
	msg := cause.Error()
	switch {
	case inField.MatchString(msg):
		m := inField.FindStringSubmatch(msg)
		path += "." + m[1] + "s." + m[2]
		msg = strings.TrimPrefix(strings.TrimPrefix(msg, m[0]), "error parsing template __alert_"+rule.RuleName+": ")
		msg = strings.TrimPrefix(msg, "template: __alert_"+rule.RuleName+":1: ") + "; write {{ $labels.NAME }} or {{ $value }}"
	case nameOf.MatchString(msg):
		path += "." + nameOf.FindStringSubmatch(msg)[1] + "s"
	case strings.Contains(msg, "recording rule name"):
		path += ".record"
	case strings.HasPrefix(msg, "invalid field '"):
		path += "." + strings.Split(msg, "'")[1]
		msg = "a recording rule has none; remove it"
	case strings.HasPrefix(msg, "only one of"):
		path += ".record"
		msg = "a rule has alert or record, and not both; make two rules of it"
	case strings.HasPrefix(msg, "one of"):
		msg = "the field alert or record is missing"
	case strings.HasPrefix(msg, "field 'expr'"):
		msg = "the field expr is missing"
	}
	f.bad(path, "%s", msg)
}

// groupError is one that rulefmt says of a group.
func (f *faults) groupError(groups *rulefmt.RuleGroups, msg string) {
	msg = groupPlace.ReplaceAllString(msg, "")
	path := "groups"
	twice := groupTwice.FindStringSubmatch(msg)
	seen := map[string]bool{}
	for i, g := range groups.Groups {
		if msg == "Groupname must not be empty" && g.Name == "" {
			path, msg = item("groups", i), "the field name is missing"
			break
		}
		if twice != nil && g.Name == twice[1] && seen[g.Name] {
			path, msg = item("groups", i)+".name", "there is a group named "+g.Name+" already"
		}
		seen[g.Name] = true
	}
	f.bad(path, "%s", msg)
}

func ruleName(r rulefmt.Rule) string {
	if r.Alert != "" {
		return r.Alert
	}
	return r.Record
}

// bounds holds rules to what evenkeel evaluates, and lists the alerts.
func (f *faults) bounds(groups *rulefmt.RuleGroups) File {
	var file File
	if len(groups.Groups) > maxGroups {
		f.bound("groups", "%d are too many; evenkeel evaluates at most %d of a file", len(groups.Groups), maxGroups)
	}
	for i, g := range groups.Groups {
		path := item("groups", i)
		if g.Interval != 0 && g.Interval < leastTime {
			f.bound(path+".interval", "evenkeel evaluates once a second at most; want 1s or more")
		}
		for j, r := range g.Rules {
			at := item(path+".rules", j)
			file.Rules++
			for _, one := range exprBounds(r.Expr) {
				one.Path = at + ".expr"
				f.add(one)
			}
			if r.Alert != "" {
				file.Alerts = append(file.Alerts, alertOf(at, g, r))
			}
		}
	}
	if file.Rules > maxRules {
		f.bound("groups", "%d rules are too many; evenkeel evaluates at most %d of a file", file.Rules, maxRules)
	}
	return file
}

func alertOf(path string, g rulefmt.RuleGroup, r rulefmt.Rule) Alert {
	a := Alert{
		Path: path, Group: g.Name, Name: r.Alert, Expr: r.Expr, For: time.Duration(r.For), Interval: time.Duration(g.Interval),
		Labels: map[string]string{}, Annotations: r.Annotations,
	}
	for _, labels := range []map[string]string{g.Labels, r.Labels} {
		for k, v := range labels {
			a.Labels[k] = v
		}
	}
	a.Labels[model.AlertNameLabel] = r.Alert
	return a
}

// duplicates warns of rules that make the same series, of which one hides the other.
func (f *faults) duplicates(groups *rulefmt.RuleGroups) {
	first := map[string]string{}
	for i, g := range groups.Groups {
		for j, r := range g.Rules {
			labels := model.LabelSet{}
			for _, m := range []map[string]string{g.Labels, r.Labels} {
				for k, v := range m {
					labels[model.LabelName(k)] = model.LabelValue(v)
				}
			}
			key, at := fmt.Sprintf("%s %s", ruleName(r), labels), item(item("groups", i)+".rules", j)
			if other, ok := first[key]; ok {
				f.warn(at, "%s with the same labels is declared by %s, too", ruleName(r), other)
				continue
			}
			first[key] = at
		}
	}
}
