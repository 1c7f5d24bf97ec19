package web

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"codex/app/middleware"
	"codex/app/trace"
	"codex/app/web/respond"
	"codex/db"
)

// policy says who may call a route at all. What they may do to a thing is auth.May's word, in the handler.
type policy int

const (
	_           policy = iota // a route without a policy does not pass New
	anyone                    //
	membersOnly               // a guest is sent to the sign-in page
	staffOnly                 // moderators and admins; for other members the page is forbidden
	adminsOnly                // who runs the forum; for other members the page is forbidden
)

type route struct {
	pattern string
	policy  policy
	do      handler
}

// routes is every route of the site but the probes, static files, and what answers all other addresses: chain mounts them.
func (s *Server) routes() []route {
	return []route{
		{"GET /{$}", anyone, s.home},
		{"GET " + eventsPath, anyone, s.events},
		{"POST /read", membersOnly, s.markAllRead},

		{"GET /c", anyone, s.listChannels},
		{"GET /c/new", membersOnly, s.newChannel},
		{"POST /c", membersOnly, s.createChannel},
		{"GET /c/{slug}", anyone, s.showChannel},
		{"POST /c/{slug}/join", membersOnly, s.joinChannel},
		{"POST /c/{slug}/leave", membersOnly, s.leaveChannel},
		{"POST /c/{slug}/seen", membersOnly, s.seeChannel},
		{"GET /c/{slug}/members", anyone, s.listChannelMembers},
		{"GET /c/{slug}/settings", membersOnly, s.editChannel},
		{"POST /c/{slug}/settings", membersOnly, s.updateChannel},
		{"POST /c/{slug}/access", membersOnly, s.setAccess},
		{"POST /c/{slug}/delete", membersOnly, s.deleteChannel},
		{"POST /c/{slug}/ask", membersOnly, s.askToJoin},
		{"POST /c/{slug}/requests/{member}", membersOnly, s.answerRequest},
		{"POST /c/{slug}/invitations", membersOnly, s.inviteToChannel},
		{"POST /c/{slug}/invitations/{member}/drop", membersOnly, s.dropInvitation},
		{"POST /c/{slug}/members/{member}/role", membersOnly, s.setChannelRole},
		{"POST /c/{slug}/members/{member}/remove", membersOnly, s.removeFromChannel},
		{"GET /invitations", membersOnly, s.listInvitations},
		{"POST /invitations/{channel}", membersOnly, s.answerInvitation},

		{"GET /new", membersOnly, s.newPost},
		{"POST /new", membersOnly, s.createPost},
		{"GET /c/{slug}/new", membersOnly, s.newPost},
		{"POST /c/{slug}/posts", membersOnly, s.createPost},
		{"GET /p/{id}", anyone, s.showPost},
		{"GET /p/{id}/{slug}", anyone, s.showPost},
		{"GET /p/{id}/edit", membersOnly, s.editPost},
		{"POST /p/{id}/edit", membersOnly, s.updatePost},
		{"POST /p/{id}/delete", membersOnly, s.deletePost},
		{"POST /p/{id}/undelete", membersOnly, s.undeletePost},
		{"POST /p/{id}/pin", membersOnly, s.pinPost},
		{"POST /p/{id}/lock", membersOnly, s.lockPost},
		{"POST /p/{id}/react", membersOnly, s.reactToPost},
		{"POST /p/{id}/read", membersOnly, s.readPost},
		{"POST /preview", anyone, s.preview},
		{"GET /p/{id}/new", anyone, s.newComments},
		{"GET /p/{id}/history", anyone, s.postHistory},
		{"POST /p/{id}/history/{revision}", membersOnly, s.hidePostRevision},
		{"POST /p/{id}/save", membersOnly, s.savePost},
		{"POST /p/{id}/follow", membersOnly, s.followPost},
		{"POST /c/{slug}/follow", membersOnly, s.followChannel},
		{"GET /saved", membersOnly, s.listSaved},
		{"GET /similar", membersOnly, s.similar},
		{"GET /notifications", membersOnly, s.listNotifications},
		{"POST /notifications/read", membersOnly, s.readNotifications},
		{"GET /settings/notifications", membersOnly, s.notificationSettings},
		{"POST /settings/notifications", membersOnly, s.updateNotificationSettings},
		{"GET /drafts", membersOnly, s.listDrafts},
		{"POST /drafts", membersOnly, s.saveDraft},
		{"POST /drafts/discard", membersOnly, s.discardDraft},

		{"POST /p/{id}/comments", membersOnly, s.createComment},
		{"GET /comments/{id}", anyone, s.findComment},
		{"GET /comments/{id}/reply", membersOnly, s.replyToComment},
		{"GET /comments/{id}/edit", membersOnly, s.editComment},
		{"POST /comments/{id}/edit", membersOnly, s.updateComment},
		{"POST /comments/{id}/delete", membersOnly, s.deleteComment},
		{"POST /comments/{id}/undelete", membersOnly, s.undeleteComment},
		{"POST /comments/{id}/react", membersOnly, s.reactToComment},
		{"POST /comments/{id}/accept", membersOnly, s.acceptComment},
		{"GET /comments/{id}/history", anyone, s.commentHistory},
		{"POST /comments/{id}/history/{revision}", membersOnly, s.hideCommentRevision},

		{"GET /u/{handle}", anyone, s.showMember},
		{"GET /t/{tag}", anyone, s.showTag},
		{"GET /tags", anyone, s.listTags},

		{"GET /register", anyone, s.registerForm},
		{"POST /register", anyone, s.register},
		{"GET /register/waiting", anyone, s.waiting},
		{"GET /login", anyone, s.signInForm},
		{"POST /login", anyone, s.signIn},
		{"POST /login/code", anyone, s.signInWithCode},
		{"POST /logout", anyone, s.signOut},
		{"GET /forgot", anyone, s.forgotForm},
		{"POST /forgot", anyone, s.forgot},
		{"GET /reset", anyone, s.resetForm},
		{"POST /reset", anyone, s.reset},
		{"GET /verify", anyone, s.verifyForm},
		{"POST /verify", anyone, s.verify},
		{"GET /unsubscribe", anyone, s.unsubscribeForm},
		{"POST /unsubscribe", anyone, s.unsubscribe},

		{"GET /settings", membersOnly, s.settings},
		{"POST /settings/profile", membersOnly, s.updateProfile},
		{"POST /settings/handle", membersOnly, s.updateHandle},
		{"GET /settings/invites", membersOnly, s.listInvites},
		{"POST /settings/invites", membersOnly, s.createInvite},
		{"POST /settings/invites/{id}/end", membersOnly, s.endInvite},
		{"POST /settings/theme", membersOnly, s.updateTheme},
		{"POST /settings/time-zone", membersOnly, s.updateTimeZone},
		{"POST /settings/password", membersOnly, s.updatePassword},
		{"GET /settings/email", membersOnly, s.emailForm},
		{"POST /settings/email", membersOnly, s.updateEmail},
		{"POST /settings/email/verify", membersOnly, s.askVerify},
		{"POST /settings/email/letters", membersOnly, s.allowLetters},
		{"GET /settings/prove", membersOnly, s.proveForm},
		{"POST /settings/prove", membersOnly, s.prove},
		{"GET /settings/second-factor", membersOnly, s.showFactor},
		{"GET /settings/second-factor/new", membersOnly, s.newFactor},
		{"POST /settings/second-factor", membersOnly, s.createFactor},
		{"POST /settings/second-factor/codes", membersOnly, s.newRecoveryCodes},
		{"POST /settings/second-factor/off", membersOnly, s.dropFactor},
		{"GET /settings/data", membersOnly, s.showData},
		{"POST " + exportPath, membersOnly, s.exportData},
		{"POST /settings/data/delete", membersOnly, s.deleteAccount},
		{"POST /settings/sessions/end", membersOnly, s.endOtherSessions},
		{"POST /settings/sessions/end-all", membersOnly, s.endSessions},
		{"POST /settings/sessions/{id}/end", membersOnly, s.endSession},

		{"GET /admin", adminsOnly, s.adminDesk},
		{"GET /admin/settings", adminsOnly, s.siteSettings},
		{"POST /admin/settings", adminsOnly, s.changeSiteSettings},
		{"POST /admin/logo", adminsOnly, s.setLogo},
		{"GET /logo/{name}", anyone, s.showLogo},
		{"POST /admin/channels/{channel}/restore", adminsOnly, s.restoreChannel},
		{"GET " + jobsPath, adminsOnly, s.listJobs},
		{"POST " + jobsPath + "/{id}/retry", adminsOnly, s.retryJob},
		{"POST " + jobsPath + "/{id}/drop", adminsOnly, s.dropJob},
		{"GET " + webhooksPath, adminsOnly, s.listWebhooks},
		{"POST " + webhooksPath, adminsOnly, s.addWebhook},
		{"GET " + webhooksPath + "/{id}", adminsOnly, s.showWebhook},
		{"POST " + webhooksPath + "/{id}", adminsOnly, s.setWebhookKinds},
		{"POST " + webhooksPath + "/{id}/switch", adminsOnly, s.switchWebhook},
		{"POST " + webhooksPath + "/{id}/test", adminsOnly, s.testWebhook},
		{"POST " + webhooksPath + "/{id}/delete", adminsOnly, s.deleteWebhook},
		{"POST " + webhooksPath + "/{id}/replay/{delivery}", adminsOnly, s.replayDelivery},

		{"GET /settings/trust", membersOnly, s.showTrust},
		{"GET /settings/blocks", membersOnly, s.listBlocks},
		{"POST /settings/blocks", membersOnly, s.blockFromList},
		{"POST /u/{handle}/block", membersOnly, s.blockMember},

		{"GET /moderation/members/{handle}", staffOnly, s.showDossier},
		{"POST /moderation/members/{handle}/bar", staffOnly, s.barMember},
		{"POST /moderation/members/{handle}/lift", staffOnly, s.liftMember},
		{"POST /moderation/members/{handle}/role", adminsOnly, s.changeRole},
		{"POST /moderation/members/{handle}/factor", adminsOnly, s.resetFactor},
		{"POST /moderation/members/{handle}/trust", staffOnly, s.setTrust},
		{"POST /moderation/members/{handle}/notes", staffOnly, s.addStaffNote},
		{"GET /moderation/registrations", staffOnly, s.listRegistrations},
		{"POST /moderation/registrations", staffOnly, s.decideRegistrations},
		{"GET /moderation/bans", staffOnly, s.listBans},
		{"POST /moderation/bans", staffOnly, s.banOutside},
		{"POST /moderation/bans/{id}/lift", staffOnly, s.liftOutside},

		{"GET /flag", membersOnly, s.flagForm},
		{"POST /flag", membersOnly, s.flag},
		{"GET /p/{id}/remove", membersOnly, s.removePostForm},
		{"POST /p/{id}/remove", membersOnly, s.removePost},
		{"GET /comments/{id}/remove", membersOnly, s.removeCommentForm},
		{"POST /comments/{id}/remove", membersOnly, s.removeComment},
		{"GET /moderation", membersOnly, s.queue}, // who keeps a channel has a queue too
		{"GET /moderation/cases/{id}", membersOnly, s.showCase},
		{"POST /moderation/cases/{id}/claim", membersOnly, s.claimCase},
		{"POST /moderation/cases/{id}/decide", membersOnly, s.decideCase},
		{"POST /moderation/cases/{id}/undo", membersOnly, s.undoCase},
		{"POST /moderation/bulk", membersOnly, s.decideCases},
		{"GET /moderation/words", staffOnly, s.watchWords},
		{"POST /moderation/words", staffOnly, s.addWatchWord},
		{"POST /moderation/words/{id}/drop", staffOnly, s.dropWatchWord},
		{"GET /moderation/newcomers", staffOnly, s.newcomers},
		{"GET /moderation/sweep", staffOnly, s.sweepForm},
		{"POST /moderation/sweeps", staffOnly, s.startSweep},
		{"GET /moderation/sweeps/{id}", staffOnly, s.showSweep},
		{"POST /moderation/sweeps/{id}/undo", staffOnly, s.undoSweep},
		{"GET /moderation/log", staffOnly, s.modLog},
		{"GET /log", anyone, s.publicLog},

		{"GET /about", anyone, s.about},
		{"GET /rules", anyone, s.rules},
		{"GET /privacy", anyone, s.privacy},
		{"GET /robots.txt", anyone, s.robots},
		{"GET /favicon.ico", anyone, s.favicon},
	}
}

// nothing answers what has no route in the mux but the one that it stands for itself: 405 when a route has the address
// for another method, else 404. It goes by the shape of the address alone, so that it tells nothing of what is there. It reads no body: some of what it stands for is mounted without a limit.
//
// The mux has a 405 of its own, but as plain text, and none while a route takes every address.
func nothing(mux *http.ServeMux) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var allow []string
		for _, method := range []string{http.MethodGet, http.MethodPost} { // no route has another
			as := &http.Request{Method: method, URL: r.URL, Host: r.Host}
			if _, pattern := mux.Handler(as); strings.HasPrefix(pattern, method+" ") {
				allow = append(allow, method)
			}
		}
		if allow == nil {
			return db.ErrNotFound
		}
		if allow[0] == http.MethodGet {
			allow = slices.Insert(allow, 1, http.MethodHead)
		}
		w.Header().Set("Allow", strings.Join(allow, ", "))
		return &wrongMethod{r.Method}
	}
}

// wrongMethod says that an address has no such method.
type wrongMethod struct{ method string }

func (e *wrongMethod) Error() string { return "no route for the method " + e.method }
func (e *wrongMethod) Status() int   { return http.StatusMethodNotAllowed }

// serve wraps a route's handler into what net/http calls.
func (s *Server) serve(rt route) http.HandlerFunc {
	return s.handle(func(w http.ResponseWriter, r *http.Request) error { return s.admit(rt, w, r) })
}

func (s *Server) handle(do handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		trace.From(r.Context()).SetName(r.Pattern) // so that traces of one route can be compared
		if err := do(w, r); err != nil {
			s.respond.Fail(w, r, err)
		}
	}
}

func (s *Server) admit(rt route, w http.ResponseWriter, r *http.Request) error {
	v := middleware.Viewer(r.Context())
	if must, err := s.mustSetFactor(r.Context(), v, rt.pattern); err != nil {
		return err
	} else if must {
		return respond.Redirect(w, r, "/settings/second-factor")
	}
	switch {
	case rt.policy != anyone && !v.SignedIn():
		return s.mustSignIn(w, r)
	case rt.policy == staffOnly && !v.Staff(), rt.policy == adminsOnly && v.Role != db.Admin:
		return db.ErrForbidden
	case rt.policy == staffOnly, rt.policy == adminsOnly:
		if err := s.suspended(v); err != nil {
			return err
		}
	}
	if r.Method == http.MethodPost {
		if err := readForm(r); err != nil {
			return err
		}
	}
	if rt.policy != anyone {
		if err := otherMember(v, r); err != nil {
			return err
		}
	}
	if err := s.admitWrite(rt, r); err != nil {
		return err
	}
	return rt.do(w, r)
}

// readForm reads a form before the handler asks for a field of it: r.PostFormValue takes a body that is too large, too
// slow or broken for an empty one, and what a person typed would be answered with "write something first".
func readForm(r *http.Request) error {
	var err error
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "multipart/form-data" {
		err = r.ParseMultipartForm(middleware.FormBytes)
	} else {
		err = r.ParseForm()
	}
	var known interface{ Status() int }
	switch {
	case err == nil:
		readable(r.PostForm)
		return nil
	case errors.As(err, &known), r.Context().Err() != nil:
		return err
	}
	return &badForm{err}
}

// readable puts U+FFFD for bytes that are no text, and for NUL: what is stored is shown again, on pages that say that
// they are UTF-8. Names and titles refuse that letter. A password is bytes, and is never shown.
func readable(form url.Values) {
	for name, values := range form {
		if name == "password" || name == "new" || name == "proof" {
			continue
		}
		for i, v := range values {
			values[i] = strings.ReplaceAll(strings.ToValidUTF8(v, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
}

// badForm says that the body of a request is no form.
type badForm struct{ err error }

func (e *badForm) Error() string { return "read the form: " + e.err.Error() }
func (e *badForm) Unwrap() error { return e.err }
func (e *badForm) Status() int   { return http.StatusBadRequest }
