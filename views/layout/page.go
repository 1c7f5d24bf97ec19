// Package layout is the frame of every page: the top bar, the rail of channels, the leaf with the page's own text, the
// margin beside it, and the bar at the foot of a phone. A page is a Page and its leaf as children.
//
// Nothing here is kept between two renderings.
package layout

import (
	"strconv"

	"github.com/a-h/templ"

	"codex/db"
)

// Page is what the frame shows around a leaf.
type Page struct {
	Title       string // without the forum's name
	Description string // for search engines and previews, may be empty
	Canonical   string // path of the page's one address, may be empty
	NoIndex     bool   // keep out of search engines
	Path        string // path and query of this page: where signing in leads back to
	Viewer      db.Viewer
	Rail        []db.RailChannel
	Current     string              // which line of the rail is the present place: "home", "channels", "tags", "c/slug"
	WriteURL    templ.SafeURL       // where the button "Write" leads
	BackURL     templ.SafeURL       // on a phone, in place of the wordmark; with BackName
	BackName    string              //
	Wide        bool                // the leaf takes the margin's place too
	Margin      templ.Component     // nil: none
	Bar         templ.Component     // the bar at a phone's foot; nil: the usual one
	Toast       templ.Component     // nil: none
	Moderates   bool                // the viewer has a queue of cases
	Waiting     db.Awaiting         // what is in it, and who asks to be let in: at most 100 of each
	ReadOnly    bool                // nobody writes but the site's staff
	Suspended   bool                // the viewer reads, and may not write
	Door        db.RegistrationMode // how a guest becomes a member; empty: as they like
	Topic       string              // what the page listens to besides what concerns its viewer; empty: nothing
	After       int64               // the last event that happened before the page was made
	Since       db.Millis           // and when that was
}

const (
	channelsID = "channels"
	marginID   = "margin"
)

// Joins reports that a guest can ask to become a member now.
func (p Page) Joins() bool {
	return !p.ReadOnly && (p.Door == "" || p.Door == db.RegistrationOpen || p.Door == db.RegistrationApproval)
}

// writes reports that writing is offered to the viewer.
func (p Page) writes() bool { return !p.Suspended && (!p.ReadOnly || p.Viewer.Staff()) }

// live are the attributes that the script opens the page's stream by.
func (p Page) live() templ.Attributes {
	a := templ.Attributes{}
	if p.Topic != "" {
		a["data-topic"], a["data-after"], a["data-since"] = p.Topic, strconv.FormatInt(p.After, 10), strconv.FormatInt(int64(p.Since), 10)
	}
	if p.Viewer.SignedIn() {
		a["data-me"] = strconv.FormatInt(p.Viewer.ID, 10)
	}
	return a
}

func (p Page) writeURL() templ.SafeURL {
	if p.WriteURL == "" {
		return "/new"
	}
	return p.WriteURL
}
