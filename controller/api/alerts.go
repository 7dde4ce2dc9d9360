package api

import (
	"context"
	"net/http"

	"github.com/pakashop/evenkeel/controller/report"
)

func (s *Server) alerts(w http.ResponseWriter, r *http.Request) {
	if v, ok := s.now(w, r); ok {
		s.answer(w, v.Alerts())
	}
}

func (s *Server) silences(w http.ResponseWriter, r *http.Request) {
	if v, ok := s.now(w, r); ok {
		s.answer(w, v.Silences())
	}
}

// Silences fetches what is silenced.
func (c *Client) Silences(ctx context.Context) (out report.Silences, err error) {
	return out, c.call(ctx, http.MethodGet, "/silences", nil, &out)
}
