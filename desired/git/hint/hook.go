package hint

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Credential is the name of the credential that holds the webhook's secret.
const Credential = "git-webhook-secret"

// Path is where webhooks are sent to.
const Path = "/hook"

const (
	// maxBody bounds a payload. Of a push of thousands of commits it is larger; that
	// one is refused, and found when the branch's turn comes.
	maxBody = 1 << 20
	// bodyTime is how long a payload may take to come.
	bodyTime = 5 * time.Second
	// pause is the least time between two hints.
	pause = 10 * time.Second
)

// Hook is an http.Handler that takes webhooks. What it takes becomes hints while
// Run runs.
type Hook struct {
	secret func() ([]byte, error)
	hint   func()
	knock  chan struct{} // size 1: something was pushed that no hint was given of
}

// Handler returns a Hook. secret is asked for each webhook anew, so that it can be
// changed; hint is called by Run alone, never twice at once, and may take its time.
func Handler(secret func() ([]byte, error), hint func()) *Hook {
	return &Hook{secret: secret, hint: hint, knock: make(chan struct{}, 1)}
}

// Ready says what is missing for a webhook to be believed: the secret.
func (h *Hook) Ready() error {
	if _, err := h.checked(); err != nil {
		return fmt.Errorf("the credential %s: %w", Credential, err)
	}
	return nil
}

// Run gives hints until ctx ends: the first webhook's at once, and then one every
// ten seconds at the most, however many come. After the last there always is one.
func (h *Hook) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.knock:
		}
		h.hint()
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// ServeHTTP answers 202 to a webhook whose sender knows the secret.
func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != Path:
		refuse(w, http.StatusNotFound)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed)
	default:
		h.take(w, r)
	}
}

func (h *Hook) take(w http.ResponseWriter, r *http.Request) {
	secret, err := h.checked()
	if err != nil {
		refuse(w, http.StatusServiceUnavailable) // why is for those who run this, not for the sender
		return
	}
	switch err := believe(w, r, secret); {
	case errors.Is(err, errTooLarge):
		refuse(w, http.StatusRequestEntityTooLarge)
	case err != nil:
		refuse(w, http.StatusUnauthorized)
	default:
		select {
		case h.knock <- struct{}{}:
		default: // one waits already
		}
		w.WriteHeader(http.StatusAccepted)
	}
}

// refuse answers with a status, and ends the connection: what else comes on it is
// not read.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Connection", "close")
	http.Error(w, strings.ToLower(http.StatusText(status)), status)
}

var (
	errTooLarge = errors.New("the payload is too large")
	errUnknown  = errors.New("the sender does not know the secret")
)

// believe tells whether the sender knows the secret: GitLab sends it as it is, all
// others sign the payload with it. GitHub signs a second time, with SHA-1, in the
// header that is Bitbucket's only one; that is no proof.
func believe(w http.ResponseWriter, r *http.Request, secret []byte) error {
	token := same([]byte(r.Header.Get("X-Gitlab-Token")), secret)
	var claims [][]byte
	for _, name := range []string{"X-Hub-Signature-256", "X-Hub-Signature"} {
		if claim, ok := signature(r.Header.Get(name)); ok {
			claims = append(claims, claim)
		}
	}
	if !token && len(claims) == 0 {
		return errUnknown // and the payload is not even read
	}
	// A server's own limits may be wider. It is no error where there are none: then
	// there is no connection either.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	mac := hmac.New(sha256.New, secret)
	if _, err := io.Copy(mac, http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			return errTooLarge
		}
		return errUnknown
	}
	sum := mac.Sum(nil)
	if token || slices.ContainsFunc(claims, func(c []byte) bool { return hmac.Equal(c, sum) }) {
		return nil
	}
	return errUnknown
}

// signature reads sha256=HEX.
func signature(header string) ([]byte, bool) {
	text, ok := strings.CutPrefix(header, "sha256=")
	if !ok || len(text) != hex.EncodedLen(sha256.Size) {
		return nil, false
	}
	sum, err := hex.DecodeString(text)
	return sum, err == nil
}

// same compares in a time that tells nothing of either, nor of their lengths.
func same(a, b []byte) bool {
	x, y := sha256.Sum256(a), sha256.Sum256(b)
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// checked is the secret; an empty one is none.
func (h *Hook) checked() ([]byte, error) {
	s, err := h.secret()
	if err == nil && len(s) == 0 {
		err = errors.New("it is empty")
	}
	return s, err
}
