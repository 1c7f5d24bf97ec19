package web

import (
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/home"
	"codex/views/posts"
)

// perPage is how many posts a feed shows at once.
const perPage = 30

// feed reads what the address says of a feed: its order, its window, and where the page begins.
func feed(r *http.Request) (db.Feed, error) {
	q := r.URL.Query()
	f := db.Feed{Sort: db.Sort(q.Get("sort")), Window: db.Window(q.Get("t")), Limit: perPage + 1}
	switch f.Sort {
	case db.Active, db.New, db.Top:
	default:
		f.Sort = db.Active
	}
	switch f.Window {
	case db.Day, db.Week, db.Month, db.Year, db.All:
	default:
		f.Window = db.Week
	}
	var err error
	f.After, err = db.ParseCursor(q.Get("after"))
	return f, err
}

// feedList is the list of a feed, without its rows.
func feedList(f db.Feed) posts.List {
	l := posts.List{ByCreated: f.Sort != db.Active, ByTime: f.Sort != db.Top}
	if l.ByTime {
		l.After = db.Millis(f.After.Key)
	}
	return l
}

// feedURL is the address of the page of a feed that follows rows, empty when it is the last. One row more than a
// page was asked for, and is cut off here.
func feedURL(path string, f db.Feed, rows []db.PostRow, more ...string) ([]db.PostRow, templ.SafeURL) {
	if len(rows) <= perPage {
		return rows, ""
	}
	rows = rows[:perPage]
	params := append(more, "after", rows[perPage-1].Cursor().String())
	if f.Sort != db.Active {
		params = append(params, "sort", string(f.Sort))
	}
	if f.Sort == db.Top {
		params = append(params, "t", string(f.Window))
	}
	return rows, with(path, params...)
}

func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	f, err := feed(r)
	if err != nil {
		return err
	}
	all := ""
	if v.SignedIn() && r.URL.Query().Get("all") != "" {
		all = "1"
	}
	f.Joined = v.SignedIn() && all == ""
	rows, err := s.db.Posts(ctx, v, f)
	if err != nil {
		return err
	}
	list := feedList(f)
	list.Rows, list.NextURL = feedURL("/", f, rows, "all", all)
	if respond.Partial(r) && !f.After.IsZero() {
		return s.respond.Render(w, r, http.StatusOK, posts.More(list))
	}
	page, err := s.page(r, "Home")
	if err != nil {
		return err
	}
	page.Current, page.Canonical = "home", "/"
	leaf := home.Leaf{Tabs: home.Tabs{Base: "/", Sort: f.Sort, Window: f.Window, All: all != ""}, All: all != "", Guest: !v.SignedIn(), Joined: len(page.Rail) > 0, First: f.Sort == db.Active && f.After.IsZero()}
	if page.Joins() {
		leaf.Door = page.Door
	} else if page.Door == db.RegistrationInvite && !page.ReadOnly {
		leaf.Door = db.RegistrationInvite
	}
	if r.URL.Query().Get("joined") != "" && !v.Staff() {
		leaf.Waits = v.Holds
	}
	if leaf.Guest && leaf.First {
		now, err := s.siteNow(ctx)
		if err != nil {
			return err
		}
		leaf.Welcome = now.or(db.SettingWelcome, "")
	}
	aside := home.Aside{Guest: leaf.Guest, All: leaf.All}
	for i := range list.Rows {
		aside.Unread = aside.Unread || list.Rows[i].Unread
	}
	if f.Sort != db.Top {
		if aside.Best, err = s.db.Posts(ctx, v, db.Feed{Sort: db.Top, Window: db.Week, Limit: 4}); err != nil {
			return err
		}
	}
	aside.Best = slices.DeleteFunc(aside.Best, func(r db.PostRow) bool { return r.Muted || r.Score <= 0 })
	if i := lead(v, f, page.Rail, aside.Best); leaf.First && i >= 0 {
		best := aside.Best[i]
		leaf.Lead, aside.Led = posts.Lead(&best), true
		aside.Best = slices.Delete(aside.Best, i, i+1)
		list.Rows = slices.DeleteFunc(list.Rows, func(r db.PostRow) bool { return r.ID == best.ID })
	}
	if !leaf.Guest || len(aside.Best) > 0 {
		page.Margin = home.Margin(aside)
	}
	if len(list.Rows) == 0 {
		return s.show(w, r, page, home.Head(leaf), home.Nothing(leaf, v.SignedIn()))
	}
	return s.show(w, r, page, home.Head(leaf), posts.Page(list))
}

// lead chooses the post that opens the front page out of the best ones: the best that is not the viewer's own and that
// they have not read, of the channels that the page shows. It answers its index, -1 for none.
func lead(v db.Viewer, f db.Feed, joined []db.RailChannel, best []db.PostRow) int {
	return slices.IndexFunc(best, func(r db.PostRow) bool {
		shown := !f.Joined || slices.ContainsFunc(joined, func(c db.RailChannel) bool { return c.ID == r.ChannelID })
		return shown && !r.Muted && r.ReadAt == 0 && (!v.SignedIn() || r.AuthorID != v.ID)
	})
}

func (s *Server) markAllRead(w http.ResponseWriter, r *http.Request) error {
	if err := s.db.CaughtUp(r.Context(), middleware.Viewer(r.Context())); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/")
}
