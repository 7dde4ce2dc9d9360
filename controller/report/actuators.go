package report

import (
	"strings"

	"github.com/pakashop/evenkeel/actuators"
)

// ActuatorsText lists what each actuator can do, a line a verb.
func ActuatorsText(infos []actuators.Info, st Style) string {
	if len(infos) == 0 {
		return "no actuators\n"
	}
	t := &table{style: st}
	t.head("ACTUATOR", "VERSION", "VERB", "EFFECT", "ARGUMENTS", "WHAT IT DOES")
	for _, i := range infos {
		if len(i.Verbs) == 0 {
			t.add(i.Name, "-", "-", "-", "-", "It did not say; evenkeel's log has the reason.")
		}
		for _, v := range i.Verbs {
			t.add(i.Name, i.Version, v.Name, string(v.Effect), arguments(v), v.Help)
			if v.Effect == actuators.Disruptive {
				t.paint(3, yellow)
			}
		}
	}
	return t.String()
}

func arguments(v actuators.Verb) string {
	args := strings.Join(v.Args, ",")
	switch {
	case v.Content && args != "":
		return args + "+content"
	case v.Content:
		return "content"
	case args == "":
		return "-"
	}
	return args
}

// ActuatorList is the list as data.
type ActuatorList struct {
	Actuators []actuators.Info `json:"actuators"`
}

// NewActuatorList makes the list; its arrays are never null.
func NewActuatorList(infos []actuators.Info) ActuatorList {
	out := ActuatorList{Actuators: make([]actuators.Info, 0, len(infos))}
	for _, i := range infos {
		i.Verbs = append([]actuators.Verb{}, i.Verbs...)
		out.Actuators = append(out.Actuators, i)
	}
	return out
}
