package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// contextCmd measures what it is worth that a query ends with the request that it is for. The harness is a benchmark
// of package db and not a part of this command: a query that runs as long as one likes must not be there to be called.
type contextCmd struct{}

const contextBenchmark = "BenchmarkClientsThatLeave"

func (contextCmd) Run(ctx context.Context) error {
	root, err := repository()
	if err != nil {
		return err
	}
	load := loadAverage()
	say("half of the clients leave: three rounds, with the request's context and without")
	cmd := exec.CommandContext(ctx, "go", "test", "-tags", "sqlite_fts5", "-count", "1", "-run", "^$", "-bench", "^"+contextBenchmark+"$", "-benchtime", "1x", "./db")
	cmd.Dir = root
	out, err := quiet(cmd)
	if err != nil {
		return err
	}
	found := map[string]float64{}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, contextBenchmark) {
			for _, m := range metric.FindAllStringSubmatch(line, -1) {
				found[m[2]], _ = strconv.ParseFloat(m[1], 64) // digits and a point only
			}
		}
	}
	if len(found) == 0 {
		return fmt.Errorf("%s gave no figures:\n%s", contextBenchmark, out)
	}
	p := &printer{w: os.Stdout}
	p.f("Measured on %s; load average before: %s.\n\n", machine(), load)
	p.f("32 clients over HTTP. 16 of them ask for a slow query (%.0f ms alone) and leave after 50 ms; the other 16 look a member up by id.\n%.0f read connections, as a server opens here. Medians of three rounds of %.0f s in turn, one binary, one run;\na look-up that still waits when its round ends counts with the time so far.\n\n", found["slow-ms"], found["readers"], found["round-s"])
	p.f("| the query runs with | others' p50 | others' p99 | others' look-ups/s | busy readers, mean |\n|---|---:|---:|---:|---:|\n")
	for _, side := range []struct{ name, key string }{{"the request's context", "with"}, {"context.WithoutCancel", "without"}} {
		p.f("| %s | %.1f ms | %.1f ms | %.0f | %.1f |\n", side.name, found[side.key+"-p50-ms"], found[side.key+"-p99-ms"], found[side.key+"-lookups/s"], found[side.key+"-busy"])
	}
	p.f("\nThe others' p99 is %.0f %% lower with the request's context.\n", 100*(1-found["with-p99-ms"]/found["without-p99-ms"]))
	return p.err
}

var metric = regexp.MustCompile(`([\d.]+) ([a-z0-9/-]+)`)
