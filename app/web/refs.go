package web

import (
	"bytes"
	"context"
	"strconv"

	"codex/app/middleware"
)

// A text that names a channel holds a link to it by id, from when it was rendered. Who may read the channel changes
// without the text: it is made private or deleted, and from then on the link would tell a stranger that it is there. So
// each page is looked over as it is sent: where a channel is named that its reader may not read, there are the letters
// that the author typed and no link, as if there were no such channel. A page without such links, and most are, costs one
// search of its bytes; another one a query.
const (
	refOpen  = `<a href="/c/` + refMark
	refMark  = "~"
	refClass = `" class="channel-ref">`
	refClose = `</a>`
)

// unlinked is what of a rendered page its reader may see: the page itself when that is all of it.
func (s *Server) unlinked(ctx context.Context, page []byte) ([]byte, error) {
	var ids []int64
	eachRef(page, func(_, _, _, _ int, id int64) { ids = append(ids, id) })
	if len(ids) == 0 {
		return page, nil
	}
	readable, err := s.db.ReadableChannels(ctx, middleware.Viewer(ctx), ids)
	if err != nil {
		return nil, err
	}
	var out []byte
	done := 0
	eachRef(page, func(from, text, textEnd, to int, id int64) {
		if readable[id] {
			return
		}
		out = append(append(out, page[done:from]...), page[text:textEnd]...)
		done = to
	})
	if done == 0 {
		return page, nil
	}
	return append(out, page[done:]...), nil
}

// eachRef calls f for each link that names a channel: where it begins, where its text begins and ends, where it ends, and
// the channel's id. A link that somebody wrote as a link has no class, and tells what they told. What is searched for is
// the mark: it is rare, and a search for a whole tag stops at each tag (40 µs of a page of 100 KB).
func eachRef(page []byte, f func(from, text, textEnd, to int, id int64)) {
	for at := 0; ; {
		i := bytes.IndexByte(page[at:], refMark[0])
		if i < 0 {
			return
		}
		at += i + len(refMark)
		if !bytes.HasSuffix(page[:at], []byte(refOpen)) {
			continue
		}
		from := at - len(refOpen)
		digits := 0
		for at+digits < len(page) && page[at+digits] >= '0' && page[at+digits] <= '9' {
			digits++
		}
		id, err := strconv.ParseInt(string(page[at:at+digits]), 10, 64)
		at += digits
		if err != nil || !bytes.HasPrefix(page[at:], []byte(refClass)) {
			continue
		}
		text := at + len(refClass)
		end := bytes.Index(page[text:], []byte(refClose))
		if end < 0 {
			return
		}
		at = text + end + len(refClose)
		f(from, text, text+end, at, id)
	}
}
