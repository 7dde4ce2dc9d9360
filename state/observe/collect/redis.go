package collect

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// info asks for what Redis says of itself, in its own protocol.
const info = "*1\r\n$4\r\nINFO\r\n"

func (c *Collector) redis(ctx context.Context, t desired.Target, p *page) error {
	to := t.Metrics.Redis.Address
	if to == "" {
		to = address("", t.Metrics.Redis.Port, 6379)
	}
	text, no, err := c.info(ctx, t.Unit, to)
	switch {
	case err != nil:
		return err
	case no:
		p.add(redisUp, 0)
		return nil
	}
	p.add(redisUp, 1)
	return readInfo(text, p)
}

// address is where something listens, on this host unless it is said.
func address(host string, port *desired.Port, standard int) string {
	if host == "" {
		host = "127.0.0.1"
	}
	if port != nil {
		standard = port.Number
	}
	return net.JoinHostPort(host, strconv.Itoa(standard))
}

// info asks once. That Redis says no is no error.
func (c *Collector) info(ctx context.Context, unit, to string) (text string, no bool, err error) {
	conn, err := c.asker.Connect(ctx, unit, "tcp", to)
	if err == nil {
		defer conn.Close()
		if _, err = io.WriteString(conn, info); err == nil {
			text, err = reply(bufio.NewReader(io.LimitReader(conn, maxRead)))
		}
	}
	var code refusal
	switch {
	case err == nil:
		return text, false, nil
	case errors.As(err, &code) && (code == "NOAUTH" || code == "NOPERM" || code == "DENIED"):
		return "", false, errors.New("it wants to know who asks, and INFO is not for everybody")
	case errors.As(err, &code):
		return "", true, nil
	case errors.Is(err, errNotRedis):
		return "", false, err
	}
	no, err = down(ctx, err, unit, to)
	return "", no, err
}

// refusal is the code of an error with which Redis answers.
type refusal string

func (r refusal) Error() string { return "Redis answers " + string(r) }

var errNotRedis = errors.New("what answers is not Redis'")

// reply reads a bulk string.
func reply(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errNotRedis
	}
	if err != nil {
		return "", err
	}
	head := strings.TrimRight(string(line), "\r\n")
	if code, ok := strings.CutPrefix(head, "-"); ok {
		code, _, _ = strings.Cut(code, " ")
		if code == "" || len(code) > 32 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return "", errNotRedis
		}
		return "", refusal(code)
	}
	size, ok := strings.CutPrefix(head, "$")
	n, err := strconv.Atoi(size)
	switch {
	case !ok || err != nil || n < 0:
		return "", errNotRedis
	case n > maxRead-len(line)-2:
		return "", errMuch
	}
	text := make([]byte, n+2)
	if _, err := io.ReadFull(r, text); err != nil {
		return "", err
	}
	return string(text[:n]), nil
}

// maxDatabases bounds the databases that are told of.
const maxDatabases = 256

// readInfo reads lines of NAME:VALUE.
func readInfo(text string, p *page) error {
	told := map[string]string{}
	databases := 0
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || len(name) > maxLabel {
			continue
		}
		if n, found := strings.CutPrefix(name, "db"); found && database(n) && databases < maxDatabases {
			databases++
			keyspace(name, value, p)
			continue
		}
		told[name] = value
	}
	if told["redis_version"] == "" && told["valkey_version"] == "" {
		return errors.New("what answers INFO does not say which Redis it is")
	}
	for _, f := range redisFields {
		if v, ok := infoValue(told[f.name]); ok {
			p.add(f.Metric, v)
		}
	}
	if host, port := told["master_host"], told["master_port"]; host != "" {
		if v, ok := infoValue(told["master_link_status"]); ok {
			p.add(redisLink, v, host, port)
		}
		if v, ok := infoValue(told["master_last_io_seconds_ago"]); ok {
			p.add(redisHeard, v, host, port)
		}
	}
	if v, ok := parsed(told["uptime_in_seconds"]); ok {
		if now, ok := parsed(told["server_time_usec"]); ok {
			p.add(redisStart, float64(int64(now/1e6-v)))
		}
	}
	p.add(redisInfo, 1, told["role"], told["redis_version"], told["redis_mode"], told["os"], told["maxmemory_policy"], told["tcp_port"], told["run_id"], told["process_id"])
	return nil
}

// infoValue reads a number, or a word that stands for one.
func infoValue(s string) (float64, bool) {
	switch s {
	case "ok", "up":
		return 1, true
	case "err", "fail", "down":
		return 0, true
	}
	return parsed(s)
}

func database(n string) bool {
	_, err := strconv.ParseUint(n, 10, 16)
	return err == nil
}

// keyspace reads keys=2,expires=1,avg_ttl=12.
func keyspace(db, value string, p *page) {
	for part := range strings.SplitSeq(value, ",") {
		name, text, _ := strings.Cut(part, "=")
		v, ok := parsed(text)
		switch {
		case !ok:
		case name == "keys":
			p.add(redisKeys, v, db)
		case name == "expires":
			p.add(redisExpiring, v, db)
		case name == "avg_ttl":
			p.add(redisTTL, v/1000, db)
		}
	}
}

// parsed reads a number that is one: neither Inf nor NaN is what anybody counts.
func parsed(s string) (float64, bool) {
	if len(s) > 64 {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}
