// Command service plays any of the platform's services: it listens, says how
// it is, looks at what it really depends on, writes logs and metrics in the
// platform's shapes, and breaks in as many ways as it is told to. One small
// program for all of them, with nothing but the standard library.
//
// It is configured by its environment, as its unit file and env file set it:
//
//	SERVICE    its name: pakashop-backend
//	PORT       where it listens on the loopback
//	DEPENDS    what it needs: "postgres=postgres://127.0.0.1:5432 redis=redis://127.0.0.1:6379 backend=http://127.0.0.1:3001"
//	LOG_LEVEL  the least pino level that is written; default 30 (info)
//	DOES       what it is for: orders, payments, fraud, invoices, outside; nothing: it only answers
//	ZRA_KEY    the key for the revenue authority, as NAME:2027-06-30; ZRA_MOCK the file that switches mock mode on
//	OUTSIDE    where the outside world is: payment gateways, the revenue authority, a credit bureau
//
// Its first argument is another part that it plays:
//
//	worker     takes payments that are to be reviewed from fraud's queue (DEPENDS, OUTSIDE)
//	customers  buy, pay and are invoiced all the time, for who wants to see something
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	part := run
	switch strings.Join(os.Args[1:], " ") {
	case "":
	case "worker":
		part = review
	case "customers":
		part = buy
	default:
		fmt.Fprintln(os.Stderr, "usage: service [worker | customers]")
		os.Exit(2)
	}
	if err := part(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, then lets requests in flight finish for five
// seconds.
func run(ctx context.Context, getenv func(string) string, logs io.Writer) error {
	name, port := getenv("SERVICE"), getenv("PORT")
	if name == "" || port == "" {
		return errors.New("SERVICE and PORT must be set")
	}
	deps, err := parseDepends(getenv("DEPENDS"))
	if err != nil {
		return err
	}
	log := newLogger(logs, name, getenv("LOG_LEVEL"))
	app := newApp(name, deps, log)
	does, err := app.does(getenv)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: app.handler(does), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	log.info(trace{}, "listening", "port", port, "dependencies", len(deps))
	if err := notify(getenv("NOTIFY_SOCKET"), "READY=1\nSTATUS=serving on port "+port); err != nil {
		return err
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	log.info(trace{}, "stopping")
	if err := notify(getenv("NOTIFY_SOCKET"), "STOPPING=1"); err != nil {
		return err
	}
	end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(end); err != nil {
		server.Close()
	}
	log.info(trace{}, "stopped")
	return nil
}

// notify tells systemd; without a socket there is nobody to tell.
func notify(socket, state string) error {
	if socket == "" {
		return nil
	}
	if socket[0] == '@' {
		socket = "\x00" + socket[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	defer conn.Close()
	_, err = conn.Write([]byte(state))
	return err
}
