package db

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"codex/app/markup"
)

// A text that is held waits for a moderator. It has deleted_at set like one that was deleted, so that every listing and
// count leaves it out, and held_at beside it. What it is, is told by three columns:
//
//	held_at  deleted_by  removed_for
//	set      NULL        ''           waits for a moderator
//	set      the author  ''           its author took it back while it waited; undone, it waits again
//	set      another     the reason   a moderator removed it while it waited; undone, it waits again
//	NULL     …           …            as any text: shown, or deleted
//
// held_at equals created_at for a text that nobody has ever seen; it is later for one that was shown and then edited into
// something that is held. A comment of the first kind is not among its parent's replies either, and leaves no gap.

// HoldFirst is how many of a new member's first texts wait, where no setting says otherwise.
const HoldFirst = 2

// maxHoldFirst bounds the setting.
const maxHoldFirst = 50

// Why a text was held, as cases.why has it. HeldWord is followed by the word.
const (
	HeldNewcomer = "newcomer"
	HeldAll      = "all"
	HeldLinks    = "links"
	HeldRepeat   = "repeat"
	HeldSpeed    = "speed"
	HeldWord     = "word:"
)

const (
	repeatWithin  = 10        // of the last posts, and of the last comments
	repeatLetters = 40        // shorter texts are said twice by anybody: "Thank you, that was it"
	speedWithin   = 60 * 1000 // milliseconds
	speedTexts    = 4         // in that time, before a text of a newcomer is too fast
)

// isHeld is the condition that a row waits for a moderator.
func isHeld(alias string) string {
	return "(" + alias + ".held_at IS NOT NULL AND " + alias + ".deleted_by IS NULL)"
}

// written is a text on its way in, as the rules that hold look at it.
type written struct {
	source string // with the title
	body   string
	html   markup.HTML
	edit   bool // of a text that stands there already
}

// holds says why a text of the viewer's waits for a moderator; empty: it does not. Never held are those who keep the
// channel, and staff. SettingHoldAll, the watch list and the links of a text are asked of everybody else, whatever their
// trust; first texts, repetition and speed only of who registered themselves and is no regular yet. It is asked in the
// transaction of the write.
func (t *tx) holds(ctx context.Context, v Viewer, s standing, w written) (why string, err error) {
	if s.keeper() {
		return "", nil
	}
	stranger := s.Origin == "registered" && s.Trust < Regular
	switch {
	case s.HoldAll:
		return HeldAll, nil
	case stranger && s.Hold > 0 && !w.edit:
		return HeldNewcomer, nil
	}
	links := linksIn(w.html)
	if len(links) > 0 && len(links) > linksAllowed(s.Trust, s.Links) {
		return HeldLinks, nil
	}
	if s.Watched {
		word, err := t.watched(ctx, w.source, links)
		if err != nil {
			return "", err
		}
		if word != "" {
			return HeldWord + word, nil
		}
	}
	if w.edit || !stranger {
		return "", nil
	}
	return t.hasty(ctx, v, s.Trust, w.body)
}

// hasty looks at what the member wrote before: the same, or too much in too short a time.
func (t *tx) hasty(ctx context.Context, v Viewer, trust int, body string) (string, error) {
	since := t.d.millis() - speedWithin
	var before struct {
		Same  bool `db:"same"`
		Posts int  `db:"posts"`
		Texts int  `db:"comments"`
	}
	if err := t.get(ctx, "last texts", &before, fmt.Sprintf(`SELECT
		EXISTS (SELECT 1 FROM (SELECT body FROM posts WHERE author_id = ? ORDER BY created_at DESC, id DESC LIMIT %[1]d) x WHERE x.body = ?)
			OR EXISTS (SELECT 1 FROM (SELECT body FROM comments WHERE author_id = ? ORDER BY created_at DESC, id DESC LIMIT %[1]d) y WHERE y.body = ?) AS same,
		(SELECT COUNT(*) FROM (SELECT 1 FROM posts WHERE author_id = ? AND created_at > ? LIMIT %[2]d) a) AS posts,
		(SELECT COUNT(*) FROM (SELECT 1 FROM comments WHERE author_id = ? AND created_at > ? LIMIT %[2]d) b) AS comments`, repeatWithin, speedTexts),
		v.ID, body, v.ID, body, v.ID, since, v.ID, since); err != nil {
		return "", err
	}
	switch {
	case before.Same && len([]rune(body)) >= repeatLetters:
		return HeldRepeat, nil
	case trust == Newcomer && before.Posts+before.Texts >= speedTexts:
		return HeldSpeed, nil
	}
	return "", nil
}

// linksIn are the addresses outside the forum that a rendered text leads to, each once.
func linksIn(html markup.HTML) (links []string) {
	var seen map[string]bool // most texts have no link
	for rest, more := string(html), true; ; {
		if _, rest, more = strings.Cut(rest, "<a "); !more {
			return links
		}
		var tag string
		tag, rest, _ = strings.Cut(rest, ">") // in an attribute it is written &gt;
		_, href, _ := strings.Cut(tag, `href="`)
		href, _, _ = strings.Cut(href, `"`)
		if !strings.HasPrefix(href, "http:") && !strings.HasPrefix(href, "https:") || seen[href] {
			continue
		}
		if seen == nil {
			seen = map[string]bool{}
		}
		seen[href] = true
		links = append(links, href)
	}
}

// FoldWatched is a word of the watch list, or a text, as the two are compared: without regard to case, width, marks that
// show nothing, and to what stands between the words. The name of a host keeps its dots.
func FoldWatched(s string) string {
	s = strings.ToLower(norm.NFKC.String(s))
	return strings.Join(strings.FieldsFunc(strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Mn, r), unicode.Is(unicode.Variation_Selector, r):
			return -1
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '.', r == '-':
			return r
		}
		return ' '
	}, s), func(r rune) bool { return r == ' ' }), " ")
}

// unspaced reports a script that is written without spaces: a word of it is found anywhere.
func unspaced(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
	})
}

// matchWatched reports that a folded word stands in a folded text, or names a host that one of the links leads to.
func matchWatched(word, text string, hosts []string) bool {
	if strings.Contains(word, ".") && !strings.Contains(word, " ") {
		for _, h := range hosts {
			if h == word || strings.HasSuffix(h, "."+word) {
				return true
			}
		}
	}
	if unspaced(word) {
		return strings.Contains(text, word)
	}
	return strings.Contains(" "+text+" ", " "+word+" ")
}

func hostsOf(links []string) (hosts []string) {
	for _, l := range links {
		if u, err := url.Parse(l); err == nil {
			hosts = append(hosts, strings.TrimSuffix(strings.ToLower(u.Hostname()), "."))
		}
	}
	return hosts
}

// holdPost takes a post that was just written or edited out of everybody's sight and opens its case.
func (t *tx) holdPost(ctx context.Context, id int64, fresh bool, why string) error {
	t.neverShown = fresh
	if err := countPost(ctx, t, id, -1, "UPDATE posts SET held_at = "+heldSince+", deleted_at = "+heldSince+" WHERE id = ? AND deleted_at IS NULL",
		fresh, t.d.millis(), fresh, t.d.millis(), id); err != nil {
		return err
	}
	return t.openHold(ctx, "posts", id, why)
}

// heldSince is held_at for a text: its own time when nobody has seen it, else later. Its parameters are whether it is
// fresh, and now.
const heldSince = "CASE WHEN ? = 1 THEN created_at ELSE max(?, created_at + 1) END"

// holdComment is holdPost for a comment.
func (t *tx) holdComment(ctx context.Context, v Viewer, id int64, fresh bool, why string) error {
	t.neverShown = fresh
	if err := countComment(ctx, t, -1, "UPDATE comments SET held_at = "+heldSince+", deleted_at = "+heldSince+" WHERE id = ? AND deleted_at IS NULL",
		fresh, t.d.millis(), fresh, t.d.millis(), id); err != nil {
		return err
	}
	if fresh {
		if err := t.countReply(ctx, id, -1); err != nil {
			return err
		}
		// What its author has read no longer counts it, or the next comment of another would not be new.
		if _, err := t.exec(ctx, "own read", `UPDATE reads SET comments_seen = min(comments_seen, (SELECT p.comment_count FROM posts p WHERE p.id = reads.post_id))
			WHERE member_id = ? AND post_id = (SELECT k.post_id FROM comments k WHERE k.id = ?)`, v.ID, id); err != nil {
			return err
		}
	}
	if err := t.letGoAnswer(ctx, id); err != nil {
		return err
	}
	return t.openHold(ctx, "comments", id, why)
}

// countReply counts a comment among its parent's replies, or no longer.
func (t *tx) countReply(ctx context.Context, id int64, by int) error {
	_, err := t.exec(ctx, "replies", "UPDATE comments SET reply_count = reply_count + ? WHERE id = (SELECT parent_id FROM comments WHERE id = ?)", by, id)
	return err
}

// openHold opens the case of a text that is held, or makes the case that is open already one.
func (t *tx) openHold(ctx context.Context, table string, id int64, why string) error {
	res, err := t.exec(ctx, "open case", "UPDATE cases SET kind = 'hold', why = ? WHERE decision = '' AND "+openCaseOf(table), why, id)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	_, err = t.exec(ctx, "case", caseOf(table), "hold", why, t.d.millis(), id)
	return err
}

// openCaseOf is the condition of the open case of a post or comment; the parameter is its id.
func openCaseOf(table string) string {
	switch table {
	case "posts":
		return "post_id = ? AND comment_id IS NULL"
	case "comments":
		return "comment_id = ?"
	}
	return "member_id = ? AND post_id IS NULL AND comment_id IS NULL"
}

// caseOf is the statement that opens a case; its parameters are kind, why, now and the subject's id.
func caseOf(table string) string {
	const into = "INSERT INTO cases (kind, why, opened_at, post_id, comment_id, member_id, channel_id) "
	switch table {
	case "posts":
		return into + "SELECT ?, ?, ?, p.id, NULL, p.author_id, p.channel_id FROM posts p WHERE p.id = ?"
	case "comments":
		return into + "SELECT ?, ?, ?, k.post_id, k.id, k.author_id, p.channel_id FROM comments k JOIN posts p ON p.id = k.post_id WHERE k.id = ?"
	}
	return into + "SELECT ?, ?, ?, NULL, NULL, m.id, NULL FROM members m WHERE m.id = ?"
}

// publishPost shows a post that was held. One that nobody has seen is as new as its approval.
func (t *tx) publishPost(ctx context.Context, id int64) error {
	now := t.d.millis()
	if _, err := t.exec(ctx, "tags' time", `UPDATE post_tags SET created_at = ? WHERE post_id = ? AND EXISTS (SELECT 1 FROM posts p WHERE p.id = ? AND p.held_at = p.created_at)`, now, id, id); err != nil {
		return err
	}
	// The next activity is at least the post's own: its comments, if it was shown before, are older or newer than now.
	if err := countPost(ctx, t, id, 1, `UPDATE posts SET edited_at = CASE WHEN held_at = created_at THEN NULL ELSE edited_at END, age_class = CASE WHEN held_at = created_at THEN 0 ELSE age_class END,
		created_at = CASE WHEN held_at = created_at THEN ? ELSE created_at END, deleted_at = NULL, deleted_by = NULL, removed_for = '', held_at = NULL
		WHERE id = ? AND held_at IS NOT NULL`, now, id); err != nil {
		return err
	}
	var html markup.HTML
	if err := t.get(ctx, "text", &html, "SELECT html FROM posts WHERE id = ?", id); err != nil {
		return err
	}
	if err := t.notifyPost(ctx, id, mentionsIn(html), false); err != nil {
		return err
	}
	if err := settle(ctx, t, id); err != nil {
		return err
	}
	return t.readByAuthor(ctx, "SELECT id AS post_id, COALESCE(author_id, 0) AS author_id, created_at FROM posts WHERE id = ?", id)
}

// publishComment is the same for a comment. It keeps its place in the thread: what was written after it stands below it.
func (t *tx) publishComment(ctx context.Context, id int64) error {
	if _, err := t.exec(ctx, "replies", "UPDATE comments SET reply_count = reply_count + 1 WHERE id = (SELECT k.parent_id FROM comments k WHERE k.id = ? AND k.held_at = k.created_at)", id); err != nil {
		return err
	}
	var html markup.HTML
	if err := t.get(ctx, "text", &html, "SELECT html FROM comments WHERE id = ?", id); err != nil {
		return err
	}
	if err := countComment(ctx, t, 1, `UPDATE comments SET edited_at = CASE WHEN held_at = created_at THEN NULL ELSE edited_at END,
		created_at = CASE WHEN held_at = created_at THEN ? ELSE created_at END, deleted_at = NULL, deleted_by = NULL, removed_for = '', held_at = NULL
		WHERE id = ? AND held_at IS NOT NULL`, t.d.millis(), id); err != nil {
		return err
	}
	if err := t.notifyComment(ctx, id, mentionsIn(html), false); err != nil {
		return err
	}
	return t.readByAuthor(ctx, "SELECT post_id, COALESCE(author_id, 0) AS author_id, created_at FROM comments WHERE id = ?", id)
}

// readByAuthor is readOwn for what was published after its author had looked: the approval is no news to them.
func (t *tx) readByAuthor(ctx context.Context, query string, id int64) error {
	var at struct {
		Post    int64  `db:"post_id"`
		Author  int64  `db:"author_id"`
		Created Millis `db:"created_at"`
	}
	if err := t.get(ctx, "published", &at, query, id); err != nil || at.Author == 0 {
		return err
	}
	return t.readOwn(ctx, Viewer{ID: at.Author}, at.Post, at.Created)
}

// holdFirst is the setting as a new member's hold_writes begins.
func (t *tx) holdFirst(ctx context.Context) (int, error) {
	var value string
	err := t.get(ctx, "hold first", &value, "SELECT value FROM settings WHERE name = ?", SettingHoldFirst)
	if errors.Is(err, ErrNotFound) {
		return HoldFirst, nil
	}
	n, bad := strconv.Atoi(value)
	if bad != nil {
		n = HoldFirst
	}
	return min(max(n, 0), maxHoldFirst), err
}

// openPost is readablePost for what changes a post: one that waits for a moderator is there for its author and for those
// who keep the channel.
func (t *tx) openPost(ctx context.Context, v Viewer, id int64) (channel int64, held bool, err error) {
	var at struct {
		Channel int64 `db:"channel_id"`
		Held    bool  `db:"held"`
	}
	err = t.get(ctx, "post", &at, `SELECT p.channel_id, `+isHeld("p")+` AS held FROM posts p JOIN channels c ON c.id = p.channel_id
		WHERE p.id = ? AND (p.deleted_at IS NULL OR `+isHeld("p")+" AND "+mayRemove("p", "p.channel_id")+") AND "+visible, id, v.ID, v.Staff(), v.ID, v.ID)
	return at.Channel, at.Held, err
}

// openComment is the same for a comment.
func (t *tx) openComment(ctx context.Context, v Viewer, id int64) (post, channel int64, held bool, err error) {
	var at struct {
		Post    int64 `db:"post_id"`
		Channel int64 `db:"channel_id"`
		Held    bool  `db:"held"`
	}
	err = t.get(ctx, "comment", &at, `SELECT k.post_id, p.channel_id, `+isHeld("k")+` AS held FROM comments k JOIN posts p ON p.id = k.post_id JOIN channels c ON c.id = p.channel_id
		WHERE k.id = ? AND (k.deleted_at IS NULL OR `+isHeld("k")+" AND "+mayRemove("k", "p.channel_id")+") AND p.deleted_at IS NULL AND "+visible, id, v.ID, v.Staff(), v.ID, v.ID)
	return at.Post, at.Channel, at.Held, err
}

// withdraw takes back a text that waits for a moderator. For its author.
func (t *tx) withdraw(ctx context.Context, v Viewer, table string, id int64) error {
	if err := forbidden(t.one(ctx, "withdraw", "UPDATE "+table+" SET deleted_by = author_id WHERE id = ? AND author_id = ? AND held_at IS NOT NULL AND deleted_by IS NULL", id, v.ID)); err != nil {
		return err
	}
	_, err := t.exec(ctx, "case", "UPDATE cases SET decision = '"+Withdrawn+"', decided_by = ?, decided_at = ? WHERE decision = '' AND "+openCaseOf(table), v.ID, t.d.millis(), id)
	return err
}

// waitAgain is the Undo of a text that never passed a moderator: it waits as before. For who took it away, and for staff.
func (t *tx) waitAgain(ctx context.Context, v Viewer, table string, id int64) error {
	if err := forbidden(t.one(ctx, "wait again", "UPDATE "+table+" SET deleted_by = NULL, removed_for = '' WHERE id = ? AND (deleted_by = ? OR ? = 1)", id, v.ID, v.Staff())); err != nil {
		return err
	}
	var why string
	err := t.get(ctx, "why it waited", &why, "SELECT why FROM cases WHERE kind = 'hold' AND "+openCaseOf(table)+" ORDER BY id DESC LIMIT 1", id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return t.openHold(ctx, table, id, why)
}

// othersText logs that the viewer removed or restored a text, where it is another's.
func (t *tx) othersText(ctx context.Context, v Viewer, table string, id int64, action string) error {
	var e struct {
		Post    int64 `db:"post_id"`
		Comment int64 `db:"comment_id"`
		Author  int64 `db:"author_id"`
		Channel int64 `db:"channel_id"`
		Listed  bool  `db:"listed"`
	}
	query := "SELECT x.id AS post_id, 0 AS comment_id, COALESCE(x.author_id, 0) AS author_id, x.channel_id, " + listed + " AS listed FROM posts x JOIN channels c ON c.id = x.channel_id WHERE x.id = ?"
	if table == "comments" {
		query = "SELECT x.post_id, x.id AS comment_id, COALESCE(x.author_id, 0) AS author_id, p.channel_id, " + listed + ` AS listed
			FROM comments x JOIN posts p ON p.id = x.post_id JOIN channels c ON c.id = p.channel_id WHERE x.id = ?`
	}
	if err := t.get(ctx, "author", &e, query, id); err != nil || e.Author == v.ID {
		return err
	}
	old := ""
	if action == Removed {
		old = "shown"
	} else if _, err := t.exec(ctx, "undone", "UPDATE mod_log SET undone_at = ? WHERE post_id = ? AND COALESCE(comment_id, 0) = ? AND action = '"+Removed+"' AND undone_at IS NULL",
		t.d.millis(), e.Post, e.Comment); err != nil {
		return err
	}
	entry := Entry{Action: action, PostID: e.Post, CommentID: e.Comment, MemberID: e.Author, ChannelID: e.Channel, Old: old, Public: e.Listed}
	if _, err := t.logged(ctx, v, entry); err != nil {
		return err
	}
	return t.notifyDecision(ctx, v, entry)
}
