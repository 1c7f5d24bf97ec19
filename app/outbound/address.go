package outbound

import (
	"fmt"
	"net/netip"
	"syscall"
)

// closed are the networks within the space of public addresses that are not the internet's: somebody's own, or a way
// around this list. IPv6 is listed only inside 2000::/3, because nothing else of it is public.
var closed = networks(
	"0.0.0.0/8",         // this host
	"10.0.0.0/8",        // private
	"100.64.0.0/10",     // carrier-grade NAT; some clouds answer about their machines here
	"127.0.0.0/8",       // loopback
	"168.63.129.16/32",  // Azure's host, from within a machine of its
	"169.254.0.0/16",    // link-local; clouds answer with a machine's keys at 169.254.169.254
	"172.16.0.0/12",     // private
	"192.0.0.0/24",      // protocol assignments
	"192.0.2.0/24",      // documentation
	"192.88.99.0/24",    // relays of 6to4
	"192.168.0.0/16",    // private
	"198.18.0.0/15",     // benchmarks
	"198.51.100.0/24",   // documentation
	"203.0.113.0/24",    // documentation
	"224.0.0.0/3",       // multicast, reserved, broadcast
	"2001::/23",         // Teredo, which carries an IPv4 address, and other assignments that are no hosts
	"2001:db8::/32",     // documentation
	"2002::/16",         // 6to4, which carries an IPv4 address
	"3fff::/20",         // documentation
	"2620:4f:8000::/48", // AS112: answers for the names of private addresses
)

var (
	public6 = netip.MustParsePrefix("2000::/3")
)

func networks(list ...string) (all []netip.Prefix) {
	for _, n := range list {
		all = append(all, netip.MustParsePrefix(n))
	}
	return all
}

// Public says whether an address is one of the internet's. One of IPv4 inside one of IPv6 never is, whichever of the forms
// it has (mapped, compatible, NAT64, 6to4, Teredo, ISATAP): where the packet arrives is decided by somebody else.
func Public(a netip.Addr) bool {
	switch {
	case !a.IsValid(), a.Zone() != "", a.Is4In6(), !a.IsGlobalUnicast():
		return false
	case a.Is6() && (!public6.Contains(a) || isatap(a)):
		return false
	}
	for _, n := range closed {
		if n.Contains(a) {
			return false
		}
	}
	return true
}

// isatap is an address whose end is 0:5efe or 200:5efe and an IPv4 address.
func isatap(a netip.Addr) bool {
	b := a.As16()
	return b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

// control is what the dialer asks with the address that it is about to connect to, after every look-up.
func (c *Client) control(network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return &Error{Problem: Forbidden, detail: fmt.Sprintf("%s %q", network, address)}
	}
	if Public(to.Addr()) || c.reach != nil && c.reach(to) {
		return nil
	}
	return &Error{Problem: Forbidden, detail: "an address that is not the internet's"}
}
