package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

// clock is where every test stands still unless it says otherwise.
var clock = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

func options(t testing.TB) Options {
	return Options{
		Now: func() time.Time { return clock }, OpenTimeout: 100 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(testWriter{t}, nil)),
	}
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(string(b))
	return len(b), nil
}

func mustOpen(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir, options(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustAppend(t testing.TB, s *Store, e ...state.Entry) []state.Entry {
	t.Helper()
	out, err := s.Append(e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// at is a moment some seconds after the clock, in one boot.
func at(sec int) state.Time {
	d := time.Duration(sec) * time.Second
	return state.Time{Wall: clock.Add(d), Up: time.Hour + d, Boot: "boot-1"}
}

func intent(sec int, id, unit string) state.Entry {
	return state.Entry{At: at(sec), Pass: uint64(sec), Intent: &state.Intent{Revision: "r1", Trace: "t" + id, Step: state.Step{
		ID: id, Object: "Service/" + unit, Reason: state.NotRunning, Detail: "is dead",
		Action: actuators.Action{Actuator: "systemd", Verb: "start", Target: unit + ".service"},
		Effect: actuators.Benign, Remedial: true, Rests: []state.Ref{{Kind: state.RefUnit, Name: unit + ".service"}},
	}}}
}

func outcome(sec int, id string, st state.Status) state.Entry {
	return state.Entry{At: at(sec), Pass: uint64(sec), Outcome: &state.Outcome{ID: id, Status: st, Took: 12 * time.Millisecond}}
}

// entries makes a plausible sequence by chance: intents and what became of
// them, and notes of every kind.
func entries(r *rand.Rand, n int) []state.Entry {
	var out []state.Entry
	var open []string
	for i := range n {
		unit := fmt.Sprintf("svc-%d", r.IntN(5))
		switch k := r.IntN(10); {
		case k < 4:
			id := fmt.Sprintf("id-%d", i)
			open = append(open, id)
			out = append(out, intent(i, id, unit))
		case k < 8 && len(open) > 0:
			j := r.IntN(len(open))
			st := []state.Status{state.Done, state.StepFailed, state.Cut, state.StepRefused}[r.IntN(4)]
			out = append(out, outcome(i, open[j], st))
			open = slices.Delete(open, j, j+1)
		default:
			out = append(out, state.Entry{At: at(i), Note: note(r, unit)})
		}
	}
	return out
}

func note(r *rand.Rand, unit string) *state.Note {
	object := "Service/" + unit
	hold := &state.Hold{Reason: state.ManualStop, Object: object, Since: at(1), For: time.Hour}
	return []*state.Note{
		{Kind: state.NoteRan, Name: unit + ".service", Ran: &state.Ran{Invocation: fmt.Sprint(r.Uint32())}},
		{Kind: state.NoteHold, Object: object, Hold: hold},
		{Kind: state.NoteLifted, Object: object, Hold: hold},
		{Kind: state.NoteManaged, Object: object, Managed: &state.Managed{Units: []string{unit + ".service"}}},
		{Kind: state.NoteForgot, Object: object},
		{Kind: state.NoteOwned, Name: "/etc/" + unit, Owned: &state.Owned{Object: object, Digest: "d"}},
		{Kind: state.NoteDisowned, Name: "/etc/" + unit},
		{Kind: state.NoteRevision, Revision: &state.Revision{Name: fmt.Sprint(r.IntN(9)), Services: 19}},
	}[r.IntN(8)]
}

// foldOf is the Past that entries lead to, as JSON.
func foldOf(t testing.TB, entries []state.Entry) string {
	p := state.NewPast()
	for _, e := range entries {
		p.Fold(e)
	}
	return asJSON(t, p)
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func history(t testing.TB, s *Store, f Filter) []state.Line {
	t.Helper()
	var out []state.Line
	for l, err := range s.History(f) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	return out
}

func believed(t testing.TB, s *Store) {
	t.Helper()
	if d := s.Past().Distrust; d != "" {
		t.Fatalf("distrusted: %s", d)
	}
}

func TestFirstRunIsTrustedAndEmpty(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "state")
	s := mustOpen(t, dir)
	believed(t, s)
	if got, want := asJSON(t, s.Past()), foldOf(t, nil); got != want {
		t.Error(cmp.Diff(want, got))
	}
	for path, mode := range map[string]os.FileMode{dir: 0o700, dir + "/evenkeel.db": 0o600, dir + "/state.seq": 0o600} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: mode %v, %v, want %v", path, st.Mode().Perm(), err, mode)
		}
	}
}

func TestWhatWasAppendedIsThereAfterAReopen(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	all := mustAppend(t, s, entries(rand.New(rand.NewPCG(1, 1)), 300)...)
	all = append(all, mustAppend(t, s, entries(rand.New(rand.NewPCG(2, 2)), 40)...)...)
	for i, e := range all {
		if e.Seq != uint64(i+1) {
			t.Fatalf("entry %d has Seq %d", i, e.Seq)
		}
	}
	want := foldOf(t, all)
	if got := asJSON(t, s.Past()); got != want {
		t.Errorf("while open: %s", cmp.Diff(want, got))
	}
	mustClose(t, s)
	for range 2 { // from the entries, then from the snapshot
		s = mustOpen(t, dir)
		believed(t, s)
		if got := asJSON(t, s.Past()); got != want {
			t.Errorf("reopened: %s", cmp.Diff(want, got))
		}
		mustClose(t, s)
	}
}

func TestAppendRefusesWhatCannotBeFolded(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	for name, e := range map[string]state.Entry{
		"empty":         {At: at(1)},
		"two at once":   {At: at(1), Intent: &state.Intent{}, Outcome: &state.Outcome{}},
		"no ID":         {At: at(1), Outcome: &state.Outcome{Status: state.Done}},
		"hollow note":   {At: at(1), Note: &state.Note{Kind: state.NoteRan, Name: "x"}},
		"beyond bounds": {At: at(1), Note: &state.Note{Kind: "big", Detail: string(make([]byte, maxEntry))}},
	} {
		if out, err := s.Append([]state.Entry{intent(1, "good", "x"), e}); err == nil || out != nil {
			t.Errorf("%s: appended", name)
		}
	}
	if p := s.Past(); p.Seq != 0 || p.Distrust != "" {
		t.Errorf("seq %d, distrust %q: a refused entry left a trace", p.Seq, p.Distrust)
	}
}

func TestNothingToAppendWritesNothing(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	before, _ := os.ReadFile(dir + "/evenkeel.db")
	if out, err := s.Append(nil); out != nil || err != nil {
		t.Error(out, err)
	}
	if after, _ := os.ReadFile(dir + "/evenkeel.db"); !slices.Equal(before, after) {
		t.Error("the file changed")
	}
}

func TestASecondOpenerIsLockedOut(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	mustAppend(t, s, intent(1, "a", "x"))
	if _, err := Open(dir, options(t)); !errors.Is(err, ErrLocked) {
		t.Errorf("Open: %v, want ErrLocked", err)
	}
	if _, err := OpenReadOnly(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("OpenReadOnly: %v, want ErrLocked", err)
	}
	mustClose(t, s)
	believed(t, mustOpen(t, dir))
}

func TestReadingTouchesNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenReadOnly(dir); !errors.Is(err, ErrNone) {
		t.Errorf("an empty folder: %v, want ErrNone", err)
	}
	if _, err := OpenReadOnly(filepath.Join(dir, "none")); !errors.Is(err, ErrNone) {
		t.Errorf("no folder: %v, want ErrNone", err)
	}
	s := mustOpen(t, dir)
	all := mustAppend(t, s, entries(rand.New(rand.NewPCG(3, 3)), 100)...)
	mustClose(t, s)

	before := listing(t, dir)
	a, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenReadOnly(dir) // readers do not lock each other out
	if err != nil {
		t.Fatal(err)
	}
	if got, want := asJSON(t, b.Past()), foldOf(t, all); got != want || b.Past().Distrust != "" || !b.Past().Known {
		t.Errorf("%q %s", b.Past().Distrust, cmp.Diff(want, got))
	}
	if _, err := a.Append([]state.Entry{intent(1, "a", "x")}); err == nil {
		t.Error("appended to a store that is open to be read")
	}
	mustClose(t, a)
	mustClose(t, b)
	if after := listing(t, dir); !cmp.Equal(before, after) {
		t.Error(cmp.Diff(before, after))
	}
}

// listing is every file of a folder with its digest.
func listing(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(dir, n.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[n.Name()] = state.Digest(b)
	}
	return out
}

func BenchmarkAppend(b *testing.B) {
	s, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for i := 0; b.Loop(); i++ {
		id := fmt.Sprint(i)
		if _, err := s.Append([]state.Entry{intent(i, id, "x")}); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Append([]state.Entry{outcome(i, id, state.Done)}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBareCommit is what BenchmarkAppend is to be compared with: two
// commits of bbolt with values of the same size, and nothing else.
func BenchmarkBareCommit(b *testing.B) {
	db, err := bolt.Open(b.TempDir()+"/b.db", 0o600, &bolt.Options{NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	seq := uint64(0)
	for b.Loop() {
		for _, size := range []int{750, 250} {
			seq++
			err := db.Update(func(tx *bolt.Tx) error {
				bucket, err := tx.CreateBucketIfNotExists(bucketEntries)
				if err != nil {
					return err
				}
				return bucket.Put(key(seq), make([]byte, size))
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
