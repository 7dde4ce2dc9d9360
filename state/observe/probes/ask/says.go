package ask

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// What is taken of a body's word on dependencies.
const (
	maxNames = 32
	maxName  = 64
)

// dependencies reads what a readiness body says of what the service depends on:
// {"dependencies": {"postgres": "ok", "redis": {"status": "down"}}}. Of each only
// the first word is taken: how long an answer took, or the text of an error, may
// be another each time, and would make the same look new.
func dependencies(body []byte) map[string]string {
	if len(body) == 0 || len(body) > maxBody {
		return nil
	}
	var all struct {
		Dependencies map[string]json.RawMessage `json:"dependencies"`
	}
	if json.Unmarshal(body, &all) != nil || len(all.Dependencies) == 0 {
		return nil
	}
	says := make(map[string]string)
	for _, n := range slices.Sorted(maps.Keys(all.Dependencies)) {
		if len(says) == maxNames {
			break
		}
		if word := firstWord(verdict(all.Dependencies[n])); word != "" && n != "" && len(n) <= maxName {
			says[n] = word
		}
	}
	if len(says) == 0 {
		return nil
	}
	return says
}

// verdict finds the status of one dependency: a text, true or false, or an
// object that has one.
func verdict(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return ""
	}
	if m, ok := v.(map[string]any); ok {
		for _, key := range []string{"status", "state", "health"} {
			if s, ok := m[key].(string); ok {
				return s
			}
		}
		for _, key := range []string{"ok", "healthy", "ready"} {
			if b, ok := m[key].(bool); ok {
				v = b
				break
			}
		}
	}
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "ok"
		}
		return "down"
	}
	return ""
}

// firstWord is the letters with which a text begins.
func firstWord(s string) string {
	s = strings.TrimSpace(s)
	end := strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == '-')
	})
	if end >= 0 {
		s = s[:end]
	}
	if len(s) > maxName {
		s = s[:maxName]
	}
	return strings.ToLower(s)
}
