package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// gateways are those by which customers pay.
var gateways = []string{"pawapay", "flutterwave"}

// payment is one that a customer makes.
type payment struct {
	Order   string  `json:"orderId"`
	Gateway string  `json:"gateway"`
	Phone   string  `json:"phone"`
	Amount  float64 `json:"amount"`
}

// payments are judged by the fraud service, and made by one of the gateways.
func (a *app) payments(outside string) routes {
	for _, g := range gateways {
		a.metrics.add("payment_process", trace{}, 0, "gateway", g)
		a.metrics.add("payment_process_failures", trace{}, 0, "gateway", g)
	}
	return routes{"POST /payments": func(w http.ResponseWriter, r *http.Request) {
		t := traceIn(r.Context())
		p := payment{Order: randomHex(4), Gateway: r.FormValue("gateway"), Phone: "+26097*****56", Amount: number(r.FormValue("amount"), 100)}
		if !slices.Contains(gateways, p.Gateway) {
			reply(w, http.StatusBadRequest, map[string]any{"error": "gateway is not one of these", "gateways": gateways})
			return
		}
		began := time.Now()
		err := a.process(r.Context(), t, outside, p)
		a.metrics.add("payment_process", t, 1, "gateway", p.Gateway)
		fields := []any{"orderId", p.Order, "gateway", p.Gateway, "phone", p.Phone, "amount", p.Amount, "duration", time.Since(began).Milliseconds()}
		if err != nil {
			a.metrics.add("payment_process_failures", t, 1, "gateway", p.Gateway)
			a.log.error(t, "payment.process failed", append(fields, "err", err.Error())...)
			reply(w, http.StatusBadGateway, map[string]string{"error": "the payment failed", "orderId": p.Order})
			return
		}
		a.log.info(t, "payment.process done", fields...)
		reply(w, http.StatusOK, map[string]string{"orderId": p.Order, "gateway": p.Gateway})
	}}
}

// process is one payment. What the fraud service flags is paid, and reviewed
// afterwards; that it cannot be asked does not keep anybody from paying.
func (a *app) process(ctx context.Context, t trace, outside string, p payment) error {
	if fraud := a.dependency("fraud"); fraud != "" {
		if err := post(ctx, t, "http://"+fraud+"/evaluate", nil, p, nil); err != nil {
			a.log.warn(t, "fraud.evaluate failed", "err", err.Error())
		}
	}
	if a.fault.on("token") {
		return errors.New("answers 401 Unauthorized: the token is stale")
	}
	return post(ctx, t, outside+"/"+p.Gateway+"/payments", nil, p, nil)
}
