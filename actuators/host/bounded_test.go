package host

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

func through(in string, now func() time.Time) string {
	b := newBounded(io.NopCloser(strings.NewReader(in)))
	b.now = now
	out, _ := io.ReadAll(b)
	return string(out)
}

func TestWhatAPluginPrintsIsBounded(t *testing.T) {
	still := func() time.Time { return time.Unix(100, 0) }
	full := strings.Repeat("x", maxLine)
	tests := map[string]struct{ in, want string }{
		"nothing":                  {"", ""},
		"lines pass":               {"a\n\nb\n", "a\n\nb\n"},
		"no end of line":           {"a\nb", "a\nb"},
		"a full line":              {full[1:] + "\nb\n", full[1:] + "\nb\n"},
		"a line too long is cut":   {full + "yyy\nb\n", full + "\nb\n"},
		"one that never ends":      {full + strings.Repeat("y", 1<<20), full + "\n"},
		"two in a row are cut too": {full + "y\n" + full + "z\nb\n", full + "\n" + full + "\nb\n"},
	}
	for name, tt := range tests {
		if got := through(tt.in, still); got != tt.want {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(tt.want))
		}
	}
}

func TestLinesWithoutEndAreCountedAndDropped(t *testing.T) {
	var in bytes.Buffer
	for i := range 100_000 {
		fmt.Fprintf(&in, "line %d of a plugin that talks too much\n", i)
	}
	n := 0
	clock := func() time.Time { // one second passes near the end
		n++
		if n > 99_990 {
			return time.Unix(101, 0)
		}
		return time.Unix(100, 0)
	}
	got := through(in.String(), clock)
	if len(got) > maxRate+maxLine || !strings.Contains(got, "lines dropped: more than") || !strings.HasSuffix(got, "line 99999 of a plugin that talks too much\n") {
		t.Errorf("%d bytes went on, ending %q", len(got), got[len(got)-200:])
	}
}

// Whatever a plugin prints, no line that goes on is longer than the limit, and
// what keeps to the limits goes on as it is.
func FuzzBounded(f *testing.F) {
	f.Add([]byte("1|1|unix|/run/x|grpc|\n"), 7)
	f.Add(bytes.Repeat([]byte("x"), maxLine+1), 1)
	f.Add([]byte("\n\n\x00\xff"), 3)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		b := newBounded(io.NopCloser(bytes.NewReader(in)))
		b.now = func() time.Time { return time.Unix(100, 0) }
		var out []byte
		for p := make([]byte, 128+max(0, size)%maxLine); ; {
			n, err := b.Read(p)
			out = append(out, p[:n]...)
			if err != nil {
				break
			}
		}
		fits := len(in) <= maxRate
		for line := range bytes.Lines(in) {
			fits = fits && len(line) <= maxLine
		}
		if fits && !bytes.Equal(out, in) {
			t.Errorf("%q became %q", in, out)
		}
		for line := range bytes.Lines(out) {
			if len(line) > maxLine+1 {
				t.Errorf("a line of %d bytes", len(line))
			}
		}
	})
}
