package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"codex/app/auth"
	"codex/app/hub"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/comments"
	"codex/views/live"
	"codex/views/ui"
)

const (
	eventsPath  = "/events"
	mostTopics  = 4      // of one page
	mostStreams = 12_000 // of all viewers
	heartbeat   = 20 * time.Second
	// lookAgain is how often a stream asks whether its session still is: it may end by its age, which is no event.
	lookAgain = 15 * heartbeat
)

// stream is one reader's connection.
type stream struct {
	s       *Server
	v       db.Viewer
	session []byte // the hash of the token; nil: a guest
	topics  []topic
	own     string // the topic of what concerns the viewer alone; empty: a guest
	sub     *hub.Subscription
	line    *respond.Line
	at      int64    // the cursor: all up to it was sent, or is nothing for this reader
	told    int      // how many are here, as last sent
	places  []func() // give back what it has taken, the last first
}

// topic is what a page asked for, with the channel whose readers may hear of it.
type topic struct {
	name    string
	channel int64
}

// errOver ends a stream whose viewer may not listen any more; one that has not begun is not there.
var errOver = fmt.Errorf("the stream's viewer may not listen any more: %w", db.ErrNotFound)

// events is the one stream of a page: what concerns the viewer, and what the page asks for. It begins here, and lives on in
// respond/stream.go; the gate counts it until it ends.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	v := middleware.Viewer(r.Context())
	st := &stream{s: s, v: v, session: s.sessionHash(r)}
	asking, asked := context.WithTimeout(r.Context(), s.config.RequestTimeout)
	defer asked()
	if err := st.ask(r.WithContext(asking)); err != nil {
		return err
	}
	if len(st.topics) == 0 && !v.SignedIn() || r.Method == http.MethodHead {
		w.WriteHeader(http.StatusNoContent) // nothing will happen: the page does not ask again
		return nil
	}
	missed, complete, err := st.enter(r.WithContext(asking))
	if err != nil {
		st.leave()
		return err
	}
	err = s.respond.Stream(w, r, func(ctx context.Context, l *respond.Line) error {
		st.line = l
		if err := st.begin(ctx, missed, complete); err != nil {
			return err
		}
		missed = nil // the stream may last for hours
		return st.follow(ctx)
	}, st.ended)
	if err != nil { // the answer has begun: there is nothing more to say
		st.ended(err)
	}
	return nil
}

// enter takes the stream's places, which leave gives back, and answers what its reader has missed.
func (st *stream) enter(r *http.Request) (missed []db.Event, complete bool, err error) {
	one, err := st.s.enterStream(r.Context(), st.v)
	if err != nil {
		return nil, false, err
	}
	st.places = append(st.places, st.s.gate.Hold(), one)
	names := st.names()
	if st.sub, err = st.s.live.hub.Subscribe(append(names, st.access()...)...); err != nil {
		return nil, false, &middleware.Stopping{After: heartbeat / 4}
	}
	st.places = append(st.places, st.sub.Close)
	if err := st.stillThere(r.Context()); err != nil { // what happened to them until now the stream was not told
		return nil, false, err
	}
	st.places = append(st.places, st.s.live.here.enter(st.v, st.topics))
	return st.missed(r, names)
}

func (st *stream) leave() {
	for _, leave := range slices.Backward(st.places) {
		leave()
	}
}

func (st *stream) ended(err error) {
	st.leave()
	if err != nil && !errors.Is(err, context.Canceled) {
		st.s.log.Debug("stream ended", "why", err)
	}
}

// enterStream counts a stream, of the viewer or of the guest's address, and of all.
func (s *Server) enterStream(ctx context.Context, v db.Viewer) (leave func(), err error) {
	rule, key := middleware.GuestStream, ""
	if v.SignedIn() {
		rule, key = middleware.MemberStream, middleware.MemberKey(v.ID)
	}
	one, err := s.limits.Enter(ctx, rule, key)
	if err != nil {
		return nil, err
	}
	if s.live.open.Add(1) > mostStreams {
		s.live.open.Add(-1)
		one()
		return nil, &middleware.TooMany{Limit: "streams of all", After: time.Minute}
	}
	return func() {
		s.live.open.Add(-1)
		one()
	}, nil
}

// ask reads the topics of the address; one that the viewer may not read is not there.
func (st *stream) ask(r *http.Request) error {
	asked := r.URL.Query()["topic"]
	if len(asked) > mostTopics {
		return db.ErrNotFound
	}
	for _, name := range asked {
		kind, id, ok := db.ParseTopic(name)
		if !ok {
			return db.ErrNotFound
		}
		channel := id
		if kind == "post" {
			p, err := st.s.db.PostByID(r.Context(), st.v, id)
			if err != nil {
				return err
			}
			channel = p.ChannelID
		} else if _, err := st.s.db.ChannelByID(r.Context(), st.v, id); err != nil {
			return err
		}
		if !slices.Contains(st.names(), name) { // asked for twice, they would be here twice
			st.topics = append(st.topics, topic{name, channel})
		}
	}
	return nil
}

func (st *stream) names() (list []string) {
	for _, t := range st.topics {
		list = append(list, t.name)
	}
	if st.v.SignedIn() {
		st.own = db.MemberTopic(st.v.ID)
		list = append(list, st.own)
	}
	return list
}

// access names the topics that tell of other readers of the channels that are listened to.
func (st *stream) access() (list []string) {
	for _, t := range st.topics {
		if name := db.ChannelAccess(t.channel); !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// missed finds what happened since the page was made, or since the connection broke. It is asked after the subscription
// has begun, so that nothing falls between the two.
func (st *stream) missed(r *http.Request, names []string) ([]db.Event, bool, error) {
	st.at = st.s.live.bridge.Last()
	from := r.Header.Get("Last-Event-ID")
	if from == "" {
		from = r.URL.Query().Get("after")
	}
	if from == "" {
		return nil, true, nil
	}
	after, err := strconv.ParseInt(from, 10, 64)
	if err != nil {
		return nil, false, nil
	}
	list, complete, err := st.s.db.EventsOn(r.Context(), names, after, st.at)
	slices.SortFunc(list, func(a, b db.Event) int { return int(a.ID - b.ID) })
	return slices.DeleteFunc(list, func(e db.Event) bool { return e.Kind == db.EventMember }), complete, err // enter has looked
}

// begin says where the reader is: with the first event it has the cursor, and how many are here.
func (st *stream) begin(ctx context.Context, missed []db.Event, complete bool) error {
	if !complete {
		if err := st.send(ctx, "reset", live.Reset()); err != nil {
			return err
		}
	}
	for _, e := range missed {
		if err := st.pass(ctx, hub.Event{Topic: e.Topic, Kind: e.Kind, ID: e.ID, Subject: e.Subject}); err != nil {
			return err
		}
	}
	if st.v.SignedIn() { // the badge is what the database says, whatever the page was made with
		if err := st.send(ctx, "unread", live.Told(st.v.Unread)); err != nil {
			return err
		}
	}
	return st.present(ctx)
}

// follow passes on what happens, until the reader or the server goes.
func (st *stream) follow(ctx context.Context) error {
	beat, look := time.NewTicker(heartbeat), time.Now()
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, open := <-st.sub.C():
			switch {
			case !open && errors.Is(st.sub.Err(), hub.ErrClosed):
				return st.bye(ctx)
			case !open:
				return st.sub.Err()
			case e.ID <= st.at:
				continue // it was among what was missed
			}
			if err := st.pass(ctx, e); err != nil {
				return err
			}
			st.at = e.ID
		case <-beat.C:
			if time.Since(look) > lookAgain {
				look = time.Now()
				if err := st.stillThere(ctx); err != nil {
					return err
				}
			}
			if err := st.present(ctx); err != nil {
				return err
			}
		}
	}
}

// bye is said when the server stops.
func (st *stream) bye(ctx context.Context) error {
	text, err := st.s.respond.Fragment(middleware.AsGuest(ctx), live.Bye())
	if err != nil {
		return err
	}
	return st.line.Send(ctx, respond.StreamEvent{ID: st.at, Name: "bye", Data: text, Bye: true})
}

// pass sends an event, if its reader may know of it.
func (st *stream) pass(ctx context.Context, e hub.Event) error {
	if e.Kind == db.EventMember || e.Kind == db.EventChannel {
		return st.stillThere(ctx)
	}
	if e.Topic == st.own {
		return st.unread(ctx, e)
	}
	i := slices.IndexFunc(st.topics, func(t topic) bool { return t.name == e.Topic })
	if i < 0 {
		return nil
	}
	if err := st.mayHear(ctx, st.topics[i]); err != nil {
		return err
	}
	text, err := st.s.live.pages.of(e.ID, func() ([]byte, error) {
		text, err := st.s.eventText(ctx, st.v, e)
		if err != nil {
			return nil, err
		}
		// A right may be lost that is not heard of yet: what is gone for this viewer alone must not be gone for all.
		if ok, err := st.s.reads(ctx, st.v, st.topics[i].channel); err != nil || !ok {
			return nil, errors.Join(errOver, err)
		}
		return text, nil
	})
	if err != nil || len(text) == 0 {
		return err
	}
	return st.line.Send(ctx, respond.StreamEvent{ID: e.ID, Name: e.Kind, Data: text})
}

// unread tells the viewer's number of notifications, as it is now.
func (st *stream) unread(ctx context.Context, e hub.Event) error {
	ctx, cancel := context.WithTimeout(ctx, st.s.config.RequestTimeout)
	defer cancel()
	n, err := st.s.db.Unread(ctx, st.v)
	if err != nil {
		return err
	}
	name := "unread" // it was read in another window
	if e.Subject != 0 {
		name = "notification"
	}
	text, err := st.s.respond.Fragment(ctx, live.Told(n))
	if err != nil {
		return err
	}
	return st.line.Send(ctx, respond.StreamEvent{ID: e.ID, Name: name, Data: text})
}

// stillThere fails when the session has ended or a channel may not be read any more.
func (st *stream) stillThere(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, st.s.config.RequestTimeout)
	defer cancel()
	if st.session != nil {
		v, _, err := st.s.db.ViewerBySession(ctx, st.session)
		if err != nil {
			return fmt.Errorf("look who listens: %w", err)
		}
		st.v = v
	}
	for _, t := range st.topics {
		if err := st.mayHear(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (st *stream) mayHear(ctx context.Context, t topic) error {
	ok, err := st.s.live.may.read(ctx, st.s, st.v, t.channel)
	if err != nil {
		return fmt.Errorf("look who may listen: %w", err)
	}
	if !ok {
		return errOver
	}
	return nil
}

// present says how many are here when that has changed; else it keeps the connection alive.
func (st *stream) present(ctx context.Context) error {
	if len(st.topics) == 0 {
		return st.line.Send(ctx, respond.StreamEvent{})
	}
	n := st.s.live.here.count(st.topics[0].name)
	if n == st.told {
		return st.line.Send(ctx, respond.StreamEvent{})
	}
	st.told = n
	return st.send(ctx, "presence", live.Here(n))
}

// send sends what is for this reader alone.
func (st *stream) send(ctx context.Context, name string, c templ.Component) error {
	text, err := st.s.respond.Fragment(ctx, c)
	if err != nil {
		return err
	}
	return st.line.Send(ctx, respond.StreamEvent{ID: st.at, Name: name, Data: text})
}

// eventText is what all who may read the topic are sent: it holds nothing that only some of them may see. v is one of
// them. Nothing, for what is not to be seen by all.
func (s *Server) eventText(ctx context.Context, v db.Viewer, e hub.Event) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.RequestTimeout)
	defer cancel()
	var shown templ.Component
	var err error
	kind, id, _ := db.ParseTopic(e.Topic)
	switch {
	case e.Kind == db.EventComment:
		shown, err = s.liveComment(ctx, v, id, e.Subject)
	case e.Kind == db.EventReaction:
		shown, err = s.liveScore(ctx, v, id, e.Subject)
	case e.Kind == db.EventPost && kind == "post":
		shown, err = s.livePost(ctx, v, id)
	case e.Kind == db.EventPost && kind == "channel":
		shown, err = s.liveArrival(ctx, v, e.Subject)
	}
	if err != nil || shown == nil {
		return nil, err
	}
	return s.respond.Fragment(middleware.AsGuest(ctx), shown)
}

func (s *Server) liveComment(ctx context.Context, v db.Viewer, post, id int64) (templ.Component, error) {
	c, _, err := s.db.CommentByID(ctx, v, id)
	if errors.Is(err, db.ErrNotFound) || c.Deleted {
		p, err := s.db.PostByID(ctx, v, post)
		if errors.Is(err, db.ErrNotFound) {
			return live.CommentGone(id, nil), nil
		}
		return live.CommentGone(id, comments.Count(threadText(ctx, &p))), err
	}
	if err != nil {
		return nil, err
	}
	return live.Comment(&c), nil
}

func (s *Server) liveScore(ctx context.Context, v db.Viewer, post, comment int64) (templ.Component, error) {
	if comment != 0 {
		c, _, err := s.db.CommentByID(ctx, v, comment)
		if errors.Is(err, db.ErrNotFound) || c.Deleted {
			return nil, nil
		}
		return live.CommentScore(c.ID, c.Score), err
	}
	p, err := s.db.PostByID(ctx, v, post)
	if errors.Is(err, db.ErrNotFound) || p.DeletedAt != 0 {
		return nil, nil
	}
	return live.PostScore(p.Score), err
}

func (s *Server) livePost(ctx context.Context, v db.Viewer, id int64) (templ.Component, error) {
	p, err := s.db.PostByID(ctx, v, id)
	if errors.Is(err, db.ErrNotFound) || p.DeletedAt != 0 {
		return live.PostGone(), nil
	}
	if err != nil {
		return nil, err
	}
	return live.Post(&p), nil
}

func (s *Server) liveArrival(ctx context.Context, v db.Viewer, id int64) (templ.Component, error) {
	p, err := s.db.PostByID(ctx, v, id)
	if errors.Is(err, db.ErrNotFound) || p.DeletedAt != 0 {
		return live.ArrivalGone(id), nil
	}
	if err != nil {
		return nil, err
	}
	return live.Arrival(&p), nil
}

// newComments answers with comments that came while the page was open, each in its place in the thread.
func (s *Server) newComments(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	p, err := s.post(r)
	if err != nil {
		return err
	}
	if !respond.Partial(r) { // a link that was opened for itself
		return respond.Redirect(w, r, string(ui.PostURL(p.ID, p.Slug))+"#thread")
	}
	var ids []int64
	for _, text := range r.URL.Query()["id"] {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil && len(ids) < db.MostFresh {
			ids = append(ids, id)
		}
	}
	list, err := s.db.CommentsByID(ctx, v, p.ID, ids)
	if err != nil {
		return err
	}
	stopped, err := s.stopped(ctx, v)
	if err != nil {
		return err
	}
	roots := nodes(v, &p, db.CommentPage{Comments: list})
	if err := s.nameParents(ctx, v, p.ID, roots); err != nil {
		return err
	}
	if stopped != nil {
		still(roots)
	}
	return s.respond.Render(w, r, http.StatusOK, comments.Arrived(roots, threadText(ctx, &p)))
}

// nameParents says whom comments answer that came without what they answer: it is on the page already.
func (s *Server) nameParents(ctx context.Context, v db.Viewer, post int64, roots []*comments.Node) error {
	var ids []int64
	for _, n := range roots {
		if n.ParentID != 0 {
			ids = append(ids, n.ParentID)
		}
	}
	if ids == nil {
		return nil
	}
	parents, err := s.db.CommentsByID(ctx, v, post, ids)
	for i := range parents {
		for _, n := range roots {
			if n.ParentID == parents[i].ID {
				n.ToName = toName(&parents[i])
			}
		}
	}
	return err
}

// sessionHash is what the viewer's session is known by in the database; nil for a guest.
func (s *Server) sessionHash(r *http.Request) []byte {
	if c, err := r.Cookie(s.cookie); err == nil && middleware.Viewer(r.Context()).SignedIn() {
		return auth.HashToken(c.Value)
	}
	return nil
}
