package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/state"
)

// maxRequest bounds what somebody may ask for at once, in bytes.
const maxRequest = 1 << 20

func (s *Server) hand(w http.ResponseWriter, r *http.Request) {
	var req hand.Request
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil {
		s.fail(w, http.StatusBadRequest, "what was asked for cannot be read: "+err.Error())
		return
	}
	p, _ := r.Context().Value(peerKey{}).(Peer)
	req.Actor = p.Actor()
	a, err := s.o.Backend.Hand(r.Context(), req)
	switch {
	case errors.Is(err, hand.ErrUnknown):
		s.fail(w, http.StatusNotFound, err.Error())
	case errors.Is(err, hand.ErrInvalid):
		s.fail(w, http.StatusBadRequest, err.Error())
	case errors.Is(err, hand.ErrRefused):
		s.fail(w, http.StatusConflict, err.Error())
	case err != nil:
		s.fail(w, http.StatusServiceUnavailable, "the controller does not answer: "+err.Error())
	default:
		s.answer(w, a)
	}
}

// Progress is how far something is that a human asked for.
type Progress struct {
	ID     string `json:"id"`
	Done   bool   `json:"done"`   // nothing more will come of it
	Failed string `json:"failed"` // what did not come about; with Done, empty says that all did
	Detail string `json:"detail"` // while it is not done: what it waits for
}

func (s *Server) asks(w http.ResponseWriter, r *http.Request) {
	v, ok := s.now(w, r)
	if !ok {
		return
	}
	out := []Progress{}
	for _, id := range r.URL.Query()["id"] {
		out = append(out, v.Progress(id))
	}
	s.answer(w, out)
}

// Progress tells how far an Ask is.
func (v View) Progress(id string) Progress {
	p := Progress{ID: id}
	if a, ok := v.Past.Answer(id); ok {
		p.Done, p.Failed = true, a.Failed
		return p
	}
	if _, ok := v.Past.Asks[id]; !ok {
		p.Done, p.Failed = true, "nobody remembers it"
		return p
	}
	var waits []string
	for _, h := range v.Plan.Held {
		if h.Ask == id {
			waits = append(waits, string(h.Reason)+": "+h.Detail)
		}
	}
	for _, st := range v.Plan.Steps {
		if st.Ask == id {
			waits = append(waits, v.under(st))
		}
	}
	p.Detail = cmp.Or(strings.Join(waits, "; "), "about to be planned")
	return p
}

// under says of a Step whether it is under way or what it waits for.
func (v View) under(st state.Step) string {
	if _, ok := v.Past.Flight[st.ID]; ok {
		return st.Action.String() + " is under way"
	}
	for _, id := range st.Needs {
		if before, ok := v.Plan.Step(id); ok {
			return st.Action.String() + " waits for " + before.Action.String()
		}
	}
	return st.Action.String() + " begins"
}

// Hand asks the controller for something by hand.
func (c *Client) Hand(ctx context.Context, r hand.Request) (a hand.Answer, err error) {
	return a, c.send(ctx, http.MethodPost, "/hand", nil, r, &a)
}

// Progress fetches how far things are that somebody asked for.
func (c *Client) Progress(ctx context.Context, ids []string) (p []Progress, err error) {
	return p, c.call(ctx, http.MethodGet, "/asks", url.Values{"id": ids}, &p)
}
