package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Live memory is a few tens of megabytes, and each page leaves 150 KiB of garbage. Collecting a third as often costs some
// memory and makes about a tenth more pages a second (the bench's --cpuprofile with GOGC=100 and 300 in turn). With 10,000
// streams open the same share would be 800 MiB of garbage, so from some size on it is an amount and no share.
const (
	mostPercent  = 300
	leastPercent = 50 // the collector would take too much of the cores
	garbage      = 128 << 20
)

// percentFor is the share of live memory that may lie about as garbage.
func percentFor(live uint64) int {
	if live == 0 {
		return mostPercent
	}
	return int(min(max(garbage*100/live, leastPercent), mostPercent))
}

// pace sets how often garbage is collected, by what lives, until ctx ends.
func pace(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	now := mostPercent
	debug.SetGCPercent(now)
	of := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(of)
		if next := percentFor(of[0].Value.Uint64() + of[1].Value.Uint64()); next < now*9/10 || next > now*11/10 { // each change stops the world for a moment
			now = next
			debug.SetGCPercent(now)
		}
	}
}
