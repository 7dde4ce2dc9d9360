package cache

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWhatAPatternCovers(t *testing.T) {
	tests := []struct {
		outer, inner string
		want         bool
	}{
		{"cache:*", "cache:*", true},
		{"cache:*", "cache:pages:*", true},
		{"cache:*", "cache:[ab]?\\*x", true},
		{"cache:*", "cache:", true},
		{"cache:*", "cache", false},
		{"cache:*", "*", false},
		{"cache:*", "c*", false},
		{"cache:*", "cache?x", false},
		{"cache:*", "*cache:x", false},
		{"*:tmp", "a*:tmp", true},
		{"*:tmp", "a:tmp*", false},
		{"a?c", "abc", true},
		{"a?c", "a[xy]c", true},
		{"a?c", "a*c", false},
		{"a[xyz]c", "ayc", true},
		{"a[x-z]c", "ayc", true},
		{"a[^x-z]c", "ayc", false},
		{"a[^x-z]c", "abc", true},
		{"a[xyz]c", "a[xyz]c", true},
		{"a[xyz]c", "a[xy]c", false}, // it may say no
		{"a\\*c", "a*c", false},
		{"a\\*c", "a\\*c", true},
		{"**", "*", true},
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"a[", "a[", false}, // no pattern
	}
	for _, tt := range tests {
		if got := covers(tt.outer, tt.inner); got != tt.want {
			t.Errorf("%q covers %q: %v, want %v", tt.outer, tt.inner, got, tt.want)
		}
	}
}

func TestPatternsThatAreNone(t *testing.T) {
	for _, p := range []string{"a[", "a[b", "a[\\]", "a\\", strings.Repeat("x", maxGlob+1)} {
		if goodGlob(p) {
			t.Errorf("%q passes for a pattern", p)
		}
	}
}

// What a pattern matches that is covered, the one that covers it matches too:
// nobody gets beyond what was declared by the way in which he asks.
func TestNothingEscapesThePatternThatCoversIt(t *testing.T) {
	alphabet := rapid.SampledFrom([]string{"a", "b", ":", "*", "*", "?", "[ab]", "[^a]", "[a-c]", "\\*", "\\a"})
	pattern := rapid.Map(rapid.SliceOfN(alphabet, 0, 7), func(s []string) string { return strings.Join(s, "") })
	key := rapid.StringOfN(rapid.RuneFrom([]rune("abc:*")), 0, 7, -1)
	covered, matched := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		outer, inner, k := pattern.Draw(t, "outer"), pattern.Draw(t, "inner"), key.Draw(t, "key")
		if !covers(outer, inner) {
			return
		}
		covered++
		if !matches(inner, k) {
			return
		}
		matched++
		if !matches(outer, k) {
			t.Fatalf("%q covers %q, which matches %q, and does not match it itself", outer, inner, k)
		}
	})
	t.Logf("%d covered, %d matched", covered, matched)
}

// matches is a pattern's meaning, by the shortest way of saying it. The live
// tests hold it against a real Redis.
func matches(pattern, key string) bool {
	all, ok := tokens(pattern)
	return ok && matchTokens(all, key)
}

func matchTokens(p []token, key string) bool {
	switch {
	case len(p) == 0:
		return key == ""
	case p[0].kind == '*':
		return matchTokens(p[1:], key) || key != "" && matchTokens(p, key[1:])
	case key == "":
		return false
	}
	one := p[0].kind == '?' || p[0].kind == 0 && p[0].is == key[0] || p[0].kind == '[' && p[0].has(key[0])
	return one && matchTokens(p[1:], key[1:])
}
