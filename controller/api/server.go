package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/state"
)

// Version names the form of what the socket speaks. It changes only when an
// older client would misread an answer.
const Version = "v1"

// Historian reads what was done, the newest first.
type Historian func(f HistoryFilter) ([]state.Line, error)

// HistoryFilter says which steps are asked for; the zero value means all.
type HistoryFilter struct {
	Object string    // KIND/NAME
	Since  time.Time // begun at or after
	Failed bool      // only those that did not end well
	Limit  int       // at most so many; 0: DefaultLimit
}

// DefaultLimit and maxLimit bound one answer about the past.
const (
	DefaultLimit = 200
	maxLimit     = 10000
)

// Options are what the server answers from. All but Group and Query are required.
type Options struct {
	Backend   Backend
	History   Historian
	Wishes    Wisher
	Notes     Noter
	Record    Recorder
	Actuators func(ctx context.Context) []actuators.Info
	Query     Querier // nil: no rules are evaluated
	Version   string  // of the program
	Group     string  // its members may change things, besides root; empty: evenkeel-op
	Log       *slog.Logger
}

// Server answers on one listener.
type Server struct {
	o   Options
	mux *http.ServeMux
}

// NewServer returns a Server that listens to nothing yet.
func NewServer(o Options) *Server {
	if o.Group == "" {
		o.Group = "evenkeel-op"
	}
	s := &Server{o: o, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /v1/version", s.version)
	s.mux.HandleFunc("GET /v1/status", s.status)
	s.mux.HandleFunc("GET /v1/diff", s.diff)
	s.mux.HandleFunc("GET /v1/get", s.get)
	s.mux.HandleFunc("GET /v1/describe", s.describe)
	s.mux.HandleFunc("GET /v1/why", s.why)
	s.mux.HandleFunc("GET /v1/graph", s.graph)
	s.mux.HandleFunc("GET /v1/alerts", s.alerts)
	s.mux.HandleFunc("GET /v1/silences", s.silences)
	s.mux.HandleFunc("GET /v1/history", s.history)
	s.mux.HandleFunc("GET /v1/report", s.activity)
	s.mux.HandleFunc("GET /v1/notes", s.notes)
	s.mux.HandleFunc("GET /v1/record", s.changer(s.record))
	s.mux.HandleFunc("GET /v1/actuators", s.actuators)
	s.mux.HandleFunc("GET /v1/view", s.changer(s.view))
	s.mux.HandleFunc("GET /v1/asks", s.asks)
	s.mux.HandleFunc("POST /v1/query", s.changer(s.query))
	s.mux.HandleFunc("POST /v1/hand", s.changer(s.hand))
	s.mux.HandleFunc("POST /v1/reload", s.changer(s.reload))
	s.mux.HandleFunc("POST /v1/reconcile", s.changer(s.reconcile))
	return s
}

type peerKey struct{}

// Serve answers until ctx ends, then lets open answers finish for a moment.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{
		Handler:           s.mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.o.Log.Handler(), slog.LevelWarn),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			p, err := peerOf(c)
			if err != nil {
				s.o.Log.Warn("peer of a connection is unknown; it may only read", "error", err)
			}
			return context.WithValue(ctx, peerKey{}, p)
		},
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-ctx.Done()
		sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if h.Shutdown(sctx) != nil {
			_ = h.Close()
		}
	}()
	err := h.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		<-ended
		return nil
	}
	return err
}

// changer lets only those pass who may change things, or see everything.
func (s *Server) changer(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, _ := r.Context().Value(peerKey{}).(Peer)
		if !p.May(s.o.Group) {
			s.fail(w, http.StatusForbidden, "only root and the group "+s.o.Group+" may do that; try sudo")
			return
		}
		next(w, r)
	}
}

// answer writes JSON.
func (s *Server) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Evenkeel-API", Version)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.o.Log.Debug("client left before its answer", "error", err)
	}
}

// failure is the body of an answer that is none.
type failure struct {
	Error string `json:"error"`
}

func (s *Server) fail(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(failure{message})
}

// now fetches how things stand, or answers why it cannot.
func (s *Server) now(w http.ResponseWriter, r *http.Request) (View, bool) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	v, err := s.o.Backend.View(ctx)
	if err != nil {
		s.fail(w, http.StatusServiceUnavailable, "the controller does not answer: "+err.Error())
		return View{}, false
	}
	return v, true
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	s.answer(w, map[string]string{"version": s.o.Version, "api": Version})
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	if v, ok := s.now(w, r); ok {
		s.answer(w, v.Board())
	}
}

// DiffAnswer is a Diff, ready to print. What only its text shows does not
// travel as JSON, so the text is made here.
type DiffAnswer struct {
	Diff    report.Diff `json:"diff"`
	Text    string      `json:"text,omitempty"` // in the form that was asked for, if that is not a form for machines
	Settled bool        `json:"settled"`        // nothing is to be done, and nothing that differs is held
	Idle    bool        `json:"idle"`           // the same, held differences aside
}

func (s *Server) diff(w http.ResponseWriter, r *http.Request) {
	v, ok := s.now(w, r)
	if !ok {
		return
	}
	d := v.Diff()
	if p, _ := r.Context().Value(peerKey{}).(Peer); !p.Root() {
		d = d.Conceal(readableByAll)
	}
	q := r.URL.Query()
	text, err := Render(d, q.Get("form"), report.Style{Color: q.Get("color") == "true", Now: v.Now.Wall})
	if err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	s.answer(w, DiffAnswer{Diff: d, Text: text, Settled: d.Settled(false), Idle: d.Settled(true)})
}

// readableByAll tells whether anybody may read a file, so that a diff tells
// nobody what the file itself would not.
func readableByAll(path string) bool {
	i, err := os.Stat(path)
	return err == nil && i.Mode().Perm()&0o004 != 0
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	if v, ok := s.now(w, r); ok {
		s.answer(w, v.report().Get(r.URL.Query().Get("kind")))
	}
}

func (s *Server) describe(w http.ResponseWriter, r *http.Request) {
	s.about(w, r, func(v View, object string, lines []state.Line) (any, bool) { return found(v.Describe(object, lines)) })
}

func (s *Server) why(w http.ResponseWriter, r *http.Request) {
	s.about(w, r, func(v View, object string, lines []state.Line) (any, bool) { return found(v.Why(object, lines)) })
}

// graph answers with all of the graph, or with the part around one object.
func (s *Server) graph(w http.ResponseWriter, r *http.Request) {
	v, ok := s.now(w, r)
	if !ok {
		return
	}
	object := r.URL.Query().Get("object")
	g, known := v.Graph(object)
	if !known {
		s.fail(w, http.StatusNotFound, "unknown object "+object)
		return
	}
	s.answer(w, g)
}

func found[T any](v T, ok bool) (any, bool) { return v, ok }

// RecentLines is how much of its history an answer about one object rests on.
const RecentLines = 10

// about answers what is known of one object, with its latest history.
func (s *Server) about(w http.ResponseWriter, r *http.Request, tell func(View, string, []state.Line) (any, bool)) {
	v, ok := s.now(w, r)
	if !ok {
		return
	}
	object := r.URL.Query().Get("object")
	lines, err := s.o.History(HistoryFilter{Object: object, Limit: RecentLines})
	if err != nil {
		s.o.Log.Warn("the history of an object was not read", "object", object, "error", err)
	}
	answer, known := tell(v, object, lines)
	if !known {
		s.fail(w, http.StatusNotFound, "unknown object "+object)
		return
	}
	s.answer(w, answer)
}

func (s *Server) history(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f := HistoryFilter{Object: q.Get("object"), Failed: q.Get("failed") == "true", Limit: DefaultLimit}
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n > 0 {
		f.Limit = min(n, maxLimit)
	}
	if t, err := time.Parse(time.RFC3339Nano, q.Get("since")); err == nil {
		f.Since = t
	}
	lines, err := s.o.History(f)
	if err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	if lines == nil {
		lines = []state.Line{}
	}
	s.answer(w, lines)
}

func (s *Server) activity(w http.ResponseWriter, r *http.Request) {
	v, ok := s.now(w, r)
	if !ok {
		return
	}
	since, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("since"))
	if err != nil {
		s.fail(w, http.StatusBadRequest, "since is no time: "+err.Error())
		return
	}
	host := cmp.Or(v.Want.Host.Name, v.Have.Host.Value.Name)
	a, err := Activity(s.o.History, s.o.Wishes, s.o.Notes, host, since, v.Now.Wall)
	if err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	s.answer(w, a)
}

func (s *Server) actuators(w http.ResponseWriter, r *http.Request) {
	s.answer(w, s.o.Actuators(r.Context()))
}

func (s *Server) view(w http.ResponseWriter, r *http.Request) {
	if v, ok := s.now(w, r); ok {
		s.answer(w, v)
	}
}

func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	if err := s.o.Backend.Reload(r.Context()); err != nil {
		s.fail(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	s.answer(w, struct{}{})
}

func (s *Server) reconcile(w http.ResponseWriter, _ *http.Request) {
	s.o.Backend.Reconcile()
	s.answer(w, struct{}{})
}
