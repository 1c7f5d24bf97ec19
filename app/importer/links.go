package importer

import (
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// RefKind says what a link inside a dump points at.
type RefKind string

// The kinds of things that a link inside the same site can point at.
const (
	RefQuestion RefKind = "question"
	RefAnswer   RefKind = "answer"
	RefComment  RefKind = "comment"
	RefUser     RefKind = "user"
	RefTag      RefKind = "tag"
)

// Ref is the target of a link to the same site. Name is set for tags, ID for
// all others. A /q/ or /questions/ address may hold the id of an answer in the
// wild (the site redirects), so a resolver should look for the id among both.
type Ref struct {
	Kind RefKind
	ID   int64
	Name string
}

// Resolve gives the address of what ref has become here. It answers false when
// the item is not imported, or not yet: the link then keeps pointing at the
// source site, and the Ref is listed in Text.Unresolved so that the item can be
// converted again when everything is in.
type Resolve func(ref Ref) (href string, ok bool)

// Site is the address of the dump's site and the other names it answered to.
type Site struct {
	base  *url.URL
	hosts map[string]bool
}

// NewSite takes the base address (https://bicycles.meta.stackexchange.com).
// The name that child metas had until 2014 (meta.bicycles.stackexchange.com)
// is added by itself; aliases are further host names, such as the site's
// address before it left the beta.
func NewSite(base string, aliases ...string) (*Site, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("read the site's address %q: %w", base, err)
	}
	if (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return nil, fmt.Errorf("read the site's address %q: it must look like https://cooking.stackexchange.com", base)
	}
	u = &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: "/"}
	s := &Site{base: u, hosts: map[string]bool{u.Host: true, "www." + u.Host: true}}
	if sub, ok := strings.CutSuffix(u.Host, ".meta.stackexchange.com"); ok {
		s.hosts["meta."+sub+".stackexchange.com"] = true
	}
	for _, a := range aliases {
		s.hosts[strings.ToLower(a)] = true
	}
	return s, nil
}

// GuessSite derives a site's address from the name of its dump's folder:
// "cooking.stackexchange.com", "cooking-stackexchange" and
// "bicycles-meta-stackexchange" are understood. False when it has no idea.
func GuessSite(dir string) (base string, ok bool) {
	name := strings.ToLower(path.Base(strings.ReplaceAll(strings.TrimRight(dir, `/\`), `\`, "/")))
	if !strings.Contains(name, ".") {
		name = strings.ReplaceAll(name, "-", ".")
		if !strings.HasSuffix(name, ".stackexchange") {
			return "", false
		}
		name += ".com"
	}
	for _, end := range []string{".stackexchange.com", "stackoverflow.com", "serverfault.com", "superuser.com", "askubuntu.com", "mathoverflow.net", "stackapps.com"} {
		if strings.HasSuffix(name, end) {
			return "https://" + name, true
		}
	}
	return "", false
}

// Name is the site's host: the "source" in the keys (source, kind, id) that
// make an import repeatable. Ids collide between sites, so it is part of them.
func (s *Site) Name() string { return s.base.Host }

// QuestionURL, AnswerURL and UserURL are the addresses that the licence asks to
// be kept with an item.
func (s *Site) QuestionURL(id int64) string {
	return s.base.String() + "questions/" + strconv.FormatInt(id, 10)
}

// AnswerURL is the permanent address of an answer.
func (s *Site) AnswerURL(id int64) string { return s.base.String() + "a/" + strconv.FormatInt(id, 10) }

// UserURL is the address of a user's page.
func (s *Site) UserURL(id int64) string {
	return s.base.String() + "users/" + strconv.FormatInt(id, 10)
}

// TagURL is the address of a tag's texts.
func (s *Site) TagURL(tag string) string {
	return s.base.String() + "tags/" + url.PathEscape(tag) + "/info"
}

// CommentURL is the permanent address of a comment; the source redirects it to
// the page and the anchor.
func (s *Site) CommentURL(id int64) string {
	return s.base.String() + "posts/comments/" + strconv.FormatInt(id, 10)
}

// Absolute resolves raw against the site. What no parser understands comes back
// unchanged; our renderer decides later what it makes of it.
func (s *Site) Absolute(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.IsAbs() {
		return raw
	}
	if u.Path == "" && u.Host == "" && u.RawQuery == "" {
		return raw // only a fragment: a place on the same page
	}
	return s.base.ResolveReference(u).String()
}

// Ref tells which item of this site an address points at; false for every
// other address. All the forms of the site's history are known: /questions/1,
// /questions/1/slug, /questions/1/slug/2, …#2, …#comment3_2, /q/1/user, /a/2,
// /posts/1/edit, /users/5/name, /questions/tagged/x, /tags/x/info.
func (s *Site) Ref(raw string) (Ref, bool) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return Ref{}, false
	}
	u = s.base.ResolveReference(u)
	if (u.Scheme != "http" && u.Scheme != "https") || !s.hosts[strings.ToLower(u.Host)] {
		return Ref{}, false
	}
	part := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(part) < 2 {
		return Ref{}, false
	}
	if rest, ok := strings.CutPrefix(u.Fragment, "comment"); ok {
		id, _, _ := strings.Cut(rest, "_")
		if n := positive(id); n != 0 {
			return Ref{Kind: RefComment, ID: n}, true
		}
	}
	id := positive(part[1])
	switch {
	case part[0] == "questions" && part[1] == "tagged" && len(part) == 3 && u.RawQuery == "" && !strings.ContainsAny(part[2], " +"):
		return Ref{Kind: RefTag, Name: part[2]}, true
	case part[0] == "tags" && (len(part) == 2 || len(part) == 3 && part[2] == "info"):
		return Ref{Kind: RefTag, Name: part[1]}, true
	case id == 0:
		return Ref{}, false
	case part[0] == "questions":
		if n := positive(u.Fragment); n != 0 && n != id {
			return Ref{Kind: RefAnswer, ID: n}, true
		}
		if len(part) >= 4 {
			if n := positive(part[3]); n != 0 {
				return Ref{Kind: RefAnswer, ID: n}, true
			}
		}
		return Ref{Kind: RefQuestion, ID: id}, true
	case part[0] == "q" || part[0] == "posts" && len(part) == 2:
		return Ref{Kind: RefQuestion, ID: id}, true
	case part[0] == "a":
		return Ref{Kind: RefAnswer, ID: id}, true
	case part[0] == "users" && len(part) <= 3 && u.RawQuery == "":
		return Ref{Kind: RefUser, ID: id}, true
	}
	return Ref{}, false
}

func positive(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// RewriteLinks makes every link and picture address in a parsed body absolute,
// and gives links within the site the address that resolve knows. It returns
// the targets that resolve did not know. A nil resolve knows none.
func (s *Site) RewriteLinks(root *html.Node, resolve Resolve) (unresolved []Ref) {
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || (n.Data != "a" && n.Data != "img") {
			continue
		}
		for i, a := range n.Attr {
			switch {
			case n.Data == "a" && a.Key == "href":
				href, ref, missing := s.rewrite(a.Val, resolve)
				n.Attr[i].Val = href
				if missing {
					unresolved = append(unresolved, ref)
				}
			case n.Data == "img" && a.Key == "src":
				n.Attr[i].Val = s.Absolute(a.Val)
			}
		}
	}
	return unresolved
}

func (s *Site) rewrite(raw string, resolve Resolve) (href string, ref Ref, missing bool) {
	ref, ok := s.Ref(raw)
	if !ok {
		return s.Absolute(raw), Ref{}, false
	}
	if resolve != nil {
		if href, ok := resolve(ref); ok {
			return href, ref, false
		}
	}
	return s.Absolute(raw), ref, true
}
