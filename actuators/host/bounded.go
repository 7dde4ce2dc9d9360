package host

import (
	"bytes"
	"fmt"
	"io"
	"time"
)

const (
	maxLine = 16 << 10  // bytes of a line that go on; the handshake has about 1 KiB
	maxRate = 256 << 10 // bytes that go on in a second
)

// bounded is what a plugin prints, cut to what the host can bear. Of a line
// that is too long the rest is thrown away; of too many lines in a second all
// the rest are, and are counted. Whatever a plugin prints is read, so that it
// never waits for us. Any error is the end.
type bounded struct {
	src  io.ReadCloser
	now  func() time.Time
	in   []byte // read and not yet looked at
	buf  [32 << 10]byte
	line int  // bytes of the current line that went on
	skip bool // the rest of this line is thrown away

	second  time.Time // when the current second of accounting began
	spent   int       // bytes that went on in it
	dropped int       // lines thrown away since we last said so
}

func newBounded(src io.ReadCloser) *bounded { return &bounded{src: src, now: time.Now} }

func (b *bounded) Close() error { return b.src.Close() }

func (b *bounded) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if len(b.in) == 0 {
			n, err := b.src.Read(b.buf[:])
			if n == 0 && err != nil {
				return 0, io.EOF
			}
			b.in = b.buf[:n]
		}
		if n := b.take(p); n > 0 {
			return n, nil
		}
	}
}

// take moves what may go on of b.in to p: at most to the end of a line.
func (b *bounded) take(p []byte) int {
	end := bytes.IndexByte(b.in, '\n')
	if b.skip {
		if end < 0 {
			b.in = nil
			return 0
		}
		b.in, b.skip = b.in[end+1:], false
		return 0
	}
	if b.line == 0 && len(b.in) > 0 {
		if n, ok := b.admit(p); !ok || n > 0 {
			return n
		}
	}
	n := len(b.in)
	if end >= 0 {
		n = end + 1
	}
	if room := maxLine - b.line; n > room {
		if room == 0 {
			b.skip, b.line = true, 0
			return copy(p, "\n")
		}
		n = room
	}
	n = copy(p, b.in[:n])
	b.line += n
	b.spent += n
	if p[n-1] == '\n' {
		b.line = 0
	}
	b.in = b.in[n:]
	return n
}

// admit decides at the start of a line whether it goes on. A line of its own
// in p says how many did not.
func (b *bounded) admit(p []byte) (n int, ok bool) {
	if now := b.now(); now.Sub(b.second) >= time.Second {
		b.second, b.spent = now, 0
	}
	if b.spent >= maxRate {
		b.skip = true
		b.dropped++
		return 0, false
	}
	if b.dropped > 0 {
		n = copy(p, fmt.Sprintf("[WARN] %d lines dropped: more than %d bytes in a second\n", b.dropped, maxRate))
		b.dropped = 0
		b.spent += n
	}
	return n, true
}
