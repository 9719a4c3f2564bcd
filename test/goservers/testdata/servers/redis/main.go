// Command redis is a server that keeps what it knows in Redis, by go-redis.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"example.com/servers/local"
	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

func main() {
	store, err := miniredis.Run()
	if err != nil {
		log.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: store.Addr(), Username: "", ClientName: "shop"})
	refused := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": store.Addr()}})

	handle := func(path string, f func(ctx context.Context, w io.Writer) error) {
		http.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			err := f(r.Context(), w)
			fmt.Fprintln(w, err, err == redis.Nil)
		})
	}
	handle("/set", func(ctx context.Context, w io.Writer) error { return client.Set(ctx, "user:1", "geheim", 0).Err() })
	handle("/get", func(_ context.Context, w io.Writer) error { // without the request's context
		value, err := client.Get(context.Background(), "user:1").Result()
		fmt.Fprintln(w, value)
		return err
	})
	handle("/none", func(ctx context.Context, _ io.Writer) error { return client.Get(ctx, "none").Err() })
	handle("/wrong", func(ctx context.Context, _ io.Writer) error { return client.LPush(ctx, "user:1", "x").Err() })
	handle("/pipeline", func(ctx context.Context, w io.Writer) error {
		cmds, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.Get(ctx, "user:1")
			p.Get(ctx, "none")
			return nil
		})
		for _, cmd := range cmds {
			fmt.Fprintln(w, cmd)
		}
		return err
	})
	handle("/hash", func(ctx context.Context, w io.Writer) error {
		client.HSet(ctx, "hash", "password", "geheim")
		cmds, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.HGetAll(ctx, "hash")
			p.HMGet(ctx, "hash", "name")
			p.ZAddArgsIncr(ctx, "sorted", redis.ZAddArgs{Members: []redis.Z{{Score: 1.5, Member: "x"}}})
			p.ZRangeWithScores(ctx, "sorted", 0, -1)
			p.Expire(ctx, "hash", time.Hour)
			return nil
		})
		fmt.Fprintln(w, len(cmds), err)
		return err
	})
	handle("/transaction", func(ctx context.Context, w io.Writer) error {
		_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Incr(ctx, "count")
			return p.Set(ctx, "user:2", "geheim", 0).Err()
		})
		return err
	})
	handle("/watch", func(ctx context.Context, w io.Writer) error {
		return client.Watch(ctx, func(tx *redis.Tx) error {
			_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Incr(ctx, "count")
				return p.Set(ctx, "user:2", "geheim", 0).Err()
			})
			return err
		}, "count")
	})
	handle("/ring", func(ctx context.Context, _ io.Writer) error {
		_, err := ring.Pipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "ring", 1, 0).Err() })
		return errors.Join(err, ring.Get(ctx, "ring").Err())
	})
	handle("/refused", func(ctx context.Context, _ io.Writer) error { return refused.Ping(ctx).Err() })
	log.Fatal(http.Serve(local.Listen(), nil))
}
