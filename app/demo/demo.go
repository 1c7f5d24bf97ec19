// Package demo holds the demonstration community and puts it into an empty site.
//
// The community stands in content/, as text that a person can edit: members.txt, channels.txt, and one file a post in
// posts/, with its comments below it. The format is written down in parse.go; the reader is strict, and an error says
// the file and the line. Ages in the files count back from the moment of the load, so a demonstration is always fresh.
//
// What it promises: a load is one transaction. It is there whole, or the site is as empty as before and the next load
// begins anew; there is no marker to get stuck on. The same content and the same moment give the same rows, but for
// the members' password hash, which the caller makes. A site that has anybody else in it is refused with ErrNotEmpty.
//
// Its functions hold no state and are safe for use by many goroutines; of two loads at once, one is refused.
package demo

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"codex/db"
)

//go:embed content
var content embed.FS

// Password opens each account that can sign in. It is no secret: a demonstration listens on loopback unless told otherwise.
const Password = "codex-demo"

// ErrNotEmpty: the site has a member, a channel or a post that no load of this demonstration brought.
var ErrNotEmpty = db.ErrNotEmpty

// SignIn is an account of the demonstration that can sign in with Password.
type SignIn struct {
	Handle string
	Role   db.Role
}

// Load puts the community into an empty site, with now as its present, and answers the accounts that can sign in: an
// admin, a moderator and a member. passwordHash is the PHC string of Password; no other member has one. A site that
// holds this demonstration already is left as it is, and answers the same accounts.
func Load(ctx context.Context, d *db.DB, now time.Time, passwordHash string) ([]SignIn, error) {
	if passwordHash == "" {
		return nil, errors.New("load demonstration: no password hash")
	}
	c, err := read()
	if err != nil {
		return nil, fmt.Errorf("load demonstration: %w", err)
	}
	list := c.signIns()
	err = d.LoadDemo(ctx, c.plan(now, passwordHash))
	if errors.Is(err, ErrNotEmpty) {
		m, lookup := d.MemberByHandle(ctx, list[0].Handle)
		if lookup == nil && m.Origin == "demo" {
			return list, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("load demonstration: %w", err)
	}
	return list, nil
}

func read() (*community, error) {
	files, err := fs.Sub(content, "content")
	if err != nil {
		return nil, err
	}
	return parse(files)
}

func (c *community) signIns() []SignIn {
	list := make([]SignIn, 0, len(staff))
	for _, role := range staff {
		for _, m := range c.members {
			if m.signsIn && m.role == role {
				list = append(list, SignIn{m.handle, m.role})
			}
		}
	}
	return list
}
