package probes

// seats are how many probes of a period share each of its seconds.
type seats map[int][]int

// company is how many probes are asked together before another second of their
// period is used: as few awakenings as that allows, and no crowd. It takes a few
// milliseconds to ask a hundred.
const company = 100

// maxSeats bounds the seconds that are used of a long period.
const maxSeats = 60

func (s seats) of(r *row) []int {
	period := int(r.period().Seconds())
	if s[period] == nil {
		s[period] = make([]int, min(period, maxSeats))
	}
	return s[period]
}

func (s seats) sit(r *row) { s.of(r)[r.slot]++ }

// find is the first second with room or, where none has any, the emptiest.
func (s seats) find(r *row) int {
	best := 0
	for second, n := range s.of(r) {
		if n < company {
			return second
		}
		if n < s.of(r)[best] {
			best = second
		}
	}
	return best
}
