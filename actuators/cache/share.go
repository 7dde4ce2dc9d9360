package cache

import (
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
)

// share is a part of a whole, in percent.
type share float64

// fifth is the share that may go where a request names none.
const fifth share = 20

// parseShare reads "20%".
func parseShare(s string) (share, bool) {
	digits, ok := strings.CutSuffix(s, "%")
	n, err := strconv.ParseFloat(digits, 64)
	return share(n), ok && err == nil && n > 0 && n <= 100 && strings.Trim(digits, "0123456789.") == ""
}

func (s share) String() string { return strconv.FormatFloat(float64(s), 'f', -1, 64) + "%" }

// allows refuses what is more than the share, and what is too much at once.
func (s share) allows(f found) error {
	switch {
	case float64(f.match)*100 > float64(s)*float64(f.of):
		return actuators.Errorf(actuators.Refused, "%s match, which is more than maxShare %v", f, s)
	case f.match > most && f.match < f.of:
		return actuators.Errorf(actuators.Refused, "%s match, and no more than %s go at once", f, thousands(most))
	}
	return nil
}

// thousands writes a count as people read it: 1,234,567.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
