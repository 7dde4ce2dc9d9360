package cache

import (
	"context"
	"errors"
	"hash/maphash"
	"net"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/pakashop/evenkeel/actuators"
)

// batch is how many keys are looked at, or deleted, in one exchange.
const batch = 1000

// redisStore is part of a Redis database.
type redisStore struct {
	wish
	db    *redis.Client
	begun bool // something may have been deleted
}

func openRedis(w wish) *redisStore {
	return &redisStore{wish: w, db: redis.NewClient(&redis.Options{
		Addr: w.spec.Redis.Address, DB: w.spec.Redis.DB, Protocol: 2, ClientName: "evenkeel", DisableIdentity: true,
		MaxRetries: -1, DialerRetries: 1, PoolSize: 1, DialTimeout: 5 * time.Second, ContextTimeoutEnabled: true,
		ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})}
}

func (r *redisStore) close() error {
	_ = r.db.Close() // nothing of it is needed any more
	return nil
}

func (r *redisStore) count(ctx context.Context) (found, error) {
	size, err := r.db.DBSize(ctx).Result()
	if err != nil {
		return found{}, r.plain("count the keys", err)
	}
	f := found{of: int(size), unit: "keys"}
	if r.all() {
		f.match = f.of
		return f, nil
	}
	err = r.each(ctx, func(keys []string) (bool, error) {
		f.match += len(keys)
		return f.match <= most, nil
	})
	f.of = max(f.of, f.match) // keys may have come since
	return f, err
}

func (r *redisStore) flush(ctx context.Context, limit int) (done int, err error) {
	r.begun = true
	if r.all() {
		if err := r.db.FlushDBAsync(ctx).Err(); err != nil {
			return 0, r.plain("flush the database", err)
		}
		return limit, nil
	}
	err = r.each(ctx, func(keys []string) (bool, error) {
		keys = keys[:min(len(keys), limit-done)]
		n, err := r.unlink(ctx, keys)
		done += n
		return done < limit, err
	})
	return done, err
}

// unlink deletes keys, each by a command of its own, as a node of a cluster
// wants it.
func (r *redisStore) unlink(ctx context.Context, keys []string) (done int, err error) {
	cmds, err := r.db.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, k := range keys {
			p.Unlink(ctx, k)
		}
		return nil
	})
	for _, c := range cmds {
		if c, ok := c.(*redis.IntCmd); ok && c.Err() == nil {
			done += int(c.Val())
		}
	}
	if err != nil {
		return done, r.plain("delete keys", err)
	}
	return done, nil
}

// each calls do with all keys that the wish asks for, each once, a batch at a
// time, until do has had enough.
func (r *redisStore) each(ctx context.Context, do func(keys []string) (more bool, err error)) error {
	globs := r.globs()
	if len(globs) == 0 {
		globs = []string{"*"}
	}
	seed, seen := maphash.MakeSeed(), make(map[uint64]struct{})
	for _, glob := range globs {
		for cursor, more := uint64(0), true; more; more = cursor != 0 {
			keys, next, err := r.db.Scan(ctx, cursor, glob, batch).Result()
			if err != nil {
				return r.plain("list keys", err)
			}
			cursor = next
			fresh := keys[:0]
			for _, k := range keys {
				h := maphash.String(seed, k)
				if _, ok := seen[h]; !ok {
					seen[h] = struct{}{}
					fresh = append(fresh, k)
				}
			}
			if fresh, err = r.sift(ctx, fresh); err != nil {
				return err
			}
			if len(fresh) == 0 {
				continue
			}
			if more, err := do(fresh); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

// sift keeps keys that nobody has used for long enough, or that never expire,
// where that is asked for. A key that is gone meanwhile is left out.
func (r *redisStore) sift(ctx context.Context, keys []string) ([]string, error) {
	if len(keys) == 0 || r.idle == 0 && !r.noTTL {
		return keys, nil
	}
	idle, ttl := make([]*redis.DurationCmd, len(keys)), make([]*redis.DurationCmd, len(keys))
	_, err := r.db.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, k := range keys {
			if r.idle > 0 {
				idle[i] = p.ObjectIdleTime(ctx, k)
			}
			if r.noTTL {
				ttl[i] = p.TTL(ctx, k)
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, r.plain("look at keys", err)
	}
	kept := keys[:0]
	for i, k := range keys {
		switch {
		case idle[i] != nil && (idle[i].Err() != nil || idle[i].Val() < r.idle):
		case ttl[i] != nil && ttl[i].Val() != -1: // as Redis says: never
		default:
			kept = append(kept, k)
		}
	}
	return kept, nil
}

// answers are what a Redis says, and what that means.
var answers = []struct {
	begins string
	kind   actuators.Kind
	means  string
}{
	{"NOAUTH", actuators.Refused, "it wants a password, and a Cache has none"},
	{"NOPERM", actuators.Refused, "its ACL does not let everybody do that"},
	{"READONLY", actuators.Refused, "it is a read-only replica"},
	{"MISCONF", actuators.Refused, "it takes no writes while it cannot save them"},
	{"An LFU", actuators.Refused, "under an LFU policy a Redis does not know how long a key was not used"},
	{"ERR An LFU", actuators.Refused, "under an LFU policy a Redis does not know how long a key was not used"},
	{"ERR DB index", actuators.Invalid, "it has no such database"},
	{"LOADING", actuators.Unavailable, "it is loading its data"},
	{"BUSY", actuators.Unavailable, "a script keeps it busy"},
	{"MASTERDOWN", actuators.Unavailable, "its master is down"},
}

// plain says what went wrong.
func (r *redisStore) plain(what string, err error) error {
	what += " of " + r.spec.Redis.Address
	var refused redis.Error
	var dial *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded):
		return actuators.Errorf(actuators.Timeout, "%s: %w", what, err)
	case errors.As(err, &refused):
		for _, a := range answers {
			if strings.HasPrefix(err.Error(), a.begins) {
				return actuators.Errorf(a.kind, "%s: %s", what, a.means)
			}
		}
		return actuators.Errorf(actuators.Failed, "%s: %w", what, err)
	case errors.As(err, &dial) && dial.Op == "dial" && !r.begun:
		return actuators.Errorf(actuators.Unavailable, "%s: %w", what, err)
	case r.begun:
		return actuators.Errorf(actuators.Unknown, "%s: the connection was lost: %w", what, err)
	}
	return actuators.Errorf(actuators.Unavailable, "%s: %w", what, err)
}
