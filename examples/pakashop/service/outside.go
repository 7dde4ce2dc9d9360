package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// outside stands in for the outside world: two payment gateways, the revenue
// authority, a credit bureau. Each can be made to break.
type outside struct {
	mu    sync.Mutex
	fault map[string]string // by whose
}

// bureauTakes is how long the credit bureau thinks about one payment.
const bureauTakes = 500 * time.Millisecond

var (
	outsiders = []string{"pawapay", "flutterwave", "zra", "bureau"}
	// outsiderFaults are the ways in which they break: answers of 500, none at all, and
	// every key refused.
	outsiderFaults = []string{"errors", "hang", "expired", "off"}
)

func newOutside() *outside { return &outside{fault: map[string]string{}} }

func (o *outside) routes() routes {
	all := routes{"POST /outside/{who}": o.set}
	for _, who := range outsiders {
		all["GET /"+who+"/health"] = func(w http.ResponseWriter, r *http.Request) {
			if o.works(w, r, who) {
				reply(w, http.StatusOK, map[string]string{"status": "ok"})
			}
		}
	}
	for _, g := range gateways {
		all["POST /"+g+"/payments"] = func(w http.ResponseWriter, r *http.Request) {
			if o.works(w, r, g) {
				reply(w, http.StatusOK, map[string]string{"status": "ACCEPTED"})
			}
		}
	}
	all["POST /zra/invoices"] = o.invoice
	all["POST /bureau/payments"] = func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(bureauTakes):
			if o.works(w, r, "bureau") {
				reply(w, http.StatusOK, map[string]bool{"bad": false})
			}
		}
	}
	return all
}

// invoice takes one from who has a key that is not over.
func (o *outside) invoice(w http.ResponseWriter, r *http.Request) {
	end, ok := keyEnds(r.Header.Get("X-API-Key"))
	switch {
	case !o.works(w, r, "zra"):
	case !ok:
		reply(w, http.StatusUnauthorized, map[string]string{"error": "there is no key, or it is not one"})
	case time.Now().After(end) || o.has("zra") == "expired":
		reply(w, http.StatusUnauthorized, map[string]string{"error": "the key is not valid any more"})
	default:
		reply(w, http.StatusOK, map[string]string{"status": "recorded"})
	}
}

// works breaks as it is told to, or says that the answer is the caller's to write.
func (o *outside) works(w http.ResponseWriter, r *http.Request, who string) bool {
	switch o.has(who) {
	case "errors":
		reply(w, http.StatusInternalServerError, map[string]string{"error": who + " is out of order"})
		return false
	case "hang":
		<-r.Context().Done()
		return false
	}
	return true
}

func (o *outside) has(who string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.fault[who]
}

// set breaks one of them, or mends it: POST /outside/pawapay?kind=errors.
func (o *outside) set(w http.ResponseWriter, r *http.Request) {
	who, kind := r.PathValue("who"), r.FormValue("kind")
	if !slices.Contains(outsiders, who) || !slices.Contains(outsiderFaults, kind) {
		reply(w, http.StatusBadRequest, map[string]string{"error": fmt.Sprintf(
			"want /outside/WHO?kind=KIND with one of: %s; and one of: %s", strings.Join(outsiders, " "), strings.Join(outsiderFaults, " "))})
		return
	}
	o.mu.Lock()
	o.fault[who] = kind
	o.mu.Unlock()
	reply(w, http.StatusOK, map[string]string{who: kind})
}
