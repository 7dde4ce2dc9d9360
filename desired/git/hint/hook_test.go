package hint

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// everybody is the secret of GitHub's and Atlassian's own examples.
const everybody = "It's a Secret to Everybody"

func known(s string) func() ([]byte, error) { return func() ([]byte, error) { return []byte(s), nil } }

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// knocked tells whether a hint is owed.
func (h *Hook) knocked() bool { return len(h.knock) == 1 }

// What each provider's documentation says that it sends, and what strangers may.
func TestWhoIsBelieved(t *testing.T) {
	const push = `{"ref": "refs/heads/production"}`
	const github = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17" // of "Hello, World!", from its documentation
	for _, c := range []struct {
		name   string
		header map[string]string
		body   string
		status int
	}{
		{"GitHub's own example", map[string]string{"X-Hub-Signature-256": github}, "Hello, World!", 202},
		{"Atlassian's own example", map[string]string{"X-Hub-Signature": "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"}, "Hello World!", 202},
		{"GitHub", map[string]string{
			"User-Agent": "GitHub-Hookshot/044aadd", "X-GitHub-Event": "push", "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
			"X-Hub-Signature": "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6", "X-Hub-Signature-256": sign(everybody, push),
		}, push, 202},
		{"Gitea", map[string]string{
			"X-Gitea-Event": "push", "X-Gogs-Event": "push", "X-Gitea-Signature": strings.TrimPrefix(sign(everybody, push), "sha256="),
			"X-Hub-Signature": "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6", "X-Hub-Signature-256": sign(everybody, push),
		}, push, 202},
		{"Forgejo", map[string]string{"X-Forgejo-Event": "push", "X-Hub-Signature-256": sign(everybody, push)}, push, 202},
		{"Bitbucket", map[string]string{"X-Event-Key": "repo:push", "X-Hub-Signature": sign(everybody, push)}, push, 202},
		{"GitLab", map[string]string{"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": everybody}, push, 202},
		{"capital hexadecimal", map[string]string{"X-Hub-Signature-256": "sha256=" + strings.ToUpper(github[7:])}, "Hello, World!", 202},
		{"no payload", map[string]string{"X-Hub-Signature-256": sign(everybody, "")}, "", 202},
		{"a payload that is nothing", map[string]string{"X-Hub-Signature-256": sign(everybody, "\x00{{")}, "\x00{{", 202},
		{"the largest payload", map[string]string{"X-Hub-Signature-256": sign(everybody, strings.Repeat("x", maxBody))}, strings.Repeat("x", maxBody), 202},

		{"nothing", nil, push, 401},
		{"another payload", map[string]string{"X-Hub-Signature-256": github}, "Hello, World?", 401},
		{"another secret", map[string]string{"X-Hub-Signature-256": sign("guessed", push)}, push, 401},
		{"no secret", map[string]string{"X-Hub-Signature-256": sign("", push)}, push, 401},
		{"SHA-1 alone, and right", map[string]string{"X-Hub-Signature": "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"}, "Hello, World!", 401},
		{"half a signature", map[string]string{"X-Hub-Signature-256": github[:39]}, "Hello, World!", 401},
		{"an empty signature", map[string]string{"X-Hub-Signature-256": "sha256="}, push, 401},
		{"no hexadecimal", map[string]string{"X-Hub-Signature-256": "sha256=" + strings.Repeat("z", 64)}, push, 401},
		{"a signature without its kind", map[string]string{"X-Hub-Signature-256": github[7:]}, "Hello, World!", 401},
		{"another token", map[string]string{"X-Gitlab-Token": "guessed"}, push, 401},
		{"the beginning of the token", map[string]string{"X-Gitlab-Token": everybody[:5]}, push, 401},
		{"an empty token", map[string]string{"X-Gitlab-Token": ""}, push, 401},
		{"one byte too many, signed", map[string]string{"X-Hub-Signature-256": sign(everybody, strings.Repeat("x", maxBody+1))}, strings.Repeat("x", maxBody+1), 413},
		{"one byte too many, by token", map[string]string{"X-Gitlab-Token": everybody}, strings.Repeat("x", maxBody+1), 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := Handler(known(everybody), nil)
			r := httptest.NewRequest(http.MethodPost, "http://whoever.example/hook?x=1", strings.NewReader(c.body))
			for name, v := range c.header {
				r.Header.Set(name, v)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.status || h.knocked() != (c.status == 202) {
				t.Errorf("status %d, a hint: %t; want status %d", w.Code, h.knocked(), c.status)
			}
		})
	}
}

func TestWhereAndHowItIsAsked(t *testing.T) {
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"POST", "/hook", 202},
		{"GET", "/hook", 405},
		{"PUT", "/hook", 405},
		{"HEAD", "/hook", 405},
		{"POST", "/", 404},
		{"POST", "/hook/", 404},
		{"POST", "/Hook", 404},
		{"POST", "/hook/../hook", 404},
	} {
		h := Handler(known(everybody), nil)
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Header.Set("X-Gitlab-Token", everybody)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || h.knocked() != (c.status == 202) {
			t.Errorf("%s %s: status %d, a hint: %t; want status %d", c.method, c.path, w.Code, h.knocked(), c.status)
		}
	}
}

// A secret that is changed counts at once; one that is gone lets nobody in, and
// nobody is told where it should have been.
func TestTheSecretIsReadEachTime(t *testing.T) {
	secret, err := "first", error(nil)
	h := Handler(func() ([]byte, error) { return []byte(secret), err }, nil)
	post := func() (int, string) {
		r := httptest.NewRequest(http.MethodPost, Path, strings.NewReader("{}"))
		r.Header.Set("X-Gitlab-Token", "first")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	if code, _ := post(); code != 202 {
		t.Errorf("status %d", code)
	}
	secret = "second"
	if code, _ := post(); code != 401 {
		t.Errorf("the old secret: status %d", code)
	}
	secret, err = "", errors.New("/etc/secret/place is gone")
	if code, text := post(); code != 503 || strings.Contains(text, "place") {
		t.Errorf("no secret: status %d, %s", code, text)
	}
	secret, err = "", nil
	r := httptest.NewRequest(http.MethodPost, Path, nil) // which sends as much as an empty secret is
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 503 {
		t.Errorf("an empty secret: status %d", w.Code)
	}
}

// However many webhooks come, one hint in ten seconds is the most, and the last one
// is never lost.
func TestHintsArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var hints []time.Duration
		h := Handler(known(everybody), func() { hints = append(hints, time.Since(began)) })
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); h.Run(ctx) }()
		knock := func() {
			r := httptest.NewRequest(http.MethodPost, Path, nil)
			r.Header.Set("X-Gitlab-Token", everybody)
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
		for range 240 { // for two minutes, two a second
			knock()
			time.Sleep(500 * time.Millisecond)
		}
		time.Sleep(time.Hour)
		knock()
		synctest.Wait()
		time.Sleep(time.Second)
		knock()
		time.Sleep(time.Minute)
		stop()
		<-done
		var want []time.Duration
		for s := range 13 { // the last is owed to what came after the one before
			want = append(want, time.Duration(s)*10*time.Second)
		}
		want = append(want, 2*time.Minute+time.Hour, 2*time.Minute+time.Hour+10*time.Second)
		if !slices.Equal(hints, want) {
			t.Errorf("hints at %v;\nwant %v", hints, want)
		}
	})
}

// A look at the branch may take long. Those who push do not wait for it, and what
// they push meanwhile is looked at afterwards.
func TestASlowLookKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, looks := time.Now(), 0
		h := Handler(known(everybody), func() { looks++; time.Sleep(5 * time.Minute) })
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); h.Run(ctx) }()
		for range 1000 {
			r := httptest.NewRequest(http.MethodPost, Path, bytes.NewReader(nil))
			r.Header.Set("X-Gitlab-Token", everybody)
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("they waited %v", took)
		}
		time.Sleep(20 * time.Minute)
		stop()
		<-done
		if looks != 2 {
			t.Errorf("looked %d times; want 2", looks)
		}
	})
}

// A payload is not read, let alone understood, of those who do not even claim to
// know the secret.
func TestNothingIsReadOfStrangers(t *testing.T) {
	read := false
	r := httptest.NewRequest(http.MethodPost, Path, readerFunc(func(b []byte) (int, error) { read = true; return 0, io.EOF }))
	w := httptest.NewRecorder()
	Handler(known(everybody), nil).ServeHTTP(w, r)
	if w.Code != 401 || read {
		t.Errorf("status %d, payload read: %t", w.Code, read)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
