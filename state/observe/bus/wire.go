package bus

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// wire is the socket under godbus. Until the authentication is over it passes
// bytes through; then it cuts the stream into messages and shows each to look,
// which either keeps the message or lets godbus have it. Reading is buffered,
// which godbus' own transport is not.
type wire struct {
	sock net.Conn
	in   *bufio.Reader
	look func(m *message) (kept bool)

	patience time.Duration // how long the other side may leave a write unread

	framed bool   // set between the last line of the authentication and the first read after it
	rest   []byte // what godbus has not read yet of the message it was given
	buf    []byte // reused between messages

	wmu sync.Mutex
}

// maxMessage is the D-Bus specification's limit of a message.
const maxMessage = 128 << 20

var errTooLong = errors.New("D-Bus message is too long")

func newWire(sock net.Conn, patience time.Duration, look func(*message) bool) *wire {
	return &wire{sock: sock, in: bufio.NewReaderSize(sock, 32<<10), look: look, patience: patience}
}

// Read is called by one goroutine at a time: the one that authenticates, then
// godbus' reader, which starts after BEGIN was written.
func (w *wire) Read(p []byte) (int, error) {
	if !w.framed {
		return w.in.Read(p)
	}
	for len(w.rest) == 0 {
		raw, err := w.next()
		if err != nil {
			return 0, err
		}
		var m message
		if m.parse(raw) && w.look(&m) {
			continue
		}
		w.rest = raw
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

// next reads one whole message. It is valid until the following call.
func (w *wire) next() ([]byte, error) {
	head, err := w.in.Peek(16)
	if err != nil {
		return nil, err
	}
	order := byteOrder(head[0])
	if order == nil {
		return nil, errors.New("D-Bus message of unknown byte order")
	}
	body, fields := order.Uint32(head[4:]), order.Uint32(head[12:])
	if body > maxMessage || fields > maxMessage {
		return nil, errTooLong
	}
	total := 16 + (int(fields)+7)&^7 + int(body)
	if total > maxMessage {
		return nil, errTooLong
	}
	if cap(w.buf) < total || cap(w.buf) > 1<<20 && total < 1<<16 {
		w.buf = make([]byte, total, max(total, 4096))
	}
	w.buf = w.buf[:total]
	_, err = io.ReadFull(w.in, w.buf)
	return w.buf, err
}

// Write ends the connection when the other side does not read for too long:
// half a message may be out, and a caller must not hang in here for ever.
func (w *wire) Write(p []byte) (int, error) {
	w.wmu.Lock()
	defer w.wmu.Unlock()
	if !w.framed { // the deadline is that of the dialling
		w.framed = bytes.Equal(p, []byte("BEGIN\r\n"))
		return w.sock.Write(p)
	}
	if err := w.sock.SetWriteDeadline(time.Now().Add(w.patience)); err != nil {
		return 0, err
	}
	n, err := w.sock.Write(p)
	if err != nil {
		w.sock.Close()
	}
	return n, err
}

func (w *wire) Close() error { return w.sock.Close() }
