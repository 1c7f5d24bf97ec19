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
		return Field{Name: name, Label: label, Hint: hint, Value: value(name, fallback), Default: fallback, Max: most, Long: long}
	}
	choose := func(name, label, hint string, choices ...Choice) Field {
		return Field{Name: name, Label: label, Hint: hint, Value: value(name, choices[0].Value), Default: choices[0].Value, Choices: choices}
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
			onOff(db.SettingReadOnly, ui.T(ctx, "Read-only"), ui.T(ctx, "While it is on, everybody reads, a line on each page says so, and nobody joins. Moderators and admins still write and decide; those who keep a channel decide about what waits there. For a move, or a night in which you want to sleep."), ui.T(ctx, "Off: people write"), ui.T(ctx, "On: members only read")),
		}},
		{ID: "joining", Title: ui.T(ctx, "How one becomes a member"), Fields: []Field{
			choose(db.SettingRegistration, ui.T(ctx, "Who may register"), ui.T(ctx, "Closed also stops a wave: nobody comes in until you open it again."),
				Choice{Value: "open", Text: ui.T(ctx, "Everybody")}, Choice{Value: "invite", Text: ui.T(ctx, "Who has an invite")},
				Choice{Value: "approval", Text: ui.T(ctx, "Whom a moderator approves")}, Choice{Value: "closed", Text: ui.T(ctx, "Nobody: closed")}),
			text(db.SettingQuestion, ui.T(ctx, "The question"), ui.T(ctx, "For approval: what you ask those who want to join. Empty: why they would like to."), 200, false, ""),
			choose(db.SettingInviteMakers, ui.T(ctx, "Who may invite"), "", Choice{Value: "moderators", Text: ui.T(ctx, "Moderators and admins")}, Choice{Value: "members", Text: ui.T(ctx, "Every member")}),
		}},
		{ID: "waiting", Title: ui.T(ctx, "What waits for a moderator"), Fields: []Field{
			{Name: db.SettingHoldFirst, Label: ui.T(ctx, "First texts of a new member"), Hint: ui.T(ctx, "How many of them wait until a moderator has read them. It counts for who registers from now on."), Value: value(db.SettingHoldFirst, strconv.Itoa(db.HoldFirst)), Default: strconv.Itoa(db.HoldFirst),
				Choices: []Choice{{Value: "0", Text: ui.T(ctx, "None")}, {Value: "1", Text: ui.T(ctx, "The first")}, {Value: "2", Text: ui.T(ctx, "The first two")}, {Value: "5", Text: ui.T(ctx, "The first five")}, {Value: "10", Text: ui.T(ctx, "The first ten")}}},
			onOff(db.SettingHoldAll, ui.T(ctx, "Everything waits"), ui.T(ctx, "Against a wave: each text waits but those of staff, and of who keeps the channel. Nothing is lost."), ui.T(ctx, "Off"), ui.T(ctx, "On: all of it waits")),
			choose(db.SettingPublicLog, ui.T(ctx, "Moderation log"), ui.T(ctx, "Who removed something, when and why, without what it was."), Choice{Value: "on", Text: ui.T(ctx, "For everybody")}, Choice{Value: "off", Text: ui.T(ctx, "For the staff")}),
		}},
		limits(ctx, value),
	}
}

// limits are how much members may write.
func limits(ctx context.Context, value func(name, fallback string) string) Group {
	g := Group{ID: "limits", Title: ui.T(ctx, "How much one may write"), Text: ui.T(ctx, "Posts and comments together. Moderators and admins are not held to it. A change counts at once, and the page “Trust and limits” tells each member what holds for them.")}
	for _, l := range db.SettableLimits() {
		usual := strconv.Itoa(l.Usual)
		g.Fields = append(g.Fields, Field{Name: l.Name, Label: limitText(ctx, l.Name), Number: true, Min: l.Least, Max: l.Most, Default: usual, Value: value(l.Name, usual),
			Hint: ui.T(ctx, "Usual: %s. From %s to %s.", ui.Number(l.Usual), ui.Number(l.Least), ui.Number(l.Most))})
	}
	return g
}

func limitText(ctx context.Context, name string) string {
	switch name {
	case db.SettingNewcomerBurst:
		return ui.T(ctx, "Of a newcomer in five minutes")
	case db.SettingNewcomerDay:
		return ui.T(ctx, "Of a newcomer in a day")
	case db.SettingMemberHour:
		return ui.T(ctx, "Of every other member in an hour")
	case db.SettingKnownDay:
		return ui.T(ctx, "Of who is known here, in a day")
	case db.SettingRegularDay:
		return ui.T(ctx, "Of a regular, in a day")
	case db.SettingLinks + "0":
		return ui.T(ctx, "Links in a text of a newcomer")
	case db.SettingLinks + "1":
		return ui.T(ctx, "Links in a text of who is known here")
	case db.SettingLinks + "2":
		return ui.T(ctx, "Links in a text of a regular")
	}
	return ui.T(ctx, "Links in a text of who is trusted")
}

// field finds a setting on the page.
func (s Show) field(name string) (Field, bool) {
	for _, g := range s.Groups {
		for _, f := range g.Fields {
			if f.Name == name {
				return f, true
			}
		}
	}
	return Field{}, false
}

// label is what a setting of the history is called. What the page does not have any more is called as the code does.
func (s Show) label(ctx context.Context, name string) string {
	if name == db.SettingLogo {
		return ui.T(ctx, "Logo")
	}
	if f, ok := s.field(name); ok {
		return f.Label
	}
	return name
}

// said is a value of the history in the words of its choice; a long text is shown from its beginning.
func (s Show) said(ctx context.Context, name, value string) string {
	f, _ := s.field(name)
	for _, c := range f.Choices {
		if c.Value == value {
			return c.Text
		}
	}
	switch r := []rune(value); {
	case name == db.SettingLogo && value != "":
		return ui.T(ctx, "a picture")
	case value == "" && f.Default != "":
		return s.said(ctx, name, f.Default) // of an entry from before the defaults were written down
	case value == "":
		return ui.T(ctx, "nothing")
	case len(r) > 120:
		return string(r[:120]) + "…"
	}
	return value
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

// LogoText says why a picture is not taken.
func LogoText(ctx context.Context, large, foreign bool) string {
	switch {
	case large:
		return ui.T(ctx, "This picture is too large: at most 512 KiB, and 2,000 pixels on a side.")
	case foreign:
		return ui.T(ctx, "This is none of PNG, JPEG and WebP. Other kinds of pictures are not taken.")
	}
	return ui.T(ctx, "This picture is damaged, and cannot be read to its end.")
}
