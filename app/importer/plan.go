package importer

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kinds of items, as they stand in the key (source, kind, ext_id) of a row.
const (
	KindUser     = "user"
	KindQuestion = "question"
	KindAnswer   = "answer"
	KindComment  = "comment"
)

// Reasons for leaving a row out, as the report shows them.
const (
	SkipExcerptOrphan = "tag wiki without a tag in Tags.xml"
	SkipEmptyWiki     = "tag wiki without text"
	SkipNomination    = "election nomination: elections are not a feature"
	SkipSitePage      = "page of the source site itself"
	SkipUnknownPost   = "post type that dumps do not document"
	SkipNoQuestion    = "its question is not in the dump"
	SkipNoPost        = "its post is not in the dump"
	SkipPostLeftOut   = "its post was left out"
	SkipTooLarge      = "text too large to convert"
	SkipNested        = "HTML nested too deep to convert"
	SkipAlready       = "already imported"
	SkipBadge         = "badges are not a feature"
	SkipRelated       = "related posts are not a feature (links in the text stay)"
	SkipUnknownLink   = "link type that dumps do not document"
	SkipNotQuestions  = "joins posts that are not both questions"
	SkipInScore       = "up or down vote: part of the imported score"
	SkipAcceptance    = "acceptance: taken from the question itself"
	SkipVoteGone      = "vote on a post that is not in the dump"
	SkipBookmark      = "bookmark: private to its member"
	SkipBounty        = "bounty: reputation is not a feature"
	SkipModeration    = "moderation vote (close, delete, spam, review)"
)

// Author is who wrote an item. Deleted says that the source has no user for it
// any more; Name is then what it shows in place of one, or empty.
type Author struct {
	ID      int64
	Name    string
	Deleted bool
}

// Member is what a user becomes. They cannot sign in: they have no password and
// no address.
type Member struct {
	ID              int64 // at the source
	Name            string
	Bio             Text
	Created, SeenAt int64
	SourceURL       string
}

// Item is what a question, an answer or a comment becomes: a question a post,
// an answer a root comment of its question's post, a comment on a question a
// root comment, one on an answer a reply to that answer's comment (or to an
// earlier comment there, see ReplyTo).
type Item struct {
	Kind       string
	ID         int64 // at the source
	Parent     int64 // a post's id at the source: an answer's question, a comment's post; 0 for a question
	Author     Author
	Title      string // of a question
	Tags       []string
	Text       Text
	Score      int64 // becomes base_score
	Created    int64
	Edited     int64 // 0: never
	Active     int64
	AcceptedID int64 // the answer's id at the source; 0: none
	SourceURL  string
	Licence    string
}

// TagText is a piece of a tag's description: the excerpt comes first, the wiki
// after it.
type TagText struct {
	Tag     string
	Excerpt bool
	Text    Text
}

// Plan says what the rows of one site become. It holds the site's tag wikis (two
// ids a tag) and nothing that grows with posts or users.
type Plan struct {
	Site *Site
	conv *Converter
	wiki map[int64]TagText // by the id of the post that holds the text
}

// NewPlan makes the plan for a site.
func NewPlan(site *Site) *Plan {
	return &Plan{Site: site, conv: NewConverter(site), wiki: map[int64]TagText{}}
}

// AddTag remembers which posts hold a tag's texts. All tags come before posts.
func (p *Plan) AddTag(t Tag) {
	if t.ExcerptPostID != 0 {
		p.wiki[t.ExcerptPostID] = TagText{Tag: t.Name, Excerpt: true}
	}
	if t.WikiPostID != 0 {
		p.wiki[t.WikiPostID] = TagText{Tag: t.Name}
	}
}

// Member plans a user. A biography that cannot be converted is left out: the
// member stays, and the reason is returned for a note.
func (p *Plan) Member(u User, resolve Resolve) (m Member, note string) {
	m = Member{ID: u.ID, Name: line(u.Name), Created: u.Created, SeenAt: u.LastAccess, SourceURL: p.Site.UserURL(u.ID)}
	if m.Name == "" {
		m.Name = fmt.Sprintf("user%d", u.ID) // what the source shows
	}
	bio, err := p.conv.HTML(u.AboutMe, resolve)
	if err != nil {
		return m, fmt.Sprintf("the biography of user %d was left out: %v", u.ID, err)
	}
	m.Bio = bio
	return m, ""
}

// Post plans a question or an answer. skip is the reason when it is left out.
// For a tag wiki use TagText; here it is a reason as well.
func (p *Plan) Post(post Post, resolve Resolve) (it Item, skip string) {
	switch post.Type {
	case TypeQuestion:
		it = Item{Kind: KindQuestion, Title: line(post.Title), Tags: post.Tags, AcceptedID: post.AcceptedAnswerID, SourceURL: p.Site.QuestionURL(post.ID)}
		if it.Title == "" {
			it.Title = fmt.Sprintf("Question %d", post.ID)
		}
	case TypeAnswer:
		it = Item{Kind: KindAnswer, Parent: post.ParentID, SourceURL: p.Site.AnswerURL(post.ID)}
	default:
		return Item{}, SkipReason(post.Type)
	}
	text, err := p.conv.HTML(post.Body, resolve)
	if err != nil {
		return Item{}, conversionSkip(err)
	}
	if post.Type == TypeQuestion && post.Closed != 0 {
		// The forum has no closed posts, and locking would stop a talk that the
		// members here may want to go on with.
		note := "*Closed on " + p.Site.Name() + " on " + time.UnixMilli(post.Closed).UTC().Format("2 January 2006") + ".*"
		text.Markdown = strings.TrimLeft(text.Markdown+"\n\n---\n\n"+note, "\n")
	}
	it.ID, it.Text, it.Score, it.Licence = post.ID, text, post.Score, post.Licence
	it.Created, it.Edited, it.Active = post.Created, post.Edited, post.Active
	it.Author = author(post.OwnerID, post.OwnerName)
	return it, ""
}

// SkipReason says why a post of this type is neither post nor comment here.
func SkipReason(t PostType) string {
	switch t {
	case TypeTagExcerpt, TypeTagWiki, TypeOrphanedTagWiki:
		return SkipExcerptOrphan
	case TypeNomination:
		return SkipNomination
	case TypeWikiPlaceholder, TypePrivilegeWiki:
		return SkipSitePage
	}
	return SkipUnknownPost
}

// TagText plans a tag wiki (types 4 and 5).
func (p *Plan) TagText(post Post, resolve Resolve) (t TagText, skip string) {
	t, ok := p.wiki[post.ID]
	if !ok {
		return TagText{}, SkipExcerptOrphan
	}
	text, err := p.conv.HTML(post.Body, resolve)
	switch {
	case err != nil:
		return TagText{}, conversionSkip(err)
	case text.Markdown == "":
		return TagText{}, SkipEmptyWiki
	}
	t.Text = text
	return t, ""
}

// Comment plans a comment. Whether its parent was imported is the caller's to
// look up (Parent may be a question or an answer).
func (p *Plan) Comment(c Comment, resolve Resolve) (it Item, skip string) {
	text, err := p.conv.Comment(c.Text, resolve)
	if err != nil {
		return Item{}, conversionSkip(err)
	}
	return Item{
		Kind: KindComment, ID: c.ID, Parent: c.PostID, Text: text, Score: c.Score, Created: c.Created, Active: c.Created,
		Author: author(c.UserID, c.UserName), SourceURL: p.Site.CommentURL(c.ID), Licence: c.Licence,
	}, ""
}

// Duplicate reports whether a link makes PostID a duplicate of RelatedPostID;
// if not, skip is the reason. That both are imported questions is the caller's
// to look up (SkipNotQuestions, SkipNoPost).
func Duplicate(l PostLink) (ok bool, skip string) {
	switch l.Type {
	case linkDuplicate:
		return true, ""
	case linkRelated:
		return false, SkipRelated
	}
	return false, SkipUnknownLink
}

// VoteSkip is why a vote is not written: a score comes with its post, and the
// dump does not say who voted.
func VoteSkip(v Vote, postImported bool) string {
	switch v.Type {
	case 5:
		return SkipBookmark
	case 8, 9:
		return SkipBounty
	case 1, 2, 3:
		if !postImported {
			return SkipVoteGone
		}
		if v.Type == 1 {
			return SkipAcceptance
		}
		return SkipInScore
	}
	return SkipModeration
}

func author(id int64, name string) Author {
	return Author{ID: id, Name: line(name), Deleted: id == 0}
}

// line folds white space, so that a name or a title is one line.
func line(s string) string { return strings.Join(strings.Fields(cleanText(s)), " ") }

func conversionSkip(err error) string {
	if errors.Is(err, ErrTooLarge) {
		return SkipTooLarge
	}
	return SkipNested
}
