package sim

import (
	"strconv"
	"strings"
	"time"
)

// config is what the files of a unit say, as far as the model knows it.
type config struct {
	typ, restart            string
	remain                  bool
	pre, start, stop, again []string // command lines; again is ExecReload
	restartPause            time.Duration
	startTimeout            time.Duration // negative: none
	stopTimeout             time.Duration
	burst                   int
	interval                time.Duration
	ok                      map[string]bool // SuccessExitStatus
	requires, wants, after  []string
	conflicts               []string
	conditions              []string
	wantedBy, alias, also   []string // wantedBy: with the kind of folder, "multi-user.target.wants"
	instance                string   // DefaultInstance
	triggers                string   // Unit= of a timer, socket or path
	bad                     bool     // systemd cannot load it
}

func newConfig() *config {
	return &config{
		restart: "no", restartPause: 100 * time.Millisecond, startTimeout: 90 * time.Second, stopTimeout: 90 * time.Second,
		burst: 5, interval: 10 * time.Second, ok: map[string]bool{},
	}
}

// parse takes the text of a unit file or a drop-in.
func (c *config) parse(text string) {
	section, rest := "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if t := strings.TrimSpace(line); strings.HasPrefix(t, "#") || strings.HasPrefix(t, ";") {
			continue
		}
		if before, ok := strings.CutSuffix(line, `\`); ok {
			rest += before + " "
			continue
		}
		line, rest = strings.TrimSpace(rest+line), ""
		if strings.HasPrefix(line, "[") {
			if !strings.HasSuffix(line, "]") {
				c.bad = true
				return
			}
			section = line
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok {
			c.set(section, strings.TrimSpace(key), strings.TrimSpace(value))
		}
	}
}

func (c *config) set(section, key, value string) {
	switch section {
	case "[Unit]":
		c.setUnit(key, value)
	case "[Service]":
		c.setService(key, value)
	case "[Install]":
		c.setInstall(key, value)
	default:
		if key == "Unit" {
			c.triggers = value
		}
	}
}

func (c *config) setUnit(key, value string) {
	switch key {
	case "Requires", "BindsTo":
		add(&c.requires, value)
	case "Wants":
		add(&c.wants, value)
	case "After":
		add(&c.after, value)
	case "Conflicts":
		add(&c.conflicts, value)
	case "ConditionPathExists":
		add(&c.conditions, value)
	case "StartLimitBurst":
		c.burst, _ = strconv.Atoi(value)
	case "StartLimitIntervalSec", "StartLimitInterval":
		c.interval = span(value)
	}
}

func (c *config) setService(key, value string) {
	commands := map[string]*[]string{"ExecStartPre": &c.pre, "ExecStart": &c.start, "ExecStop": &c.stop, "ExecReload": &c.again}
	if list, ok := commands[key]; ok {
		if value == "" {
			*list = nil
		} else {
			*list = append(*list, value)
		}
		return
	}
	switch key {
	case "Type":
		if strings.Contains(" simple exec forking oneshot dbus notify idle ", " "+value+" ") {
			c.typ = value
		}
	case "Restart":
		if strings.Contains(" no on-success on-failure on-abnormal on-watchdog on-abort always ", " "+value+" ") {
			c.restart = value
		}
	case "RestartSec":
		c.restartPause = span(value)
	case "RemainAfterExit":
		c.remain = value == "yes" || value == "true" || value == "1" || value == "on"
	case "TimeoutStartSec":
		c.startTimeout = span(value)
	case "TimeoutStopSec":
		c.stopTimeout = span(value)
	case "TimeoutSec":
		c.startTimeout, c.stopTimeout = span(value), span(value)
	case "SuccessExitStatus":
		for _, s := range strings.Fields(value) {
			c.ok[strings.TrimPrefix(s, "SIG")] = true
		}
	}
}

func (c *config) setInstall(key, value string) {
	switch key {
	case "WantedBy", "RequiredBy", "UpheldBy":
		kind := map[string]string{"WantedBy": ".wants", "RequiredBy": ".requires", "UpheldBy": ".upholds"}[key]
		for _, t := range strings.Fields(value) {
			c.wantedBy = append(c.wantedBy, t+kind)
		}
		if value == "" {
			c.wantedBy = nil
		}
	case "Alias":
		add(&c.alias, value)
	case "Also":
		add(&c.also, value)
	case "DefaultInstance":
		c.instance = value
	}
}

// add appends the words of a list; an empty value resets it.
func add(list *[]string, value string) {
	if value == "" {
		*list = nil
	}
	*list = append(*list, strings.Fields(value)...)
}

// finish settles defaults and what systemd refuses to load.
func (c *config) finish(name string) {
	if !isService(name) {
		return
	}
	if c.typ == "" {
		c.typ = "simple"
		if len(c.start) == 0 {
			c.typ = "oneshot"
		}
	}
	if c.typ == "oneshot" && c.startTimeout == 90*time.Second {
		c.startTimeout = -1
	}
	switch {
	case len(c.start) == 0 && len(c.stop) == 0, len(c.start) == 0 && c.typ != "oneshot", len(c.start) > 1 && c.typ != "oneshot",
		c.typ == "oneshot" && (c.restart == "always" || c.restart == "on-success"):
		c.bad = true
	}
}

// span reads a time span as unit files write it; infinity is negative.
func span(s string) time.Duration {
	if s == "infinity" {
		return -1
	}
	var total time.Duration
	for s = strings.ReplaceAll(s, " ", ""); s != ""; {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789."))
		n, err := strconv.ParseFloat(s[:digits], 64)
		if err != nil {
			return 0
		}
		s = s[digits:]
		letters := len(s) - len(strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyz"))
		unit, ok := spans[s[:letters]]
		if !ok {
			return 0
		}
		total += time.Duration(n * float64(unit))
		s = s[letters:]
	}
	return total
}

var spans = map[string]time.Duration{
	"": time.Second, "s": time.Second, "sec": time.Second, "ms": time.Millisecond, "us": time.Microsecond,
	"m": time.Minute, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
}

// argv splits a command line and drops systemd's prefixes.
func argv(line string) []string {
	var out []string
	var word strings.Builder
	quote, open := rune(0), false
	for _, r := range strings.TrimLeft(line, "-@:+!") {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, open = r, true
		case quote == 0 && r == ' ':
			if open || word.Len() > 0 {
				out = append(out, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(r)
		}
	}
	if open || word.Len() > 0 {
		out = append(out, word.String())
	}
	return out
}
