package db

import (
	"context"
	_ "embed" // the table of look-alikes
	"errors"
	"net/http"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// confusables is generated from Unicode's table; its first lines say how.
//
//go:embed confusables.txt
var confusables string

// prototypes maps a character to what it is mistaken for. It is read only.
var prototypes = readPrototypes(confusables)

func readPrototypes(table string) map[rune]string {
	all := make(map[rune]string, 2200)
	for line := range strings.Lines(table) {
		seen, alike, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok || seen == "#" {
			continue
		}
		for _, r := range alike {
			all[r] = seen
		}
	}
	return all
}

// Skeleton is what a handle looks like: two handles with one skeleton can be mistaken for each other, such as "admin"
// and one with a Cyrillic а, "rnax" and "max", "O1" and "0l". It is the skeleton of UTS #39 over the handle as it is
// written, and once more over its lower case, so that M and rn meet too. It is for comparing, and never shown.
func Skeleton(handle string) string {
	s := norm.NFKC.String(handle)
	for range 2 {
		s = norm.NFD.String(s)
		var b strings.Builder
		for _, r := range s {
			if seen, ok := prototypes[r]; ok {
				b.WriteString(seen)
			} else {
				b.WriteRune(r)
			}
		}
		s = strings.ToLower(b.String())
	}
	return norm.NFD.String(s)
}

// reserved are handles that speak for the forum itself, or that a text may hold for all who read it.
const reserved = " abuse account accounts admin administrator all anonymous api bot channel codex contact everybody everyone forum guest help " +
	"here host info mail me member members mod moderation moderator mods nobody notifications null official operator owner postmaster press " +
	"privacy register root rules security settings site staff support sysadmin system team undefined webmaster you "

// reservedSkeletons are theirs, without what joins words.
var reservedSkeletons = func() map[string]bool {
	all := map[string]bool{}
	for name := range strings.FieldsSeq(reserved) {
		all[Skeleton(name)] = true
	}
	return all
}()

// joints are what stands between the words of a handle, and does not make it another one.
var joints = strings.NewReplacer(".", "", "_", "", "-", "")

// ReservedHandle reports a handle that nobody can give themselves, because it looks like that of the forum or of those
// who run it. Who has a shell on the server, or the setup token, can have it.
func ReservedHandle(handle string) bool {
	lower := foldHandle(handle)
	for _, as := range []string{handle, lower, strings.ReplaceAll(lower, "1", "i")} { // a 1 is an l to the skeleton
		if reservedSkeletons[joints.Replace(Skeleton(as))] {
			return true
		}
	}
	return false
}

// ErrHandleReserved: see ReservedHandle.
var ErrHandleReserved = &Error{text: "handle is reserved", status: http.StatusConflict}

// HandleEvery is how often a member can change their handle; staff can at any time.
const HandleEvery = 30 * 24 * time.Hour

// HandleTooSoon says that a member has changed their handle lately.
type HandleTooSoon struct{ Until Millis }

func (e *HandleTooSoon) Error() string { return "the handle was changed lately" }
func (e *HandleTooSoon) Status() int   { return http.StatusConflict }

// shared marks the row of a member whose skeleton an older one has, as only those can be who were here before skeletons,
// or came with an import. No handle has a "~" in it, so it meets nothing; the skeleton itself stands with the older one.
const shared = "'~' || id"

// maxSkeletons is how many FillSkeletons works out at a call.
const maxSkeletons = 500

// FillSkeletons works out the skeletons of members who have none yet, the oldest first, and answers how many it did:
// call it again until it answers 0. Of members who look alike the oldest gets the skeleton, so that no further one comes
// to them; nobody who is here already loses their handle. Until it is done a new handle may look like an old one.
func (d *DB) FillSkeletons(ctx context.Context) (done int, err error) {
	var rows []struct {
		ID     int64  `db:"id"`
		Handle string `db:"handle"`
	}
	if err := d.list(ctx, "FillSkeletons", &rows, "SELECT id, handle FROM members WHERE skeleton IS NULL ORDER BY id LIMIT ?", maxSkeletons); err != nil || len(rows) == 0 {
		return 0, err
	}
	err = d.change(ctx, "FillSkeletons", func(ctx context.Context, tx *tx) error {
		for _, row := range rows {
			skeleton := Skeleton(row.Handle)
			if _, err := tx.exec(ctx, "skeleton", `UPDATE members SET skeleton = CASE WHEN EXISTS (SELECT 1 FROM members x WHERE x.skeleton = ?)
				THEN `+shared+` ELSE ? END WHERE id = ? AND handle = ? AND skeleton IS NULL`, skeleton, skeleton, row.ID, row.Handle); err != nil {
				return err
			}
		}
		return nil
	})
	return len(rows), err
}

// freeHandle fails with ErrHandleTaken where somebody was called so, or looked so, before: what they wrote and what links
// to them still says that name. mine is the member who may take it all the same, 0 for nobody. Those who are called so
// now are kept apart by the unique columns of members; but B0NNIE is bonnie only in lower case, which is asked here.
func (t *tx) freeHandle(ctx context.Context, handle, skeleton string, mine int64) error {
	var taken bool
	if err := t.get(ctx, "old handles", &taken, `SELECT EXISTS (SELECT 1 FROM old_handles WHERE handle_key = ? AND member_id <> ?)
		OR EXISTS (SELECT 1 FROM old_handles WHERE skeleton = ? AND member_id <> ?) OR EXISTS (SELECT 1 FROM members WHERE skeleton = ? AND id <> ?)`,
		foldHandle(handle), mine, skeleton, mine, Skeleton(foldHandle(handle)), mine); err != nil {
		return err
	}
	if taken {
		return ErrHandleTaken
	}
	return nil
}

// HandleSpent reports that nobody can take the handle any more: somebody is or was called so, or so that it looks the same.
func (d *DB) HandleSpent(ctx context.Context, handle string) (taken bool, err error) {
	key, skeleton := foldHandle(handle), Skeleton(handle)
	err = d.get(ctx, "HandleSpent", &taken, `SELECT EXISTS (SELECT 1 FROM members WHERE handle_key = ?) OR EXISTS (SELECT 1 FROM members WHERE skeleton = ?)
		OR EXISTS (SELECT 1 FROM members WHERE skeleton = ?) OR EXISTS (SELECT 1 FROM old_handles WHERE handle_key = ?) OR EXISTS (SELECT 1 FROM old_handles WHERE skeleton = ?)`,
		key, skeleton, Skeleton(key), key, skeleton)
	return taken, err
}

// skeletonFor is what to store with a new member, and fails where somebody had such a handle before. An import takes those
// who look like others as they come, and leaves their skeletons to FillSkeletons.
func (t *tx) skeletonFor(ctx context.Context, n NewMember) (any, error) {
	skeleton := Skeleton(n.Handle)
	if n.Origin != "import" {
		return skeleton, t.freeHandle(ctx, n.Handle, skeleton, 0)
	}
	var seen bool
	err := t.get(ctx, "skeleton", &seen, "SELECT EXISTS (SELECT 1 FROM members WHERE skeleton = ?)", skeleton)
	if err == nil {
		err = t.leftByNobody(ctx, n.Handle)
	}
	if err != nil || seen {
		return nil, err
	}
	return skeleton, nil
}

// leftByNobody is freeHandle for an import, which minds the name alone and not its look.
func (t *tx) leftByNobody(ctx context.Context, handle string) error {
	var left bool
	if err := t.get(ctx, "old handle", &left, "SELECT EXISTS (SELECT 1 FROM old_handles WHERE handle_key = ?)", foldHandle(handle)); err != nil {
		return err
	}
	if left {
		return ErrHandleTaken
	}
	return nil
}

// MemberByOldHandle finds the member who had the handle before they changed it.
func (d *DB) MemberByOldHandle(ctx context.Context, handle string) (Member, error) {
	var m Member
	err := d.get(ctx, "MemberByOldHandle", &m, "SELECT "+memberColumns+` FROM old_handles o JOIN members m ON m.id = o.member_id
		WHERE o.handle_key = ? AND m.deleted_at IS NULL AND m.state = 'active'`, foldHandle(handle))
	return m, err
}

// HandleFrom is when the viewer can change their handle again; 0: now.
func (d *DB) HandleFrom(ctx context.Context, v Viewer) (Millis, error) {
	if v.Staff() {
		return 0, nil
	}
	var left []Millis
	err := d.list(ctx, "HandleFrom", &left, "SELECT left_at FROM old_handles WHERE member_id = ? ORDER BY left_at DESC LIMIT 1", v.ID)
	if err != nil || len(left) == 0 {
		return 0, err
	}
	if from := left[0] + Millis(HandleEvery.Milliseconds()); from > d.millis() {
		return from, nil
	}
	return 0, nil
}

// SetHandle gives the viewer another handle. Links to the old one keep working, and nobody else can take it or one that
// looks like it; they themselves can take it back. ErrHandleTaken, ErrHandleReserved and *HandleTooSoon say why not. Only
// writing it with other capitals is no change in this sense.
func (d *DB) SetHandle(ctx context.Context, v Viewer, handle string) error {
	skeleton := Skeleton(handle)
	return d.act(ctx, v, "SetHandle", func(ctx context.Context, tx *tx) error {
		var m struct {
			Handle string `db:"handle"`
			Key    string `db:"handle_key"`
			Role   Role   `db:"role"`
		}
		if err := tx.get(ctx, "member", &m, "SELECT handle, handle_key, role FROM members WHERE id = ?", v.ID); err != nil {
			return err
		}
		if m.Handle == handle {
			return nil
		}
		if m.Key != foldHandle(handle) {
			if err := tx.leaveHandle(ctx, v, m.Handle, handle, m.Role); err != nil {
				return err
			}
		}
		_, err := tx.exec(ctx, "handle", `UPDATE members SET handle = ?, handle_key = ?, skeleton = ?, name = CASE WHEN name = handle THEN ? ELSE name END
			WHERE id = ?`, handle, foldHandle(handle), skeleton, handle, v.ID)
		if errors.Is(err, ErrConflict) {
			err = ErrHandleTaken
		}
		return err
	})
}

// leaveHandle keeps the old handle for the member.
func (t *tx) leaveHandle(ctx context.Context, v Viewer, old, handle string, role Role) error {
	now := t.d.millis()
	if role == Plain {
		if ReservedHandle(handle) {
			return ErrHandleReserved
		}
		var left Millis
		err := t.get(ctx, "last change", &left, "SELECT left_at FROM old_handles WHERE member_id = ? ORDER BY left_at DESC LIMIT 1", v.ID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if until := left + Millis(HandleEvery.Milliseconds()); err == nil && until > now {
			return &HandleTooSoon{until}
		}
	}
	if err := t.freeHandle(ctx, handle, Skeleton(handle), v.ID); err != nil {
		return err
	}
	if _, err := t.exec(ctx, "handle taken back", "DELETE FROM old_handles WHERE handle_key = ? AND member_id = ?", foldHandle(handle), v.ID); err != nil {
		return err
	}
	_, err := t.exec(ctx, "old handle", "INSERT INTO old_handles (handle_key, skeleton, member_id, left_at) VALUES (?, ?, ?, ?)", foldHandle(old), Skeleton(old), v.ID, now)
	return err
}
