// Package mails holds the letters that the forum sends: each is written once, and shown as HTML and as plain text, so that
// the two cannot drift apart. Everything here may be used by any number of goroutines.
package mails

import (
	"context"
	"strings"

	"codex/db"
	"codex/views/notifications"
	"codex/views/ui"
)

// Letter is what a letter says.
type Letter struct {
	Subject string
	Title   string
	Lines   []string // paragraphs, above the button
	Items   []Item   // below them
	Button  string   // what it does; empty: there is none
	URL     string
	After   []string // paragraphs below it
	StopURL string   // where letters of this kind are stopped; empty: they are about the account itself
}

// Item is something to read, of a list.
type Item struct {
	Title string
	Line  string // whose it is, or how it begins; may be empty
	URL   string
}

// footer says whose letter it is, and why it came.
func (l Letter) footer(ctx context.Context) string {
	if l.StopURL != "" {
		return ui.T(ctx, "%s sent you this because you asked to hear of it.", ui.Site(ctx))
	}
	return ui.T(ctx, "%s sent you this because it is about your account. Nobody reads what you answer to it.", ui.Site(ctx))
}

// stop is what the link says that stops such letters.
func stop(ctx context.Context) string { return ui.T(ctx, "No more such letters") }

// Text is the letter for those who read plain text.
func (l Letter) Text(ctx context.Context) string {
	parts := append([]string{l.Title}, l.Lines...)
	for _, i := range l.Items {
		item := "* " + i.Title + "\n"
		if i.Line != "" {
			item += "  " + i.Line + "\n"
		}
		parts = append(parts, item+"  "+i.URL)
	}
	if l.Button != "" {
		parts = append(parts, l.Button+":\n"+l.URL)
	}
	parts = append(parts, l.After...)
	foot := "-- \n" + l.footer(ctx)
	if l.StopURL != "" {
		foot += "\n" + stop(ctx) + ": " + l.StopURL
	}
	return strings.Join(append(parts, foot), "\n\n") + "\n"
}

// Verify asks whether an address is the member's.
func Verify(ctx context.Context, handle, url string) Letter {
	return Letter{
		Subject: ui.T(ctx, "Is this your address?"),
		Title:   ui.T(ctx, "Is this your address?"),
		Lines:   []string{ui.T(ctx, "Somebody, you most likely, gave it for the account @%s at %s. Say that it is yours, so that we can reach you when it matters: when you forget your password, above all.", handle, ui.Site(ctx))},
		Button:  ui.T(ctx, "Yes, it is mine"), URL: url,
		After: []string{ui.T(ctx, "The link works for half an hour and once. If this was not you, do nothing, and nothing comes of it.")},
	}
}

// Reset leads to a new password.
func Reset(ctx context.Context, handle, url string) Letter {
	return Letter{
		Subject: ui.T(ctx, "A new password"),
		Title:   ui.T(ctx, "A new password"),
		Lines:   []string{ui.T(ctx, "Somebody, you most likely, forgot the password of @%s at %s. Here you set a new one; wherever you are signed in, you are signed out then.", handle, ui.Site(ctx))},
		Button:  ui.T(ctx, "Set a new password"), URL: url,
		After: []string{ui.T(ctx, "The link works for half an hour and once. If this was not you, do nothing: your password stays as it is, and nobody but you has this link.")},
	}
}

// PasswordChanged warns whose password is another one now.
func PasswordChanged(ctx context.Context, handle, url string) Letter {
	return Letter{
		Subject: ui.T(ctx, "Your password was changed"),
		Title:   ui.T(ctx, "Your password was changed"),
		Lines:   []string{ui.T(ctx, "The account @%s at %s has another password since a moment ago. If that was you, all is well.", handle, ui.Site(ctx)), ui.T(ctx, "If it was not, take the account back now:")},
		Button:  ui.T(ctx, "Set a new password"), URL: url,
	}
}

// EmailChanged tells the old address that it is not the account's any more.
func EmailChanged(ctx context.Context, handle, url string) Letter {
	return Letter{
		Subject: ui.T(ctx, "Your address was changed"),
		Title:   ui.T(ctx, "Your address was changed"),
		Lines: []string{ui.T(ctx, "The account @%s at %s has another e-mail address since a moment ago; this is the last letter to this one. If that was you, all is well.", handle, ui.Site(ctx)),
			ui.T(ctx, "If it was not, somebody else has your account. Write to those who run the forum, soon:")},
		Button: ui.T(ctx, "Who runs the forum"), URL: url,
	}
}

// Notifications tells of what somebody has not seen: of one thing with its words, of several in a list.
func Notifications(ctx context.Context, base string, list []db.Notification) Letter {
	title := notifications.Plain(ctx, list[0])
	if len(list) == 1 {
		n := list[0]
		l := Letter{Subject: title, Title: title, Button: ui.T(ctx, "Read it"), URL: base + string(notifications.Address(n))}
		if n.Excerpt != "" && n.Kind != db.NoticeDecision {
			l.Lines = []string{n.Excerpt}
		}
		return l
	}
	l := Letter{
		Subject: ui.N(ctx, "%s thing that you have not seen", "%s things that you have not seen", len(list)),
		Button:  ui.T(ctx, "All notifications"), URL: base + "/notifications",
	}
	l.Title = l.Subject
	for _, n := range list {
		i := Item{Title: notifications.Plain(ctx, n), URL: base + string(notifications.Address(n))}
		if n.Kind != db.NoticeDecision && n.Times == 1 {
			i.Line = n.Excerpt
		}
		l.Items = append(l.Items, i)
	}
	return l
}

// Digest tells of the best posts of a day or a week.
func Digest(ctx context.Context, base string, every db.Digest, posts []db.PostRow, unread int) Letter {
	l := Letter{Title: ui.T(ctx, "This week at %s", ui.Site(ctx)), Button: ui.T(ctx, "To the forum"), URL: base + "/"}
	if every == db.DailyDigest {
		l.Title = ui.T(ctx, "Today at %s", ui.Site(ctx))
	}
	l.Subject = l.Title
	if unread > 0 {
		l.Lines = []string{ui.N(ctx, "%s notification waits for you.", "%s notifications wait for you.", unread)}
	}
	for _, p := range posts {
		l.Items = append(l.Items, Item{
			Title: p.Title, URL: base + string(ui.PostURL(p.ID, p.Slug)),
			Line: ui.T(ctx, "%s in %s", ui.Name(ctx, p.AuthorName), p.ChannelName) + " · " + ui.N(ctx, "%s comment", "%s comments", p.Comments),
		})
	}
	return l
}
