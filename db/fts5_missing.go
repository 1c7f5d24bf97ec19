//go:build !sqlite_fts5

package db

// Full text search is compiled into SQLite by a build tag. Without it the forum would build, start, and fail
// at the first migration that makes an index; so the build fails here, and the name below says what to type.
var _ = this_needs_the_build_tag__type__go_build__minus_tags_sqlite_fts5
