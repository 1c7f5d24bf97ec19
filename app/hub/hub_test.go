package hub

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func subscribe(t testing.TB, h *Hub, topics ...string) *Subscription {
	t.Helper()
	s, err := h.Subscribe(topics...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// rest is all that a subscription that has ended still gives.
func rest(s *Subscription) (ids []int64) {
	for e := range s.C() {
		ids = append(ids, e.ID)
	}
	return ids
}

func upTo(last int64) (ids []int64) {
	for id := int64(1); id <= last; id++ {
		ids = append(ids, id)
	}
	return ids
}

// empty says what a hub still holds that nobody is subscribed to any more.
func empty(t *testing.T, h *Hub) {
	t.Helper()
	if st := h.Stats(); st.Subscriptions != 0 || st.Topics != 0 {
		t.Errorf("%d subscriptions and %d topics stayed behind", st.Subscriptions, st.Topics)
	}
}

func TestAnEventReachesThoseWhoHaveItsTopicOnce(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	reader := subscribe(t, h, "post:1", "channel:3", "post:1") // named twice, heard once
	other := subscribe(t, h, "post:2")
	h.Publish(Event{Topic: "post:1", Kind: "comment", ID: 1})
	h.Publish(Event{Topic: "post:9", Kind: "comment", ID: 2})
	h.Publish(Event{Topic: "channel:3", Kind: "post", ID: 3})
	if st, want := h.Stats(), (Stats{Subscriptions: 2, Topics: 3, Published: 3, Delivered: 2}); st != want {
		t.Errorf("%+v, want %+v", st, want)
	}
	reader.Close()
	other.Close()
	if got := rest(reader); !slices.Equal(got, []int64{1, 3}) {
		t.Errorf("heard %d, want 1 and 3", got)
	}
	if got := rest(other); got != nil {
		t.Errorf("heard %d of a topic that it does not have", got)
	}
	empty(t, h)
}

func TestTopicsComeAndGoWhileASubscriptionIsOpen(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	s := subscribe(t, h)
	h.Publish(Event{Topic: "post:1", Kind: "comment", ID: 1})
	s.Add("post:1")
	s.Add("post:1")
	h.Publish(Event{Topic: "post:1", Kind: "comment", ID: 2})
	s.Remove("post:1")
	s.Remove("post:1")
	h.Publish(Event{Topic: "post:1", Kind: "comment", ID: 3})
	if h.Stats().Topics != 0 {
		t.Error("a topic that nobody has stayed in the table")
	}
	s.Close()
	s.Add("post:1")
	s.Remove("post:1")
	h.Publish(Event{Topic: "post:1", Kind: "comment", ID: 4})
	if got := rest(s); !slices.Equal(got, []int64{2}) {
		t.Errorf("heard %d, want 2 alone", got)
	}
	empty(t, h)
}

func TestWhoWatchesSeesAnEventBeforeItIsTold(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	s := subscribe(t, h, "post:1")
	var seen []int64
	h.Watch(func(Event) { t.Error("the first is asked, though another took its place") })
	h.Watch(func(e Event) {
		if len(s.C()) != len(seen) {
			t.Errorf("%d was told first", e.ID)
		}
		seen = append(seen, e.ID)
	})
	h.Publish(Event{Topic: "post:1", Kind: "comment", ID: 1})
	h.Publish(Event{Topic: "post:1", Kind: "comment", ID: 2})
	h.Close()
	h.Publish(Event{Topic: "post:1", Kind: "comment", ID: 3})
	if !slices.Equal(seen, []int64{1, 2}) {
		t.Errorf("saw %d", seen)
	}
}

func TestWhoFallsBehindIsEndedWithoutAHole(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	stuck, quick := subscribe(t, h, "post:1", "member:7"), subscribe(t, h, "post:1")
	for id := int64(1); id <= 65; id++ {
		h.Publish(Event{Topic: "post:1", Kind: "comment", ID: id})
		if e := <-quick.C(); e.ID != id {
			t.Fatalf("the quick one heard %d, want %d", e.ID, id)
		}
	}
	first := <-stuck.C() // there is room again, but 65 is missing: 66 must not come
	h.Publish(Event{Topic: "post:1", Kind: "comment", ID: 66})
	if got := append([]int64{first.ID}, rest(stuck)...); !slices.Equal(got, upTo(64)) {
		t.Errorf("the stuck one heard %d", got)
	}
	stuck.Close() // its reader's defer; the reason stays
	if err := stuck.Err(); !errors.Is(err, ErrBehind) {
		t.Errorf("the stuck one: %v, want ErrBehind", err)
	}
	if e := <-quick.C(); e.ID != 66 || quick.Err() != nil {
		t.Errorf("the quick one heard %d (%v), want 66", e.ID, quick.Err())
	}
	if st, want := h.Stats(), (Stats{Subscriptions: 1, Topics: 1, Published: 66, Delivered: 64 + 66, Behind: 1}); st != want {
		t.Errorf("%+v, want %+v", st, want)
	}
}

func TestACloseEndsEverySubscription(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	without, with, gone := subscribe(t, h), subscribe(t, h, "post:1"), subscribe(t, h, "post:1")
	gone.Close()
	h.Publish(Event{Topic: "post:1", Kind: "comment", ID: 1})
	h.Close()
	h.Close()
	h.Publish(Event{Topic: "post:1", Kind: "comment", ID: 2})
	for name, c := range map[string]struct {
		s     *Subscription
		heard []int64
		err   error
	}{"without a topic": {without, nil, ErrClosed}, "with one": {with, []int64{1}, ErrClosed}, "closed before": {gone, nil, nil}} {
		c.s.Close()
		if got := rest(c.s); !slices.Equal(got, c.heard) || !errors.Is(c.s.Err(), c.err) {
			t.Errorf("%s: heard %d, %v; want %d, %v", name, got, c.s.Err(), c.heard, c.err)
		}
	}
	if s, err := h.Subscribe("post:1"); s != nil || !errors.Is(err, ErrClosed) {
		t.Errorf("a closed hub took a subscription: %v", err)
	}
	if h.Stats().Published != 1 {
		t.Error("a closed hub counted what it did not tell")
	}
	empty(t, h)
}

// Each publisher numbers its own events, so that a reader sees a hole, a double or a change of order.
func TestOrderHoldsWhilePeopleComeAndGo(t *testing.T) {
	t.Parallel()
	const publishers, events = 4, 2_000
	h := New(Options{Buffer: publishers * events}) // nobody falls behind here
	topic := func(i int) string { return fmt.Sprintf("post:%d", i%2) }
	steady := []*Subscription{subscribe(t, h, "post:0", "post:1"), subscribe(t, h, "post:0", "post:1")}
	stop := make(chan struct{})
	var visits, publishing sync.WaitGroup
	for range 2 {
		visits.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				s, err := h.Subscribe("post:0")
				if err != nil {
					t.Error(err)
					return
				}
				s.Add("post:1")
				s.Remove("post:0")
				s.Close()
			}
		})
	}
	for p := range publishers {
		publishing.Go(func() {
			for n := range events {
				h.Publish(Event{Topic: topic(p), Kind: "comment", ID: int64(p*events + n)})
			}
		})
	}
	publishing.Wait()
	close(stop)
	visits.Wait()
	var heard [2]map[string][]int64
	for i, s := range steady {
		s.Close()
		heard[i] = map[string][]int64{}
		next := map[int64]int64{}
		for e := range s.C() {
			heard[i][e.Topic] = append(heard[i][e.Topic], e.ID)
			if p := e.ID / events; e.ID%events != next[p] {
				t.Fatalf("of publisher %d came %d, want %d", p, e.ID%events, next[p])
			} else {
				next[p]++
			}
		}
	}
	for p := range 2 {
		if a, b := heard[0][topic(p)], heard[1][topic(p)]; len(a) != 2*events || !slices.Equal(a, b) {
			t.Errorf("%s: %d events for one, %d for the other, or in another order", topic(p), len(a), len(b))
		}
	}
	empty(t, h)
}

// Everything at once, for the race detector; what a reader hears is a beginning of what was published, whatever ends it.
func TestPublishingSubscribingAndClosingMayMeet(t *testing.T) {
	t.Parallel()
	for range 100 {
		h := New(Options{Buffer: 4})
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for n := range 20 {
					s, err := h.Subscribe("post:1")
					if err != nil {
						return
					}
					if n%2 == 0 {
						s.Add("post:2")
						s.Close()
						continue
					}
					var last int64
					for e := range s.C() {
						if last != 0 && e.ID != last+1 {
							t.Errorf("%d came after %d", e.ID, last)
						}
						last = e.ID
					}
					if err := s.Err(); !errors.Is(err, ErrBehind) && !errors.Is(err, ErrClosed) {
						t.Errorf("ended by itself with %v", err)
					}
					s.Close()
				}
			})
		}
		all.Go(func() {
			for id := int64(1); id <= 500; id++ {
				h.Publish(Event{Topic: "post:1", Kind: "comment", ID: id})
			}
			h.Close()
		})
		all.Go(func() {
			for id := int64(1); id <= 500; id++ {
				h.Publish(Event{Topic: "post:2", Kind: "comment", ID: id})
				h.Stats()
			}
		})
		all.Wait()
		h.Close()
		empty(t, h)
	}
}

func TestAStuckReaderHoldsUpNobody(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	for range 100 {
		subscribe(t, h, "post:1") // none of them ever reads
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for id := range int64(10_000) {
			h.Publish(Event{Topic: "post:1", Kind: "comment", ID: id})
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("Publish waits for a reader that does not read")
	}
	if st := h.Stats(); st.Behind != 100 {
		t.Errorf("%d ended with ErrBehind, want 100", st.Behind)
	}
	empty(t, h)
}

func TestThousandsWhoComeAndGoLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	var all sync.WaitGroup
	for browser := range 10 {
		all.Go(func() {
			for n := range 1_000 {
				s, err := h.Subscribe("channel:3", fmt.Sprintf("post:%d", n), fmt.Sprintf("member:%d", browser))
				if err != nil {
					t.Error(err)
					return
				}
				h.Publish(Event{Topic: "channel:3", Kind: "post", ID: int64(n)})
				s.Close()
			}
		})
	}
	all.Wait()
	empty(t, h)
}

func BenchmarkPublishToTenThousandReadersOfOneTopic(b *testing.B) {
	h := New(Options{})
	readers := make([]*Subscription, 10_000)
	for i := range readers {
		readers[i] = subscribe(b, h, "post:1")
	}
	b.ReportAllocs()
	var id int64
	for b.Loop() {
		h.Publish(Event{Topic: "post:1", Kind: "comment", ID: id})
		if id++; id%64 == 0 { // the readers catch up
			b.StopTimer()
			for _, s := range readers {
				for len(s.C()) > 0 {
					<-s.C()
				}
			}
			b.StartTimer()
		}
	}
	if h.Stats().Behind > 0 {
		b.Fatal("a reader fell behind: this measures less than it says")
	}
}

func BenchmarkPublishIntoTenThousandTopics(b *testing.B) {
	h := New(Options{})
	topics, readers := make([]string, 10_000), make([]*Subscription, 10_000)
	for i := range topics {
		topics[i] = fmt.Sprintf("post:%d", i)
		readers[i] = subscribe(b, h, topics[i])
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i = (i + 1) % len(topics) {
			h.Publish(Event{Topic: topics[i], Kind: "comment", ID: 1})
			select {
			case <-readers[i].C():
			default: // the other publisher took it
			}
		}
	})
}

// A quiet topic beside one with 10,000 readers that never rests: why the table has shards. The mean hides it: most of
// the time the lock is free, and now and then it is held for the whole fan-out.
func BenchmarkPublishBesideABusyTopic(b *testing.B) {
	h := New(Options{Buffer: 1})
	quiet := subscribe(b, h, "post:2")
	for range 10_000 {
		subscribe(b, h, "post:1").ended = true // looked at each time, never full
	}
	stop := make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				h.Publish(Event{Topic: "post:1", Kind: "comment", ID: 1})
			}
		}
	})
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		h.Publish(Event{Topic: "post:2", Kind: "comment", ID: 1})
		took = append(took, time.Since(began))
		<-quiet.C()
	}
	close(stop)
	busy.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*999/1000].Nanoseconds()), "p99.9-ns")
}

func BenchmarkSubscribeAndClose(b *testing.B) {
	h := New(Options{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s, err := h.Subscribe("post:1", "channel:3", "member:7")
			if err != nil {
				b.Fatal(err)
			}
			s.Close()
		}
	})
}
