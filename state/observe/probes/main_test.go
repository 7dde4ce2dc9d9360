package probes

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slogs keeps what is logged.
type slogs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *slogs) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *slogs) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *slogs) logger() *slog.Logger { return slog.New(slog.NewTextHandler(s, nil)) }
