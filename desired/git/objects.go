package git

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
)

const (
	maxCommit = 1 << 20 // bytes of a commit object: its message may be long
	maxFolder = 4 << 20 // bytes of a tree object: about a hundred thousand names
)

// errMissing is of an object that should be in the mirror.
var errMissing = errors.New("an object is missing in the mirror")

// tooLarge is of an object that has more bytes than it may.
type tooLarge struct{ size, limit int64 }

func (t *tooLarge) Error() string {
	return fmt.Sprintf("it has %d bytes: at most %d", t.size, t.limit)
}

// objects reads what lies in a mirror. Each object is held against its name, which
// is a digest of it: what follows from the name of a commit is what whoever made
// the commit has put there, whatever became of the mirror since.
type objects struct {
	process *process
	answers *bufio.Reader
}

func (s *session) open(ctx context.Context, repository string) (*objects, error) {
	p, err := s.command(repository, "cat-file", "--batch").start(ctx)
	if err != nil {
		return nil, err
	}
	return &objects{process: p, answers: bufio.NewReaderSize(p.out, 64<<10)}, nil
}

func (o *objects) close() { o.process.stop() }

// object is one, whole.
type object struct {
	id, kind string
	content  []byte
}

// get asks for an object by its name, or by the whole name of a ref.
func (o *objects) get(name string, limit int64) (object, error) {
	if _, err := io.WriteString(o.process.in, name+"\n"); err != nil {
		return object{}, o.lost(err)
	}
	line, err := o.answers.ReadSlice('\n')
	if err != nil {
		return object{}, o.lost(err)
	}
	words := strings.Fields(string(line))
	if len(words) != 3 {
		return object{}, fmt.Errorf("%w: %s", errMissing, plain(string(line), 100))
	}
	size, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil || size < 0 {
		return object{}, fmt.Errorf("%w: git answers %q", errMissing, plain(string(line), 100))
	}
	got := object{id: words[0], kind: words[1]}
	if size > limit {
		o.process.cancel() // there is no way to go on to the next
		return got, &tooLarge{size, limit}
	}
	got.content = make([]byte, size+1)
	if _, err := io.ReadFull(o.answers, got.content); err != nil {
		return object{}, o.lost(err)
	}
	got.content = got.content[:size]
	if named := nameOf(got); named != got.id {
		return object{}, fmt.Errorf("%w: what is there as %s is %s", errMissing, short(got.id), short(named))
	}
	return got, nil
}

// child asks for an object that another one names.
func (o *objects) child(id, kind string, limit int64) (object, error) {
	got, err := o.get(id, limit)
	if err == nil && (got.id != id || got.kind != kind) {
		err = fmt.Errorf("%w: %s is no %s", errMissing, short(id), kind)
	}
	return got, err
}

// lost says why git answers no more.
func (o *objects) lost(err error) error {
	o.process.cancel()
	<-o.process.done
	if o.process.ending != nil && o.process.words.String() != "" {
		return &failure{ending: o.process.ending, words: o.process.words.String()}
	}
	return fmt.Errorf("read the mirror: %w", err)
}

// nameOf is what git would call an object.
func nameOf(o object) string {
	var h hash.Hash = sha1.New()
	if len(o.id) == sha256.Size*2 {
		h = sha256.New()
	}
	fmt.Fprintf(h, "%s %d\x00", o.kind, len(o.content))
	h.Write(o.content)
	return hex.EncodeToString(h.Sum(nil))
}
