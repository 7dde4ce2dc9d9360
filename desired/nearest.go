package desired

// Nearest finds the candidate that somebody who wrote word most likely meant:
// the one with the fewest typing errors (a letter more, fewer, other, or two
// swapped). Empty: none is near enough to be worth asking.
func Nearest(word string, candidates []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, c := range candidates {
		if diff := len(c) - len(word); diff >= least || -diff >= least || c == word {
			continue
		}
		if d := typos(lower(word), lower(c)); d < least && d < max(len(c), 2) {
			best, least = c, d
		}
	}
	return best
}

// DidYouMean is Nearest as the end of a message: `; did you mean "x"?`, or
// nothing.
func DidYouMean(word string, candidates []string) string {
	if n := Nearest(word, candidates); n != "" {
		return `; did you mean "` + n + `"?`
	}
	return ""
}

// typos is the distance of Damerau and Levenshtein, two swapped letters being
// one error. Words are short; longer ones are cut.
func typos(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	var before, last, row [65]int
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
