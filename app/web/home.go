package web

import (
	"net/http"

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
	list := posts.List{ByCreated: f.Sort != db.Active}
	list.Rows, list.NextURL = feedURL("/", f, rows, "all", all)
	if respond.Partial(r) && !f.After.IsZero() {
		return s.respond.Render(w, r, http.StatusOK, posts.More(list))
	}
	page, err := s.page(r, "Home")
	if err != nil {
		return err
	}
	page.Current, page.Canonical = "home", "/"
	leaf := home.Leaf{Tabs: home.Tabs{Base: "/", Sort: f.Sort, Window: f.Window, All: all != ""}, All: all != "", Guest: !v.SignedIn(), Joined: len(page.Rail) > 0}
	aside := home.Aside{Guest: leaf.Guest, All: leaf.All}
	for i := range list.Rows {
		aside.Unread = aside.Unread || list.Rows[i].Unread
	}
	if f.Sort != db.Top {
		if aside.Best, err = s.db.Posts(ctx, v, db.Feed{Sort: db.Top, Window: db.Week, Limit: 4}); err != nil {
			return err
		}
	}
	page.Margin = home.Margin(aside)
	if len(list.Rows) == 0 {
		return s.show(w, r, page, home.Head(leaf), home.Nothing(leaf, v.SignedIn()))
	}
	return s.show(w, r, page, home.Head(leaf), posts.Page(list))
}

func (s *Server) markAllRead(w http.ResponseWriter, r *http.Request) error {
	if err := s.db.CaughtUp(r.Context(), middleware.Viewer(r.Context())); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/")
}
