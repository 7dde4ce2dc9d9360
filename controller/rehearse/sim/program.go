package sim

import (
	"path"
	"strconv"
	"strings"
	"time"
)

// Program says how a process behaves once it was started.
type Program struct {
	Missing    bool          // there is no such file, or it cannot be executed
	Exits      bool          // it ends by itself; otherwise it runs until it is stopped
	After      time.Duration // …after this time
	Code       int           // …with this exit code
	Signal     string        // …or by this signal: KILL, TERM, SEGV, …
	Ready      time.Duration // when it tells that it is ready, for Type=notify; negative: never
	IgnoreTerm bool          // SIGTERM does not end it
	TermCode   int           // its exit code after SIGTERM; zero: the signal itself ends it
}

// Behave says how a program behaves from its next start on, by its path. The
// usual small ones (true, false, sleep, sh -c with a few of their words) are
// known; every other runs until it is stopped, and is ready at once.
func (h *Host) Behave(path string, p Program) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.programs[path] = p
}

// program is what a command line does.
func (h *Host) program(argv []string) Program {
	if len(argv) == 0 {
		return Program{Exits: true}
	}
	if p, ok := h.programs[argv[0]]; ok {
		return p
	}
	if strings.HasPrefix(argv[0], "/no/") {
		return Program{Missing: true}
	}
	switch path.Base(argv[0]) {
	case "true":
		return Program{Exits: true}
	case "false":
		return Program{Exits: true, Code: 1}
	case "sleep":
		if len(argv) == 2 {
			return asleep(argv[1])
		}
	case "sh":
		if len(argv) == 3 && argv[1] == "-c" {
			return script(argv[2])
		}
	}
	return Program{}
}

func asleep(s string) Program {
	if s == "infinity" || s == "inf" {
		return Program{}
	}
	sec, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return Program{Exits: true, Code: 1}
	}
	return Program{Exits: true, After: time.Duration(sec * float64(time.Second))}
}

// script understands the few words that unit files of tests need:
// "trap ” TERM; sleep 1; systemd-notify --ready; exec sleep infinity".
func script(text string) Program {
	p := Program{Exits: true, Ready: -1}
	for _, s := range strings.Split(text, ";") {
		words := strings.Fields(s)
		if len(words) > 1 && words[0] == "exec" {
			words = words[1:]
		}
		if len(words) == 0 || words[len(words)-1] == "&" {
			continue // what is put into the background changes nothing for the one in front
		}
		switch words[0] {
		case "sleep":
			q := asleep(words[1])
			if !q.Exits {
				p.Exits = false
				return p
			}
			p.After += q.After
		case "while":
			p.Exits = false
			return p
		case "exit":
			p.Code, _ = strconv.Atoi(words[1])
			return p
		case "kill":
			p.Signal = strings.TrimPrefix(words[1], "-")
			return p
		case "trap":
			p.IgnoreTerm = true
		case "systemd-notify":
			p.Ready = p.After
		case "false":
			p.Code = 1
		}
	}
	return p
}
