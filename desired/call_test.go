package desired

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func (c Call) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.%s %s", c.Actuator, c.Verb, c.Target)
	for _, k := range slices.Sorted(maps.Keys(c.Args)) {
		fmt.Fprintf(&b, " %s=%s", k, c.Args[k])
	}
	return b.String()
}

// A rung is the same Call whether its values were just read or come from JSON.
func TestRungsAsCalls(t *testing.T) {
	for _, tt := range []struct {
		do   Do
		want string
	}{
		{Do{Do: "restart"}, "systemd.restart "},
		{Do{Do: "systemd.reload"}, "systemd.reload "},
		{Do{Do: "rollback"}, ".rollback "},
		{Do{Do: "escalate"}, ".escalate "},
		{Do{Do: "scale", With: map[string]any{"by": 1}}, ".scale  by=1"},
		{Do{Do: "failover", With: map[string]any{"to": "b"}}, ".failover  to=b"},
		{
			Do{Do: "cache.flush", With: map[string]any{"cache": "pages", "maxShare": "20%", "idle": "30d", "noTTL": true, "pattern": "a*"}},
			"cache.flush pages idle=720h0m0s maxShare=20% noTTL=true pattern=a*",
		},
		{
			Do{Do: "postgres.terminate", With: map[string]any{"database": "main", "state": []any{"idle", "idle in transaction"}, "over": "1h30m", "max": 20}},
			"postgres.terminate main max=20 over=1h30m0s state=idle,idle in transaction",
		},
		{Do{Do: "postgres.terminate", With: map[string]any{"database": "main", "state": "idle"}}, "postgres.terminate main state=idle"},
		{Do{Do: "exec.run", With: map[string]any{"argv": []any{"/bin/mend", "-a", "x y"}, "timeout": "5m"}}, `exec.run /bin/mend argv=["-a","x y"] timeout=5m0s`},
		{Do{Do: "git.revert", With: map[string]any{"why": "it was slow"}}, "git.revert  why=it was slow"},
		{Do{Do: "exec.run", With: map[string]any{"argv": []any{"/bin/mend"}}}, `exec.run /bin/mend argv=[]`},
		{Do{Do: "restart", With: map[string]any{"service": "b"}}, "systemd.restart "}, // whose it is the Call does not say
		{Do{Do: "scale", With: map[string]any{"service": "b", "by": 1}}, ".scale  by=1"},
		{Do{Gather: "redis.ttls", With: map[string]any{"cache": "pages"}}, "gather.redis.ttls pages"},
		{Do{Gather: "logs.search", With: map[string]any{"since": "10m", "service": "b"}}, "gather.logs.search  service=b since=10m0s"},
		{
			Do{Do: "lights.blink", With: map[string]any{"target": "hall", "times": 3, "rate": 0.5, "on": true, "list": []any{1, "a"}, "none": nil}},
			`lights.blink hall list=[1,"a"] none= on=true rate=0.5 times=3`,
		},
	} {
		if got := tt.do.Call().String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.do.Do, got, tt.want)
		}
		var again Do
		b, err := json.Marshal(tt.do)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatal(err)
		}
		if got := again.Call().String(); got != tt.want {
			t.Errorf("%s, from JSON: %s, want %s", tt.do.Do, got, tt.want)
		}
	}
}

// Every action that may be declared has its place in a Call.
func TestEveryActionIsACall(t *testing.T) {
	every := maps.Clone(doVerbs)
	maps.Copy(every, gatherVerbs)
	for name, v := range every {
		d := Do{Do: name}
		if v.actuator == Gatherer {
			d = Do{Gather: name}
		}
		c := d.Call()
		if c.Verb != v.verb || c.Actuator != v.actuator {
			t.Errorf("%s becomes %s", name, c)
		}
		if v.actuator != "" && !slices.Contains(OwnActuators, v.actuator) {
			t.Errorf("%s: a plugin of the operator's may be called %s", name, v.actuator)
		}
		for _, k := range v.with {
			if k.kind != freely && k.kind.wants() == "" || k.kind.takes(map[string]any{}) && k.kind != freely {
				t.Errorf("%s: %s takes anything", name, k.name)
			}
		}
	}
}

// What actuators act on comes with the Set, and its digest with the Call.
func TestWhatActuatorsActOn(t *testing.T) {
	object := func(kind, name, spec string) Object {
		return Object{Kind: kind, Metadata: Meta{Name: name}, Spec: json.RawMessage(spec)}
	}
	set, found := Compile(Input{Objects: []Object{
		object("Cache", "web", `{"nginx":{"path":"/var/cache/nginx"}}`),
		object("Cache", "pages", `{"redis":{"address":"127.0.0.1:6379","patterns":["cache:*"]}}`),
		object("Database", "main", `{"postgres":{"dsn":{"fromCredential":"pg-dsn"}}}`),
		object("Actuator", "lights", `{"path":"/usr/lib/evenkeel/actuators/lights","sha256":"ab","config":{"room":"hall"}}`),
	}})
	if len(found) > 0 || len(set.Caches) != 2 || len(set.Databases) != 1 || len(set.Actuators) != 1 {
		t.Fatalf("%v, %+v %+v %+v", found, set.Caches, set.Databases, set.Actuators)
	}
	if a := set.Actuators[0]; a.Name != "lights" || a.Spec.Config["room"] != "hall" {
		t.Errorf("%+v", a)
	}
	pages, _ := set.Cache("pages")
	if c, err := set.Call(Do{Do: "cache.flush", With: map[string]any{"cache": "pages"}}); err != nil || c.String() != "cache.flush pages declared="+pages.Digest || len(pages.Digest) != 12 {
		t.Errorf("%s, %v", c, err)
	}
	web, _ := set.Cache("web")
	if c, err := set.Call(Do{Do: "cache.flush", With: map[string]any{"cache": "web"}}); err != nil || c.String() != "cache.flush web declared="+web.Digest+" path=/var/cache/nginx" {
		t.Errorf("%s, %v", c, err)
	}
	main, _ := set.Database("main")
	if c, err := set.Call(Do{Do: "postgres.terminate", With: map[string]any{"database": "main"}}); err != nil || c.String() != "postgres.terminate main declared="+main.Digest {
		t.Errorf("%s, %v", c, err)
	}
	for _, d := range []Do{{Gather: "redis.ttls"}, {Gather: "redis.info", With: map[string]any{"cache": "pages"}}} {
		if c, err := set.Call(d); err != nil || c.String() != "gather."+d.Gather+" pages declared="+pages.Digest {
			t.Errorf("%s, %v", c, err) // web is no Redis
		}
	}
	if c, err := set.Call(Do{Gather: "postgres.slow"}); err != nil || c.String() != "gather.postgres.slow main declared="+main.Digest {
		t.Errorf("%s, %v", c, err)
	}
	for _, d := range []Do{{Do: "cache.flush", With: map[string]any{"cache": "main"}}, {Do: "postgres.terminate", With: map[string]any{"database": "pages"}}} {
		if c, err := set.Call(d); err == nil {
			t.Errorf("%s of what is not there", c)
		}
	}
	if c, err := set.Call(Do{Do: "lights.blink"}); err != nil || c.String() != "lights.blink " {
		t.Errorf("%s, %v", c, err)
	}
}

// A collector that does not say what it reads can read one thing only.
func TestCollectorsThatDoNotSay(t *testing.T) {
	redis := Cache{Spec: CacheSpec{Redis: &RedisCache{}}}
	a, b := redis, redis
	a.Name, b.Name = "a", "b"
	for _, tt := range []struct {
		set  Set
		want string
	}{
		{Set{}, "no Cache is declared that it could read"},
		{Set{Caches: []Cache{a}}, ""},
		{Set{Caches: []Cache{a, b}}, "say which Cache it reads: a, b"},
	} {
		_, err := tt.set.Call(Do{Gather: "redis.ttls"})
		if got := fmt.Sprint(err); got != tt.want && (err != nil || tt.want != "") {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
}

func TestWhoRunsAProgram(t *testing.T) {
	p := Policy{Exec: []PolicyExec{{Argv0: "/bin/a", User: "backup"}, {Argv0: "/bin/b"}, {Argv0: "c"}, {Argv0: "/bin/../bin/d"}}}
	for argv0, want := range map[string]string{"/bin/a": "backup true", "/bin/b": "nobody true", "/bin/x": " false", "c": " false", "/bin/../bin/d": " false", "": " false"} {
		user, ok := p.RunsAs(argv0)
		if got := fmt.Sprint(user, " ", ok); got != want {
			t.Errorf("%q: %s, want %s", argv0, got, want)
		}
	}
}
