package web

import (
	"net/http"
	"strconv"

	"codex/app/middleware"
	"codex/db"
	"codex/views/trust"
	"codex/views/ui"
)

// showTrust shows a member what they may do, where they stand and what is missing for more.
func (s *Server) showTrust(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	standing, err := s.db.TrustOf(ctx, v, v.ID)
	if err != nil {
		return err
	}
	now, err := s.siteNow(ctx)
	if err != nil {
		return err
	}
	page, err := s.page(r, "Trust and limits")
	if err != nil {
		return err
	}
	page.NoIndex = true
	page.BackURL, page.BackName = "/settings", ui.T(ctx, "Settings")
	show := trust.Show{Standing: standing, Staff: v.Staff(), Off: !s.config.Limited()}
	show.HoldAll, show.HoldFirst = now.or(db.SettingHoldAll, "off") == "on", now.or(db.SettingHoldFirst, strconv.Itoa(db.HoldFirst)) != "0"
	for level := db.Newcomer; level <= db.Trusted; level++ {
		show.Levels = append(show.Levels, db.LimitsNow(level, now.or))
	}
	for _, rule := range writeRules(standing.Level) {
		show.Rates = append(show.Rates, s.rates("write", rule)...)
	}
	show.Rates = append(show.Rates, s.rates("preview", middleware.MemberPreview)...)
	show.Rates = append(show.Rates, s.rates("page", middleware.MemberRequest)...)
	show.Rates = append(show.Rates, s.rates("sign in", middleware.SignInAccount)...)
	return s.show(w, r, page, trust.Leaf(show))
}

func (s *Server) rates(what string, rule middleware.Rule) (list []trust.Rate) {
	for _, r := range s.limits.Rates(rule) {
		list = append(list, trust.Rate{What: what, Events: r.Events, Per: r.Per})
	}
	return list
}
