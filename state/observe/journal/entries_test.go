package journal

import (
	"bytes"
	"strings"
	"testing"
)

// Whatever somebody writes into the journal, what others wrote is found beside it.
func TestLongEntriesAreLeftOut(t *testing.T) {
	const a, z = `{"MESSAGE":"a"}` + "\n", `{"MESSAGE":"z"}` + "\n"
	long := strings.Repeat("x", maxEntry+1) + "\n"
	whole := strings.Repeat("y", maxEntry-1) + "\n"
	for name, c := range map[string]struct {
		in, want string
		enough   bool
	}{
		"nothing":                      {"", "", false},
		"short ones":                   {a + z, a + z, false},
		"a long one":                   {a + long + z, a + left + z, false},
		"as long as may be":            {whole + z, whole + z, false},
		"one that is 4 MiB, the first": {strings.Repeat("x", 4<<20) + "\n" + z, left + z, false},
		"cut short":                    {a + "{", a, false},
		"cut short, and long":          {a + strings.Repeat("x", maxEntry+1), a, false},
		"too many":                     {strings.Repeat(whole, 13), strings.Repeat(whole, 12), true},
		"too much that is left out":    {a + strings.Repeat(strings.Repeat("x", 8<<20)+"\n", 9), a + strings.Repeat(left, 7), true},
	} {
		b, enough, err := take(bytes.NewReader([]byte(c.in)))
		if err != nil || string(b) != c.want || enough != c.enough {
			t.Errorf("%s: %d bytes (want %d), enough: %t, %v", name, len(b), len(c.want), enough, err)
		}
	}
}
