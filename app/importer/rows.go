package importer

import (
	"fmt"
	"strings"
)

// PostType is a dump's PostTypeId.
type PostType int64

// The post types of a dump.
const (
	TypeQuestion        PostType = 1
	TypeAnswer          PostType = 2
	TypeOrphanedTagWiki PostType = 3
	TypeTagExcerpt      PostType = 4
	TypeTagWiki         PostType = 5
	TypeNomination      PostType = 6
	TypeWikiPlaceholder PostType = 7
	TypePrivilegeWiki   PostType = 8
)

// The link types of a dump that are known.
const (
	linkRelated   = 1
	linkDuplicate = 3
)

// All times below are milliseconds since 1970 UTC, all ids those of the source.
// 0 means that the dump does not say.

// Post is a row of Posts.xml. Body is HTML, Title plain text.
type Post struct {
	ID, ParentID, AcceptedAnswerID               int64
	Type                                         PostType
	Title, Body                                  string
	Tags                                         []string
	Score, Views                                 int64
	OwnerID                                      int64
	OwnerName                                    string // of a deleted user
	Created, Edited, Active, Closed, CommunityAt int64
	Licence                                      string
}

// Comment is a row of Comments.xml. Text is the Markdown subset of comments.
type Comment struct {
	ID, PostID int64
	Text       string
	Score      int64
	UserID     int64
	UserName   string // of a deleted user
	Created    int64
	Licence    string
}

// User is a row of Users.xml. AboutMe is HTML.
type User struct {
	ID, AccountID              int64
	Name                       string
	AboutMe, Location, Website string
	Reputation                 int64
	Created, LastAccess        int64
}

// Vote is a row of Votes.xml.
type Vote struct{ ID, PostID, Type, UserID, Created, Bounty int64 }

// Tag is a row of Tags.xml.
type Tag struct {
	ID, Count, ExcerptPostID, WikiPostID int64
	Name                                 string
}

// PostLink is a row of PostLinks.xml: PostID names RelatedPostID.
type PostLink struct{ ID, PostID, RelatedPostID, Type, Created int64 }

// Badge is a row of Badges.xml.
type Badge struct {
	ID, UserID, Created int64
	Name                string
}

func parsePost(r Row) (Post, error) {
	f := fields{row: r}
	p := Post{
		ID: f.needNumber("Id"), ParentID: f.number("ParentId"), AcceptedAnswerID: f.number("AcceptedAnswerId"),
		Type: PostType(f.needNumber("PostTypeId")), Title: f.text("Title"), Body: f.text("Body"),
		Score: f.number("Score"), Views: f.number("ViewCount"),
		OwnerID: f.number("OwnerUserId"), OwnerName: f.text("OwnerDisplayName"),
		Created: f.needWhen("CreationDate"), Edited: f.when("LastEditDate"), Active: f.when("LastActivityDate"),
		Closed: f.when("ClosedDate"), CommunityAt: f.when("CommunityOwnedDate"), Licence: f.text("ContentLicense"),
	}
	p.Active = max(p.Active, p.Created)
	if f.err == nil && p.Type == TypeAnswer && p.ParentID == 0 {
		f.err = fmt.Errorf("an answer without a ParentId")
	}
	if f.err == nil {
		p.Tags, f.err = parseTags(f.text("Tags"))
	}
	return p, f.err
}

// parseTags reads <a><b>, as dumps wrote it until 2023, and |a|b|, as they do since.
func parseTags(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	var inner, sep string
	switch {
	case len(s) > 2 && s[0] == '<' && s[len(s)-1] == '>':
		inner, sep = s[1:len(s)-1], "><"
	case len(s) > 2 && s[0] == '|' && s[len(s)-1] == '|':
		inner, sep = s[1:len(s)-1], "|"
	default:
		return nil, fmt.Errorf("Tags is %q, neither <a><b> nor |a|b|", clip(s))
	}
	tags := strings.Split(inner, sep)
	for _, t := range tags {
		if t == "" || strings.ContainsAny(t, "<>| \t\r\n") {
			return nil, fmt.Errorf("Tags is %q: a tag has no name, or a name with a space or a bracket", clip(s))
		}
	}
	return tags, nil
}

func parseComment(r Row) (Comment, error) {
	f := fields{row: r}
	return Comment{
		ID: f.needNumber("Id"), PostID: f.needNumber("PostId"), Text: f.need("Text"), Score: f.number("Score"),
		UserID: f.number("UserId"), UserName: f.text("UserDisplayName"),
		Created: f.needWhen("CreationDate"), Licence: f.text("ContentLicense"),
	}, f.err
}

func parseUser(r Row) (User, error) {
	f := fields{row: r}
	u := User{
		ID: f.needNumber("Id"), AccountID: f.number("AccountId"), Name: f.need("DisplayName"),
		AboutMe: f.text("AboutMe"), Location: f.text("Location"), Website: f.text("WebsiteUrl"),
		Reputation: f.number("Reputation"), Created: f.needWhen("CreationDate"), LastAccess: f.when("LastAccessDate"),
	}
	return u, f.err
}

func parseVote(r Row) (Vote, error) {
	f := fields{row: r}
	return Vote{
		ID: f.needNumber("Id"), PostID: f.needNumber("PostId"), Type: f.needNumber("VoteTypeId"),
		UserID: f.number("UserId"), Created: f.when("CreationDate"), Bounty: f.number("BountyAmount"),
	}, f.err
}

func parseTag(r Row) (Tag, error) {
	f := fields{row: r}
	return Tag{
		ID: f.needNumber("Id"), Name: f.need("TagName"), Count: f.number("Count"),
		ExcerptPostID: f.number("ExcerptPostId"), WikiPostID: f.number("WikiPostId"),
	}, f.err
}

func parsePostLink(r Row) (PostLink, error) {
	f := fields{row: r}
	return PostLink{
		ID: f.needNumber("Id"), PostID: f.needNumber("PostId"), RelatedPostID: f.needNumber("RelatedPostId"),
		Type: f.needNumber("LinkTypeId"), Created: f.when("CreationDate"),
	}, f.err
}

func parseBadge(r Row) (Badge, error) {
	f := fields{row: r}
	return Badge{ID: f.needNumber("Id"), UserID: f.number("UserId"), Name: f.need("Name"), Created: f.when("Date")}, f.err
}
