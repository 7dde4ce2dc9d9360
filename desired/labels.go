package desired

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// alertVar begins the variables of a runbook that are labels of the alert at hand.
const alertVar = "alert."

// maxLabel bounds a label that becomes a word of a runbook, in bytes.
const maxLabel = 256

// patterned are the keys whose values are read as a pattern or as an expression, and
// what a label must not have there: it would say more than a word.
var patterned = map[string]string{"pattern": `*?[]\`, "expr": "\"'`\\{}", "grep": `*?[]\(){}|+^$.`}

// ExpandLabels puts the labels of an alert where a rung names them: $(alert.LABEL).
// It returns a copy, and leaves the other words of the rung as they are.
//
// A label is a stranger's word: whoever is scraped chooses it. One that is absent or
// empty is refused, because to many an action no word means all there is; so is one
// that begins with -, which a program takes for an option, that has control
// characters, or that would be read as a pattern.
func ExpandLabels(d Do, labels map[string]string) (Do, error) {
	with := make(map[string]any, len(d.With))
	for _, key := range sorted(d.With) {
		v, err := labelled(d.With[key], key, labels)
		if err != nil {
			return Do{}, fmt.Errorf("with.%s: %w", key, err)
		}
		with[key] = v
	}
	if d.With != nil {
		d.With = with
	}
	return d, nil
}

func labelled(v any, key string, labels map[string]string) (any, error) {
	switch v := v.(type) {
	case string:
		return labelledText(v, key, labels)
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			var err error
			if out[i], err = labelled(one, key, labels); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range sorted(v) {
			var err error
			if out[k], err = labelled(v[k], key, labels); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

func labelledText(text, key string, labels map[string]string) (string, error) {
	var bad error
	out, unknown := Expand(text, func(name string) (string, bool) {
		label, ok := strings.CutPrefix(name, alertVar)
		if !ok {
			return "", false
		}
		value := labels[label]
		if value == "" {
			return "", false
		}
		if why := unfit(value, key); why != "" && bad == nil {
			bad = fmt.Errorf("the alert's label %s %s", shorten(label), why)
		}
		return value, true
	})
	switch {
	case bad != nil:
		return "", bad
	case len(unknown) > 0 && strings.HasPrefix(unknown[0].Name, alertVar):
		return "", fmt.Errorf("the alert has no label %s", shorten(unknown[0].Name[len(alertVar):]))
	case len(unknown) > 0:
		return "", fmt.Errorf("$(%s) has no value here", shorten(unknown[0].Name))
	}
	return out, nil
}

// unfit says why a label is no word of a rung; empty: it is one.
func unfit(value, key string) string {
	switch {
	case len(value) > maxLabel:
		return fmt.Sprintf("is longer than %d bytes", maxLabel)
	case !utf8.ValidString(value), strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "has characters that cannot be printed"
	case value[0] == '-':
		return "begins with -, which a program would take for an option"
	case strings.ContainsAny(value, patterned[key]):
		return "has characters that " + key + " would read as more than themselves"
	}
	return ""
}

// ofAlert tells whether a variable is a label of an alert, by the form of a label's
// name.
func ofAlert(name string) bool {
	label, ok := strings.CutPrefix(name, alertVar)
	return ok && label != "" && (label[0] < '0' || label[0] > '9') &&
		strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

// KeepLabels is a lookup that leaves $(alert.LABEL) as it stands, for ExpandLabels.
func KeepLabels(lookup func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if ofAlert(name) {
			return "$(" + name + ")", true
		}
		return lookup(name)
	}
}
