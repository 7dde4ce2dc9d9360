package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// Where the services of row D say how they are: each on a port of its own, and
// below them how often they were asked.
const askedPort = 20000

func healthURL(i int) string { return fmt.Sprintf("http://127.0.0.1:%d/health", askedPort+i) }

// answer answers for n services that they are well.
func answer(args []string) error {
	n, err := number(args)
	if err != nil {
		return err
	}
	var asked atomic.Int64
	health := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, "ok\n") // whoever asked may be gone
	})
	count := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, asked.Load())
	})
	ended := make(chan error, n+1)
	for i := n; i >= 0; i-- { // who hears of the count finds all others
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", askedPort+i))
		if err != nil {
			return err
		}
		h := health
		if i == 0 {
			h = count
		}
		go func() { ended <- http.Serve(l, h) }() // for as long as the process
	}
	return <-ended
}

// asked is how often the services were asked so far.
func asked() (int, error) {
	var err error
	for until := time.Now().Add(5 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		var text string
		if text, err = get(http.DefaultClient, healthURL(0)); err == nil {
			return strconv.Atoi(text)
		}
	}
	return 0, fmt.Errorf("ask how often services were asked: %w", err)
}

func get(c *http.Client, url string) (string, error) {
	resp, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// prober is the limit of row D: a program that asks n services in turns, over
// connections that it keeps, and systemd for all of them at once. It decides
// nothing and remembers nothing.
func prober(args []string) error {
	n, err := number(args)
	if err != nil {
		return err
	}
	s, err := connect()
	if err != nil {
		return err
	}
	defer s.close()
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true}}
	for t := time.NewTicker(askEvery); ; <-t.C {
		if err := s.manager.Call(managerName+".ListUnitsByNames", 0, unitNames(n)).Err; err != nil {
			return err
		}
		for i := 1; i <= n; i++ {
			if _, err := get(client, healthURL(i)); err != nil {
				return err
			}
		}
	}
}

func number(args []string) (int, error) {
	if len(args) != 1 {
		return 0, errors.New("give the number of services")
	}
	return strconv.Atoi(args[0])
}
