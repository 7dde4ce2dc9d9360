package alertmanager

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// Credential is the name of the credential that holds the token which an Alertmanager
// sends as authorization.credentials of its webhook.
const Credential = "alertmanager-token"

// Path is where an Alertmanager sends to.
const Path = "/alertmanager"

// bodyTime is how long a payload may take to come.
const bodyTime = 10 * time.Second

// Post is an http.Handler that takes payloads for a Source.
type Post struct {
	token  func(context.Context) (string, error)
	source *Source
}

// Handler returns a Post. token is asked for each payload anew, so that it can be
// changed; while there is none, there is nothing at Path.
func Handler(token func(context.Context) (string, error), s *Source) *Post {
	return &Post{token: token, source: s}
}

// ServeHTTP answers 200 to who knows the token and sends what can be read.
func (p *Post) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != Path {
		refuse(w, http.StatusNotFound, "")
		return
	}
	token, err := p.token(r.Context())
	token = strings.TrimSpace(token)
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case err != nil || token == "":
		refuse(w, http.StatusNotFound, "")
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "")
	case !bearer || !same(given, token):
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(w, http.StatusUnauthorized, "") // and the payload is not even read
	default:
		p.take(w, r)
	}
}

func (p *Post) take(w http.ResponseWriter, r *http.Request) {
	// It is no error where the connection knows no deadline: then it is none.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		code := http.StatusBadRequest
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			code = http.StatusRequestEntityTooLarge
		}
		refuse(w, code, "")
		return
	}
	payload, err := Read(body)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error()) // it knows the token, so it may know why
		return
	}
	if err := p.source.Take(payload); err != nil {
		refuse(w, http.StatusServiceUnavailable, err.Error()) // an Alertmanager tries again
		return
	}
	w.WriteHeader(http.StatusOK)
}

// same compares in a time that tells nothing, not even how long the token is.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// refuse answers with a status, and ends the connection: what else comes on it is not
// read.
func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Connection", "close")
	if why == "" {
		why = strings.ToLower(http.StatusText(status))
	}
	http.Error(w, why, status)
}
