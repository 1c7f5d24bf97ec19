package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"codex/db"
)

// version is set by the release build: -ldflags "-X main.version=1.2.3".
var version = "development"

type versionCmd struct{}

func (versionCmd) Run(c *console) error {
	_, err := fmt.Fprintf(c.out, "codex %s\ncommit %s\n%s\nSQLite %s\n", version, commit(), runtime.Version(), db.SQLiteVersion())
	return err
}

// commit is the revision that the program was built from, as far as the build says so.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision, dirty := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = " with changes"
		}
	}
	return revision + dirty
}
