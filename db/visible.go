package db

// Viewer is who asks. The zero value is a guest.
type Viewer struct {
	ID        int64
	Handle    string
	Name      string
	Role      Role
	Theme     string
	SessionID int64
	CreatedAt Millis
	CaughtUp  Millis // what is older is never shown as unread
}

// SignedIn reports whether there is a member behind the request.
func (v Viewer) SignedIn() bool { return v.ID != 0 }

// Staff reports whether the viewer moderates the site.
func (v Viewer) Staff() bool { return v.Role == Moderator || v.Role == Admin }

// Role is what a member may do on the whole site.
type Role string

const (
	Plain     Role = "member"
	Moderator Role = "moderator"
	Admin     Role = "admin"
)

// visible is the one predicate that says which channels a viewer may read. Every listing and every look-up of a
// post or a comment joins its channel as "c" and has this in its WHERE; it takes one parameter, the viewer's id.
// All channels are public today, so the parameter decides nothing yet, and a private one needs only this text.
const visible = `(c.visibility = 'public' OR EXISTS (
	SELECT 1 FROM memberships vm WHERE vm.channel_id = c.id AND vm.member_id = ?))`
