package db

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestAProofIsOfItsSessionAlone(t *testing.T) {
	t.Parallel()
	for name, sign := range map[string]func(s *doors, member int64, token string) Viewer{
		"stored":  func(s *doors, member int64, token string) Viewer { s.signIn(member, token); return s.viewer(token) },
		"waiting": func(s *doors, member int64, token string) Viewer { return s.wait(member, token) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ctx := newDoors(t, ""), context.Background()
			member := s.member("plain", Plain)
			here, there := sign(s, member, "here"), sign(s, member, "there")
			s.later = time.Hour
			s.ok(s.ProveSession(ctx, here))
			if at := s.viewer("here").ProvedAt; at < MillisOf(s.now())-1000 {
				t.Errorf("proved at %d", at)
			}
			if at := s.viewer("there").ProvedAt; at != there.ProvedAt || at == 0 {
				t.Errorf("the other session was proved at %d, now %d", there.ProvedAt, at)
			}
			stranger := Viewer{ID: s.member("stranger", Plain), SessionID: there.SessionID}
			if err := s.ProveSession(ctx, stranger); !errors.Is(err, ErrNotFound) {
				t.Errorf("a stranger's: %v", err)
			}
			s.store()
			if at := s.viewer("here").ProvedAt; at < MillisOf(s.now())-5000 {
				t.Errorf("stored as proved at %d", at)
			}
		})
	}
}

func TestWhoWaitsToBeLetInHasNoSession(t *testing.T) {
	t.Parallel()
	s, ctx := newDoors(t, ""), context.Background()
	member := s.member("plain", Plain)
	s.signIn(member, "stored")
	s.wait(member, "waiting")
	if _, err := s.write.ExecContext(ctx, "UPDATE members SET state = 'pending' WHERE id = ?", member); err != nil {
		t.Fatal(err)
	}
	s.noneOpens("pending", "stored", "waiting")
	if _, err := s.write.ExecContext(ctx, "UPDATE members SET state = 'active', banned_until = ? WHERE id = ?", s.millis()+60_000, member); err != nil {
		t.Fatal(err)
	}
	s.noneOpens("banned", "stored", "waiting")
	s.later = 2 * time.Minute
	s.viewer("stored")
}

func TestOnAFullDiskACodeCountsOnceToo(t *testing.T) {
	t.Parallel()
	var spent spentSteps
	for step, want := range []error{nil, ErrNotFound} {
		if err := spent.spend(1, 7); !errors.Is(err, want) {
			t.Errorf("use %d: %v", step, err)
		}
	}
	if err := spent.spend(1, 8); err != nil || spent.of(1) != 8 || spent.of(2) != 0 {
		t.Errorf("the next code: %v, %d", err, spent.of(1))
	}
	for i := range maxSpent {
		_ = spent.spend(int64(i+2), 1)
	}
	if err := spent.spend(maxSpent+10, 1); !errors.Is(err, ErrNoSpace) || len(spent.last) > maxSpent {
		t.Errorf("one too many: %v, %d are remembered", err, len(spent.last))
	}
}
