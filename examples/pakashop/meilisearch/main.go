// Command meilisearch is a stand-in for Meilisearch, which no package of Debian's
// has: it is not Meilisearch, and searches nothing. It speaks as much of its HTTP API
// as the example needs, in the same shapes: health, documents that are enqueued as
// tasks and indexed one after the other, the list of tasks, and stats.
//
//	PORT  where it listens on the loopback; default 7700
//	TOOK  how long it takes to index what one task brings; default 50ms
//	KEY   the key that it wants, as Bearer; empty: none
//
// POST /fault?kind=stuck has it stop indexing: tasks pile up and their lag grows,
// while /health still says that it is available. That is how Meilisearch is stuck,
// and only a restart cures it: tasks outlive a restart in the state file
// $STATE_DIRECTORY/tasks.json, the fault does not.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "meilisearch:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, getenv func(string) string) error {
	took, err := time.ParseDuration(or(getenv("TOOK"), "50ms"))
	if err != nil || took <= 0 {
		return fmt.Errorf("TOOK must be like 50ms")
	}
	state := ""
	if dir := getenv("STATE_DIRECTORY"); dir != "" {
		state = filepath.Join(dir, "tasks.json")
	}
	q, err := load(state)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", or(getenv("PORT"), "7700")))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler(q, getenv("KEY")), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	served := make(chan error, 2)
	go func() { served <- server.Serve(listener) }()
	var indexer sync.WaitGroup
	defer indexer.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	indexer.Go(func() {
		if err := q.index(ctx, took); err != nil {
			served <- err
		}
	})
	if err := notify(getenv("NOTIFY_SOCKET"), "READY=1\nSTATUS=stand-in for Meilisearch"); err != nil {
		return err
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(end), q.save())
}

func or(s, standard string) string {
	if s == "" {
		return standard
	}
	return s
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
