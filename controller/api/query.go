package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// Querier says what an expression in PromQL comes to now.
type Querier func(ctx context.Context, expr string) state.Fact[state.QueryResult]

// queryTakes bounds one answer: an expression may take ten seconds.
const queryTakes = 15 * time.Second

// question is the body of what is asked.
type question struct {
	Expr string `json:"expr"`
}

// query answers those who may change things: an expression may cost a lot.
func (s *Server) query(w http.ResponseWriter, r *http.Request) {
	var q question
	switch err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&q); {
	case err != nil:
		s.fail(w, http.StatusBadRequest, "what was asked for cannot be read: "+err.Error())
	case s.o.Query == nil:
		s.fail(w, http.StatusNotFound, "nobody evaluates expressions here")
	default:
		ctx, cancel := context.WithTimeout(r.Context(), queryTakes)
		defer cancel()
		s.answer(w, s.o.Query(ctx, q.Expr))
	}
}

// Query has an expression in PromQL evaluated; only who may change things may ask.
func (c *Client) Query(ctx context.Context, expr string) (f state.Fact[state.QueryResult], err error) {
	return f, c.send(ctx, http.MethodPost, "/query", nil, question{expr}, &f)
}
