package bus

import (
	"slices"
	"testing"
)

func TestWhichConditionsStandInTheWay(t *testing.T) {
	met := Condition{Name: "ConditionHost", Value: "a", Result: 1}
	unmetOne := Condition{Name: "ConditionPathExists", Negated: true, Value: "/b", Result: -1}
	untested := Condition{Name: "ConditionUser", Value: "c"}
	trigger := func(result int32) Condition {
		return Condition{Name: "ConditionACPower", Trigger: true, Value: "true", Result: result}
	}
	for name, c := range map[string]struct {
		all  []Condition
		want []string
	}{
		"none":                       {nil, nil},
		"one that is not met":        {[]Condition{met, unmetOne, untested}, []string{"ConditionPathExists=!/b"}},
		"one trigger of two is met":  {[]Condition{trigger(-1), trigger(1)}, nil},
		"no trigger is met":          {[]Condition{met, trigger(-1)}, []string{"ConditionACPower=|true"}},
		"a reload made it forget":    {[]Condition{untested, trigger(0)}, []string{"ConditionUser=c or ConditionACPower=|true"}},
		"triggers are not looked at": {[]Condition{unmetOne, trigger(0)}, []string{"ConditionPathExists=!/b"}},
	} {
		if got := unmet(c.all); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
