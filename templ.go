// Package codex is the map of the repository, and holds what is embedded into the binary.
//
// A feature is one plural stem that stands in four places: app/web/posts.go (handlers), db/posts.go (SQL),
// views/posts/ (templ), app/web/posts_test.go. Read app/app.go first: it is the wiring.
//
// The owner's guide, name by name:
//
//	in the guide             here                     file
//	WithTimeout              middleware.WithTimeout   app/middleware/timeout.go
//	GetUserWithContext       (*db.DB).MemberByID      db/members.go
//	TestQueryCancellation    the same                 db/door_test.go
//	graceful shutdown        App.Run                  app/app.go
//	worker pool              worker.Pool              app/worker/worker.go
//	durable jobs             jobs.Runner              app/jobs/jobs.go
//	request tracing          trace.Trace              app/trace/trace.go
package codex

import "embed"

//go:generate go tool templ generate

// Migrations are the SQL files of migrations/.
//
//go:embed migrations
var Migrations embed.FS

// Static is the style, fonts and script that the browser gets.
//
//go:embed static
var Static embed.FS
