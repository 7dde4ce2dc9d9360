package actuators

import (
	"encoding/json"
	"strings"
)

// Words is an action, as Action.String writes it, in the words of whoever reads what
// was done at night: what a program is told, and not how; of evidence what it is, and
// not by which arguments it was found.
func Words(action string) string {
	verb, rest, _ := strings.Cut(action, " ")
	switch {
	case strings.HasPrefix(verb, "gather."):
		return "gather " + strings.TrimPrefix(verb, "gather.")
	case verb == "ask.human":
		if _, question, ok := strings.Cut(rest, " question="); ok {
			return "ask: " + question
		}
	case verb == "exec.run":
		program, argv, _ := strings.Cut(rest, " argv=")
		var words []string
		if json.NewDecoder(strings.NewReader(argv)).Decode(&words) == nil {
			return strings.Join(append([]string{program}, words...), " ")
		}
	case verb == "scale.set":
		return "scale " + strings.Replace(rest, " to=", " to ", 1)
	}
	if before, after, ok := strings.Cut(action, " declared="); ok { // a digest
		_, after, more := strings.Cut(after, " ")
		if action = before; more {
			action += " " + after
		}
	}
	return action
}
