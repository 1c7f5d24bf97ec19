package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"codex/app/auth"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/channels"
	"codex/views/follows"
	"codex/views/home"
	"codex/views/memberships"
	"codex/views/posts"
	"codex/views/ui"
)

// Bounds of what describes a channel, in characters.
const (
	maxChannelName  = 60
	maxChannelAbout = 300
)

// channelsPerPage and membersPerPage are the rows of these lists.
const (
	channelsPerPage = 50
	membersPerPage  = 60
)

// channel finds the channel of the path.
func (s *Server) channel(r *http.Request) (db.Channel, error) {
	return s.db.ChannelBySlug(r.Context(), middleware.Viewer(r.Context()), r.PathValue("slug"))
}

func (s *Server) listChannels(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	after, err := db.ParseCursor(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	rows, err := s.db.Channels(ctx, v, after, channelsPerPage+1)
	if err != nil {
		return err
	}
	index := channels.Index{Channels: rows, SignedIn: v.SignedIn()}
	if len(rows) > channelsPerPage {
		index.Channels = rows[:channelsPerPage]
		last := rows[channelsPerPage-1]
		index.NextURL = with("/c", "after", db.NewCursor(int64(last.ActiveAt), last.ID).String())
	}
	if respond.Partial(r) && !after.IsZero() {
		return s.respond.Render(w, r, http.StatusOK, channels.More(index))
	}
	if index.CanMake, err = s.mayMakeChannels(r); err != nil {
		return err
	}
	page, err := s.page(r, "Channels")
	if err != nil {
		return err
	}
	page.Current, page.Canonical = "channels", "/c"
	return s.show(w, r, page, channels.All(index))
}

// mayMakeChannels asks the site's setting: members, or moderators only.
func (s *Server) mayMakeChannels(r *http.Request) (bool, error) {
	v := middleware.Viewer(r.Context())
	if !v.SignedIn() || v.Staff() {
		return v.Staff(), nil
	}
	makers, err := s.db.Setting(r.Context(), db.SettingChannelMakers, "members")
	return makers == "members", err
}

func (s *Server) showChannel(w http.ResponseWriter, r *http.Request) error {
	ctx, v, after, since := r.Context(), middleware.Viewer(r.Context()), s.live.bridge.Last(), db.MillisOf(s.now())
	if id, ok := stored(r.PathValue("slug")); ok {
		c, err := s.db.ChannelByID(ctx, v, id)
		if err != nil {
			return err
		}
		return respond.Redirect(w, r, string(ui.ChannelURL(c.Slug)))
	}
	c, err := s.channel(r)
	if err != nil {
		return err
	}
	f, err := feed(r)
	if err != nil {
		return err
	}
	f.ChannelID = c.ID
	path := string(ui.ChannelURL(c.Slug))
	list, err := s.channelFeed(ctx, v, f, path)
	if err != nil {
		return err
	}
	if respond.Partial(r) && !f.After.IsZero() {
		return s.respond.Render(w, r, http.StatusOK, posts.More(list))
	}
	page, err := s.page(r, c.Name)
	if err != nil {
		return err
	}
	keepers, err := s.db.ChannelKeepers(ctx, v, c.ID)
	if err != nil {
		return err
	}
	page.Current, page.Canonical, page.Description = "c/"+c.Slug, path, c.Description
	if f.After.IsZero() {
		page.Topic, page.After, page.Since = db.ChannelTopic(c.ID), after, since
	}
	page.WriteURL = ui.ChannelURL(c.Slug) + "/new"
	page.BackURL, page.BackName = "/", "Home"
	page.Margin = channels.Margin(c, keepers)
	tabs := home.Tabs{Base: path, Sort: f.Sort, Window: f.Window}
	subject := channelSubject(&c)
	head := channels.Head{Channel: c, Mark: memberships.Mark(c), SignedIn: v.SignedIn(), CanWrite: !page.Suspended && auth.May(v, auth.Write, subject), CanEdit: auth.May(v, auth.Govern, subject)}
	if c.Visibility == db.Restricted && v.SignedIn() && !c.Joined {
		asked, err := s.db.Asked(ctx, v, c.ID)
		if err != nil {
			return err
		}
		head.Door = memberships.Ask(c, memberships.Asking{Asked: asked, Writes: head.CanWrite})
	}
	if head.CanEdit {
		waiting, err := s.db.Requests(ctx, v, c.ID)
		if err != nil {
			return err
		}
		head.Requests = len(waiting)
	}
	if v.SignedIn() {
		head.Follow = follows.Menu(channelFollowURL(&c), c.Level)
	}
	if len(list.Rows)+len(list.Pinned) == 0 {
		return s.show(w, r, page, channels.Top(head), home.ChannelOrders(tabs), channels.Nothing(c, head.CanWrite))
	}
	return s.show(w, r, page, channels.Top(head), home.ChannelOrders(tabs), posts.Page(list))
}

// channelFeed is a page of a channel's posts. In the order of activity some pinned ones stand above the first page, and
// therefore not in their place on any page.
func (s *Server) channelFeed(ctx context.Context, v db.Viewer, f db.Feed, path string) (posts.List, error) {
	list := feedList(f)
	list.InChannel = true
	rows, err := s.db.Posts(ctx, v, f)
	if err != nil {
		return list, err
	}
	list.Rows, list.NextURL = feedURL(path, f, rows)
	if f.Sort != db.Active {
		return list, nil
	}
	pinned, err := s.db.PinnedPosts(ctx, v, f.ChannelID)
	if err != nil {
		return list, err
	}
	if f.After.IsZero() {
		list.Pinned = pinned
	}
	list.Rows = slices.DeleteFunc(list.Rows, func(row db.PostRow) bool {
		return slices.ContainsFunc(pinned, func(p db.PostRow) bool { return p.ID == row.ID })
	})
	return list, nil
}

func (s *Server) joinChannel(w http.ResponseWriter, r *http.Request) error {
	return s.changeMembership(w, r, true)
}

func (s *Server) leaveChannel(w http.ResponseWriter, r *http.Request) error {
	return s.changeMembership(w, r, false)
}

func (s *Server) changeMembership(w http.ResponseWriter, r *http.Request, join bool) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	c, err := s.channel(r)
	if err != nil {
		return err
	}
	if join {
		err = s.db.Join(ctx, v, c.ID)
	} else {
		err = s.db.Leave(ctx, v, c.ID)
	}
	if err != nil {
		return err
	}
	if respond.Partial(r) {
		c.Joined = join || c.MyRole == "owner" // who stays
		return s.respond.Render(w, r, http.StatusOK, channels.JoinButton(c))
	}
	return respond.Redirect(w, r, string(ui.ChannelURL(c.Slug)))
}

func (s *Server) seeChannel(w http.ResponseWriter, r *http.Request) error {
	c, err := s.channel(r)
	if err != nil {
		return err
	}
	if err := s.db.SeenChannel(r.Context(), middleware.Viewer(r.Context()), c.ID); err != nil {
		return err
	}
	return respond.Noted(w, r, string(ui.ChannelURL(c.Slug)))
}

func (s *Server) newChannel(w http.ResponseWriter, r *http.Request) error {
	if may, err := s.mayMakeChannels(r); err != nil || !may {
		return errors.Join(err, db.ErrForbidden)
	}
	page, err := s.page(r, "Open a channel")
	if err != nil {
		return err
	}
	page.Current = "channels"
	return s.show(w, r, page, channels.Edit(channels.Form{Key: newKey(), Choice: memberships.Choice(db.Public)}))
}

// channelForm reads what was typed, with what is wrong with it.
func channelForm(r *http.Request, slug string) (f channels.Form, ok bool) {
	f = channels.Form{Slug: slug, NewSlug: strings.ToLower(strings.TrimSpace(r.PostFormValue("slug"))), Name: r.PostFormValue("name"),
		Description: strings.TrimSpace(r.PostFormValue("description")), Rules: r.PostFormValue("rules"),
		Visibility: db.Visibility(r.PostFormValue("visibility")), Key: formKey(r)}
	if !f.Visibility.Valid() { // a form that does not ask
		f.Visibility = db.Public
	}
	ctx := r.Context()
	name, fine := db.CleanName(f.Name)
	if !fine || name == "" {
		f.NameError = ui.T(ctx, "A channel needs a name of at most %d characters.", maxChannelName)
	} else {
		f.Name = name
	}
	if slug == "" && f.NewSlug == "" && f.NameError == "" {
		f.NewSlug = db.ChannelSlugOf(f.Name)
	}
	if slug == "" && f.NewSlug == "" {
		f.SlugError = ui.T(ctx, "A channel needs an address, such as tide-tables.")
	} else if slug == "" && !db.ValidSlug(f.NewSlug) {
		f.SlugError = ui.T(ctx, "“%s” cannot be an address: small letters, digits and hyphens, and not a word that the forum itself uses.", f.NewSlug)
	}
	about, fine := db.CleanTitle(f.Description)
	switch {
	case f.Description == "":
		f.AboutError = ui.T(ctx, "Say it in a sentence, so that people know whether to join.")
	case utf8.RuneCountInString(f.Description) > maxChannelAbout:
		f.AboutError = ui.T(ctx, "At most %d characters.", maxChannelAbout)
	case !fine:
		f.AboutError = ui.T(ctx, "There are characters in it that cannot be shown.")
	default:
		f.Description = about
	}
	ok = f.NameError == "" && f.SlugError == "" && f.AboutError == ""
	if !ok {
		f.Problem = ui.T(ctx, "Something needs another look. What you typed is still here.")
	}
	return f, ok
}

func (s *Server) channelFormAgain(w http.ResponseWriter, r *http.Request, status int, f channels.Form) error {
	page, err := s.page(r, "Open a channel")
	if err != nil {
		return err
	}
	if f.Slug == "" {
		f.Choice = memberships.Choice(f.Visibility)
	}
	return s.respond.Render(w, r, status, respond.Framed(page, channels.Edit(f)))
}

func (s *Server) createChannel(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	if may, err := s.mayMakeChannels(r); err != nil || !may {
		return errors.Join(err, db.ErrForbidden)
	}
	f, ok := channelForm(r, "")
	if !ok {
		return s.channelFormAgain(w, r, http.StatusUnprocessableEntity, f)
	}
	n := db.NewChannel{Slug: f.NewSlug, Name: f.Name, Description: f.Description, Rules: f.Rules, Visibility: f.Visibility, Key: f.Key}
	if err := s.allowWrite(ctx, v, n.FormKey()); err != nil {
		return err
	}
	slug, err := s.db.CreateChannel(ctx, v, n)
	var many *db.ManyChannels
	if errors.As(err, &many) {
		f.Problem = ui.T(ctx, "You have opened %s channels in a day, which is as many as your trust allows. The next one can come from %s on; what you typed is still here.", ui.Number(many.Most), ui.Instant(ctx, many.At))
		w.Header().Set("Retry-After", strconv.Itoa(int((many.In+time.Second-1)/time.Second)))
		return s.channelFormAgain(w, r, http.StatusTooManyRequests, f)
	}
	if errors.Is(err, db.ErrConflict) {
		f.SlugError = ui.T(ctx, "There is a channel at this address already.")
		return s.channelFormAgain(w, r, http.StatusUnprocessableEntity, f)
	}
	if f.RulesErr = limitText(ctx, err); f.RulesErr != "" {
		return s.channelFormAgain(w, r, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	return respond.Redirect(w, r, string(ui.ChannelURL(slug)))
}

func (s *Server) editChannel(w http.ResponseWriter, r *http.Request) error {
	c, err := s.channelFor(r, auth.Govern)
	if err != nil {
		return err
	}
	page, err := s.page(r, c.Name)
	if err != nil {
		return err
	}
	page.Current, page.BackURL, page.BackName = "c/"+c.Slug, ui.ChannelURL(c.Slug), c.Name
	leaf := []templ.Component{channels.Edit(channels.Form{Slug: c.Slug, Name: c.Name, Description: c.Description, Rules: c.Rules})}
	if auth.May(middleware.Viewer(r.Context()), auth.Own, channelSubject(&c)) {
		leaf = append(leaf, memberships.Access(c))
	}
	return s.show(w, r, page, leaf...)
}

func (s *Server) updateChannel(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	c, err := s.channelFor(r, auth.Govern)
	if err != nil {
		return err
	}
	f, ok := channelForm(r, c.Slug)
	if !ok {
		return s.channelFormAgain(w, r, http.StatusUnprocessableEntity, f)
	}
	err = s.db.SetChannel(ctx, v, c.ID, f.Name, f.Description, f.Rules)
	if f.RulesErr = limitText(ctx, err); f.RulesErr != "" {
		return s.channelFormAgain(w, r, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	return respond.Redirect(w, r, string(ui.ChannelURL(c.Slug)))
}
