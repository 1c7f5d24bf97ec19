package web

import (
	"net/http"

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
	page, err := s.page(r, "Trust and limits")
	if err != nil {
		return err
	}
	page.NoIndex = true
	page.BackURL, page.BackName = "/settings", ui.T(ctx, "Settings")
	show := trust.Show{Standing: standing, Staff: v.Staff(), Off: !s.config.Limited()}
	for level := db.Newcomer; level <= db.Trusted; level++ {
		show.Levels = append(show.Levels, db.TrustLimits(level))
	}
	for _, rule := range writeRules(standing.Level) {
		show.Rates = append(show.Rates, rates("write", rule)...)
	}
	show.Rates = append(show.Rates, rates("preview", middleware.MemberPreview)...)
	show.Rates = append(show.Rates, rates("page", middleware.MemberRequest)...)
	show.Rates = append(show.Rates, rates("sign in", middleware.SignInAccount)...)
	return s.show(w, r, page, trust.Leaf(show))
}

func rates(what string, rule middleware.Rule) (list []trust.Rate) {
	for _, r := range middleware.Rates(rule) {
		list = append(list, trust.Rate{What: what, Events: r.Events, Per: r.Per})
	}
	return list
}
