package web

import (
	"context"
	"sync"
	"sync/atomic"

	"codex/app/bridge"
	"codex/app/hub"
	"codex/db"
)

// listening is what the streams of a server share.
type listening struct {
	hub    *hub.Hub
	bridge *bridge.Bridge
	open   atomic.Int64

	here  here
	pages fragments
	may   permissions
}

// fragments keeps what the last events look like, so that each is rendered once for all its readers.
type fragments struct {
	mu   sync.Mutex
	kept map[int64]*fragment
	ring [fragmentsKept]int64 // the ids in kept, in the order in which they came
	next int
}

const fragmentsKept = 256

type fragment struct {
	mu   sync.Mutex
	made bool
	text []byte
}

// of answers what the event looks like. Who comes while another makes it waits; when that one fails, the next tries.
func (f *fragments) of(id int64, render func() ([]byte, error)) ([]byte, error) {
	f.mu.Lock()
	one := f.kept[id]
	if one == nil {
		if f.kept == nil {
			f.kept = make(map[int64]*fragment, fragmentsKept)
		}
		one = new(fragment)
		delete(f.kept, f.ring[f.next])
		f.kept[id], f.ring[f.next] = one, id
		f.next = (f.next + 1) % fragmentsKept
	}
	f.mu.Unlock()
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.made {
		return one.text, nil
	}
	text, err := render()
	one.text, one.made = text, err == nil
	return text, err
}

// permissions remembers who may read which channel, as long as no right of theirs has changed. It hears of each event
// before any stream does, and an answer counts while it is younger than what has happened to its member and its channel.
type permissions struct {
	last atomic.Int64 // the event that was heard last

	mu       sync.Mutex
	known    map[permission]*standing
	members  map[int64]int64 // when the rights of a member have changed last: the id of the event
	channels map[int64]int64 // the same of a channel
	since    int64           // what is older than this counts for nothing
}

type permission struct{ viewer, channel int64 }

// standing is what was found out. Who comes while another asks waits, so that 10,000 readers of a post ask once.
type standing struct {
	mu    sync.Mutex
	asked bool
	at    int64 // the event up to which the answer is known to be right
	ok    bool
}

// mostPermissions bounds the memory: a line for each viewer with a private channel open, and for each member and channel
// whose rights have changed.
const mostPermissions = 50_000

// heard is told of each event before anybody listens to it.
func (p *permissions) heard(e hub.Event) {
	if e.Kind == db.EventMember || e.Kind == db.EventChannel {
		p.mu.Lock()
		if p.members == nil || len(p.members)+len(p.channels) >= mostPermissions {
			p.members, p.channels, p.since = map[int64]int64{}, map[int64]int64{}, e.ID
		}
		if e.Kind == db.EventMember {
			p.members[e.Subject] = e.ID
		} else {
			p.channels[e.Subject] = e.ID
		}
		p.mu.Unlock()
	}
	p.last.Store(e.ID)
}

// read reports whether the viewer may read the channel. What a guest may read everybody may: one answer serves all. A no
// ends a stream, so it is never one that is remembered: the right may have been given a moment ago, and not be heard of yet.
func (p *permissions) read(ctx context.Context, s *Server, v db.Viewer, channel int64) (bool, error) {
	if ok, err := p.ask(ctx, s, db.Viewer{}, channel); ok || err != nil {
		return ok, err
	}
	if v.SignedIn() {
		if ok, err := p.ask(ctx, s, v, channel); ok || err != nil {
			return ok, err
		}
	}
	return s.reads(ctx, v, channel)
}

func (p *permissions) ask(ctx context.Context, s *Server, v db.Viewer, channel int64) (bool, error) {
	one, need := p.of(permission{v.ID, channel})
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.asked && one.at >= need {
		return one.ok, nil
	}
	at := p.last.Load() // which was committed, so the database answers as of it or of later
	ok, err := s.reads(ctx, v, channel)
	if err != nil {
		return false, err
	}
	one.asked, one.at, one.ok = true, at, ok
	return ok, nil
}

func (s *Server) reads(ctx context.Context, v db.Viewer, channel int64) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.RequestTimeout)
	defer cancel()
	found, err := s.db.ReadableChannels(ctx, v, []int64{channel})
	return found[channel], err
}

// of answers what is known, and the event of which that must know.
func (p *permissions) of(key permission) (one *standing, need int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) > mostPermissions {
		p.known = map[permission]*standing{}
	}
	if one = p.known[key]; one == nil {
		one = new(standing)
		p.known[key] = one
	}
	return one, max(p.since, p.members[key.viewer], p.channels[key.channel])
}

// here counts who has a topic open: a member once, in however many windows, unless they hide it, and each stream of a
// guest, who may be anybody.
type here struct {
	mu      sync.Mutex
	n       map[string]int // who is counted
	members map[int64]*presence
}

// presence is where a member is.
type presence struct {
	streams map[string]int // of each topic
	hidden  bool
}

// enter counts a stream. That a member hides, or does so no more, goes for all of their windows.
func (h *here) enter(v db.Viewer, topics []topic) (leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.n == nil {
		h.n, h.members = map[string]int{}, map[int64]*presence{}
	}
	if v.SignedIn() {
		h.hide(v.ID, v.Hidden)
	}
	for _, t := range topics {
		h.come(v, t.name)
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, t := range topics {
			h.part(v, t.name)
		}
	}
}

func (h *here) hide(member int64, hidden bool) {
	m := h.members[member]
	if m == nil || m.hidden == hidden {
		return
	}
	m.hidden = hidden
	for topic := range m.streams {
		if hidden {
			h.add(topic, -1)
		} else {
			h.add(topic, 1)
		}
	}
}

func (h *here) come(v db.Viewer, topic string) {
	if !v.SignedIn() {
		h.add(topic, 1)
		return
	}
	m := h.members[v.ID]
	if m == nil {
		m = &presence{map[string]int{}, v.Hidden}
		h.members[v.ID] = m
	}
	if m.streams[topic]++; m.streams[topic] == 1 && !m.hidden {
		h.add(topic, 1)
	}
}

func (h *here) part(v db.Viewer, topic string) {
	if !v.SignedIn() {
		h.add(topic, -1)
		return
	}
	m := h.members[v.ID]
	if m.streams[topic]--; m.streams[topic] > 0 {
		return
	}
	delete(m.streams, topic)
	if len(m.streams) == 0 {
		delete(h.members, v.ID)
	}
	if !m.hidden {
		h.add(topic, -1)
	}
}

func (h *here) add(topic string, by int) {
	if h.n[topic] += by; h.n[topic] == 0 {
		delete(h.n, topic)
	}
}

func (h *here) count(topic string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n[topic]
}
