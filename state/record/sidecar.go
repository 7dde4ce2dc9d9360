package record

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// mark is what state.seq remembers of the database beside it.
type mark struct {
	N       uint64 `json:"n"`               // counts the writes: the higher is the newer
	Install string `json:"install"`         // the database's own
	Seq     uint64 `json:"seq"`             // of the last entry that was acknowledged
	Chain   string `json:"chain"`           // its hash
	Doubt   string `json:"doubt,omitempty"` // why the record is not believed
}

func (m mark) point() (point, error) {
	p := point{seq: m.Seq}
	b, err := hex.DecodeString(m.Chain)
	if err != nil || len(b) != len(p.chain) {
		return p, fmt.Errorf("%w: state.seq: bad chain %q", errDamaged, m.Chain)
	}
	copy(p.chain[:], b)
	return p, nil
}

// A slot is a sector, so that a power cut leaves one of the two whole.
const (
	slot     = 512
	maxDoubt = 200
)

// sidecar is the open state.seq: two slots that are written in turn, each one
// line of JSON with its checksum. Its lock says who writes the store: the
// database itself may be replaced by a compacted one, this file never is.
type sidecar struct {
	f        *os.File
	writable bool
	last     mark
}

// openSidecar opens and locks state.seq, and waits for the lock as long as
// that. Where it cannot be written, it is opened to be read.
func openSidecar(path string, wait time.Duration) (*sidecar, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	s := &sidecar{f: f, writable: err == nil}
	if err != nil {
		if s.f, _ = os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0); s.f == nil {
			return nil, err
		}
		return s, err
	}
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if time.Since(start) >= wait {
			f.Close()
			return nil, ErrLocked
		}
	}
}

// read returns the newest mark. ok is false where none was ever written; a
// file that holds something and no mark is an error.
func (s *sidecar) read() (m mark, ok bool, err error) {
	m, ok, err = readMark(s.f)
	s.last = m
	return m, ok, err
}

func readMark(r io.ReaderAt) (m mark, ok bool, err error) {
	b := make([]byte, 2*slot)
	n, err := r.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return mark{}, false, fmt.Errorf("read state.seq: %w", err)
	}
	for i := 0; i+slot <= n; i += slot {
		if got, good := parseSlot(b[i : i+slot]); good && (!ok || got.N > m.N) {
			m, ok = got, true
		}
	}
	if !ok && n > 0 {
		return m, false, fmt.Errorf("%w: state.seq holds no mark", errDamaged)
	}
	return m, ok, nil
}

func parseSlot(b []byte) (m mark, ok bool) {
	body, sum, found := strings.Cut(strings.TrimRight(string(b), " \n"), " #")
	if !found || sum != fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(body))) {
		return mark{}, false
	}
	return m, json.Unmarshal([]byte(body), &m) == nil
}

// write puts a mark into the older slot. A crash of the process cannot lose
// it; sync makes a power cut unable to.
func (s *sidecar) write(m mark, sync bool) error {
	m.N = s.last.N + 1
	m.Doubt = m.Doubt[:min(len(m.Doubt), maxDoubt)]
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode state.seq: %w", err)
	}
	line := fmt.Appendf(nil, "%s #%08x", body, crc32.ChecksumIEEE(body))
	if len(line) >= slot {
		return fmt.Errorf("encode state.seq: %d bytes are too many", len(line))
	}
	b, at := bytes.Repeat([]byte(" "), slot), int64(m.N%2)*slot
	if m.N == 1 {
		// Both sectors at once: later writes allocate nothing, and a file that
		// holds something always holds a mark.
		b, at = bytes.Repeat([]byte(" "), 2*slot), 0
	}
	copy(b[int64(m.N%2)*slot-at:], line)
	b[len(b)-1] = '\n'
	if _, err := s.f.WriteAt(b, at); err != nil {
		return fmt.Errorf("write state.seq: %w", err)
	}
	s.last = m
	if sync {
		if err := s.f.Sync(); err != nil {
			return fmt.Errorf("sync state.seq: %w", err)
		}
	}
	return nil
}

// close gives the lock away.
func (s *sidecar) close() error { return s.f.Close() }
