package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// What bbolt's file format, version 2, says of a page.
const (
	pageBranch   = 0x01
	pageLeaf     = 0x02
	pageFreelist = 0x10

	pageHead  = 16 // id uint64, flags uint16, count uint16, overflow uint32
	elemSize  = 16 // of a branch and of a leaf alike
	metaSize  = 64
	boltMagic = 0xED0CDAED
	noPage    = ^uint64(0)

	minPage, maxPage = 1 << 10, 1 << 24
	maxDepth         = 32
)

// pages is what the walk over a file found.
type pages struct {
	size    int64  // of a page
	count   uint64 // pages in use or free
	reached uint64 // pages in use
	badMeta string // one of the two meta pages is damaged: the newest transaction may be lost
}

// free tells how many bytes a compaction would give back.
func (p pages) free() int64 { return int64(p.count-p.reached) * p.size }

type boltMeta struct {
	size  int64
	root  uint64
	list  uint64
	count uint64
	txid  uint64
}

// walkPages reads a bbolt file with ordinary reads and verifies that its tree
// is whole: every page in the file, of its kind, referred to once, its keys in
// order. It never maps the file, so nothing that lies in it can fault.
func walkPages(f *os.File) (pages, error) {
	m, bad, err := metasOf(f)
	if err != nil {
		return pages{}, err
	}
	w := walker{r: f, meta: m, seen: make([]uint64, m.count/64+1), reached: 2}
	w.mark(0)
	w.mark(1)
	if m.list != noPage {
		if _, err := w.page(m.list, pageFreelist); err != nil {
			return pages{}, err
		}
	}
	if err := w.tree(m.root, nil, nil, 0); err != nil {
		return pages{}, err
	}
	return pages{size: m.size, count: m.count, reached: w.reached, badMeta: bad}, nil
}

func walkFile(path string) (pages, error) {
	f, err := os.Open(path)
	if err != nil {
		return pages{}, fmt.Errorf("open the database: %w", err)
	}
	defer f.Close()
	return walkPages(f)
}

// metasOf reads the meta pages of a file that is not empty and not cut off.
func metasOf(f *os.File) (boltMeta, string, error) {
	st, err := f.Stat()
	if err != nil {
		return boltMeta{}, "", err
	}
	if st.Size() == 0 {
		return boltMeta{}, "", errEmpty
	}
	m, bad, err := readMetas(f, st.Size())
	if err == nil && (st.Size()%m.size != 0 || uint64(st.Size()/m.size) < m.count) {
		err = fmt.Errorf("%w: it is cut off at %d bytes", errDamaged, st.Size())
	}
	return m, bad, err
}

// readMetas returns the newer of the two meta pages, and what is wrong with
// the other one.
func readMetas(r io.ReaderAt, size int64) (boltMeta, string, error) {
	first, err0 := readMeta(r, 0)
	if err0 == nil {
		second, err1 := readMeta(r, first.size)
		switch {
		case err1 != nil:
			return first, "meta page 1", nil
		case second.size != first.size:
			return first, "meta page 1", nil
		case second.txid > first.txid:
			return second, "", nil
		}
		return first, "", nil
	}
	for at := int64(minPage); at <= maxPage && at < size; at *= 2 {
		if m, err := readMeta(r, at); err == nil && m.size == at {
			return m, "meta page 0", nil
		}
	}
	return boltMeta{}, "", fmt.Errorf("%w: both meta pages are", errDamaged)
}

func readMeta(r io.ReaderAt, at int64) (boltMeta, error) {
	var b [pageHead + metaSize]byte
	if _, err := r.ReadAt(b[:], at); err != nil {
		return boltMeta{}, fmt.Errorf("%w: read meta page: %w", errDamaged, err)
	}
	m, n := b[pageHead:], binary.NativeEndian
	h := fnv.New64a()
	h.Write(m[:metaSize-8])
	if n.Uint32(m) != boltMagic || n.Uint32(m[4:]) != 2 || n.Uint64(m[56:]) != h.Sum64() {
		return boltMeta{}, fmt.Errorf("%w: no meta page", errDamaged)
	}
	size := int64(n.Uint32(m[8:]))
	if size < minPage || size > maxPage || size&(size-1) != 0 {
		return boltMeta{}, fmt.Errorf("%w: page size %d", errDamaged, size)
	}
	meta := boltMeta{size: size, root: n.Uint64(m[16:]), list: n.Uint64(m[32:]), count: n.Uint64(m[40:]), txid: n.Uint64(m[48:])}
	if meta.count < 3 || meta.count > 1<<32 {
		return boltMeta{}, fmt.Errorf("%w: %d pages", errDamaged, meta.count)
	}
	return meta, nil
}

type walker struct {
	r       io.ReaderAt
	meta    boltMeta
	seen    []uint64 // a bit a page
	reached uint64
}

// mark tells whether a page was seen for the first time.
func (w *walker) mark(id uint64) bool {
	bit := uint64(1) << (id % 64)
	first := w.seen[id/64]&bit == 0
	w.seen[id/64] |= bit
	return first
}

// page reads a page of one of some kinds with what overflows from it.
func (w *walker) page(id uint64, kinds uint16) ([]byte, error) {
	bad := func(what string) error { return fmt.Errorf("%w: page %d: %s", errDamaged, id, what) }
	if id < 2 || id >= w.meta.count {
		return nil, bad("out of bounds")
	}
	var head [pageHead]byte
	if _, err := w.r.ReadAt(head[:], int64(id)*w.meta.size); err != nil {
		return nil, bad(err.Error())
	}
	n := binary.NativeEndian
	flags, overflow := n.Uint16(head[8:]), uint64(n.Uint32(head[12:]))
	if n.Uint64(head[:]) != id || flags&kinds == 0 || flags&(flags-1) != 0 {
		return nil, bad("is something else")
	}
	if overflow >= w.meta.count-id || (overflow+1)*uint64(w.meta.size) > 1<<28 {
		return nil, bad("overflows")
	}
	for i := id; i <= id+overflow; i++ {
		if !w.mark(i) {
			return nil, bad("is used twice")
		}
	}
	w.reached += overflow + 1
	p := make([]byte, (overflow+1)*uint64(w.meta.size))
	if _, err := w.r.ReadAt(p, int64(id)*w.meta.size); err != nil {
		return nil, bad(err.Error())
	}
	return p, nil
}

// tree verifies a page and what hangs below it. Its keys are not below low and
// not at or above high, nil meaning no bound.
func (w *walker) tree(id uint64, low, high []byte, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: page %d: the tree is too deep", errDamaged, id)
	}
	p, err := w.page(id, pageBranch|pageLeaf)
	if err != nil {
		return err
	}
	if err := w.elements(p, low, high, depth); err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

func (w *walker) elements(p, low, high []byte, depth int) error {
	n := binary.NativeEndian
	branch, count := n.Uint16(p[8:])&pageBranch != 0, int(n.Uint16(p[10:]))
	elems, err := readElements(p, branch, count)
	if err != nil {
		return err
	}
	for i, e := range elems {
		if i == 0 && low != nil && bytes.Compare(e.key, low) < 0 || i > 0 && bytes.Compare(elems[i-1].key, e.key) >= 0 ||
			high != nil && bytes.Compare(e.key, high) >= 0 {
			return fmt.Errorf("%w: keys are out of order", errDamaged)
		}
	}
	for i, e := range elems {
		next := high
		if i+1 < len(elems) {
			next = elems[i+1].key
		}
		if err := w.below(e, branch, next, depth); err != nil {
			return err
		}
	}
	return nil
}

// below verifies what an element leads to: a page, a bucket, or nothing.
func (w *walker) below(e element, branch bool, next []byte, depth int) error {
	if branch {
		return w.tree(e.page, e.key, next, depth+1)
	}
	if !e.bucket {
		return nil
	}
	if len(e.value) < 16 {
		return fmt.Errorf("%w: a bucket is cut off", errDamaged)
	}
	if root := binary.NativeEndian.Uint64(e.value); root != 0 {
		return w.tree(root, nil, nil, depth+1)
	}
	inline := e.value[16:]
	if len(inline) < pageHead || binary.NativeEndian.Uint64(inline) != 0 || binary.NativeEndian.Uint16(inline[8:]) != pageLeaf ||
		binary.NativeEndian.Uint32(inline[12:]) != 0 || depth > maxDepth {
		return fmt.Errorf("%w: an inline bucket is no leaf", errDamaged)
	}
	return w.elements(inline, nil, nil, depth+1)
}

type element struct {
	key, value []byte
	page       uint64
	bucket     bool
}

func readElements(p []byte, branch bool, count int) ([]element, error) {
	n, size := binary.NativeEndian, uint64(len(p))
	if uint64(pageHead+count*elemSize) > size || branch && count == 0 {
		return nil, fmt.Errorf("%w: it has %d elements", errDamaged, count)
	}
	elems := make([]element, count)
	for i := range elems {
		at := uint64(pageHead + i*elemSize)
		b := p[at:]
		var e element
		var pos, klen, vlen uint64
		if branch {
			pos, klen, e.page = uint64(n.Uint32(b)), uint64(n.Uint32(b[4:])), n.Uint64(b[8:])
		} else {
			e.bucket = n.Uint32(b)&1 != 0
			pos, klen, vlen = uint64(n.Uint32(b[4:])), uint64(n.Uint32(b[8:])), uint64(n.Uint32(b[12:]))
		}
		if at+pos+klen+vlen > size || at+pos < uint64(pageHead+count*elemSize) {
			return nil, fmt.Errorf("%w: element %d points outside", errDamaged, i)
		}
		k := at + pos
		e.key, e.value = p[k:k+klen], p[k+klen:k+klen+vlen]
		elems[i] = e
	}
	return elems, nil
}
