package db_test

import (
	"context"
	"testing"
	"time"

	"codex/db"
	"codex/db/dbtest"
)

// BenchmarkGetUserWithContext is the price of a deadline: a context that can end costs a goroutine that watches it
// while the query runs.
func BenchmarkGetUserWithContext(b *testing.B) {
	d := dbtest.Open(b)
	id, err := d.CreateMember(context.Background(), db.NewMember{Handle: "reader", Origin: "command"})
	if err != nil {
		b.Fatal(err)
	}
	look := func(b *testing.B, ctx context.Context) {
		if _, err := d.MemberByID(ctx, id); err != nil {
			b.Fatal(err)
		}
	}
	deadline := func(b *testing.B) context.Context {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		b.Cleanup(cancel)
		return ctx
	}
	b.Run("background", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			look(b, context.Background())
		}
	})
	b.Run("deadline", func(b *testing.B) {
		b.ReportAllocs()
		ctx := deadline(b)
		for b.Loop() {
			look(b, ctx)
		}
	})
	b.Run("deadline of its own", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			look(b, ctx)
			cancel()
		}
	})
	b.Run("deadline in parallel", func(b *testing.B) {
		b.ReportAllocs()
		ctx := deadline(b)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				look(b, ctx)
			}
		})
	})
}
