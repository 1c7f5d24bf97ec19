package main

import (
	"strings"
	"testing"
)

func TestADemonstrationThatOthersCanReachIsWarnedOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		args  []string
		warns bool
	}{
		{[]string{"--demo"}, false},
		{[]string{"--demo", "--addr", "0.0.0.0:0"}, true}, // it is there from the first start
		{[]string{"--demo", "--addr", ":0"}, true},
		{[]string{"--demo", "--base-url", "http://forum.example"}, true}, // through a proxy
		{[]string{"--demo", "--base-url", "http://localhost:8888"}, false},
	} {
		s := serve(t, dir, c.args...)
		s.stop()
		if got := strings.Contains(s.out.String(), "WARNING: others can reach this address"); got != c.warns {
			t.Errorf("%q: warned %v, want %v:\n%s", c.args, got, c.warns, s.out)
		}
	}
	s := serve(t, t.TempDir(), "--addr", "0.0.0.0:0")
	s.stop()
	if strings.Contains(s.out.String(), "WARNING") {
		t.Errorf("a forum without well-known passwords is warned of:\n%s", s.out)
	}
}
