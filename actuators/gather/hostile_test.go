package gather

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/pakashop/evenkeel/actuators"
)

// dear is what no evidence and no error may tell.
const dear = "hunter2"

// allocated is how much one verb may allocate in all, whatever it is told.
const allocated = 256 << 20

// stranger listens, and has each connection served until the test ends.
func stranger(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// forever writes something again and again until nobody reads it.
func forever(c net.Conn, what string, pause time.Duration) {
	for {
		if _, err := io.WriteString(c, what); err != nil {
			return
		}
		time.Sleep(pause)
	}
}

// silent reads until the other side has had enough.
func silent(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// asked is what comes of a verb that has a second: see askedWithin.
func asked(t *testing.T, r actuators.Request) (evidence string, err error) {
	t.Helper()
	return askedWithin(t, time.Second, r)
}

// askedWithin is what comes of a verb that has so long: it ends, in words that can be
// shown, and has taken no more memory than is bounded.
func askedWithin(t *testing.T, long time.Duration, r actuators.Request) (evidence string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res, err := New("1").Apply(ctx, r)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > allocated {
		t.Errorf("it allocated %d MiB", got>>20)
	}
	evidence = res.Data["evidence"]
	said := evidence + "\n" + res.Detail
	if err != nil {
		said += "\n" + err.Error()
	}
	if strings.Contains(said, dear) {
		t.Errorf("it tells what it must not:\n%s", said)
	}
	for line := range strings.Lines(said) {
		line = strings.TrimSuffix(line, "\n")
		if n := len([]rune(line)); n > 400 || err == nil && n > longest {
			t.Errorf("a line of %d: %.80s", n, line)
		}
		if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("it cannot be shown: %q", line)
		}
	}
	if len(evidence) > MaxEvidence {
		t.Errorf("%d bytes of evidence", len(evidence))
	}
	return evidence, err
}

// talking answers each command of Redis' protocol.
func talking(answer func(c net.Conn, command string)) func(net.Conn) {
	return func(c net.Conn) {
		in := bufio.NewScanner(c)
		for in.Scan() {
			if strings.HasPrefix(in.Text(), "*") {
				in.Scan()
				in.Scan()
				answer(c, strings.ToUpper(in.Text()))
			}
		}
	}
}

func saying(text string) func(net.Conn) {
	return talking(func(c net.Conn, _ string) { _, _ = io.WriteString(c, text) })
}

// A Redis that says too much, too little, too slowly or nonsense is left in time, and
// the error says what is wrong with it.
func TestHostileRedis(t *testing.T) {
	for name, c := range map[string]struct {
		serve func(net.Conn)
		want  string
	}{
		"a length that is none":   {saying("$-5\r\n"), "does not speak Redis"},
		"a length of 1 GB":        {saying("$1073741824\r\n"), "says too much"},
		"a list of 2,000,000,000": {saying("*2000000000\r\n"), "says too much"},
		"lists of lists":          {func(c net.Conn) { go silent(c); forever(c, "*100000\r\n", 0) }, "says too much"},
		"lists of many lists": {func(c net.Conn) {
			go silent(c)
			_, _ = io.WriteString(c, "*100000\r\n")
			forever(c, "*100000\r\n"+strings.Repeat("*0\r\n", 100_000), 0)
		}, "says too much"},
		"a line without an end":           {func(c net.Conn) { go silent(c); forever(c, strings.Repeat("+a", 4096), 0) }, "buffer full"},
		"a byte at a time":                {func(c net.Conn) { go silent(c); forever(c, "+", 20*time.Millisecond) }, "not in time"},
		"nothing":                         {silent, "not in time"},
		"it hangs up":                     {func(net.Conn) {}, ""},
		"it is no Redis":                  {saying("HTTP/1.1 400 Bad Request\r\n\r\n"), "does not speak Redis"},
		"it says no, at length":           {saying("-ERR " + strings.Repeat("\x1b[31mno ", 300) + "\r\n"), "it says"},
		"it says no, in lines of its own": {saying("-ERR no\u2028\x07\x1b]0;owned\r\n"), "it says"},
		"it wants a password":             {saying("-NOAUTH Authentication required.\r\n"), "it wants a password"},
		"numbers where there is a text":   {saying(":7\r\n"), "does not speak Redis"},
	} {
		for _, verb := range []string{"redis.ttls", "redis.info"} {
			t.Run(name+", "+verb, func(t *testing.T) {
				at := stranger(t, c.serve)
				evidence, err := asked(t, request(verb, fmt.Appendf(nil, `{"redis":{"address":%q,"patterns":["cache:*"]}}`, at)))
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, with %q", err, evidence)
				}
			})
		}
	}
}

// What a Redis says that is understood is shown, within bounds, and no name whole.
func TestARedisThatNeverEnds(t *testing.T) {
	key := "cache:\x1b[2J" + dear + strings.Repeat("x", 100)
	page := func(n int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "*2\r\n$1\r\n7\r\n*%d\r\n", n)
		for i := range n {
			one := fmt.Sprintf("%s%d", key, i)
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(one), one)
		}
		return b.String()
	}
	keys := page(100)
	at := stranger(t, talking(func(c net.Conn, command string) {
		switch command {
		case "DBSIZE":
			_, _ = io.WriteString(c, ":9223372036854775807\r\n")
		case "SCAN": // its cursor never comes back
			_, _ = io.WriteString(c, keys)
		case "INFO":
			text := "used_memory:-5\r\nmaxmemory:99999999999999999999\r\nmaxmemory_policy:\x1b[31m" + strings.Repeat("p", 10_000) + "\r\ndb0:keys=1\x07\r\n"
			fmt.Fprintf(c, "$%d\r\n%s\r\n", len(text), text)
		default:
			_, _ = io.WriteString(c, ":9223372036854775807\r\n")
		}
	}))
	content := fmt.Appendf(nil, `{"redis":{"address":%q,"patterns":["cache:*"]}}`, at)
	if evidence, err := askedWithin(t, patience, request("redis.ttls", content)); err != nil || !strings.Contains(evidence, "100 keys (the first found of maybe more)") {
		t.Errorf("%v:\n%s", err, evidence)
	}
	if evidence, err := asked(t, request("redis.info", content)); err != nil || !strings.Contains(evidence, "memory: ") {
		t.Errorf("%v:\n%s", err, evidence)
	}
}

// message is one of PostgreSQL's protocol.
func message(kind byte, body string) string {
	b := []byte{kind}
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)+4))
	return string(b) + body
}

const (
	authOK = "\x00\x00\x00\x00"
	ready  = "I"
)

// postgresLike lets everybody in, and answers what is asked with something.
func postgresLike(answer func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		head := make([]byte, 4)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head))-4)
		_, _ = io.WriteString(c, message('R', authOK)+message('Z', ready))
		in := bufio.NewReader(c)
		if _, err := in.ReadByte(); err != nil {
			return
		}
		go func() { _, _ = io.Copy(io.Discard, in) }()
		answer(c)
	}
}

func column(name string) string {
	return "\x00\x01" + name + "\x00" + strings.Repeat("\x00", 6) + "\x00\x00\x00\x19\xff\xff\xff\xff\xff\xff\x00\x00"
}

func row(text string) string {
	b := binary.BigEndian.AppendUint32([]byte{0, 1}, uint32(len(text)))
	return message('D', string(b)+text)
}

// A PostgreSQL that hangs in the handshake, says too much or nonsense is left in time,
// and nothing of the DSN is told.
func TestHostilePostgres(t *testing.T) {
	begin := message('1', "") + message('2', "") + message('T', column("x"))
	for name, c := range map[string]struct {
		serve func(net.Conn)
		want  string
	}{
		"nothing, in the handshake": {silent, "not in time"},
		"a byte at a time":          {func(c net.Conn) { go silent(c); forever(c, "R", 20*time.Millisecond) }, "connect"},
		"it hangs up":               {func(net.Conn) {}, "connect"},
		"it is no PostgreSQL":       {func(c net.Conn) { go silent(c); forever(c, "HTTP/1.1 400 Bad Request\r\n\r\n", 0) }, "connect"},
		"a message of 1 GB":         {func(c net.Conn) { go silent(c); forever(c, "R\x3f\xff\xff\xf0", 0) }, "connect"},
		"notices without an end":    {func(c net.Conn) { go silent(c); forever(c, message('N', "SNOTICE\x00M"+dear+"\x00\x00"), 0) }, "connect"},
		"an error that tells the DSN": {func(c net.Conn) {
			_, _ = io.WriteString(c, message('E', "SFATAL\x00C28P01\x00Mno "+dear+"\x1b[31m\x00\x00"))
			silent(c)
		}, "user or password"},
		"nothing, when it is asked": {postgresLike(silent), "not in time"},
		"rows without an end":       {postgresLike(func(c net.Conn) { _, _ = io.WriteString(c, begin); forever(c, row(strings.Repeat("x", 1000)), 0) }), ""},
		"empty rows without an end": {postgresLike(func(c net.Conn) {
			_, _ = io.WriteString(c, begin)
			forever(c, strings.Repeat(message('D', "\x00\x00"), 1000), 0)
		}), ""},
		"a row of 1 GB": {postgresLike(func(c net.Conn) {
			_, _ = io.WriteString(c, begin+"D\x3f\xff\xff\xf0\x00\x01\x3f\xff\xff\xe0")
			forever(c, strings.Repeat("x", 64<<10), 0)
		}), ""},
	} {
		for _, verb := range []string{"postgres.activity", "postgres.slow"} {
			t.Run(name+", "+verb, func(t *testing.T) {
				at := stranger(t, c.serve)
				evidence, err := asked(t, request(verb, fmt.Appendf(nil, `{"postgres":{"dsn":"postgres://keel:%s@%s/shop?sslmode=disable"}}`, dear, at)))
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, with %q", err, evidence)
				}
			})
		}
	}
}
