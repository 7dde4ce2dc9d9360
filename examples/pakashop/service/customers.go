package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// What customers do all the time, and how often.
const (
	ordersEvery   = 100 * time.Millisecond
	paymentsEvery = 200 * time.Millisecond
	invoicesEvery = 500 * time.Millisecond
	productsEvery = 500 * time.Millisecond // by those who sell
	patience      = 4 * time.Second
)

// buy plays customers: they look at orders, pay by one gateway or the other, are
// invoiced, and some sell. They keep coming back whatever they are answered.
func buy(ctx context.Context, _ func(string) string, _ io.Writer) error {
	var wg sync.WaitGroup
	each := func(pause time.Duration, method string, address func(i int) string) {
		wg.Go(func() {
			tick := time.NewTicker(pause)
			defer tick.Stop()
			for i := 0; ; i++ {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					wg.Go(func() { call(ctx, method, address(i)) })
				}
			}
		})
	}
	each(ordersEvery, http.MethodGet, func(int) string { return fmt.Sprintf("http://127.0.0.1:3001/orders/%d", 1+rand.IntN(50)) })
	each(paymentsEvery, http.MethodPost, func(i int) string {
		return fmt.Sprintf("http://127.0.0.1:3018/payments?gateway=%s&amount=%d", gateways[i%len(gateways)], 1+rand.IntN(1000))
	})
	each(productsEvery, http.MethodPost, func(int) string { return "http://127.0.0.1:7700/indexes/products/documents" })
	each(invoicesEvery, http.MethodPost, func(int) string { return "http://127.0.0.1:3016/invoices" })
	wg.Wait()
	return nil
}

// call asks once; the answer is of no interest to anybody here.
func call(ctx context.Context, method, address string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return
	}
	if resp, err := client.Do(req); err == nil {
		resp.Body.Close()
	}
}
