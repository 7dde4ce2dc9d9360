package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// redis asks one Redis, in its own protocol, a connection for each time it is asked:
// that is enough for an example.
type redis struct{ address string }

// errNil is Redis' answer that there is nothing.
var errNil = errors.New("nil")

// do sends one command and returns its answer: a text, a number as text, or the
// items of a list.
func (r redis) do(ctx context.Context, words ...string) ([]string, error) {
	conn, err := dial(ctx, r.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(conn, b.String()); err != nil {
		return nil, err
	}
	return answer(bufio.NewReader(conn))
}

// answer reads one answer.
func answer(r *bufio.Reader) ([]string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	kind, rest := line[0], strings.TrimRight(line[1:], "\r\n")
	switch kind {
	case '+', ':':
		return []string{rest}, nil
	case '-':
		return nil, errors.New(rest)
	}
	n, err := strconv.Atoi(rest)
	switch {
	case err != nil || kind != '$' && kind != '*' || n > 1<<20:
		return nil, fmt.Errorf("answers %q, not as Redis does", line)
	case n < 0:
		return nil, errNil
	case kind == '$':
		text := make([]byte, n+2)
		if _, err := io.ReadFull(r, text); err != nil {
			return nil, err
		}
		return []string{string(text[:n])}, nil
	}
	var all []string
	for range n {
		one, err := answer(r)
		if err != nil && !errors.Is(err, errNil) {
			return nil, err
		}
		all = append(all, strings.Join(one, " "))
	}
	return all, nil
}

// number is do for what answers with a number.
func (r redis) number(ctx context.Context, words ...string) (float64, error) {
	got, err := r.do(ctx, words...)
	if errors.Is(err, errNil) {
		return 0, nil
	}
	if err != nil || len(got) == 0 {
		return 0, err
	}
	return strconv.ParseFloat(got[0], 64)
}
