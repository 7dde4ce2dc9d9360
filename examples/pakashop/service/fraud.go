package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// Where fraud keeps what it has to say, in Redis: the queue of payments to be
// reviewed, the reviews by outcome, and its rules.
const (
	reviewQueue   = "fraud:queue"
	reviewsDone   = "fraud:reviews"
	fraudRules    = "fraud:rules"
	usualAmount   = 5000 // from which amount on a payment is flagged, unless fraud:rules says otherwise
	amountRule    = "amount"
	cleared       = "cleared"   // a false positive
	confirmed     = "confirmed" // fraud
	reviewTimeout = 5 * time.Second
)

// fraud judges payments, and puts those that a human's eye, or a worker's, should see
// into the queue.
func (a *app) fraud() routes {
	store := redis{a.dependency("redis")}
	for _, verdict := range []string{"passed", "flagged"} {
		a.metrics.add("fraud_evaluations", trace{}, 0, "verdict", verdict)
	}
	a.sample = append(a.sample, func(ctx context.Context) { a.queueing(ctx, store) })
	return routes{"POST /evaluate": func(w http.ResponseWriter, r *http.Request) {
		t := traceIn(r.Context())
		var p payment
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&p); err != nil {
			reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
		defer cancel()
		verdict, err := flag(ctx, store, p)
		if err != nil {
			a.log.error(t, "fraud.evaluate failed", "orderId", p.Order, "err", err.Error())
			reply(w, http.StatusServiceUnavailable, map[string]string{"error": err.Error()})
			return
		}
		a.metrics.add("fraud_evaluations", t, 1, "verdict", verdict)
		a.log.info(t, "fraud.evaluate done", "orderId", p.Order, "verdict", verdict)
		reply(w, http.StatusOK, map[string]string{"verdict": verdict})
	}}
}

// threshold is from where on the rule flags a payment.
func threshold(ctx context.Context, store redis) (float64, error) {
	got, err := store.do(ctx, "HGET", fraudRules, amountRule)
	if errors.Is(err, errNil) {
		return usualAmount, nil
	}
	if err != nil {
		return 0, err
	}
	return number(got[0], usualAmount), nil
}

// flag judges one payment, and queues it where it is flagged.
func flag(ctx context.Context, store redis, p payment) (verdict string, err error) {
	least, err := threshold(ctx, store)
	if err != nil {
		return "", err
	}
	if p.Amount < least {
		return "passed", nil
	}
	text, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	_, err = store.do(ctx, "LPUSH", reviewQueue, string(text))
	return "flagged", err
}

// queueing looks up what Redis has. What cannot be looked up is not shown as it was.
func (a *app) queueing(ctx context.Context, store redis) {
	depth, err := store.number(ctx, "LLEN", reviewQueue)
	least, failed := threshold(ctx, store)
	if err := errors.Join(err, failed); err != nil {
		a.metrics.forget("fraud_queue_depth", "fraud_rule_threshold")
		return
	}
	a.metrics.set("fraud_queue_depth", depth)
	a.metrics.set("fraud_rule_threshold", least, "rule", amountRule)
	for _, outcome := range []string{cleared, confirmed} {
		if n, err := store.number(ctx, "HGET", reviewsDone, outcome); err == nil {
			a.metrics.set("fraud_reviews", n, "outcome", outcome)
		}
	}
}

// review is what a worker does: it takes one payment after another from the queue,
// asks the credit bureau about it, which takes its time, and decides.
func review(ctx context.Context, getenv func(string) string, logs io.Writer) error {
	deps, err := parseDepends(getenv("DEPENDS"))
	if err != nil {
		return err
	}
	a := newApp(getenv("SERVICE"), deps, newLogger(logs, getenv("SERVICE"), getenv("LOG_LEVEL")))
	store, outside := redis{a.dependency("redis")}, getenv("OUTSIDE")
	if store.address == "" || outside == "" {
		return errors.New("a worker needs redis in DEPENDS, and OUTSIDE")
	}
	if err := notify(getenv("NOTIFY_SOCKET"), "READY=1\nSTATUS=reviewing"); err != nil {
		return err
	}
	mine := fmt.Sprintf("%s:%d", reviewQueue, os.Getpid()) // what is taken and not done
	for ctx.Err() == nil {
		if err := a.reviewOne(store, mine, outside); err != nil {
			a.log.error(trace{}, "review failed", "err", err.Error())
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
	return notify(getenv("NOTIFY_SOCKET"), "STOPPING=1")
}

// reviewOne takes one payment and decides; without one it waits a second for one. It
// is not cut short: what is begun is done.
func (a *app) reviewOne(store redis, mine, outside string) error {
	ctx, cancel := context.WithTimeout(context.Background(), reviewTimeout)
	defer cancel()
	got, err := store.do(ctx, "BRPOPLPUSH", reviewQueue, mine, "1")
	if errors.Is(err, errNil) {
		return nil
	}
	if err != nil {
		return err
	}
	t := trace{id: randomHex(16), span: randomHex(8)}
	var p payment
	var said struct{ Bad bool }
	err = json.Unmarshal([]byte(got[0]), &p)
	if err == nil {
		err = post(ctx, t, outside+"/bureau/payments", nil, p, &said)
	}
	outcome := cleared
	if said.Bad {
		outcome = confirmed
	}
	if err != nil {
		_, back := store.do(ctx, "RPOPLPUSH", mine, reviewQueue)
		return errors.Join(err, back)
	}
	if _, err := store.do(ctx, "LREM", mine, "1", got[0]); err != nil {
		return err
	}
	a.log.info(t, "review done", "orderId", p.Order, "outcome", outcome)
	_, err = store.do(ctx, "HINCRBY", reviewsDone, outcome, "1")
	return err
}

func number(text string, otherwise float64) float64 {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return n
	}
	return otherwise
}
