package db

import (
	"context"
	"time"
	_ "time/tzdata" // what a member's morning is does not depend on what the machine has installed
)

// Digest is how often a member gets a letter with what happened.
type Digest string

const (
	NoDigest     Digest = "never"
	DailyDigest  Digest = "daily"
	WeeklyDigest Digest = "weekly"
)

const (
	digestHour   = 8 // of the member's day; weekly on Mondays
	digestWanted = 20 * time.Hour
	digestPosts  = 8
	digestsAsked = 500 // at a call
)

// Window is what the digest tells of.
func (g Digest) Window() Window {
	if g == DailyDigest {
		return Day
	}
	return Week
}

// next is when the next one is due after now; an unknown time zone is UTC.
func (g Digest) next(now time.Time, zone string) time.Time {
	at, err := time.LoadLocation(zone)
	if err != nil {
		at = time.UTC
	}
	local := now.In(at)
	for days := 0; ; days++ { // not 24 hours each: clocks change
		due := time.Date(local.Year(), local.Month(), local.Day()+days, digestHour, 0, 0, 0, at)
		if due.After(now) && (g != WeeklyDigest || due.Weekday() == time.Monday) {
			return due
		}
	}
}

// AskDigests asks for the letters that are due, some at a call, and answers how many members it looked at: call it again
// until it answers 0. A forum that was stopped for a week sends one, not seven.
func (d *DB) AskDigests(ctx context.Context) (looked int, err error) {
	err = d.change(ctx, "AskDigests", func(ctx context.Context, tx *tx) error {
		now := d.now()
		var due []struct {
			ID        int64  `db:"id"`
			Digest    Digest `db:"digest"`
			Zone      string `db:"time_zone"`
			Reachable bool   `db:"reachable"`
		}
		if err := tx.list(ctx, "due digests", &due, `SELECT m.id, m.digest, m.time_zone, m.email_verified_at IS NOT NULL AND m.mail_off = 0 AND `+admissible+` AS reachable
			FROM members m WHERE m.digest <> 'never' AND m.digest_next <= ? ORDER BY m.digest_next LIMIT ?`, MillisOf(now), MillisOf(now), digestsAsked); err != nil {
			return err
		}
		looked = len(due)
		for _, m := range due {
			if err := tx.one(ctx, "next digest", "UPDATE members SET digest_next = ? WHERE id = ?", MillisOf(m.Digest.next(now, m.Zone)), m.ID); err != nil {
				return err
			}
			if !m.Reachable {
				continue
			}
			if err := tx.dropJobs(ctx, JobDigest, m.ID); err != nil { // one that was not sent yet
				return err
			}
			if err := tx.enqueue(ctx, newJob{Kind: JobDigest, Subject: m.ID, Lasts: digestWanted}); err != nil {
				return err
			}
		}
		return nil
	})
	return looked, err
}

// DigestFor is what the letter of a JobDigest tells: the best of the time in the member's channels, or in all where they
// joined none, that is not theirs and that they have not read. ErrNotFound: they want no digest any more.
func (d *DB) DigestFor(ctx context.Context, member int64) (every Digest, posts []PostRow, unread int, err error) {
	var m struct {
		Viewer int64  `db:"id"`
		Digest Digest `db:"digest"`
		Caught Millis `db:"caught_up_at"`
		Joined bool   `db:"joined"`
		Unread int    `db:"unread"`
	}
	if err := d.get(ctx, "DigestFor", &m, `SELECT m.id, m.digest, m.caught_up_at, EXISTS (SELECT 1 FROM memberships s WHERE s.member_id = m.id) AS joined, `+unreadOf+` AS unread
		FROM members m WHERE m.id = ? AND m.digest <> 'never'`, member); err != nil {
		return "", nil, 0, err
	}
	v := Viewer{ID: m.Viewer, CaughtUp: m.Caught, Blocks: true} // Blocks: they are looked for
	list, err := d.Posts(ctx, v, Feed{Joined: m.Joined, Sort: Top, Window: m.Digest.Window(), Limit: 3 * digestPosts})
	for _, p := range list {
		if p.AuthorID != member && p.Unread && !p.Muted && len(posts) < digestPosts {
			posts = append(posts, p)
		}
	}
	return m.Digest, posts, m.Unread, err
}
