package collect

import (
	"fmt"
	"testing"
)

// Of two samples with the same labels the first one stays: Prometheus refuses a
// second. More samples than a scrape may have are no metrics at all.
func TestPage(t *testing.T) {
	p := newPage()
	for range maxSamples + 1 {
		p.add(redisKeys, 1, "db0")
	}
	p.add(redisKeys, 2, "db0")
	text, err := p.bytes()
	if err != nil {
		t.Fatal(err)
	}
	has(t, string(text), `redis_db_keys{db="db0"} 1`)
	for i := range maxSamples {
		p.add(redisKeys, 1, fmt.Sprint(i))
	}
	if text, err := p.bytes(); err == nil {
		t.Errorf("%d bytes", len(text))
	}
}
