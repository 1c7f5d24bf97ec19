package web

import (
	"net/http"
	"sync"
	"time"
	_ "time/tzdata" // 450 KB, so that a member's time zone does not depend on what the machine has installed

	"codex/app/middleware"
	"codex/views/settings"
)

// zones are the time zones that members have chosen, each loaded once: at most those of the list in settings.
type zones struct{ loaded sync.Map }

// of answers nil, for UTC, where there is no such zone.
func (z *zones) of(name string) *time.Location {
	if name == "" {
		return nil
	}
	if at, ok := z.loaded.Load(name); ok {
		return at.(*time.Location)
	}
	if !settings.Zone(name) {
		return nil
	}
	at, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	z.loaded.Store(name, at)
	return at
}

func (s *Server) zone(r *http.Request) *time.Location {
	return s.zones.of(middleware.Viewer(r.Context()).TimeZone)
}
