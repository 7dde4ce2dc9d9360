package desired

import (
	"path/filepath"
	"strings"
	"time"
)

// metrics checks where metrics are had.
func (c *checker) metrics(field string, m *Metrics, ports map[string]int) {
	if m == nil {
		return
	}
	switch {
	case m.HTTPGet != nil:
		c.http(field+".httpGet", m.HTTPGet, ports)
	case m.Nginx != nil:
		c.http(field+".nginx", m.Nginx, ports)
	case m.Redis != nil:
		c.redis(field+".redis", m.Redis, ports)
	case m.Postgres != nil:
		c.postgres(field+".postgres", m.Postgres, ports)
	case m.Meilisearch != nil:
		c.port(field+".meilisearch.port", m.Meilisearch.Port, ports)
	case m.Certificates == nil:
		c.bad(field, "one of httpGet, redis, postgres, nginx, meilisearch, certificates is needed")
	}
	c.certificates(field+".certificates", m.Certificates)
	if m.Interval != 0 && m.Interval < Duration(time.Second) {
		c.bad(field+".interval", "want 1s or more")
	}
}

func (c *checker) certificates(field string, list *Certificates) {
	if list == nil {
		return
	}
	if len(list.Files)+len(list.Endpoints) == 0 {
		c.bad(field, "name files or endpoints")
	}
	for i, f := range list.Files {
		c.absolute(index(field+".files", i), f)
		if _, err := filepath.Match(f, ""); err != nil {
			c.bad(index(field+".files", i), "%q is not a pattern; * stands for any text but /", shorten(f))
		}
	}
	for i, e := range list.Endpoints {
		if !strings.Contains(e, "$(") {
			c.hostPort(index(field+".endpoints", i), e)
		}
	}
}
