package ui

import (
	"context"
	"net/url"
	"strconv"

	"github.com/a-h/templ"
)

// ID is an integer for an address or an attribute.
func ID(id int64) string { return strconv.FormatInt(id, 10) }

// The addresses of things. Slugs, handles and tags hold no character that an address would need to escape, except
// tags, which may.

// PostURL without a slug leads to the address with it.
func PostURL(id int64, slug string) templ.SafeURL {
	if slug == "" {
		return templ.SafeURL("/p/" + ID(id))
	}
	return templ.SafeURL("/p/" + ID(id) + "/" + slug)
}

func ChannelURL(slug string) templ.SafeURL { return templ.SafeURL("/c/" + slug) }

func MemberURL(handle string) templ.SafeURL { return templ.SafeURL("/u/" + handle) }

func TagURL(tag string) templ.SafeURL { return templ.SafeURL("/t/" + url.PathEscape(tag)) }

func CommentURL(id int64) templ.SafeURL { return templ.SafeURL("/comments/" + ID(id)) }

// SignInURL leads to the sign-in page and from there back to path.
func SignInURL(path string) templ.SafeURL {
	return templ.SafeURL("/login?next=" + url.QueryEscape(path))
}

// host is the name of the site that an address is on.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	return u.Host
}

// QuoteAs is the Markdown line above a quotation: who said it, with a link to where.
func QuoteAs(ctx context.Context, handle string, address templ.SafeURL) string {
	if handle == "" {
		return T(ctx, "Somebody [wrote](%s):", string(address))
	}
	return T(ctx, "@%s [wrote](%s):", handle, string(address))
}
