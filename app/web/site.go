package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/site"
	"codex/views/ui"
)

// settingsAge is how long pages go on with the settings that were read: a change from another process is seen then, one
// from this process at once.
const settingsAge = 10 * time.Second

// settled are the settings at a time.
type settled struct {
	values map[string]string
	read   time.Time
}

// or is the value of a setting, or what it is when it was never set.
func (s *settled) or(name, fallback string) string {
	if v, ok := s.values[name]; ok && v != "" {
		return v
	}
	return fallback
}

// siteName is the forum's name as the settings of a moment ago have it.
func (s *Server) siteName() string {
	if now := s.settled.Load(); now != nil {
		return now.or(db.SettingSiteName, s.named)
	}
	return s.named
}

// registration is how one becomes a member, as the settings of a moment ago have it.
func (s *Server) registration() db.RegistrationMode {
	if now := s.settled.Load(); now != nil {
		return db.RegistrationMode(now.or(db.SettingRegistration, "")).Known()
	}
	return ""
}

// siteNow are the forum's settings, at most settingsAge old. One of the requests that find them older reads them anew;
// when it cannot, the old ones stay.
func (s *Server) siteNow(ctx context.Context) (*settled, error) {
	now := s.settled.Load()
	if now != nil && time.Since(now.read) < settingsAge {
		return now, nil
	}
	values, err := s.db.Settings(ctx)
	if err != nil {
		if now != nil {
			return now, nil
		}
		return nil, err
	}
	now = &settled{values, time.Now()}
	s.settled.Store(now)
	s.setLimits(now)
	return now, nil
}

// setLimits lets the limits of writing be what the settings say.
func (s *Server) setLimits(now *settled) {
	of := func(name string) int { return db.LimitOf(name, now.or) }
	s.limits.Set(middleware.NewcomerWrite, of(db.SettingNewcomerBurst), of(db.SettingNewcomerDay))
	s.limits.Set(middleware.MemberWrite, 0, of(db.SettingMemberHour))
	s.limits.Set(middleware.KnownDay, of(db.SettingKnownDay))
	s.limits.Set(middleware.RegularDay, of(db.SettingRegularDay))
}

func (s *Server) siteSettings(w http.ResponseWriter, r *http.Request) error {
	now, err := s.siteNow(r.Context())
	if err != nil {
		return err
	}
	show := site.Show{Groups: site.Groups(r.Context(), s.named, now.or)}
	if r.URL.Query().Get("done") != "" {
		show.Done = ui.T(r.Context(), "The settings are saved.")
	}
	return s.siteForm(w, r, http.StatusOK, show)
}

func (s *Server) siteForm(w http.ResponseWriter, r *http.Request, status int, show site.Show) error {
	var err error
	if show.Changes, err = s.db.SettingChanges(r.Context(), middleware.Viewer(r.Context()), 20); err != nil {
		return err
	}
	page, err := s.page(r, "Settings of the forum")
	if err != nil {
		return err
	}
	page.NoIndex, page.BackURL, page.BackName = true, "/admin", "Admin"
	return s.respond.Render(w, r, status, respond.Framed(page, site.Leaf(show)))
}

func (s *Server) changeSiteSettings(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	if ok, err := s.fresh(w, r, ""); !ok {
		return err
	}
	now, err := s.siteNow(ctx)
	if err != nil {
		return err
	}
	groups := site.Groups(ctx, s.named, func(name, fallback string) string {
		if typed, ok := r.PostForm[name]; ok {
			return strings.TrimSpace(strings.ReplaceAll(typed[0], "\r\n", "\n"))
		}
		return now.or(name, fallback)
	})
	values, defaults, fine := map[string]string{}, map[string]string{}, true
	for g := range groups {
		for i := range groups[g].Fields {
			f := &groups[g].Fields[i]
			if _, sent := r.PostForm[f.Name]; !sent {
				continue
			}
			if f.Error = s.settingFault(ctx, f); f.Error != "" {
				fine = false
			}
			values[f.Name], defaults[f.Name] = f.Value, f.Default
		}
	}
	if !fine {
		return s.siteForm(w, r, http.StatusUnprocessableEntity, site.Show{Groups: groups, Problem: ui.T(ctx, "Something needs another look. What you typed is still here.")})
	}
	if err := s.db.ChangeSettings(ctx, v, values, defaults); err != nil {
		return err
	}
	s.settled.Store(nil)
	if _, err := s.siteNow(ctx); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/admin/settings?done=1")
}

// settingFault says what is wrong with a value that was typed; empty: nothing.
func (s *Server) settingFault(ctx context.Context, f *site.Field) string {
	if f.Choices != nil {
		if !slices.ContainsFunc(f.Choices, func(c site.Choice) bool { return c.Value == f.Value }) {
			return ui.T(ctx, "Choose one of these.")
		}
		return ""
	}
	if f.Number {
		if n, err := strconv.Atoi(f.Value); err != nil || n < f.Min || n > f.Max {
			return ui.T(ctx, "A number from %s to %s.", ui.Number(f.Min), ui.Number(f.Max))
		}
		return ""
	}
	if utf8.RuneCountInString(f.Value) > f.Max {
		return ui.T(ctx, "At most %d characters.", f.Max)
	}
	switch f.Name {
	case db.SettingSiteName:
		name, ok := db.CleanName(f.Value)
		if !ok || name == "" {
			return ui.T(ctx, "The forum needs a name that can be shown.")
		}
		f.Value = name
	case db.SettingWelcome:
		line, ok := db.CleanTitle(f.Value)
		if f.Value != "" && !ok {
			return ui.T(ctx, "There are characters in it that cannot be shown.")
		}
		if f.Value != "" {
			f.Value = line
		}
	case db.SettingContact:
		if f.Value != "" && contactURL(f.Value) == "" {
			return ui.T(ctx, "An e-mail address, or one that begins with https://.")
		}
	case db.SettingRules:
		if _, err := s.db.Preview(ctx, db.Viewer{}, f.Value); err != nil {
			return limitText(ctx, err)
		}
	}
	return ""
}

// contactURL is the link to an e-mail address or a web page; empty for anything else.
func contactURL(contact string) string {
	if db.ValidEmail(contact) {
		return "mailto:" + contact
	}
	if u, err := url.Parse(contact); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		return u.String()
	}
	return ""
}

// adminDesk is the first page of those who run the forum: what is left to do, and where things are.
func (s *Server) adminDesk(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	now, err := s.siteNow(ctx)
	if err != nil {
		return err
	}
	channels, err := s.db.Channels(ctx, v, db.Cursor{}, 1)
	if err != nil {
		return err
	}
	deleted, err := s.db.DeletedChannels(ctx, v)
	if err != nil {
		return err
	}
	dead, err := s.db.CountDeadJobs(ctx)
	if err != nil {
		return err
	}
	page, err := s.page(r, "Running the forum")
	if err != nil {
		return err
	}
	page.NoIndex = true
	set := func(name string) bool { return now.or(name, "") != "" }
	return s.show(w, r, page, site.Desk(site.Ready{
		Name: set(db.SettingSiteName), Welcome: set(db.SettingWelcome), Contact: set(db.SettingContact), Rules: set(db.SettingRules),
		Channel: len(channels) > 0, Secure: s.config.Secure(),
	}, deleted, dead))
}

func (s *Server) restoreChannel(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(r.PathValue("channel"), 10, 64)
	if err != nil {
		return db.ErrNotFound
	}
	if err := s.db.RestoreChannel(r.Context(), middleware.Viewer(r.Context()), id); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/admin")
}
