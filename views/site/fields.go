package site

import (
	"context"
	"strconv"

	"github.com/a-h/templ"

	"codex/db"
	"codex/views/ui"
)

// Groups are the settings as their page shows them. Every setting that a person can change stands here, and only
// those are taken from the form. named is the forum's name where no setting says otherwise.
func Groups(ctx context.Context, named string, value func(name, fallback string) string) []Group {
	text := func(name, label, hint string, most int, long bool, fallback string) Field {
		return Field{Name: name, Label: label, Hint: hint, Value: value(name, fallback), Max: most, Long: long}
	}
	choose := func(name, label, hint string, choices ...Choice) Field {
		return Field{Name: name, Label: label, Hint: hint, Value: value(name, choices[0].Value), Choices: choices}
	}
	onOff := func(name, label, hint, off, on string) Field {
		return choose(name, label, hint, Choice{Value: "off", Text: off}, Choice{Value: "on", Text: on})
	}
	return []Group{
		{ID: "face", Title: ui.T(ctx, "How it presents itself"), Fields: []Field{
			text(db.SettingSiteName, ui.T(ctx, "Name"), ui.T(ctx, "Its first letter becomes the red one."), 40, false, named),
			text(db.SettingWelcome, ui.T(ctx, "Welcome"), ui.T(ctx, "A line for those who come for the first time. It stands on the front page until they join."), 120, false, ""),
			text(db.SettingContact, ui.T(ctx, "How to reach you"), ui.T(ctx, "An e-mail address, or the address of a page. It stands on the page about the forum."), 200, false, ""),
			text(db.SettingRules, ui.T(ctx, "Rules"), ui.T(ctx, "Markdown. Empty: the rules that the forum comes with."), 10_000, true, ""),
		}},
		{ID: "doing", Title: ui.T(ctx, "Who may do what"), Fields: []Field{
			choose(db.SettingChannelMakers, ui.T(ctx, "Who may open channels"), "", Choice{Value: "members", Text: ui.T(ctx, "Every member")}, Choice{Value: "moderators", Text: ui.T(ctx, "Moderators and admins")}),
			onOff(db.SettingStaffFactor, ui.T(ctx, "Second factor for staff"), ui.T(ctx, "When it is needed, moderators and admins who have none are led to set it up and can do nothing else until then."), ui.T(ctx, "As they like"), ui.T(ctx, "Needed")),
			onOff(db.SettingReadOnly, ui.T(ctx, "Read-only"), ui.T(ctx, "While it is on, nobody writes, and everybody reads. For a move, or a night in which you want to sleep."), ui.T(ctx, "Off: people write"), ui.T(ctx, "On: reading only")),
		}},
		{ID: "joining", Title: ui.T(ctx, "How one becomes a member"), Fields: []Field{
			choose(db.SettingRegistration, ui.T(ctx, "Who may register"), ui.T(ctx, "Closed also stops a wave: nobody comes in until you open it again."),
				Choice{Value: "open", Text: ui.T(ctx, "Everybody")}, Choice{Value: "invite", Text: ui.T(ctx, "Who has an invite")},
				Choice{Value: "approval", Text: ui.T(ctx, "Whom a moderator approves")}, Choice{Value: "closed", Text: ui.T(ctx, "Nobody: closed")}),
			text(db.SettingQuestion, ui.T(ctx, "The question"), ui.T(ctx, "For approval: what you ask those who want to join. Empty: why they would like to."), 200, false, ""),
			choose(db.SettingInviteMakers, ui.T(ctx, "Who may invite"), "", Choice{Value: "moderators", Text: ui.T(ctx, "Moderators and admins")}, Choice{Value: "members", Text: ui.T(ctx, "Every member")}),
		}},
		{ID: "waiting", Title: ui.T(ctx, "What waits for a moderator"), Fields: []Field{
			{Name: db.SettingHoldFirst, Label: ui.T(ctx, "First texts of a new member"), Hint: ui.T(ctx, "How many of them wait until a moderator has read them. It counts for who registers from now on."), Value: value(db.SettingHoldFirst, strconv.Itoa(db.HoldFirst)),
				Choices: []Choice{{Value: "0", Text: ui.T(ctx, "None")}, {Value: "1", Text: ui.T(ctx, "The first")}, {Value: "2", Text: ui.T(ctx, "The first two")}, {Value: "5", Text: ui.T(ctx, "The first five")}, {Value: "10", Text: ui.T(ctx, "The first ten")}}},
			onOff(db.SettingHoldAll, ui.T(ctx, "Everything waits"), ui.T(ctx, "Against a wave: each text of a member who is neither staff nor regular waits, and nothing is lost."), ui.T(ctx, "Off"), ui.T(ctx, "On: all of it waits")),
			choose(db.SettingPublicLog, ui.T(ctx, "Moderation log"), ui.T(ctx, "Who removed something, when and why, without what it was."), Choice{Value: "on", Text: ui.T(ctx, "For everybody")}, Choice{Value: "off", Text: ui.T(ctx, "For the staff")}),
		}},
	}
}

// step is a line of the checklist.
type step struct {
	done        bool
	title, text string
	url         templ.SafeURL // where it is done; empty: not on a page
}

// Ready is what a forum has that opens its doors.
type Ready struct{ Name, Welcome, Contact, Rules, Channel, Secure bool }

// steps are what is left to do before a forum opens, and what is done.
func (r Ready) steps(ctx context.Context) []step {
	const face = "/admin/settings#face"
	return []step{
		{r.Name, ui.T(ctx, "Give it a name"), ui.T(ctx, "It stands at the top of each page."), face},
		{r.Welcome, ui.T(ctx, "Say who is welcome"), ui.T(ctx, "One line for those who come for the first time."), face},
		{r.Contact, ui.T(ctx, "Say how to reach you"), ui.T(ctx, "People need to know whom to ask, and the law of most places agrees."), face},
		{r.Rules, ui.T(ctx, "Write the rules"), ui.T(ctx, "Until you do, those that the forum comes with are in force."), face},
		{r.Channel, ui.T(ctx, "Open a channel"), ui.T(ctx, "A room for one subject. The rest will follow."), "/c/new"},
		{r.Secure, ui.T(ctx, "Put it behind TLS"), ui.T(ctx, "Set CODEX_BASE_URL to the https address that people use; the README shows how."), ""},
	}
}
