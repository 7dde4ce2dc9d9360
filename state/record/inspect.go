package record

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/pakashop/evenkeel/state"
)

// content is what a file holds.
type content struct {
	install string
	anchor  point // before the oldest entry that is kept
	at      point // the newest entry
	folded  uint64
	past    *state.Past
	doubt   string // as it lies in the file
}

// inspect reads and verifies a file of this version: all of it, or only what
// came after the snapshot. Its errors are errDamaged.
func inspect(tx *bolt.Tx, all bool) (content, error) {
	m := tx.Bucket(bucketMeta)
	c := content{install: string(m.Get(keyInstall)), doubt: string(m.Get(keyDoubt))}
	var err error
	if c.anchor, err = readPoint(m.Get(keyAnchor)); err != nil {
		return c, err
	}
	chains := chainsOf(tx, c.anchor)
	if c.past, err = fold(tx, chains); err != nil {
		return c, err
	}
	c.folded = c.past.Seq
	if c.folded < c.anchor.seq {
		return c, fmt.Errorf("%w: entries up to %d were dropped and are not in the fold", errDamaged, c.anchor.seq)
	}
	from := c.anchor
	if !all {
		from.seq = c.folded
		from.chain, _ = chains(c.folded)
	}
	return c, c.walk(tx, from)
}

// walk verifies the entries after a point and folds those that the snapshot
// does not have.
func (c *content) walk(tx *bolt.Tx, from point) error {
	c.at = from
	cur := tx.Bucket(bucketEntries).Cursor()
	for k, v := cur.Seek(key(from.seq + 1)); k != nil; k, v = cur.Next() {
		r, err := readRow(k, v)
		if err != nil {
			return err
		}
		if c.at = c.at.next(r.wall, r.body); c.at != r.point {
			return fmt.Errorf("%w: entry %d does not follow from those before it", errDamaged, r.seq)
		}
		if r.seq <= c.folded {
			continue
		}
		e, err := r.entry()
		if err != nil {
			return err
		}
		c.past.Fold(e)
	}
	if c.at.seq < c.folded {
		return fmt.Errorf("%w: the entries end at %d, the fold at %d", errDamaged, c.at.seq, c.folded)
	}
	return nil
}

// chainsOf tells the hash of the entry with a number, as it lies in the file.
func chainsOf(tx *bolt.Tx, anchor point) func(uint64) (chain, bool) {
	return func(seq uint64) (chain, bool) {
		if seq == anchor.seq {
			return anchor.chain, true
		}
		v := tx.Bucket(bucketEntries).Get(key(seq))
		if len(v) < header {
			return chain{}, false
		}
		return chain(v), true
	}
}

// judge compares a whole file with what state.seq remembers of it, and says
// why it is not to be believed; empty: it is.
func judge(tx *bolt.Tx, c content, m mark, had bool) string {
	switch {
	case c.doubt != "":
		return c.doubt
	case !had && c.at.seq > 0:
		return fmt.Sprintf("state.seq is missing or damaged beside a record of %d entries", c.at.seq)
	case !had:
		return ""
	case m.Doubt != "":
		return m.Doubt
	case m.Install != c.install:
		return "evenkeel.db belongs to another installation than state.seq"
	case m.Seq > c.at.seq:
		return fmt.Sprintf("evenkeel.db ends at entry %d and %d were acknowledged: the newest are lost or an older copy was put back", c.at.seq, m.Seq)
	}
	p, err := m.point()
	if err != nil {
		return "state.seq is damaged"
	}
	if got, ok := chainsOf(tx, c.anchor)(m.Seq); ok && got != p.chain {
		return fmt.Sprintf("entry %d is not the one that was acknowledged", m.Seq)
	}
	return ""
}
