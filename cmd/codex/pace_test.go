package main

import "testing"

func TestGarbageIsAShareOfLittleMemoryAndAnAmountOfMuch(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{0: 300, 20 << 20: 300, 64 << 20: 200, 128 << 20: 100, 1 << 30: 50} {
		if got := percentFor(live); got != want {
			t.Errorf("%d MiB live: %d %%, want %d", live>>20, got, want)
		}
	}
}
