package apart

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The two speak in frames: what it is, how long it is, and that many bytes. The
// parent begins with the question; then the child asks for the files that did not
// come with it, each of which is answered, until it has an answer itself.
const (
	question = 'q' // → child: a packed ask
	open     = 'o' // → parent: the name of a file or a folder
	opened   = 'f' // → child: a packed found
	answer   = 'a' // → parent: a packed told
)

const (
	maxName   = 4 << 10  // of a path
	maxHead   = 5        // of a frame
	maxAnswer = 64 << 20 // of what the child may answer
	maxAsk    = 32 << 20 // of what it is told at once: for whom it reads and small files, one file, a folder of very many
)

var errFrame = errors.New("it does not keep to the protocol")

// send writes one frame.
func send(w io.Writer, kind byte, body []byte) error {
	head := make([]byte, maxHead)
	head[0] = kind
	binary.BigEndian.PutUint32(head[1:], uint32(len(body)))
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(body)
	return err
}

// receive reads one frame of a kind that is allowed, and of no more bytes.
func receive(r io.Reader, most map[byte]int) (kind byte, body []byte, err error) {
	head := make([]byte, maxHead)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	n, limit := binary.BigEndian.Uint32(head[1:]), most[head[0]]
	switch {
	case limit == 0:
		return 0, nil, errFrame
	case int64(n) > int64(limit):
		return 0, nil, fmt.Errorf("%w: %d bytes at once, and %d are allowed", errFrame, n, limit)
	}
	body, err = exactly(r, int(n))
	return head[0], body, err
}

// exactly reads n bytes, and holds no more memory than came: a length is only a
// stranger's word.
func exactly(r io.Reader, n int) ([]byte, error) {
	const once = 1 << 20
	body := make([]byte, min(n, once))
	for at := 0; ; {
		m, err := io.ReadFull(r, body[at:])
		if err != nil {
			return nil, err
		}
		if at += m; at == n {
			return body, nil
		}
		longer := make([]byte, min(n, 2*len(body)))
		copy(longer, body)
		body = longer
	}
}
