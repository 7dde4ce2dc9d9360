package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// Noter reads what was remembered though nothing was done (revisions put in
// force, holds that came and went), the newest first.
type Noter func(since time.Time) ([]state.Entry, error)

// notes answers with a list, never null.
func (s *Server) notes(w http.ResponseWriter, r *http.Request) {
	since, _ := time.Parse(time.RFC3339Nano, r.URL.Query().Get("since")) // none: all
	entries, err := s.o.Notes(since)
	if err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	if entries == nil {
		entries = []state.Entry{}
	}
	s.answer(w, entries)
}

// Notes fetches what was remembered though nothing was done, the newest first.
func (c *Client) Notes(ctx context.Context, since time.Time) (entries []state.Entry, err error) {
	q := url.Values{"since": {since.UTC().Format(time.RFC3339Nano)}}
	return entries, c.call(ctx, http.MethodGet, "/notes", q, &entries)
}
