package collect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/desired"
)

const stub = "Active connections: 291 \nserver accepts handled requests\n 16630948 16630947 31070465 \nReading: 6 Writing: 179 Waiting: 106 \n"

func http200(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func TestNginx(t *testing.T) {
	text, err := look(t, tester(""), desired.Metrics{Nginx: &desired.HTTPGet{Port: serve(t, says(http200(stub))), Path: "/stub"}})
	if err != nil {
		t.Fatal(err)
	}
	has(t, text, "nginx_up 1", "nginx_connections_active 291", "nginx_connections_accepted 1.6630948e+07", "nginx_connections_handled 1.6630947e+07", "nginx_http_requests_total 3.1070465e+07",
		"nginx_connections_reading 6", "nginx_connections_writing 179", "nginx_connections_waiting 106", "# TYPE nginx_http_requests_total counter")
}

func TestNginxThatMisbehaves(t *testing.T) {
	const isDown = "down"
	for _, c := range []struct {
		name string
		port *desired.Port
		want string
	}{
		{"nobody listens", closed(t), isDown},
		{"it answers 503", serve(t, says("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")), isDown},
		{"no such page", serve(t, says("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")), "answers 404"},
		{"another page", serve(t, says(http200("<html>Welcome to nginx!"))), "none of stub_status"},
		{"numbers that are none", serve(t, says(http200(strings.Replace(stub, "291", "-1", 1)))), "none of stub_status"},
		{"silence", serve(t, silent), "no whole answer"},
		{"a body without end", serve(t, forever("HTTP/1.1 200 OK\r\n\r\n", "x")), "longer than is read"},
		{"headers without end", serve(t, forever("HTTP/1.1 200 OK\r\n", "X-A: b\r\n")), "longer than is read"},
		{"announcements without end", serve(t, forever("", "HTTP/1.1 103 Early\r\n\r\n")), "cannot be read"},
		{"chunks without end", serve(t, forever("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n")), "longer than is read"},
		{"no HTTP", serve(t, says(secret+"\n")), "cannot be read"},
		{"an end in the middle", serve(t, says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nActive")), "cut"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text, err := look(t, tester(""), desired.Metrics{Nginx: &desired.HTTPGet{Port: c.port, Path: "/stub"}})
			switch {
			case c.want == isDown && (err != nil || !strings.HasSuffix(text, "\nnginx_up 0\n")):
				t.Errorf("it is down: %v\n%s", err, text)
			case c.want != isDown && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
}

func FuzzStub(f *testing.F) {
	f.Add(stub)
	f.Fuzz(func(t *testing.T, text string) {
		p := newPage()
		if readStub(text, p) == nil {
			finished(t, p)
		}
	})
}
