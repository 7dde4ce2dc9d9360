package ask

import (
	"bufio"
	"context"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// maxReply bounds the line with which Redis answers.
const maxReply = 512

// redis sends PING. A server that wants to know first who asks is up.
func (a *Asker) redis(ctx context.Context, p desired.Probing) Sample {
	to := at("", p.Probe.Redis.Port, 6379)
	if host, port, err := net.SplitHostPort(p.Probe.Redis.Address); err == nil {
		to.host = host
		to.port, _ = strconv.Atoi(port)
	}
	c, err := a.dial(ctx, p, to)
	if err != nil {
		return fault(err, p, to.String())
	}
	defer c.Close()
	if _, err := io.WriteString(c, "*1\r\n$4\r\nPING\r\n"); err != nil {
		return fault(err, p, to.String())
	}
	line, err := bufio.NewReaderSize(io.LimitReader(c, maxReply), maxReply).ReadString('\n')
	if err == io.EOF && len(line) == maxReply {
		return failed(state.ClassInvalid, "what "+to.String()+" answers is not Redis'")
	}
	if err != nil {
		return fault(err, p, to.String())
	}
	word, _, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
	switch word {
	case "+PONG", "-NOAUTH", "-NOPERM":
		return Sample{}
	}
	if code, ok := strings.CutPrefix(word, "-"); ok && upper(code) {
		return failed(state.ClassStatus, "Redis answers "+code)
	}
	return failed(state.ClassInvalid, "what "+to.String()+" answers is not Redis'")
}

// upper tells a code of an error from a stranger's words.
func upper(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
