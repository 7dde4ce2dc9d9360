package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"github.com/pakashop/evenkeel/state"
)

// The file, version 1:
//
//	evenkeel.db
//	├── meta
//	│   ├── version    the schema's version, decimal text, not encoded: every version can read it
//	│   ├── install    the installation's ID, text; state.seq carries the same
//	│   ├── anchor     seq ‖ chain of the entry before the oldest that is kept; zeros: none was dropped
//	│   └── doubt      why the record is not believed, text; absent: it is
//	├── entries        one an Entry, without gaps
//	│   └── seq        chain ‖ wall ‖ the Entry as JSON
//	└── folds          the newest snapshot of the Past; entries up to it may be dropped
//	    └── seq        sum ‖ the Past as JSON
//
//	seq    8 bytes, big endian       wall   8 bytes, big endian, Unix nanoseconds
//	chain  SHA-256(chain of the entry before ‖ seq ‖ wall ‖ JSON)
//	sum    SHA-256(chain of the entry with this seq ‖ JSON)
//
// A change of what the JSON holds needs no new version as long as old readers
// may ignore it. Anything else adds a function to migrations.
var (
	bucketMeta    = []byte("meta")
	bucketEntries = []byte("entries")
	bucketFolds   = []byte("folds")

	keyVersion = []byte("version")
	keyInstall = []byte("install")
	keyAnchor  = []byte("anchor")
	keyDoubt   = []byte("doubt")
)

// migrations lead from one version to the next: the first from 1 to 2.
type migrations []func(*bolt.Tx) error

// version is the newest version that these migrations lead to.
func (m migrations) version() int { return len(m) + 1 }

// released are the migrations of this evenkeel: version 1 is the first.
var released = migrations{}

// maxEntry bounds an entry as JSON; what is longer is a defect of the caller.
const maxEntry = 1 << 20

type chain [sha256.Size]byte

// point is a place in the log: an entry's number and the hash up to it.
type point struct {
	seq   uint64
	chain chain
}

func (p point) next(wall int64, body []byte) point {
	h := sha256.New()
	h.Write(p.chain[:])
	h.Write(binary.BigEndian.AppendUint64(nil, p.seq+1))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(wall)))
	h.Write(body)
	n := point{seq: p.seq + 1}
	h.Sum(n.chain[:0])
	return n
}

func (p point) bytes() []byte {
	return append(binary.BigEndian.AppendUint64(nil, p.seq), p.chain[:]...)
}

func readPoint(b []byte) (point, error) {
	if len(b) != 8+sha256.Size {
		return point{}, fmt.Errorf("%w: the anchor has %d bytes", errDamaged, len(b))
	}
	return point{seq: binary.BigEndian.Uint64(b), chain: chain(b[8:])}, nil
}

func key(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

const header = sha256.Size + 8

// pack makes the value of an entry that follows p, and the point after it.
func pack(p point, e state.Entry) (point, []byte, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return p, nil, fmt.Errorf("encode entry %d: %w", e.Seq, err)
	}
	if len(body) > maxEntry {
		return p, nil, fmt.Errorf("encode entry %d: %d bytes are more than %d", e.Seq, len(body), maxEntry)
	}
	wall := e.At.Wall.UnixNano()
	n := p.next(wall, body)
	v := make([]byte, 0, header+len(body))
	v = append(v, n.chain[:]...)
	v = binary.BigEndian.AppendUint64(v, uint64(wall))
	return n, append(v, body...), nil
}

// row is an entry as it lies in the file.
type row struct {
	point
	wall int64
	body []byte // valid within the transaction
}

func readRow(k, v []byte) (row, error) {
	if len(k) != 8 || len(v) < header {
		return row{}, fmt.Errorf("%w: an entry is cut off", errDamaged)
	}
	return row{
		point: point{seq: binary.BigEndian.Uint64(k), chain: chain(v)},
		wall:  int64(binary.BigEndian.Uint64(v[sha256.Size:])),
		body:  v[header:],
	}, nil
}

func (r row) entry() (state.Entry, error) {
	var e state.Entry
	if err := json.Unmarshal(r.body, &e); err != nil {
		return e, fmt.Errorf("%w: entry %d: %w", errDamaged, r.seq, err)
	}
	return e, nil
}

// lay makes the buckets of an empty file.
func lay(tx *bolt.Tx, version int, install string, from point) error {
	for _, b := range [][]byte{bucketMeta, bucketEntries, bucketFolds} {
		if _, err := tx.CreateBucketIfNotExists(b); err != nil {
			return fmt.Errorf("create bucket %s: %w", b, err)
		}
	}
	m := tx.Bucket(bucketMeta)
	return errors.Join(
		m.Put(keyVersion, []byte(strconv.Itoa(version))),
		m.Put(keyInstall, []byte(install)),
		m.Put(keyAnchor, from.bytes()),
	)
}

// versionOf reads the version; zero for a file that was never laid out.
func versionOf(tx *bolt.Tx) (int, error) {
	m := tx.Bucket(bucketMeta)
	if m == nil {
		if k, _ := tx.Cursor().First(); k != nil {
			return 0, fmt.Errorf("%w: it is a database of something else", errDamaged)
		}
		return 0, nil
	}
	v, err := strconv.Atoi(string(m.Get(keyVersion)))
	if err != nil || v < 1 {
		return 0, fmt.Errorf("%w: the version is %q", errDamaged, m.Get(keyVersion))
	}
	if v == 1 && (tx.Bucket(bucketEntries) == nil || tx.Bucket(bucketFolds) == nil) {
		return 0, fmt.Errorf("%w: a bucket is missing", errDamaged)
	}
	return v, nil
}

// migrate leads a file of an older version to this one, in tx.
func (m migrations) migrate(tx *bolt.Tx, from int) error {
	for v := from; v < m.version(); v++ {
		if err := m[v-1](tx); err != nil {
			return fmt.Errorf("migrate the record from version %d to %d: %w", v, v+1, err)
		}
	}
	return tx.Bucket(bucketMeta).Put(keyVersion, []byte(strconv.Itoa(m.version())))
}

// putFold replaces the snapshot.
func putFold(tx *bolt.Tx, at point, past *state.Past) error {
	body, err := json.Marshal(past)
	if err != nil {
		return fmt.Errorf("encode the past: %w", err)
	}
	b := tx.Bucket(bucketFolds)
	sum := sha256.Sum256(append(bytes.Clone(at.chain[:]), body...))
	c := b.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if err := c.Delete(); err != nil {
			return fmt.Errorf("delete the old fold: %w", err)
		}
	}
	return b.Put(key(at.seq), append(sum[:], body...))
}

// fold reads the snapshot. Without one it is that of the beginning of time.
// chainAt tells the hash of the entry that it was made at.
func fold(tx *bolt.Tx, chainAt func(seq uint64) (chain, bool)) (*state.Past, error) {
	past := state.NewPast()
	k, v := tx.Bucket(bucketFolds).Cursor().Last()
	if k == nil {
		return past, nil
	}
	if len(k) != 8 || len(v) < sha256.Size {
		return nil, fmt.Errorf("%w: the fold is cut off", errDamaged)
	}
	seq := binary.BigEndian.Uint64(k)
	c, ok := chainAt(seq)
	if !ok || chain(v) != sha256.Sum256(append(bytes.Clone(c[:]), v[sha256.Size:]...)) {
		return nil, fmt.Errorf("%w: the fold at entry %d does not match it", errDamaged, seq)
	}
	if err := json.Unmarshal(v[sha256.Size:], past); err != nil {
		return nil, fmt.Errorf("%w: the fold at entry %d: %w", errDamaged, seq, err)
	}
	return past, nil
}
