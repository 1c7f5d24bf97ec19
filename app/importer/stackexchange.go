package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// The files of a dump. Posts and Users must be there; the others may be absent.
// PostHistory.xml, which real dumps have too, is not read: the site shows the
// newest revision, and it holds what people had removed.
const (
	FilePosts     = "Posts.xml"
	FileComments  = "Comments.xml"
	FileUsers     = "Users.xml"
	FileVotes     = "Votes.xml"
	FileTags      = "Tags.xml"
	FileBadges    = "Badges.xml"
	FilePostLinks = "PostLinks.xml"
)

// Dump is a folder with the files of one site.
type Dump struct {
	dir   string
	paths map[string]string // by the names above
	sizes map[string]int64

	// Missing lists the optional files that are not there, for the report.
	Missing []string
	// OnBytes, when set, hears how many bytes of a file are done, after each row
	// and at the end. It is called often and must be cheap.
	OnBytes func(file string, done, total int64)
}

// OpenDump looks for the files in dir, without regard to the case of their
// names. It opens none of them. A folder without Posts.xml or Users.xml is an
// error that says so.
func OpenDump(dir string) (*Dump, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the dump: %w", err)
	}
	d := &Dump{dir: dir, paths: map[string]string{}, sizes: map[string]int64{}}
	for _, name := range []string{FileUsers, FileTags, FilePosts, FileComments, FilePostLinks, FileVotes, FileBadges} {
		for _, e := range entries {
			if !strings.EqualFold(e.Name(), name) {
				continue
			}
			p := filepath.Join(dir, e.Name())
			info, err := os.Stat(p)
			if err != nil {
				return nil, fmt.Errorf("open the dump: %w", err)
			}
			if info.Mode().IsRegular() {
				d.paths[name], d.sizes[name] = p, info.Size()
			}
		}
		if d.paths[name] == "" {
			if name == FilePosts || name == FileUsers {
				return nil, fmt.Errorf("open the dump: %s has no %s; is it an unpacked Stack Exchange dump?", dir, name)
			}
			d.Missing = append(d.Missing, name)
		}
	}
	return d, nil
}

// Size is a file's length in bytes, 0 when it is missing.
func (d *Dump) Size(file string) int64 { return d.sizes[file] }

// The readers below stream one file each, in the order of the file. A missing
// file has no rows. A row that cannot be understood ends the reading with a
// *RowError, an error of fn ends it as it is, and so does the context's.

// Posts reads Posts.xml.
func (d *Dump) Posts(ctx context.Context, fn func(Post) error) error {
	return read(ctx, d, FilePosts, parsePost, fn)
}

// Comments reads Comments.xml.
func (d *Dump) Comments(ctx context.Context, fn func(Comment) error) error {
	return read(ctx, d, FileComments, parseComment, fn)
}

// Users reads Users.xml.
func (d *Dump) Users(ctx context.Context, fn func(User) error) error {
	return read(ctx, d, FileUsers, parseUser, fn)
}

// Votes reads Votes.xml.
func (d *Dump) Votes(ctx context.Context, fn func(Vote) error) error {
	return read(ctx, d, FileVotes, parseVote, fn)
}

// Tags reads Tags.xml.
func (d *Dump) Tags(ctx context.Context, fn func(Tag) error) error {
	return read(ctx, d, FileTags, parseTag, fn)
}

// PostLinks reads PostLinks.xml.
func (d *Dump) PostLinks(ctx context.Context, fn func(PostLink) error) error {
	return read(ctx, d, FilePostLinks, parsePostLink, fn)
}

// Badges reads Badges.xml.
func (d *Dump) Badges(ctx context.Context, fn func(Badge) error) error {
	return read(ctx, d, FileBadges, parseBadge, fn)
}

func read[T any](ctx context.Context, d *Dump, file string, parse func(Row) (T, error), fn func(T) error) (err error) {
	p := d.paths[file]
	if p == "" {
		return nil
	}
	f, err := os.Open(p)
	if err != nil {
		return fmt.Errorf("read the dump: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := readFrom(ctx, f, file, parse, func(v T, offset int64) error {
		if d.OnBytes != nil {
			d.OnBytes(file, offset, d.sizes[file])
		}
		return fn(v)
	}); err != nil {
		return err
	}
	if d.OnBytes != nil {
		d.OnBytes(file, d.sizes[file], d.sizes[file])
	}
	return nil
}

func readFrom[T any](ctx context.Context, r io.Reader, file string, parse func(Row) (T, error), fn func(v T, offset int64) error) error {
	var failed error // what fn returned: it is the caller's, and is not dressed up
	err := ReadRows(ctx, r, func(row Row) error {
		v, err := parse(row)
		if err != nil {
			id, _ := row.Attr("Id")
			failed = &RowError{File: file, ID: clip(id), Offset: row.Offset, Err: err}
			return failed
		}
		failed = fn(v, row.Offset)
		return failed
	})
	if err == nil || failed != nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%s: %w", file, err)
}
