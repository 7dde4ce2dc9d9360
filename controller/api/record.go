package api

import (
	"context"
	"net/http"

	"github.com/pakashop/evenkeel/controller/backtest"
)

// Recorder reads of the record what a backtest rests on.
type Recorder func() (backtest.Record, error)

func (s *Server) record(w http.ResponseWriter, _ *http.Request) {
	r, err := s.o.Record()
	if err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	s.answer(w, r)
}

// Record fetches of the record what a backtest rests on.
func (c *Client) Record(ctx context.Context) (r backtest.Record, err error) {
	return r, c.call(ctx, http.MethodGet, "/record", nil, &r)
}
