package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/state"
)

// What an expression comes to arrives as it was read; where nobody evaluates any, it is
// said.
func TestQuery(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	want := state.Fact[state.QueryResult]{At: state.Time{Up: 5, Boot: "b"}, Value: state.QueryResult{Yes: true, Says: "{a=\"b\"} 1"}}
	asked := ""
	s := NewServer(Options{Backend: &desk{}, Log: slog.New(slog.DiscardHandler), Query: func(_ context.Context, expr string) state.Fact[state.QueryResult] {
		asked = expr
		return want
	}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	defer func() { cancel(); <-ended }()
	got, err := NewClient(path).Query(t.Context(), `up{a="&"} == 1`)
	if err != nil || asked != `up{a="&"} == 1` {
		t.Errorf("asked was %q: %v", asked, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the reading (-read +arrived):\n%s", diff)
	}
	var e *Error
	if _, err := NewClient(serve(t, &desk{})).Query(t.Context(), "up"); !errors.As(err, &e) || e.Code != http.StatusNotFound {
		t.Errorf("where nobody evaluates any: %v", err)
	}
}
