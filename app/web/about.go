package web

import (
	"net/http"

	"github.com/a-h/templ"

	"codex/db"
	"codex/views/about"
	"codex/views/site"
	"codex/views/ui"
)

func (s *Server) about(w http.ResponseWriter, r *http.Request) error {
	now, err := s.siteNow(r.Context())
	if err != nil {
		return err
	}
	contact := now.or(db.SettingContact, "")
	return s.text(w, r, "About", about.About(s.version, s.registration(), s.readOnly(), contact, templ.SafeURL(contactURL(contact))))
}

func (s *Server) rules(w http.ResponseWriter, r *http.Request) error {
	now, err := s.siteNow(r.Context())
	if err != nil {
		return err
	}
	leaf := about.Rules()
	if own := now.or(db.SettingRules, ""); own != "" {
		text, err := s.db.Preview(r.Context(), db.Viewer{}, own)
		if err != nil {
			return err
		}
		leaf = site.Told(ui.T(r.Context(), "Rules"), text.HTML)
	}
	if now.or(db.SettingPublicLog, "on") != "off" {
		leaf = templ.Join(leaf, about.Log())
	}
	return s.text(w, r, "Rules", leaf)
}

func (s *Server) privacy(w http.ResponseWriter, r *http.Request) error {
	return s.text(w, r, "Privacy", about.Privacy())
}

func (s *Server) text(w http.ResponseWriter, r *http.Request, title string, leaf templ.Component) error {
	page, err := s.page(r, title)
	if err != nil {
		return err
	}
	page.Canonical = r.URL.Path
	return s.show(w, r, page, leaf)
}

func (s *Server) robots(w http.ResponseWriter, _ *http.Request) error {
	probe(w, http.StatusOK, "User-agent: *\nDisallow: /settings\nDisallow: /login\nDisallow: /register\nDisallow: /comments/\n")
	return nil
}

func (s *Server) favicon(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, s.assets.URL("icon.svg"), http.StatusFound)
	return nil
}
