package gather

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// Bounds of what a Redis may say, whatever length it claims.
const (
	maxBulk  = 1 << 20
	maxItems = 100_000  // of one exchange, in lists of lists, too
	maxTalk  = 64 << 20 // all of it
	maxDeep  = 4
)

// redis is a connection that speaks RESP2.
type redis struct {
	c     net.Conn
	r     *bufio.Reader
	left  io.LimitedReader // below r
	items int              // of lists, that may still come in this exchange
}

// refused is what a Redis answers instead.
type refused string

func (r refused) Error() string { return "it says " + brief(strconv.Quote(string(r)), 120) }

func dialRedis(ctx context.Context, address string, db int) (*redis, error) {
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, actuators.Errorf(actuators.Unavailable, "%w", err)
	}
	end, ok := ctx.Deadline()
	if !ok {
		end = time.Now().Add(patience)
	}
	_ = c.SetDeadline(end) // a connection that cannot has none to wait for
	r := &redis{c: c, left: io.LimitedReader{R: c, N: maxTalk}}
	r.r = bufio.NewReader(&r.left)
	if db != 0 {
		if _, err := r.one("SELECT", strconv.Itoa(db)); err != nil {
			r.close()
			return nil, r.plain(err)
		}
	}
	return r, nil
}

func (r *redis) close() { _ = r.c.Close() }

// until closes the connection when ctx ends. The returned function must be called.
func (r *redis) until(ctx context.Context) func() {
	stop := context.AfterFunc(ctx, r.close)
	return func() { stop(); r.close() }
}

func (r *redis) one(words ...string) (any, error) {
	all, err := r.many([][]string{words})
	if err != nil {
		return nil, err
	}
	if e, ok := all[0].(refused); ok {
		return nil, e
	}
	return all[0], nil
}

// many sends commands at once, and returns an answer for each: a string, an int64, a
// list, nil, or refused.
func (r *redis) many(commands [][]string) ([]any, error) {
	var b strings.Builder
	for _, words := range commands {
		fmt.Fprintf(&b, "*%d\r\n", len(words))
		for _, w := range words {
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
		}
	}
	if _, err := io.WriteString(r.c, b.String()); err != nil {
		return nil, err
	}
	out := make([]any, len(commands))
	r.items = maxItems
	for i := range out {
		var err error
		if out[i], err = r.answer(0); err != nil && r.left.N <= 0 {
			err = errTalk
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

var errTalk = errors.New("it does not speak Redis' protocol, or says too much")

func (r *redis) answer(deep int) (any, error) {
	line, err := r.r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 3 || deep > maxDeep {
		return nil, errTalk
	}
	kind, text := line[0], strings.TrimRight(string(line[1:]), "\r\n")
	switch kind {
	case '+':
		return text, nil
	case '-':
		return refused(text), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, errTalk
	}
	switch {
	case kind == ':':
		return n, nil
	case n == -1:
		return nil, nil
	case kind == '$' && n >= 0 && n <= maxBulk:
		b := make([]byte, n+2)
		if _, err := io.ReadFull(r.r, b); err != nil {
			return nil, err
		}
		return string(b[:n]), nil
	case kind == '*' && n >= 0 && n <= int64(r.items):
		r.items -= int(n)
		var list []any
		for range n {
			one, err := r.answer(deep + 1)
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		return list, nil
	}
	return nil, errTalk
}

// plain says what went wrong, and what kind of trouble it is.
func (r *redis) plain(err error) error {
	var no refused
	if !errors.As(err, &no) {
		return actuators.Errorf(actuators.Unavailable, "%w", err)
	}
	for begins, means := range map[string]string{
		"NOAUTH": "it wants a password, and a Cache has none", "NOPERM": "its ACL does not let everybody do that",
	} {
		if strings.HasPrefix(string(no), begins) {
			return actuators.Errorf(actuators.Refused, "%s", means)
		}
	}
	if strings.HasPrefix(string(no), "ERR DB index") {
		return actuators.Errorf(actuators.Invalid, "it has no such database")
	}
	return actuators.Errorf(actuators.Failed, "%w", no)
}
