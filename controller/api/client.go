package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/state"
)

// ErrNone says that no controller answers on the socket.
var ErrNone = errors.New("no controller is running")

// Error is what the controller answered instead of what was asked for.
type Error struct {
	Code    int // HTTP's
	Message string
}

func (e *Error) Error() string { return e.Message }

// Client asks a running controller.
type Client struct {
	path string
	http *http.Client
}

// NewClient returns a Client of the controller behind a socket. It does not
// connect yet.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &Client{path: path, http: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: 30 * time.Second}}
}

// maxAnswer bounds what a client reads: a view of a thousand services is a few MB.
const maxAnswer = 64 << 20

func (c *Client) call(ctx context.Context, method, path string, q url.Values, out any) error {
	return c.send(ctx, method, path, q, nil, out)
}

// send is call with a body, which is nil for none.
func (c *Client) send(ctx context.Context, method, path string, q url.Values, in, out any) error {
	var content io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		content = bytes.NewReader(b)
	}
	u := url.URL{Scheme: "http", Host: "evenkeel", Path: "/" + Version + path, RawQuery: q.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), content)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("%w: nothing answers on %s", ErrNone, c.path)
		}
		return fmt.Errorf("ask the controller on %s: %w", c.path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the controller's answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		var f failure
		if json.Unmarshal(body, &f) != nil || f.Error == "" {
			f.Error = string(bytes.TrimSpace(body))
		}
		return &Error{Code: res.StatusCode, Message: f.Error}
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("read the controller's answer: %w", err)
	}
	return nil
}

// Status fetches the board.
func (c *Client) Status(ctx context.Context) (b report.Board, err error) {
	return b, c.call(ctx, http.MethodGet, "/status", nil, &b)
}

// Diff fetches the Plan of the running controller, and its text in one of the
// forms of Render.
func (c *Client) Diff(ctx context.Context, form string, color bool) (d DiffAnswer, err error) {
	return d, c.call(ctx, http.MethodGet, "/diff", url.Values{"form": {form}, "color": {strconv.FormatBool(color)}}, &d)
}

// Get fetches the objects of a kind, of all kinds for "".
func (c *Client) Get(ctx context.Context, kind string) (l report.List, err error) {
	return l, c.call(ctx, http.MethodGet, "/get", url.Values{"kind": {kind}}, &l)
}

// Describe fetches one object in full.
func (c *Client) Describe(ctx context.Context, object string) (d report.Description, err error) {
	return d, c.call(ctx, http.MethodGet, "/describe", url.Values{"object": {object}}, &d)
}

// Why fetches what explains one service or Endpoint.
func (c *Client) Why(ctx context.Context, service string) (w report.Why, err error) {
	return w, c.call(ctx, http.MethodGet, "/why", url.Values{"object": {service}}, &w)
}

// Graph fetches what rests on what: all of it, or what is around one object.
func (c *Client) Graph(ctx context.Context, object string) (g report.Graph, err error) {
	return g, c.call(ctx, http.MethodGet, "/graph", url.Values{"object": {object}}, &g)
}

// Alerts fetches what is active of all sources of alerts.
func (c *Client) Alerts(ctx context.Context) (a report.Alerts, err error) {
	return a, c.call(ctx, http.MethodGet, "/alerts", nil, &a)
}

// History fetches what was done, the newest first.
func (c *Client) History(ctx context.Context, f HistoryFilter) (lines []state.Line, err error) {
	q := url.Values{"object": {f.Object}, "failed": {strconv.FormatBool(f.Failed)}}
	if f.Limit > 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	if !f.Since.IsZero() {
		q.Set("since", f.Since.UTC().Format(time.RFC3339Nano))
	}
	return lines, c.call(ctx, http.MethodGet, "/history", q, &lines)
}

// Activity fetches what was done since a time, and what would have been.
func (c *Client) Activity(ctx context.Context, since time.Time) (a report.Activity, err error) {
	return a, c.call(ctx, http.MethodGet, "/report", url.Values{"since": {since.UTC().Format(time.RFC3339Nano)}}, &a)
}

// Actuators fetches what the controller can do.
func (c *Client) Actuators(ctx context.Context) (infos []actuators.Info, err error) {
	return infos, c.call(ctx, http.MethodGet, "/actuators", nil, &infos)
}

// View fetches everything; only who may change things may see it.
func (c *Client) View(ctx context.Context) (v View, err error) {
	return v, c.call(ctx, http.MethodGet, "/view", nil, &v)
}

// Reload has the desired state read again.
func (c *Client) Reload(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/reload", nil, &struct{}{})
}

// Reconcile has everything looked at again.
func (c *Client) Reconcile(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/reconcile", nil, &struct{}{})
}
