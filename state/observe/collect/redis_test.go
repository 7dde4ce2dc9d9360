package collect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/desired"
)

// replica is what a Redis that is a replica says, shortened.
const replica = "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nos:Linux\r\ntcp_port:6379\r\nrun_id:ab\r\nprocess_id:7\r\nserver_time_usec:1795853255000000\r\nuptime_in_seconds:55\r\n" +
	"# Memory\r\nused_memory:1048576\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n# Persistence\r\nrdb_last_bgsave_status:err\r\n" +
	"# Stats\r\nevicted_keys:12\r\nkeyspace_hits:3\r\nkeyspace_misses:1\r\n# Replication\r\nrole:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:down\r\nmaster_last_io_seconds_ago:-1\r\n" +
	"# Keyspace\r\ndb0:keys=5,expires=2,avg_ttl=1500\r\ndb7:keys=1,expires=0,avg_ttl=0\r\n"

func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

func TestRedis(t *testing.T) {
	text, err := look(t, tester(""), desired.Metrics{Redis: &desired.Redis{Port: serve(t, says(bulk(replica)))}})
	if err != nil {
		t.Fatal(err)
	}
	has(t, text,
		"# TYPE redis_evicted_keys_total counter",
		"redis_up 1", "redis_memory_used_bytes 1.048576e+06", "redis_memory_max_bytes 0", "redis_evicted_keys_total 12",
		"redis_keyspace_hits_total 3", "redis_keyspace_misses_total 1", "redis_rdb_last_bgsave_status 0", "redis_start_time_seconds 1.7958532e+09",
		`redis_db_keys{db="db0"} 5`, `redis_db_keys_expiring{db="db0"} 2`, `redis_db_avg_ttl_seconds{db="db0"} 1.5`, `redis_db_keys{db="db7"} 1`,
		`redis_master_link_up{master_host="10.0.0.1",master_port="6379"} 0`,
		`redis_instance_info{role="slave",redis_version="7.0.15",redis_mode="standalone",os="Linux",maxmemory_policy="noeviction",tcp_port="6379",run_id="ab",process_id="7"} 1`)
}

// hostile are answers of a Redis, and what becomes of them: down is a reading,
// everything else is an error.
func TestRedisThatMisbehaves(t *testing.T) {
	const isDown = "down"
	for _, c := range []struct {
		name string
		port *desired.Port
		want string
	}{
		{"nobody listens", closed(t), isDown},
		{"it loads its data", serve(t, says("-LOADING Redis is loading the dataset in memory\r\n")), isDown},
		{"no room", serve(t, says("-ERR max number of clients reached\r\n")), isDown},
		{"a password", serve(t, says("-NOAUTH Authentication required.\r\n")), "wants to know who asks"},
		{"silence", serve(t, silent), "no whole answer"},
		{"an end at once", serve(t, says("")), "cut"},
		{"an end in the middle", serve(t, says("$100\r\nredis_version:7\r\n")), "cut"},
		{"HTTP", serve(t, says("HTTP/1.1 400 Bad Request\r\n\r\n")), "not Redis'"},
		{"a stranger's error", serve(t, says("-"+secret+"\r\n")), "not Redis'"},
		{"a gigabyte is announced", serve(t, forever("$1000000000\r\n", "x")), "longer than is read"},
		{"a negative length", serve(t, says("$-5\r\n")), "not Redis'"},
		{"a line without end", serve(t, forever("", "$")), "not Redis'"},
		{"an empty INFO", serve(t, says(bulk(""))), "which Redis"},
		{"drops by drops", serve(t, forever("$900000\r\n", "\n")), "which Redis"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text, err := look(t, tester(""), desired.Metrics{Redis: &desired.Redis{Port: c.port}})
			switch {
			case c.want == isDown && (err != nil || !strings.HasSuffix(text, "\nredis_up 0\n")):
				t.Errorf("it is down: %v\n%s", err, text)
			case c.want != isDown && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
}

func TestRedisWhoseWordsAreStrange(t *testing.T) {
	strange := "redis_version:7\r\nrole:a\"b\\c\x00\xff" + strings.Repeat("é", 1000) + "\r\nused_memory:NaN\r\nmaxmemory:1e999\r\nconnected_clients:0x10\r\nevicted_keys:-\r\nblocked_clients:+Inf\r\nredis_version:7\r\n" +
		"db0:keys=1,keys=2\r\ndb0:keys=3\r\ndb99999999:keys=1\r\ndb-1:keys=1\r\n"
	for i := range 5000 {
		strange += fmt.Sprintf("db%d:keys=%d\r\n", i, i)
	}
	text, err := look(t, tester(""), desired.Metrics{Redis: &desired.Redis{Port: serve(t, says(bulk(strange)))}})
	if err != nil {
		t.Fatal(err)
	}
	for _, not := range []string{"NaN", "Inf", "db-1", "db99999999", "redis_connected_clients", "redis_memory_used_bytes"} {
		if strings.Contains(text, not) {
			t.Errorf("%s shows", not)
		}
	}
	if n := strings.Count(text, "redis_db_keys{"); n > maxDatabases {
		t.Errorf("there are %d databases", n)
	}
	has(t, text, `redis_db_keys{db="db0"} 1`)
}

func FuzzInfo(f *testing.F) {
	f.Add(replica)
	f.Add("redis_version:7\ndb0:keys=1,expires=")
	f.Fuzz(func(t *testing.T, text string) {
		p := newPage()
		if readInfo(text, p) == nil {
			finished(t, p)
		}
	})
}

// finished checks what came of a text.
func finished(t *testing.T, p *page) {
	text, err := p.bytes()
	if err != nil {
		t.Fatal(err)
	}
	proper(t, text)
}
