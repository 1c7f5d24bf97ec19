package web

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/staff"
	"codex/views/ui"
)

// errNoSuchChoice: a form sent a value that its page does not offer.
var errNoSuchChoice = errors.New("a choice that the form does not offer")

const bansPerPage = 50

func (s *Server) listBans(w http.ResponseWriter, r *http.Request) error {
	show := staff.Bans{Form: staff.BanForm{Kind: "network", Value: r.URL.Query().Get("network")}}
	if network, ok := db.ParseNetwork(show.Form.Value); ok {
		var err error
		show.Asked = network.String()
		if show.Users, err = s.db.UsersOf(r.Context(), middleware.Viewer(r.Context()), network); err != nil {
			return err
		}
	}
	switch r.URL.Query().Get("done") {
	case "ban":
		show.Done = ui.T(r.Context(), "Kept out from now on.")
	case "lift":
		show.Done = ui.T(r.Context(), "Let back in.")
	}
	return s.bansPage(w, r, http.StatusOK, show)
}

func (s *Server) bansPage(w http.ResponseWriter, r *http.Request, status int, show staff.Bans) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	var err error
	if show.List, err = s.db.OutsideBans(ctx, v, max(before, 0), bansPerPage+1); err != nil {
		return err
	}
	if len(show.List) > bansPerPage {
		show.List = show.List[:bansPerPage]
		show.NextURL = with("/moderation/bans", "before", ui.ID(show.List[bansPerPage-1].ID))
	}
	page, err := s.page(r, "Networks and mail domains")
	if err != nil {
		return err
	}
	page.NoIndex = true
	return s.respond.Render(w, r, status, respond.Framed(page, staff.BansLeaf(show)))
}

// banForm reads a ban that was typed, with what is wrong with it. The network is the zero value for a mail domain.
func (s *Server) banForm(r *http.Request) (f staff.BanForm, network netip.Prefix) {
	ctx, ok := r.Context(), false
	f = staff.BanForm{Kind: r.PostFormValue("kind"), Value: strings.TrimSpace(r.PostFormValue("value")), Span: r.PostFormValue("for"),
		Reason: note(r, "reason"), Writes: r.PostFormValue("writes") != ""}
	if f.Kind == "network" {
		switch network, ok = db.ParseNetwork(f.Value); {
		case !ok:
			f.Error = ui.T(ctx, "This is no address and no network, or one so wide that it would shut out whole countries.")
		case network.Contains(middleware.ClientAddr(ctx)):
			// Behind a proxy that is not configured, every visitor has this address.
			f.Error = ui.T(ctx, "That is the network that you are on yourself.")
		}
	} else if _, ok = db.ParseMailDomain(f.Value); !ok {
		f.Error = ui.T(ctx, "This is not the name of a mail domain.")
	}
	if utf8.RuneCountInString(f.Reason) > db.MaxReason {
		f.ReasonError = ui.T(ctx, "At most %d characters.", db.MaxReason)
	}
	return f, network
}

// banOutside bans. A network is asked about once more, with how many members it holds: a slip in one digit, or in the
// length, shuts out others than whom one means. The form says by sure which one that was.
func (s *Server) banOutside(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	f, network := s.banForm(r)
	until := staff.Until(s.now(), f.Span)
	if until == 0 || f.Kind != "network" && f.Kind != "mail" {
		return &badForm{errNoSuchChoice}
	}
	if f.Error != "" || f.ReasonError != "" {
		return s.bansPage(w, r, http.StatusUnprocessableEntity, staff.Bans{Form: f})
	}
	if network.IsValid() && r.PostFormValue("sure") != network.String() {
		users, err := s.db.UsersOf(ctx, v, network)
		if err != nil {
			return err
		}
		return s.bansPage(w, r, http.StatusUnprocessableEntity, staff.Bans{Form: f, Asked: network.String(), Users: users, Again: true})
	}
	if ok, err := s.fresh(w, r, ""); !ok {
		return err
	}
	if err := s.db.BanOutside(ctx, v, db.OutsideBan{Kind: f.Kind, Value: f.Value, Until: until, Writes: f.Writes, Reason: f.Reason}); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/moderation/bans?done=ban")
}

func (s *Server) liftOutside(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := s.db.LiftOutside(r.Context(), middleware.Viewer(r.Context()), id); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/moderation/bans?done=lift")
}

// admitNetwork refuses a registration or a sign-in from a banned network; it asks with the viewer's role only after the
// password was right, so that staff come in and nobody else learns anything from the answer.
func (s *Server) admitNetwork(ctx context.Context, role db.Role) error {
	if role == db.Moderator || role == db.Admin {
		return nil
	}
	return s.db.BannedFrom(ctx, middleware.ClientAddr(ctx), false)
}

// admitWrite refuses what a member writes from a network that is banned from writing. What they do to their own settings
// and reading marks goes on, and so does the keeping of drafts: the text is not lost.
func (s *Server) admitWrite(rt route, r *http.Request) error {
	v := middleware.Viewer(r.Context())
	if r.Method != http.MethodPost || !v.SignedIn() || v.Staff() {
		return nil
	}
	_, path, _ := strings.Cut(rt.pattern, " ")
	for _, own := range []string{"/settings", "/drafts", "/logout", "/preview", "/read", "/forgot", "/reset", "/verify", "/unsubscribe"} {
		if path == own || strings.HasPrefix(path, own+"/") {
			return nil
		}
	}
	if strings.HasSuffix(path, "/read") || strings.HasSuffix(path, "/seen") {
		return nil
	}
	return s.db.BannedFrom(r.Context(), middleware.ClientAddr(r.Context()), true)
}
