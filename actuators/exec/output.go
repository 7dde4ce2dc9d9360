package exec

import (
	"os"
	"strings"
	"time"
)

// kept is how much of an output is kept, in bytes: the end of it.
const kept = 60 << 10

// output reads what a program writes, as fast as it comes, and keeps the end.
type output struct {
	r, w    *os.File
	begun   bool
	done    chan struct{} // closed when nothing more comes
	tail    []byte
	written int64
}

func newOutput() (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &output{r: r, w: w, done: make(chan struct{})}, nil
}

// begin is called when the program has its end of the pipe.
func (o *output) begin() {
	o.w.Close()
	o.begun = true
	go o.read()
}

func (o *output) read() {
	defer close(o.done)
	buf := make([]byte, 32<<10)
	for {
		n, err := o.r.Read(buf)
		o.written += int64(n)
		o.tail = append(o.tail, buf[:n]...)
		if over := len(o.tail) - kept; over > 0 {
			o.tail = append(o.tail[:0], o.tail[over:]...)
		}
		if err != nil {
			return
		}
	}
}

// end returns what came, when the program and all that it started are gone.
func (o *output) end() (string, int64) {
	_ = o.r.SetReadDeadline(time.Now().Add(time.Second)) // somebody else may hold the pipe
	<-o.done
	text := strings.ToValidUTF8(string(o.tail), "\uFFFD")
	return text[max(0, len(text)-kept):], o.written
}

func (o *output) close() {
	o.w.Close()
	o.r.Close()
	if o.begun {
		<-o.done
	}
}
