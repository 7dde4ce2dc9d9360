package livetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/cache"
)

const folder = "/var/cache/nginx/pages"

// config is an nginx that caches what another server of its own answers.
const config = `
proxy_cache_path /var/cache/nginx/pages levels=1:2 keys_zone=pages:1m inactive=7d use_temp_path=off;
server {
  listen 127.0.0.1:8081;
  location / { return 200 "page $uri\n"; }
}
server {
  listen 127.0.0.1:8080;
  location / {
    proxy_pass http://127.0.0.1:8081;
    proxy_cache pages;
    proxy_cache_valid 200 1d;
    add_header X-Cache $upstream_cache_status;
  }
}
`

// get fetches a page and says whether it came from the cache.
func get(t *testing.T, page int) string {
	t.Helper()
	out := run(t, "curl", "-sS", "-D", "-", "-o", "/dev/null", fmt.Sprintf("http://127.0.0.1:8080/%d", page))
	_, after, ok := strings.Cut(out, "X-Cache: ")
	if !ok {
		t.Fatalf("nginx answered %q", out)
	}
	return strings.TrimSpace(after)
}

func responses(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(folder + "/?/??/*")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// mounts puts responses of other file systems, and of another part of this one,
// into the folder. Nobody said that they may go.
func mounts(t *testing.T) (files []string) {
	t.Helper()
	for i, mount := range [][]string{{"mount", "-t", "tmpfs", "tmpfs"}, {"mount", "--bind", "/var/foreign"}} {
		level := fmt.Sprintf("%s/%d/ff", folder, i)
		for _, dir := range []string{level, "/var/foreign"} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		run(t, append(mount, level)...)
		t.Cleanup(func() { run(t, "umount", level) })
		file := level + "/" + strings.Repeat("0", 29) + fmt.Sprintf("ff%d", i)
		write(t, file, "dear to somebody")
		files = append(files, file)
	}
	return files
}

// The responses that a real nginx keeps are found, the old ones go where that is
// asked for, and nginx goes on without noticing.
func TestWhatNginxCached(t *testing.T) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "chown", "www-data", folder)
	write(t, "/etc/nginx/conf.d/pages.conf", config)
	run(t, "systemctl", "restart", "nginx.service")
	const pages = 50
	for i := range pages {
		if got := get(t, i); got != "MISS" {
			t.Fatalf("page %d the first time: %q", i, got)
		}
	}
	all := responses(t)
	if len(all) != pages {
		t.Fatalf("nginx keeps %d responses of %d", len(all), pages)
	}
	then := time.Now().Add(-48 * time.Hour)
	for _, f := range all[:8] {
		if err := os.Chtimes(f, then, then); err != nil {
			t.Fatal(err)
		}
	}
	precious := "/etc/precious"
	write(t, precious, "dear to somebody")
	planted := folder + "/0/00/" + strings.Repeat("0", 32)
	if err := os.MkdirAll(filepath.Dir(planted), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(precious, planted); err != nil {
		t.Fatal(err)
	}
	foreign := mounts(t)
	web := func(args ...string) actuators.Request {
		return flush(`{"nginx":{"path":"`+folder+`"}}`, append([]string{"path", folder}, args...)...)
	}
	if _, err := cache.New("1").Apply(t.Context(), web()); actuators.KindOf(err) != actuators.Refused {
		t.Errorf("all of it with the share of 20%%: %v", err)
	}
	if got := responses(t); len(got) != pages+1+len(foreign) {
		t.Errorf("after a refusal there are %d responses, want %d", len(got), pages+1+len(foreign))
	}
	res, err := cache.New("1").Apply(t.Context(), web("idle", "24h"))
	if err != nil || res.Detail != "8 of 50 cached responses flushed" {
		t.Errorf("the old ones: %+v, %v", res, err)
	}
	res, err = cache.New("1").Apply(t.Context(), web("maxShare", "100%"))
	if err != nil || res.Detail != "42 of 42 cached responses flushed" {
		t.Errorf("all of it: %+v, %v", res, err)
	}
	if left := responses(t); strings.Join(left, " ") != strings.Join(append([]string{planted}, foreign...), " ") {
		t.Errorf("left are %v, want the link and what is mounted", left)
	}
	if text, err := os.ReadFile(precious); err != nil || string(text) != "dear to somebody" {
		t.Errorf("what the link leads to: %q, %v", text, err)
	}
	for _, want := range []string{"MISS", "HIT"} {
		if got := get(t, 1); got != want {
			t.Errorf("a page after the flush: %q, want %s", got, want)
		}
	}
}
