package hint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// What a stranger can have of this host at once, whether or not the secret is known
// to them: so many connections, each for so long.
const (
	maxConns = 64
	headTime = 5 * time.Second
	idleTime = 30 * time.Second
	// maxHead is what net/http is told of the bound of 16 KiB; it reads 4 KiB more
	// than that itself.
	maxHead = 12 << 10
	// leave is how long those whose webhooks are being taken are waited for.
	leave = 2 * time.Second
)

// Serve takes what strangers send to an address until ctx ends, and returns when
// nothing of it is left: a Hook, or one beside others. There is no TLS: it is for a
// private network, or to stand behind a proxy that has it.
func Serve(ctx context.Context, addr string, h http.Handler) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("take webhooks: %w", err)
	}
	return serveOn(ctx, l, h)
}

func serveOn(ctx context.Context, l net.Listener, h http.Handler) error {
	ctx, stop := context.WithCancel(ctx)
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headTime, ReadTimeout: headTime + bodyTime, WriteTimeout: headTime + 2*bodyTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHead,
		ErrorLog:       log.New(io.Discard, "", 0), // a stranger writes into no log of ours
	}
	var others sync.WaitGroup
	defer others.Wait()
	defer stop()
	others.Go(func() {
		<-ctx.Done()
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), leave)
		defer cancel()
		if server.Shutdown(wait) != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(&bounded{Listener: l, free: make(chan struct{}, maxConns), closed: make(chan struct{})})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("take webhooks: %w", err)
}

// bounded is a listener of which only so many connections are open at once. Others
// wait in the kernel's queue.
type bounded struct {
	net.Listener
	free   chan struct{}
	once   sync.Once
	closed chan struct{}
}

func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.free <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.free
		return nil, err
	}
	return &counted{Conn: c, done: func() { <-b.free }}, nil
}

func (b *bounded) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// counted is a connection that gives its place back, once.
type counted struct {
	net.Conn
	once sync.Once
	done func()
}

func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.done)
	return err
}
