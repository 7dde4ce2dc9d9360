package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// does is what a service is for besides saying how it is, by the word in DOES.
func (a *app) does(getenv func(string) string) (routes, error) {
	word, outside := getenv("DOES"), getenv("OUTSIDE")
	if outside == "" && (word == "payments" || word == "invoices") {
		return nil, fmt.Errorf("DOES=%s wants OUTSIDE", word)
	}
	switch word {
	case "":
		return nil, nil
	case "orders":
		return a.orders(), nil
	case "payments":
		return a.payments(outside), nil
	case "fraud":
		return a.fraud(), nil
	case "invoices":
		return a.invoices(outside, getenv), nil
	case "outside":
		return newOutside().routes(), nil
	}
	return nil, fmt.Errorf("DOES=%q is not one of: orders payments fraud invoices outside", word)
}

// outsideTimeout is how long somebody outside may take to answer.
const outsideTimeout = time.Second

// post tells another service, or somebody outside, and goes on with the trace. An
// answer other than 2xx is an error that says what it is.
func post(ctx context.Context, t trace, address string, header map[string]string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, outsideTimeout)
	defer cancel()
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("traceparent", t.header())
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return errors.New(plain(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		var said struct{ Error string }
		_ = json.NewDecoder(http.MaxBytesReader(nil, resp.Body, 4096)).Decode(&said) // whatever it says helps
		return fmt.Errorf("answers %s: %s", resp.Status, said.Error)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(http.MaxBytesReader(nil, resp.Body, 1<<20)).Decode(into)
}
