package record

import "testing"

// What Append acknowledges must outlast a power cut, so every commit is synced.
func TestEachCommitIsSynced(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	defer s.Close()
	if s.db.NoSync || s.db.NoGrowSync {
		t.Errorf("NoSync %v, NoGrowSync %v; both must be off", s.db.NoSync, s.db.NoGrowSync)
	}
}
