package middleware

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"codex/app/auth"
	"codex/db"
)

// sessionDeadline bounds the look-up of a session within the request's own deadline.
const sessionDeadline = 5 * time.Second

// touchDeadline bounds the write of its last use: a page does not wait for whoever holds the write lock.
const touchDeadline = 100 * time.Millisecond

type viewerKey struct{}

// Session finds who asks, by the cookie of that name, and puts them into the context. A cookie that belongs to no
// session makes a guest, and is taken back; only a database that does not answer ends the request.
//
// Once a minute the last use of the session is written: the one thing that a GET changes. The request does not fail
// when that write does, since reading must go on when the disk is full.
func Session(next http.Handler, d *db.DB, cookie string, log *slog.Logger, fail Fail) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie(cookie)
		if err != nil || c.Value == "" {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), sessionDeadline)
		find := d.ViewerBySession
		if r.Method == http.MethodPost {
			find = d.SenderBySession
		}
		viewer, touch, err := find(ctx, auth.HashToken(c.Value))
		if err == nil && touch {
			touching, stop := context.WithTimeout(ctx, touchDeadline)
			err := d.TouchSession(touching, viewer)
			stop()
			if err != nil {
				log.WarnContext(r.Context(), "session's last use not written", "error", err)
			}
		}
		cancel()
		switch {
		case errors.Is(err, db.ErrNotFound):
			SetSessionCookie(w, cookie, "")
			next.ServeHTTP(w, r)
			return
		case err != nil:
			fail(w, r, err)
			return
		}
		SetMember(r.Context(), viewer.ID)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), viewerKey{}, viewer)))
	})
}

// Viewer is who asks: a guest when Session found nobody.
func Viewer(ctx context.Context) db.Viewer {
	v, _ := ctx.Value(viewerKey{}).(db.Viewer)
	return v
}

// AsGuest is the context of a guest: what is made once for several viewers is made in it.
func AsGuest(ctx context.Context) context.Context {
	return context.WithValue(ctx, viewerKey{}, db.Viewer{})
}

// SetSessionCookie gives the browser the token of its session, or takes it back when token is empty. The cookie lasts
// as long as a session can; whether the session does is the database's word.
func SetSessionCookie(w http.ResponseWriter, name, token string) {
	c := &http.Cookie{
		Name: name, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(name, "__Host-"),
		MaxAge: int(db.SessionMax / time.Second),
	}
	if token == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
