package middleware

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
)

// maxHops bounds how much of X-Forwarded-For is looked at.
const maxHops = 32

// visitor is who asks: the address is known at once, the member when the
// session has been looked up. It is one value that outer middleware reads after
// inner middleware has filled it in.
type visitor struct {
	addr   netip.Addr
	member atomic.Int64
}

type visitorKey struct{}

// Visitor puts the address of the client in the context. Forwarding headers
// count only as far as trusted networks vouch for them: beginning with the
// connection itself, each hop that is trusted is replaced by the address that
// it saw, from the right end of X-Forwarded-For to the left. What stands left
// of the first stranger was written by that stranger and is ignored.
func Visitor(next http.Handler, trusted []netip.Prefix) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visitor{addr: clientAddr(r, trusted)}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, v)))
	})
}

// ClientAddr returns the address of the client, unmapped and without zone. It
// is invalid outside of Visitor and for a connection without an IP address.
func ClientAddr(ctx context.Context) netip.Addr {
	if v, _ := ctx.Value(visitorKey{}).(*visitor); v != nil {
		return v.addr
	}
	return netip.Addr{}
}

// SetMember says which member the request's session belongs to, for the limits
// and the request log. It reaches everything that the request has passed.
func SetMember(ctx context.Context, id int64) {
	if v, _ := ctx.Value(visitorKey{}).(*visitor); v != nil {
		v.member.Store(id)
	}
}

// MemberID returns what SetMember said, or 0 for a guest.
func MemberID(ctx context.Context) int64 {
	if v, _ := ctx.Value(visitorKey{}).(*visitor); v != nil {
		return v.member.Load()
	}
	return 0
}

// LimitKey returns the key under which an address is limited: the address, or
// the /64 of an IPv6 one, since that is what one household or one server has.
// All clients without an address share one key.
func LimitKey(addr netip.Addr) string {
	switch {
	case !addr.IsValid():
		return "unknown"
	case addr.Is4():
		return addr.String()
	}
	network, _ := addr.Prefix(64) // 64 bits fit every address that is not IPv4
	return network.String()
}

func clientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	addr := peer(r)
	if len(trusted) == 0 || !contains(trusted, addr) {
		return addr
	}
	lines := r.Header.Values("X-Forwarded-For")
	hops := 0
	for i := len(lines) - 1; i >= 0; i-- {
		rest, entry, more := lines[i], "", true
		for more {
			if hops++; hops > maxHops {
				return addr
			}
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, entry = rest[:comma], rest[comma+1:]
			} else {
				entry, more = rest, false
			}
			hop, ok := parseHop(entry)
			if !ok {
				return addr // "unknown", an obfuscated name, rubbish: the last that is vouched for
			}
			addr = hop
			if !contains(trusted, addr) {
				return addr
			}
		}
	}
	return addr
}

// parseHop reads an entry of X-Forwarded-For; some proxies add the port.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if addr, err := netip.ParseAddr(text); err == nil {
		return plain(addr), true
	}
	if both, err := netip.ParseAddrPort(text); err == nil {
		return plain(both.Addr()), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]")); err == nil {
			return plain(addr), true
		}
	}
	return netip.Addr{}, false
}

// peer returns the other end of the connection.
func peer(r *http.Request) netip.Addr {
	both, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return plain(both.Addr())
}

func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

func contains(networks []netip.Prefix, addr netip.Addr) bool {
	for _, network := range networks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}
