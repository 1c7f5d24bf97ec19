package hub

import (
	"slices"
	"sync"
)

// Subscription is one reader's place in a hub: a browser that has a page open, a bridge to another node.
//
//	sub, err := hub.Subscribe("post:12", "member:7")
//	if err != nil {
//		return err
//	}
//	defer sub.Close()
//	for event := range sub.C() {
//		…
//	}
//	return sub.Err()
type Subscription struct {
	hub    *Hub
	events chan Event

	mu     sync.Mutex // for a send and the closing of events too: they must not meet
	topics []string   // few, so a slice; does not change after the end
	ended  bool
	err    error
}

// C gives the events. It is closed when the subscription has ended, after the last that was buffered; Err says why.
func (s *Subscription) C() <-chan Event { return s.events }

// Err returns ErrBehind or ErrClosed when that is what ended the subscription; nil while it is open, and when its own
// Close ended it.
func (s *Subscription) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Add begins to listen to one more topic. A topic that it has already, and an ended subscription, stay as they are.
func (s *Subscription) Add(topic string) {
	part := s.hub.shard(topic)
	part.mu.Lock()
	defer part.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || slices.Contains(s.topics, topic) {
		return
	}
	s.topics = append(s.topics, topic)
	part.add(topic, s)
}

// Remove stops listening to a topic. What was buffered of it still comes.
func (s *Subscription) Remove(topic string) {
	part := s.hub.shard(topic)
	part.mu.Lock()
	defer part.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.topics, topic)
	if s.ended || i < 0 {
		return
	}
	s.topics = slices.Delete(s.topics, i, i+1)
	part.remove(topic, s)
}

// Close ends the subscription. Closing twice, or one that has ended by itself, does no harm.
func (s *Subscription) Close() { s.end(nil) }

func (s *Subscription) end(why error) {
	s.mu.Lock()
	first := s.endLocked(why)
	s.mu.Unlock()
	if first {
		s.hub.forget(s)
	}
}

// offer buffers e. When there is no room it ends the subscription and returns ErrBehind, once; the caller, who holds the
// shard's lock, lets the hub forget it later. It must be ended here and now: if its reader made room meanwhile, the next
// event would hide that this one is missing.
func (s *Subscription) offer(e Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return ErrClosed
	}
	select {
	case s.events <- e:
		return nil
	default:
		s.endLocked(ErrBehind)
		return ErrBehind
	}
}

// endLocked reports whether the subscription was open until now.
func (s *Subscription) endLocked(why error) bool {
	if s.ended {
		return false
	}
	s.ended, s.err = true, why
	close(s.events)
	return true
}
