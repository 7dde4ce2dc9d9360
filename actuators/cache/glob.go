package cache

import "strings"

// maxGlob bounds a pattern, in bytes.
const maxGlob = 512

// token is one part of a pattern as Redis reads it: * for any text, ? for any
// byte, [ for a class, and 0 for the one byte itself.
type token struct {
	kind  byte
	is    byte
	class string // between the brackets, as it was written
}

// tokens parts a pattern. One that Redis would read in a surprising way is none.
func tokens(p string) (all []token, ok bool) {
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '*':
			if n := len(all); n == 0 || all[n-1].kind != '*' {
				all = append(all, token{kind: '*'})
			}
		case '?':
			all = append(all, token{kind: '?'})
		case '[':
			end := classEnd(p, i+1)
			if end < 0 {
				return nil, false
			}
			all = append(all, token{kind: '[', class: p[i+1 : end]})
			i = end
		case '\\':
			if i++; i == len(p) {
				return nil, false
			}
			all = append(all, token{is: p[i]})
		default:
			all = append(all, token{is: p[i]})
		}
	}
	return all, true
}

func classEnd(p string, from int) int {
	for i := from; i < len(p); i++ {
		switch p[i] {
		case '\\':
			i++
		case ']':
			return i
		}
	}
	return -1
}

func goodGlob(p string) bool {
	_, ok := tokens(p)
	return ok && len(p) <= maxGlob
}

// has tells whether a class has a byte.
func (t token) has(b byte) bool {
	c, not := strings.CutPrefix(t.class, "^")
	found := false
	for i := 0; i < len(c); i++ {
		switch {
		case c[i] == '\\' && i+1 < len(c):
			i++
			found = found || c[i] == b
		case i+2 < len(c) && c[i+1] == '-':
			low, high := min(c[i], c[i+2]), max(c[i], c[i+2])
			found = found || low <= b && b <= high
			i += 2
		default:
			found = found || c[i] == b
		}
	}
	return found != not
}

// covers tells whether every key that the pattern inner matches is matched by
// outer, too. It may say no where the answer is yes, and never the reverse.
func covers(outer, inner string) bool {
	o, ok1 := tokens(outer)
	i, ok2 := tokens(inner)
	if !ok1 || !ok2 {
		return false
	}
	// can[b] tells whether o[a:] covers i[b:], for the a at hand.
	can := make([]bool, len(i)+1)
	can[len(i)] = true
	for a := len(o) - 1; a >= 0; a-- {
		next := make([]bool, len(i)+1)
		next[len(i)] = o[a].kind == '*' && can[len(i)]
		for b := len(i) - 1; b >= 0; b-- {
			if o[a].kind == '*' {
				next[b] = can[b] || next[b+1]
			} else {
				next[b] = o[a].takes(i[b]) && can[b+1]
			}
		}
		can = next
	}
	return can[0]
}

// takes tells whether a token that stands for one byte stands for all that
// another one stands for.
func (t token) takes(other token) bool {
	switch {
	case other.kind == '*':
		return false
	case t.kind == '?':
		return true
	case other.kind == 0:
		return t.kind == 0 && t.is == other.is || t.kind == '[' && t.has(other.is)
	}
	return t.kind == '[' && other.kind == '[' && t.class == other.class
}
