package web

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/live"
	"codex/views/notifications"
	"codex/views/ui"
)

const (
	noticesAPage = 50
	noticesMenu  = 20 // before alike ones are merged
)

// listNotifications is the page of what the viewer was told, and what the bell opens.
func (s *Server) listNotifications(w http.ResponseWriter, r *http.Request) error {
	ctx, v, q := r.Context(), middleware.Viewer(r.Context()), r.URL.Query()
	if respond.Partial(r) && q.Get("menu") != "" {
		list, _, err := s.db.Notifications(ctx, v, db.NotificationFilter{Limit: noticesMenu})
		if err != nil {
			return err
		}
		return s.respond.Render(w, r, http.StatusOK, notifications.Menu(list[:min(len(list), 8)]))
	}
	f := db.NotificationFilter{Limit: noticesAPage, Unread: q.Get("tab") == "unread", Mentions: q.Get("tab") == "mentions"}
	f.Before, _ = strconv.ParseInt(q.Get("before"), 10, 64)
	list, before, err := s.db.Notifications(ctx, v, f)
	if err != nil {
		return err
	}
	show := notifications.Show{List: list, Unread: v.Unread}
	if f.Unread || f.Mentions {
		show.Tab = q.Get("tab")
	}
	if len(list) > 0 {
		show.UpTo = list[0].ID
	}
	if before != 0 {
		show.NextURL = with("/notifications", "tab", show.Tab, "before", ui.ID(before))
	}
	page, err := s.page(r, ui.T(ctx, "Notifications"))
	if err != nil {
		return err
	}
	page.NoIndex = true
	return s.show(w, r, page, notifications.Leaf(show))
}

// readNotifications marks one, with all that is merged with it, or all up to one as read.
func (s *Server) readNotifications(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	id, _ := strconv.ParseInt(r.PostFormValue("id"), 10, 64)
	upTo, _ := strconv.ParseInt(r.PostFormValue("upto"), 10, 64)
	if err := s.db.ReadNotifications(ctx, v, id, upTo); err != nil {
		return err
	}
	if !respond.Partial(r) {
		return respond.Redirect(w, r, "/notifications")
	}
	unread, err := s.db.Unread(ctx, v)
	if err != nil {
		return err
	}
	list, _, err := s.db.Notifications(ctx, v, db.NotificationFilter{Before: id + 1, Limit: noticesAPage})
	if err != nil {
		return err
	}
	parts := []templ.Component{live.Unread(unread)}
	if len(list) > 0 && list[0].ID == id {
		parts = append(parts, notifications.Item(list[0]))
	}
	return s.respond.Render(w, r, http.StatusOK, templ.Join(parts...))
}

func (s *Server) notificationSettings(w http.ResponseWriter, r *http.Request) error {
	v := middleware.Viewer(r.Context())
	grid := notifications.Grid{MailOn: s.config.MailOn()}
	var err error
	if grid.NotificationSettings, err = s.db.NotificationSettings(r.Context(), v); err != nil {
		return err
	}
	if grid.Address, err = s.db.AddressOf(r.Context(), v); err != nil {
		return err
	}
	page, err := s.page(r, ui.T(r.Context(), "Notifications"))
	if err != nil {
		return err
	}
	page.NoIndex = true
	page.BackURL, page.BackName = "/settings", ui.T(r.Context(), "Settings")
	return s.show(w, r, page, notifications.Choices(grid))
}

func (s *Server) updateNotificationSettings(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	n := db.NotificationSettings{Choices: map[db.Notice]db.Choice{}, Digest: db.NoDigest, Hidden: r.PostFormValue("hidden") != ""}
	for _, k := range db.Notices {
		n.Choices[k] = db.Choice{App: slices.Contains(r.PostForm["app"], string(k)), Mail: slices.Contains(r.PostForm["mail"], string(k))}
	}
	if d := db.Digest(r.PostFormValue("digest")); d == db.DailyDigest || d == db.WeeklyDigest {
		n.Digest = d
	}
	if err := s.db.SetNotificationSettings(r.Context(), middleware.Viewer(r.Context()), n); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/settings/notifications")
}
