// Package importer brings the archive of another forum into this one.
//
// The source that it knows is a Stack Exchange data dump: a folder of XML
// files with one <row/> an item. Four parts; the first three are usable without the others:
//
//   - reading: Dump and ReadRows stream the files as typed rows. Memory is
//     bounded by one row, never by the file.
//   - converting: Converter turns the rendered HTML of a body, and the small
//     Markdown subset of a comment, into Markdown source of our own dialect.
//   - planning: Plan, Handle and ReplyTo say what a row becomes
//     here (member, post, comment, tag, link) or why it is left out. They touch
//     no database; Report counts what they decided, and its sums are checked.
//   - writing: Import does all of it into a database, in batches of one
//     transaction each, so that it can be killed and called again.
//
// Concurrency: a Site and a Converter may be used by several goroutines at once.
// Everything else here belongs to one goroutine, since an import is one pass in
// order. Two imports of one site at once do no harm: the second meets the first
// one's rows and ends with db.ErrConflict.
package importer
