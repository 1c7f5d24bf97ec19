package middleware

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

func (t *limitTable) size() (n int) {
	for i := range t.shards {
		n += len(t.shards[i].entries)
	}
	return n
}

func TestAFullTableForgetsTheKeyUsedLongestAgo(t *testing.T) {
	t.Parallel()
	table := newLimitTable(rule{name: "test", buckets: []bucket{{1, time.Hour}}, keys: limitShards * 10})
	now := time.Unix(0, 0)
	for i := range 10_000 {
		now = now.Add(time.Millisecond)
		table.take("kept", now, nil) // in use all the time
		table.take(fmt.Sprint(i), now, nil)
	}
	if n := table.size(); n > limitShards*10 {
		t.Errorf("%d keys, want at most %d", n, limitShards*10)
	}
	if table.take("kept", now, nil) == 0 {
		t.Error("a key in use was forgotten")
	}
	if table.take("9999", now, nil) == 0 {
		t.Error("the newest key was forgotten")
	}
	if table.take("0", now, nil) != 0 {
		t.Error("the oldest key is still there")
	}
}

func TestIdleKeysAreForgotten(t *testing.T) {
	t.Parallel()
	table := newLimitTable(rule{name: "test", buckets: []bucket{{2, time.Minute}}, keys: 100_000})
	now := time.Unix(0, 0)
	for i := range 10_000 {
		table.take(fmt.Sprint("old", i), now, nil)
	}
	now = now.Add(time.Minute + time.Second)
	for i := range 10_000 {
		table.take(fmt.Sprint("new", i), now, nil)
	}
	if n := table.size(); n > 11_000 { // shards differ a little in how many they got
		t.Errorf("%d keys, want about 10,000", n)
	}
}

func TestAKeyTakesAbout350Bytes(t *testing.T) { // not parallel: it measures the heap
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table := newLimitTable(rules()[GuestRequest])
	now := time.Unix(0, 0)
	for i := range 50_000 {
		table.take(fmt.Sprintf("203.0.%d.%d", i>>8, i&255), now, nil)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int64(after.HeapAlloc-before.HeapAlloc) / int64(table.size())
	t.Logf("%d bytes a key", each)
	if each > 500 {
		t.Errorf("%d bytes a key", each)
	}
	runtime.KeepAlive(table)
}
